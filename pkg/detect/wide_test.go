package detect

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// onset is a Monday noon after four weeks: old enough for everything.
var onset = monday.Add(28*day + 12*time.Hour)

// vendor is the family of these tests: what stands before the first dash.
func vendor(provider string) string {
	name, _, found := strings.Cut(provider, "-")
	if !found {
		return ""
	}
	return name
}

// running is a history with rows from four weeks before the onset to so long after it, and without a break.
func running(after time.Duration) *history {
	h := newHistory(1)
	h.life("rows", 0, monday, onset.Add(after))
	return h
}

// lives are the tellings of each provider's incidents in order.
func lives(told []Incident) map[string][]Incident {
	of := map[string][]Incident{}
	for _, in := range told {
		of[in.Provider] = append(of[in.Provider], in)
	}
	return of
}

func last(told []Incident) Incident {
	if len(told) == 0 {
		return Incident{}
	}
	return told[len(told)-1]
}

// Two providers of one family that begin within an hour are one incident, told by the first; an hour and more apart, of two vendors, or of two
// environments they are two.
func TestFamilyIsOneIncident(t *testing.T) {
	for _, c := range []struct {
		second string
		apart  time.Duration
		one    bool
	}{
		{"google-calendar", 0, true}, {"google-calendar", 55 * time.Minute, true}, {"google-calendar", 65 * time.Minute, false},
		{"slack-bot", 5 * time.Minute, false}, {"google", 5 * time.Minute, false},
	} {
		h := running(40 * time.Hour)
		h.breaks("google-mail", "m", onset, 8, time.Second)
		h.breaks(c.second, "c", onset.Add(c.apart), 8, time.Second)
		told := lives(feed(New(Options{Family: vendor}), h.sorted(), time.Time{}))
		first, second := told["google-mail"], told[c.second]
		if count(first, StatusOpen) != 1 || count(second, StatusOpen) != 1 {
			t.Fatalf("%+v: %v and %v", c, statuses(first), statuses(second))
		}
		want, scope := "", "provider"
		if c.one {
			want, scope = first[0].ID, "family"
		}
		for _, in := range second {
			if in.Parent != want {
				t.Errorf("%+v: the second has parent %q at its %s, want %q", c, in.Parent, in.Status, want)
			}
		}
		end := last(first)
		if end.Scope != scope || end.ID != first[0].ID || end.Parent != "" || end.Status != StatusResolved {
			t.Errorf("%+v: the first ends as %s of scope %s, parent %q", c, end.Status, end.Scope, end.Parent)
		}
		if c.one && end.Integration != "" {
			t.Errorf("%+v: a family names the integration %q", c, end.Integration)
		}
	}
}

func TestFamilyKeepsToItsEnvironment(t *testing.T) {
	h := running(time.Hour)
	h.breaks("google-mail", "m", onset, 8, time.Second)
	h.breaks("google-calendar", "c", onset, 8, time.Second)
	for i := range h.events {
		if h.events[i].Provider == "google-calendar" {
			h.events[i].Environment = "dev"
		}
	}
	for _, in := range feed(New(Options{Family: vendor}), h.sorted(), time.Time{}) {
		if in.Parent != "" || in.Scope == "family" {
			t.Fatalf("%s of %s has scope %s and parent %q", in.Provider, in.Environment, in.Scope, in.Parent)
		}
	}
}

