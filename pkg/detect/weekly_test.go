package detect

import (
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
)

// in puts what was added to a history into an environment.
func (h *history) in(environment string, add func()) {
	from := len(h.events)
	add()
	for i := range h.events[from:] {
		h.events[from+i].Environment = environment
	}
}

// A week is the seven days before the last midnight: what broke or came back a moment before it began, or after it ended, is of another.
func TestWeek(t *testing.T) {
	h := newHistory(1)
	end := monday.Add(28 * day)
	h.life("rows", 0, monday, end.Add(20*time.Hour))
	h.in("dev", func() { h.breaks("crm", "crm", end.Add(-4*day), 2, 6*time.Hour) }) // c1, c2
	h.breaks("crm", "crm", end.Add(-7*day-time.Minute), 1, 0)                       // c3
	h.breaks("crm", "crm", end.Add(-7*day), 1, 0)                                   // c4
	h.breaks("mail", "m", end.Add(-time.Millisecond), 1, 0)                         // c5
	h.events[len(h.events)-1].Cause = nango.Misconfigured
	h.breaks("crm", "crm", end, 1, 0) // c6
	h.again(end.Add(-7*day-time.Millisecond), 3, nango.Active, false)
	h.again(end.Add(-6*day), 4, nango.Reconnected, true)
	h.again(end.Add(-5*day), 4, nango.Failure, false)
	h.again(end.Add(-4*day), 4, nango.Active, false)
	h.put(end.Add(-3*day), nango.UnknownConnection, "", "crm", "ghost", "")
	h.again(end.Add(time.Hour), 6, nango.Active, false)
	d := New(Options{})
	feed(d, h.sorted(), time.Time{})
	week := d.Week(time.Time{})
	for i := range week {
		if week[i].Expected <= 0 || week[i].Expected > 3 {
			t.Errorf("%+v: about one is expected", week[i])
		}
		week[i].Expected = 0
	}
	if want := []Week{{Environment: "dev", Broken: 2, StillBroken: 2}, {Environment: "prod", Broken: 3, Reconnected: 2, StillBroken: 1}}; !reflect.DeepEqual(week, want) {
		t.Errorf("%+v, want %+v", week, want)
	}
	for name, c := range map[string]struct {
		now  time.Time
		want int // of prod
	}{
		"as of now":        {end.Add(20 * time.Hour), 3},
		"later than rows":  {end.Add(90 * day), 3},
		"a moment before":  {end.Add(-time.Millisecond), 3}, // the break a moment before its begin, not the one before its end
		"six days before":  {end.Add(-6 * day), 2},
		"long before rows": {monday.Add(-day), 0},
	} {
		got := 0
		for _, w := range d.Week(c.now) {
			if w.Environment == "prod" {
				got = w.Broken
			}
		}
		if got != c.want {
			t.Errorf("%s: %d broke, want %d", name, got, c.want)
		}
	}
	if got := New(Options{}).Week(end); len(got) > 0 {
		t.Errorf("%+v before the first row", got)
	}
}

// Expected is the sum of what was forecast of each day when it began: about what breaks, and nothing of days without rows.
func TestWeekExpects(t *testing.T) {
	end := monday.Add(35 * day)
	for name, c := range map[string]struct {
		lost float64 // days
		want float64
	}{"all rows": {0, 28 + 70}, "two days lost": {2, (28 + 70) * 5. / 7}} {
		h := newHistory(2)
		h.life("crm", 4, monday, end.Add(time.Hour))
		h.life("mail", 10, monday, end.Add(time.Hour))
		d := New(Options{})
		if from := end.Add(-4 * day); c.lost > 0 {
			to := from.Add(time.Duration(c.lost * float64(day)))
			h.hole(from, to)
			d.Unobserved(from, to)
		}
		feed(d, h.sorted(), time.Time{})
		if got := d.Week(time.Time{})[0].Expected; math.Abs(got-c.want) > .25*c.want {
			t.Errorf("%s: %.1f, want about %.1f", name, got, c.want)
		}
	}
}

// The counts of a week are those of the plain list of what Observe said, with restarts anywhere, and are forgotten after two weeks more.
func TestWeekIsThePlainCount(t *testing.T) {
	few(t, 6)
	kinds := []nango.Kind{nango.Failure, nango.Failure, nango.Active, nango.Reconnected, nango.Deleted}
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(1)
		h.life("rows", 0, monday, monday.Add(33*day))
		for range rapid.IntRange(0, 60).Draw(t, "signs") {
			h.in(rapid.SampledFrom([]string{"prod", "dev"}).Draw(t, "environment"), func() {
				h.again(monday.Add(time.Duration(rapid.IntRange(0, 33*24).Draw(t, "hour"))*time.Hour), rapid.IntRange(1, 9).Draw(t, "connection"), rapid.SampledFrom(kinds).Draw(t, "kind"), true)
			})
		}
		d, stored := New(Options{}), map[string]map[string][]byte{}
		type day2 struct {
			environment string
			day         int64
		}
		broke, back := map[day2]int{}, map[day2]int{}
		stop := rapid.IntRange(5, 300).Draw(t, "stop every")
		for i, e := range h.sorted() {
			d.Row(e.Time)
			d.Advance(e.Due, time.Time{})
			o, at := d.Observe(e, time.Time{}), day2{e.Environment, e.Time.Unix() / 86400}
			if o.New {
				broke[at]++
			}
			if o.Recovered {
				back[at]++
			}
			if i%stop == 0 {
				d.Changes(keep(stored))
				d = restored(t, stored)
			}
		}
		for ago := range int64(14) {
			end := floorDay(d.edge) - ago
			got := map[string][2]int{}
			for _, w := range d.Week(time.Unix(end*86400+7, 0)) {
				got[w.Environment] = [2]int{w.Broken, w.Reconnected}
			}
			for _, environment := range []string{"prod", "dev"} {
				var want [2]int
				for i := end - 7; i < end; i++ {
					want[0] += broke[day2{environment, i}]
					want[1] += back[day2{environment, i}]
				}
				if got[environment] != want {
					t.Fatalf("%s, %d days ago: %v, want %v", environment, ago, got[environment], want)
				}
			}
		}
		for at := range d.week.days {
			if at.day < floorDay(d.edge)-weekDaysKept {
				t.Fatalf("%+v is still there", at)
			}
		}
	})
}
