package detect

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

func TestAgeClass(t *testing.T) {
	for age, want := range map[time.Duration]string{
		-time.Hour: "", 0: "under a day", day: "1 to 6 days", 6*day + 12*time.Hour - time.Millisecond: "1 to 6 days", 6*day + 12*time.Hour: aboutSevenDays, 7 * day: aboutSevenDays,
		8 * day: "8 to 30 days", 30 * day: "1 to 3 months", 91 * day: "3 to 6 months", 183 * day: "over 6 months", 10_000 * day: "over 6 months",
	} {
		if got := ageClass(&window.Break{Time: onset, Created: onset.Add(-age).UnixMilli()}); got != want {
			t.Errorf("%v: %q, want %q", age, got, want)
		}
	}
	if got := ageClass(&window.Break{Time: onset}); got != "" {
		t.Errorf("not known: %q", got)
	}
}

// A break weighs half after four weeks, and one break is forgotten after twelve.
func TestMixFades(t *testing.T) {
	var m mix
	m.teach(100, broken("8 a - r - -"))
	if got := m.usual(byReason, "r", 128); got != (usual{4, 4}) {
		t.Errorf("after 28 days %+v", got)
	}
	m.teach(128, broken("4 b - r - -", "1 c - s - -"))
	if a, b := m.usual(byIntegration, "a", 128), m.usual(byIntegration, "b", 128); a != (usual{4, 9}) || b != (usual{4, 9}) {
		t.Errorf("%+v, %+v", a, b)
	}
	m.teach(128+mixHalf*3-1, broken("1 d - r - -"))
	if got := m.usual(byIntegration, "c", 128+mixHalf*3-1).had; got == 0 {
		t.Error("forgotten a day early")
	}
	m.teach(128+mixHalf*3+1, broken("1 d - r - -"))
	if got := m.usual(byIntegration, "c", 128+mixHalf*3+1).had; got != 0 {
		t.Errorf("%v after more than 84 days", got)
	}
}

// However many values there are, 32 are told apart, and nothing that was taught is lost from the sum.
func TestMixIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m mix
		exact := map[string]float64{}
		today := int64(1000)
		for range rapid.IntRange(1, 6).Draw(t, "days") {
			today++
			var breaks []window.Break
			for range rapid.IntRange(0, 200).Draw(t, "breaks") {
				account := fmt.Sprint("a", rapid.IntRange(0, 90).Draw(t, "account"))
				breaks = append(breaks, window.Break{Account: account, Integration: "i"})
			}
			by := m.discount(today)
			for a := range exact {
				exact[a] *= by
			}
			for _, b := range breaks {
				exact[b.Account]++
			}
			m.teach(today, breaks)
		}
		list := m.Of[byAccount].List
		if len(list) > mixValues || !slices.IsSortedFunc(list, func(a, b weight) int { return strings.Compare(a.Value, b.Value) }) {
			t.Fatalf("%d values: %v", len(list), list)
		}
		sum := 0.0
		least := 1e9
		for _, x := range list {
			least = min(least, x.Weight)
		}
		if u := m.usual(byAccount, "never", today); u.had > least || m.Of[byAccount].Rest == 0 && u.had > 0 || m.Of[byAccount].Rest >= least && u.had < least {
			t.Fatalf("what is not told apart: %v, the least %v", u.had, least)
		}
		for a, n := range exact {
			sum += n
			if u := m.usual(byAccount, a, today); u.had > u.of+1e-9 {
				t.Fatalf("%s: %+v", a, u)
			}
		}
		if u := m.usual(byAccount, "", today); math.Abs(u.of-sum) > 1e-6*(1+sum) {
			t.Fatalf("%v of %v", u.of, sum)
		}
		var s series
		if err := s.restoreMix(encode(m)); err != nil || !reflect.DeepEqual(s.mix.usual(byAccount, "a1", today+9), m.usual(byAccount, "a1", today+9)) {
			t.Fatalf("restored %+v of %+v: %v", s.mix, m, err)
		}
	})
}