// The first of a family becomes worse by widening, which is told once, and says what else broke.
func TestFamilyIsToldOnce(t *testing.T) {
	h := running(40 * time.Hour)
	h.breaks("google-mail", "m", onset, 3, time.Second)
	h.breaks("google-calendar", "c", onset.Add(20*time.Minute), 3, time.Second)
	h.breaks("google-drive", "d", onset.Add(40*time.Minute), 3, time.Second)
	lead := lives(feed(New(Options{Family: vendor}), h.sorted(), time.Time{}))["google-mail"]
	loud := 0
	for i, in := range lead {
		if i > 0 && in.Milestone != lead[i-1].Milestone {
			loud++
		}
	}
	if loud != 2 || lead[0].Milestone != 1 { // the widening, the resolve
		t.Errorf("%d loud changes after opening, want 2: %v", loud, statuses(lead))
	}
	text := ""
	for _, in := range lead {
		if in.Status == StatusUpdate {
			text = strings.Join(in.Explanation, "; ")
		}
	}
	for _, want := range []string{"also google-calendar: 3 broke", "also google-drive: 3 broke"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
}

// The first of a family stays open until the last of it is over, and resolves with it.
func TestFamilyResolvesWithItsLastPart(t *testing.T) {
	h := running(100 * time.Hour)
	h.breaks("google-mail", "m", onset, 8, time.Second)
	h.breaks("google-calendar", "c", onset.Add(10*time.Minute), 40, 59*time.Minute)
	told := feed(New(Options{Family: vendor}), h.sorted(), time.Time{})
	of := lives(told)
	lead, part := last(of["google-mail"]), last(of["google-calendar"])
	if lead.Status != StatusResolved || part.Status != StatusResolved || !lead.Time.Equal(part.Time) || lead.Time.Sub(onset) < 40*time.Hour {
		t.Errorf("the first is %s %v after the onset, the second %s after %v", lead.Status, lead.Time.Sub(onset), part.Status, part.Time.Sub(onset))
	}
	if n := count(of["google-mail"], StatusResolved); n != 1 {
		t.Errorf("resolved %d times", n)
	}
	if last(told).ID != lead.ID {
		t.Error("the part ends after what it is part of")
	}
}

// everybody breaks n connections of each of k providers within minutes.
func (h *history) everybody(at time.Time, k, n int) {
	for i := range k {
		name := fmt.Sprintf("p%02d", i)
		h.breaks(name, name, at.Add(time.Duration(i)*time.Second), n, time.Minute)
	}
}

// Where all providers rise at once, each too little for itself, one incident opens that is of none; what opens later is part of it.
func TestAllAtOnceIsOneIncident(t *testing.T) {
	h := running(60 * time.Hour)
	h.everybody(onset.Add(time.Minute), 10, 2)
	h.breaks("p03", "p03", onset.Add(2*time.Hour), 10, time.Minute)
	h.breaks("stranger", "s", onset.Add(5*time.Hour), 8, time.Minute)
	h.breaks("later", "l", onset.Add(9*time.Hour), 8, time.Minute)
	of := lives(feed(New(Options{}), h.sorted(), time.Time{}))
	all := of[""]
	if count(all, StatusOpen) != 1 || count(all, StatusResolved) != 1 || last(all).Status != StatusResolved {
		t.Fatalf("all: %v", statuses(all))
	}
	first := all[0]
	if first.Scope != "all" || first.Parent != "" || first.Environment != "prod" || first.Cause != "revoked" || first.Signal != Revocations || first.Status != StatusOpen || first.Revision != 1 {
		t.Errorf("opened as %+v", first)
	}
	if late := first.Time.Sub(onset); late != 10*time.Minute {
		t.Errorf("opened %v after the onset, not at the first edge", late)
	}
	if first.Observed != 20 || len(first.Connections) != 20 || first.WindowSeconds != 3600 || first.Expected <= 0 || first.Expected > 1 || !first.Since.Equal(onset.Add(time.Minute)) {
		t.Errorf("%d of %.2f in %d s since %v, %d connections", first.Observed, first.Expected, first.WindowSeconds, first.Since, len(first.Connections))
	}
	if !strings.HasPrefix(first.Explanation[0], "10 of 10 providers rise in the same hour") {
		t.Errorf("explained as %q", first.Explanation)
	}
	for _, name := range []string{"p03", "stranger"} {
		if in := of[name]; count(in, StatusOpen) != 1 || in[0].Parent != first.ID || last(in).Parent != first.ID {
			t.Errorf("%s: %v, parent %q, want %q", name, statuses(in), last(in).Parent, first.ID)
		}
	}
	if in := of["later"]; count(in, StatusOpen) != 1 || in[0].Parent != "" {
		t.Errorf("nine hours later: %v, parent %q", statuses(in), last(in).Parent)
	}
	if end := last(of["stranger"]); !last(all).Time.Equal(end.Time) {
		t.Errorf("resolved at %v, the last part at %v", last(all).Time, end.Time)
	}
}

// Where the series are of several environments, that is said of each that is named, also of an incident that one of them began.
func TestAllAtOnceInSeveralEnvironments(t *testing.T) {
	for before, lead := range map[int]string{0: "", 8: "p00"} {
		h := running(20 * time.Hour)
		h.breaks("p00", "p00", onset.Add(-20*time.Minute), before, time.Second)
		h.everybody(onset, 6, 1)
		h.in("dev", func() { h.everybody(onset.Add(20*time.Second), 6, 2) })
		var wide Incident
		for _, in := range feed(New(Options{}), h.sorted(), time.Time{}) {
			if in.Scope == "all" && wide.Scope == "" {
				wide = in
			}
		}
		if wide.Provider != lead || len(wide.Explanation) == 0 || !strings.Contains(wide.Explanation[0], "12 of 12 providers rise") || !strings.Contains(wide.Explanation[0], "p01 in dev (2)") {
			t.Errorf("%d before: of %q, %q", before, wide.Provider, wide.Explanation)
		}
		if fmt.Sprint(wide.Environments) != "[dev prod]" {
			t.Errorf("%d before: in %q", before, wide.Environments)
		}
	}
}

// Without any part the incident of all ends six hours after the hour in which all rose.
func TestAllAtOnceEndsByItself(t *testing.T) {
	h := running(20 * time.Hour)
	h.everybody(onset, 8, 1)
	all := feed(New(Options{}), h.sorted(), time.Time{})
	if fmt.Sprint(statuses(all)) != "[open resolved]" {
		t.Fatalf("%v", statuses(all))
	}
	if end := all[1].Time.Sub(onset); end != 7*time.Hour || all[1].ResolvedAt.IsZero() || all[1].Milestone != all[0].Milestone+1 {
		t.Errorf("%+v: ended %v after the onset", all[1], end)
	}
}

// All that rise again within three days of the end are the same incident, told again only when it is worse; later it is another.
func TestAllAtOnceAgain(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		k     int
		same  bool
		loud  bool
	}{{40 * time.Hour, 8, true, false}, {40 * time.Hour, 16, true, true}, {90 * time.Hour, 8, false, true}} {
		h := running(120 * time.Hour)
		h.everybody(onset, 8, 1)
		h.everybody(onset.Add(c.after), c.k, 1)
		d := New(Options{})
		all := feed(d, h.sorted(), time.Time{})
		if len(all) != 4 || fmt.Sprint(statuses(all[:2])) != "[open resolved]" || all[3].Status != StatusResolved {
			t.Fatalf("%v after: %v", c.after, statuses(all))
		}
		again, end := all[2], all[3]
		if same := again.ID == all[0].ID; same != c.same || (again.Status == StatusReopened) != c.same {
			t.Errorf("%v after: %s, the same: %v", c.after, again.Status, same)
		}
		if loud := again.Milestone > all[1].Milestone || !c.same; loud != c.loud || again.Since.Before(onset.Add(c.after)) || !again.ResolvedAt.IsZero() {
			t.Errorf("%v after, %d rise: milestone %d after %d, since %v", c.after, c.k, again.Milestone, all[1].Milestone, again.Since)
		}
		if want := 8 + c.k; c.same && (end.Affected != want || end.Remaining.Broken != want || end.Revision != 4 || len(d.members) != 1) {
			t.Errorf("%v after: %d, %+v, revision %d", c.after, end.Affected, end.Remaining, end.Revision)
		}
	}
}

// Connections whose rows never say why count hours after their first failure: where that lies in the rise of all they are part of it, as long as it goes on.
func TestAllAtOnceAdoptsWhatShowsLater(t *testing.T) {
	for first, part := range map[time.Duration]bool{0: true, 15 * time.Hour: false} {
		h := running(60 * time.Hour)
		h.everybody(onset, 10, 2)
		h.breaks("crm", "c", onset.Add(2*time.Hour), 8, time.Second)
		for i := range 30 {
			h.put(onset.Add(time.Duration(i)*time.Hour), nango.Failure, "calm", "calm", fmt.Sprint(i), "") // reasons are said as a rule
			h.events[len(h.events)-1].Cause, h.events[len(h.events)-1].Type, h.events[len(h.events)-1].OperationID = nango.Other, "x", "o"
			for _, after := range []time.Duration{0, 5 * time.Hour, 10 * time.Hour} {
				h.put(onset.Add(first+after+time.Duration(i)*time.Second), nango.Failure, "github", "g", fmt.Sprint("g", i), "")
				h.events[len(h.events)-1].Cause = nango.Unknown
			}
		}
		of := lives(feed(New(Options{Unknown: window.UnknownConfirm}), h.sorted(), time.Time{}))
		late, all := of["github"], of[""]
		if len(late) == 0 || late[0].Time.Sub(onset) < first+10*time.Hour || count(all, StatusOpen) != 1 {
			t.Fatalf("%v: %v, %v", first, statuses(late), statuses(all))
		}
		if got := late[0].Parent == all[0].ID; got != part {
			t.Errorf("%v after: part of all: %v", first, got)
		}
		if want := 28 + map[bool]int{true: 30}[part]; last(all).Affected != want {
			t.Errorf("%v after: %d, want %d", first, last(all).Affected, want)
		}
	}
}