// A day teaches four days later. What broke in a burst, masked or not, does not, nor the first two days.
func TestOnlyTheUsualTeaches(t *testing.T) {
	h := newHistory(4)
	end := monday.Add(50 * day)
	h.life("crm", 2, monday, end)
	burst := newHistory(4)
	burst.life("crm", 2, monday, end)
	burst.breaks("crm", "crm-burst", monday.Add(30*day+10*time.Hour), 8, time.Minute)     // an incident
	burst.breaks("crm", "crm-burst", monday.Add(40*day+10*time.Hour), 60, 30*time.Second) // that is masked, too
	quiet, loud := New(Options{}), New(Options{})
	feed(quiet, h.sorted(), time.Time{})
	told := feed(loud, burst.sorted(), time.Time{})
	if count(told, StatusOpen) != 2 {
		t.Fatalf("%v", statuses(told))
	}
	today := floorDay(loud.edge)
	if got := loud.order[0].mix.usual(byIntegration, "crm-burst", today); got.had != 0 || got.of < 20 {
		t.Errorf("%+v", got)
	}
	if a, b := quiet.order[0].mix.total(today), loud.order[0].mix.total(today); a < b || b < a-8 { // ordinary breaks while an incident was open
		t.Errorf("%v breaks teach without the bursts, %v with them", a, b)
	}
	if got := quiet.order[0].mix.Day; got > today-mixDelay || got < today-mixDelay-3 {
		t.Errorf("day %d taught last, today is %d", got, today)
	}
}

// The first two days of a series hold what was broken long before.
func TestFirstDaysTeachNoMix(t *testing.T) {
	h := newHistory(5)
	h.breaks("crm", "crm", monday.Add(time.Hour), 40, time.Minute)
	h.breaks("crm", "crm", monday.Add(3*day), 1, 0)
	h.life("crm", 0, monday, monday.Add(9*day))
	d := New(Options{})
	feed(d, h.sorted(), time.Time{})
	if got := d.order[0].mix.usual(byReason, "invalid_grant", d.order[0].mix.Day); got != (usual{1, 1}) {
		t.Errorf("%+v", got)
	}
}

// Of one day, what broke in a masked slot, before or while an incident was open does not teach; each for itself.
func TestWhatDoesNotTeach(t *testing.T) {
	today := int64(20_000)
	learned := today - mixDelay
	at := window.SlotTime(learned*slotsPerDay + 60)
	for name, c := range map[string]struct {
		spoil func(*series)
		had   float64
	}{
		"usual":             {func(*series) {}, 1},
		"masked":            {func(s *series) { s.ring.Mask(learned*slotsPerDay + 60) }, 0},
		"masked beside":     {func(s *series) { s.ring.Mask(learned*slotsPerDay + 61) }, 1},
		"in an incident":    {func(s *series) { s.begins("x", at.Add(-time.Hour)); s.ends(learned*slotsPerDay+70, 0) }, 0},
		"after an incident": {func(s *series) { s.begins("x", at.Add(-9*time.Hour)); s.ends(learned*slotsPerDay+50, 0) }, 1},
		"since the onset":   {func(s *series) { s.incident = &tracked{Onset: learned*slotsPerDay + 60} }, 0},
		"before the onset":  {func(s *series) { s.incident = &tracked{Onset: learned*slotsPerDay + 61} }, 1},
		"resolved before": {func(s *series) {
			s.incident = &tracked{Onset: learned * slotsPerDay, Incident: Incident{ResolvedAt: at}}
		}, 1},
		"too old":             {func(s *series) { s.mix.Day = learned }, 0},
		"in its first days":   {func(s *series) { s.first = learned * slotsPerDay }, 0},
		"before its last day": {func(s *series) { s.first = (learned - 2) * slotsPerDay }, 1},
	} {
		s := newSeries(key{Revocations, "prod", "crm", "revoked"}, 0)
		s.add(nango.Event{Kind: nango.Failure, Cause: nango.Revoked, Time: at, Integration: "crm", Connection: "c"}, window.SlotOf(at), time.Time{}, 0)
		s.ring.Move(today * slotsPerDay)
		c.spoil(s)
		New(Options{}).teachMix(s, today)
		if got := s.mix.usual(byIntegration, "crm", learned); got.had != c.had {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