// One provider's incident that opened within the hour before all rose is widened in place: no second one is told.
func TestAllAtOnceWidensWhatWasThere(t *testing.T) {
	for before, widened := range map[time.Duration]bool{20 * time.Minute: true, 50 * time.Minute: true, 90 * time.Minute: false} {
		h := running(60 * time.Hour)
		h.breaks("mail", "m", onset.Add(-before), 8, time.Second)
		h.breaks("crm", "c", onset.Add(-before+5*time.Minute), 8, time.Second)
		h.everybody(onset.Add(time.Minute), 10, 1)
		of := lives(feed(New(Options{}), h.sorted(), time.Time{}))
		lead, part := of["mail"], of["crm"]
		if !widened {
			if last(lead).Scope != "provider" || count(of[""], StatusOpen) != 1 || last(part).Parent != "" {
				t.Errorf("%v before: scope %s, parent %q, %v", before, last(lead).Scope, last(part).Parent, statuses(of[""]))
			}
			continue
		}
		if len(of[""]) > 0 || last(lead).Scope != "all" || last(lead).ID != lead[0].ID || last(lead).Provider != "mail" || last(lead).Parent != "" {
			t.Errorf("%v before: %v beside, the first ends with scope %s", before, statuses(of[""]), last(lead).Scope)
		}
		if part[0].Parent != "" || last(part).Parent != lead[0].ID {
			t.Errorf("%v before: the second has parent %q, then %q", before, part[0].Parent, last(part).Parent)
		}
		i := slices.IndexFunc(lead, func(in Incident) bool { return in.Scope == "all" })
		if i < 1 || lead[i].Milestone != lead[i-1].Milestone+1 || lead[i].WindowSeconds != 3600 || lead[i].Observed < 10 {
			t.Errorf("%v before: the widening is not told: %+v", before, lead[max(i, 0)])
		}
		if count(lead, StatusOpen) != 1 || count(lead, StatusResolved) != 1 {
			t.Errorf("%v before: %v", before, statuses(lead))
		}
	}
}

// A small rise of three days that happens to open in the hour before all rise is another matter: that of all begins when all rose, and counts
// what broke with it.
func TestAllAtOnceBeginsWithItself(t *testing.T) {
	h := running(40 * time.Hour)
	h.breaks("mail", "m", onset.Add(-68*time.Hour), 2, 30*time.Hour)
	h.breaks("mail", "m", onset.Add(-10*time.Minute), 1, 0)
	h.everybody(onset, 10, 2)
	of := lives(feed(New(Options{Budget: 20 * day}), h.sorted(), time.Time{}))
	lead, all := of["mail"], of[""]
	if count(lead, StatusOpen) != 1 || onset.Sub(lead[0].Time) > time.Hour || onset.Sub(lead[0].Since) < 60*time.Hour {
		t.Fatalf("%v at %v, since %v", statuses(lead), lead[0].Time, lead[0].Since)
	}
	if count(all, StatusOpen) != 1 {
		t.Fatalf("%v", statuses(all))
	}
	if all[0].Since.Before(onset.Add(-time.Hour)) || last(lead).Scope == "all" || last(lead).Parent != all[0].ID {
		t.Errorf("%v since %v; the other has scope %s, parent %q", statuses(all), all[0].Since, last(lead).Scope, last(lead).Parent)
	}
	if end := last(all); end.Affected != 21 {
		t.Errorf("%d", end.Affected)
	}
}

// What was too old to be told adopts nothing that people must hear of.
func TestPastLeadAdoptsNothingFresh(t *testing.T) {
	h := running(3 * time.Hour)
	h.breaks("google-mail", "m", onset, 8, time.Second)
	h.breaks("google-calendar", "c", onset.Add(40*time.Minute), 8, time.Second)
	for wall, adopted := range map[time.Duration]bool{0: true, 24 * time.Hour: true, 6*time.Hour + 20*time.Minute: false} { // told in time; both too late; only the second in time
		of := lives(feed(New(Options{Family: vendor}), h.sorted(), onset.Add(wall)))
		first, second := of["google-mail"][0], of["google-calendar"][0]
		if got := second.Parent == first.ID; got != adopted {
			t.Errorf("%v after: the first is past: %v, the second: %v, adopted: %v", wall, first.Past, second.Past, got)
		}
	}
}

// The same for all: a past incident of all, or of one provider before all rose, does not keep a fresh one quiet.
func TestPastIncidentOfAllAdoptsNothingFresh(t *testing.T) {
	h := running(8 * time.Hour)
	h.everybody(onset, 8, 1)
	h.breaks("crm", "c", onset.Add(5*time.Hour), 8, time.Second)
	for wall, adopted := range map[time.Duration]bool{0: true, 24 * time.Hour: true, 7 * time.Hour: false} {
		of := lives(feed(New(Options{}), h.sorted(), onset.Add(wall)))
		all, fresh := of[""][0], of["crm"][0]
		if got := fresh.Parent == all.ID; got != adopted {
			t.Errorf("%v after: that of all is past: %v, the other: %v, adopted: %v", wall, all.Past, fresh.Past, got)
		}
	}
}

// A family within a rise of all: the incident of all ends with its last part, also when that is part of a part.
func TestAllEndsAfterThePartsOfItsParts(t *testing.T) {
	h := running(100 * time.Hour)
	h.breaks("crm", "crm", onset.Add(-20*time.Minute), 8, time.Second)
	h.breaks("google-mail", "m", onset.Add(-15*time.Minute), 8, time.Second)
	h.breaks("google-calendar", "c", onset.Add(-14*time.Minute), 8, time.Second)
	h.breaks("google-calendar", "c", onset.Add(time.Hour), 40, 59*time.Minute)
	h.everybody(onset, 8, 1)
	h.breaks("crm", "crm", onset.Add(3*time.Hour), 1, 0)
	of := lives(feed(New(Options{Family: vendor}), h.sorted(), time.Time{}))
	all, part := last(of["crm"]), last(of["google-calendar"])
	if all.Scope != "all" || last(of["google-mail"]).Parent != all.ID || part.Parent != last(of["google-mail"]).ID {
		t.Fatalf("scope %s, parents %q and %q", all.Scope, last(of["google-mail"]).Parent, part.Parent)
	}
	if all.Status != StatusResolved || !all.Time.Equal(part.Time) || count(of["crm"], StatusResolved) != 1 {
		t.Errorf("all ended %v after the onset, google-mail %v, its last part %v", all.Time.Sub(onset), last(of["google-mail"]).Time.Sub(onset), part.Time.Sub(onset))
	}
}

// All rise again while the incident of all waits for its last part.
func TestAllRiseAgainWhileAPartIsOpen(t *testing.T) {
	h := running(60 * time.Hour)
	h.everybody(onset, 12, 1)
	h.breaks("crm", "crm", onset.Add(time.Hour), 8, time.Second)
	h.everybody(onset.Add(24*time.Hour+30*time.Minute), 11, 1)
	of := lives(feed(New(Options{}), h.sorted(), time.Time{}))
	if all, part := of[""], last(of["crm"]); count(all, StatusOpen) != 1 || count(all, StatusResolved) != 1 || last(all).Time.Sub(onset) != 31*time.Hour+30*time.Minute || part.Parent != all[0].ID {
		t.Errorf("%v; the last %v after the onset, its part %v", statuses(all), last(all).Time.Sub(onset), part.Time.Sub(onset))
	}
}

// One provider's incident that was too old to be told does not stand for a rise of all that is not.
func TestPastLeadDoesNotStandForAll(t *testing.T) {
	h := running(2 * time.Hour)
	h.breaks("crm", "c", onset.Add(-50*time.Minute), 8, time.Second)
	h.everybody(onset, 8, 1)
	for wall, own := range map[time.Duration]bool{0: false, 24 * time.Hour: false, 5*time.Hour + 30*time.Minute: true} {
		of := lives(feed(New(Options{}), h.sorted(), onset.Add(wall)))
		if got := count(of[""], StatusOpen) == 1; got != own || own && (of[""][0].Past || !of["crm"][0].Past) {
			t.Errorf("%v after: %v of its own, crm has scope %s", wall, statuses(of[""]), last(of["crm"]).Scope)
		}
	}
}

// spreading is a history with a family, all at once on top, and a second wave.
func spreading() []nango.Event {
	h := running(80 * time.Hour)
	for _, name := range []string{"p00", "p01", "p02", "crm"} {
		h.life(name, 2, monday, onset.Add(80*time.Hour))
	}
	h.breaks("google-mail", "m", onset, 8, time.Minute)
	h.breaks("google-calendar", "c", onset.Add(10*time.Minute), 8, time.Minute)
	h.everybody(onset.Add(31*time.Minute), 12, 4)
	h.breaks("crm", "crm", onset.Add(3*time.Hour), 20, 20*time.Minute)
	h.everybody(onset.Add(60*time.Hour), 12, 1)
	return h.sorted()
}

// Wherever the process is stopped while several series rise, the same is told.
func TestRestartWhileAllRise(t *testing.T) {
	events, o := spreading(), Options{Family: vendor}
	begin, _ := slices.BinarySearchFunc(events, onset, func(e nango.Event, at time.Time) int { return cmp.Or(e.Due.Compare(at), 1) })
	d, stored := New(o), map[string]map[string][]byte{}
	feed(d, events[:begin], time.Time{})
	d.Changes(keep(stored))
	want := lives(feed(d, events[begin:], time.Time{}))
	if count(want[""], StatusOpen)+count(want["google-mail"], StatusOpen) != 2 || last(want["google-mail"]).Scope != "all" || last(want["google-calendar"]).Parent != want["google-mail"][0].ID {
		t.Fatalf("the story holds too little: %v; %v", statuses(want[""]), statuses(want["google-mail"]))
	}
	for _, every := range []int{1, 41} {
		kept := map[string]map[string][]byte{}
		for bucket, values := range stored {
			for key, value := range values {
				keep(kept)(bucket, key, value)
			}
		}
		var told []Incident
		d := New(o)
		for i, e := range events[begin:] {
			if i%every == 0 && (every > 1 || i < 12) {
				if i > 0 {
					d.Changes(keep(kept))
				}
				d = New(o)
				for bucket, values := range kept {
					for key, value := range values {
						if err := d.Restore(bucket, key, value); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			told = append(told, feed(d, []nango.Event{e}, time.Time{})...)
		}
		got := lives(told)
		for name, in := range want {
			if !reflect.DeepEqual(got[name], in) {
				t.Errorf("stopped every %d events, %q:\n%+v\nwant\n%+v", every, name, got[name], in)
			}
		}
	}
}

// A second wave within three days: what rises with the re-opened incident is part of it.
func TestSecondWaveIsOneIncidentToo(t *testing.T) {
	h := running(120 * time.Hour)
	for _, at := range []time.Time{onset, onset.Add(48 * time.Hour)} {
		h.breaks("crm", "crm", at.Add(-20*time.Minute), 20, time.Second)
		h.breaks("mail", "m", at.Add(-15*time.Minute), 20, time.Second)
		h.everybody(at, 8, 1)
	}
	h.breaks("new", "n", onset.Add(48*time.Hour-10*time.Minute), 20, time.Second)
	of := lives(feed(New(Options{}), h.sorted(), time.Time{}))
	lead := of["crm"]
	if last(lead).Scope != "all" || len(of[""]) > 0 {
		t.Errorf("scope %s", last(lead).Scope)
	}
	for _, name := range []string{"mail", "new"} {
		if got := last(of[name]); got.Parent != lead[0].ID {
			t.Errorf("%s has parent %q, want %q", name, got.Parent, lead[0].ID)
		}
	}
}
