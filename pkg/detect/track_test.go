package detect

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// The life of one incident on a visible clock: at each step so many connections break, then hours pass with or without rows, and the series is
// in a state. Its level is that of 21 quiet days.
func TestLifeOfAnIncident(t *testing.T) {
	type step struct {
		breaks int
		hours  int
		rows   bool
		want   string // state afterwards
		told   []Status
	}
	for name, story := range map[string][]step{
		"too few":                       {{2, 30, true, StateQuiet, nil}},
		"opens, rests a day, is over":   {{8, 1, true, StateOpen, []Status{StatusOpen, StatusUpdate}}, {0, 21, true, StateOpen, nil}, {0, 4, true, StateQuiet, []Status{StatusResolved}}},
		"goes on":                       {{8, 1, true, StateOpen, []Status{StatusOpen, StatusUpdate}}, {3, 20, true, StateOpen, []Status{StatusUpdate}}, {1, 20, true, StateOpen, []Status{StatusUpdate}}, {0, 26, true, StateQuiet, []Status{StatusResolved}}},
		"silence does not end it":       {{8, 1, true, StateOpen, []Status{StatusOpen, StatusUpdate}}, {0, 400, false, StateOpen, nil}, {0, 20, true, StateOpen, nil}, {0, 5, true, StateQuiet, []Status{StatusResolved}}},
		"re-opens within three days":    {{8, 30, true, StateQuiet, []Status{StatusOpen, StatusUpdate, StatusResolved}}, {0, 40, true, StateQuiet, nil}, {6, 1, true, StateOpen, []Status{StatusReopened, StatusUpdate}}},
		"is a new one after three days": {{8, 30, true, StateQuiet, []Status{StatusOpen, StatusUpdate, StatusResolved}}, {0, 73, true, StateQuiet, nil}, {6, 1, true, StateOpen, []Status{StatusOpen, StatusUpdate}}},
	} {
		d, h := New(Options{}), newHistory(1)
		h.life("a", 0, monday, monday.Add(21*day))
		feed(d, h.sorted(), time.Time{})
		now := monday.Add(21 * day)
		for i, s := range story {
			h := newHistory(uint64(i + 2))
			h.next = 100 * i
			h.breaks("a", "a", now, s.breaks, time.Second)
			if s.rows {
				h.life("a", 0, now, now.Add(time.Duration(s.hours)*time.Hour+time.Second))
			}
			now = now.Add(time.Duration(s.hours) * time.Hour)
			told := feed(d, h.sorted(), time.Time{})
			if got := stateOf(d); got != s.want || fmt.Sprint(statuses(told)) != fmt.Sprint(s.told) {
				t.Errorf("%s, step %d: %s after %v, want %s after %v", name, i, got, statuses(told), s.want, s.told)
			}
		}
	}
}

// When an incident first opened stays known when it opens again, also over a restart.
func TestFirstOpened(t *testing.T) {
	h := running(8 * day)
	for i := range 3 {
		h.breaks("crm", "crm", onset.Add(time.Duration(i)*50*time.Hour), 8<<i, time.Second)
	}
	d := New(Options{})
	told := lives(feed(d, h.sorted(), time.Time{}))["crm"]
	if n := count(told, StatusReopened); n != 2 || !told[0].FirstOpened.IsZero() {
		t.Fatalf("opened again %d times, first opened %v when it opened", n, told[0].FirstOpened)
	}
	stored := map[string]map[string][]byte{}
	d.Changes(keep(stored))
	for _, in := range []Incident{last(told), one(t, restored(t, stored), "crm")} {
		if !in.FirstOpened.Equal(told[0].OpenedAt) || in.OpenedAt.Sub(told[0].OpenedAt) < 90*time.Hour {
			t.Errorf("first opened %v, opened %v; it opened at %v", in.FirstOpened, in.OpenedAt, told[0].OpenedAt)
		}
	}
}

func stateOf(d *Detector) string {
	if s := d.Series(); len(s) > 0 {
		return s[0].State
	}
	return StateQuiet
}

// While a clear incident is open its slots do not teach, from the begin of the window that showed it; those after its end do.
func TestIncidentDoesNotTeach(t *testing.T) {
	h := newHistory(1)
	h.life("a", 0, monday, monday.Add(40*day))
	onset := monday.Add(21*day + 5*time.Minute)
	h.breaks("a", "a", onset, 60, 10*time.Minute)
	d := New(Options{})
	var opened, ended Incident
	for _, in := range feed(d, h.sorted(), time.Time{}) {
		if in.Status == StatusOpen {
			opened = in
		}
		ended = in
	}
	if opened.Status != StatusOpen || ended.Status != StatusResolved {
		t.Fatalf("%v, %v", opened.Status, ended.Status)
	}
	s := d.order[0]
	first, last := window.SlotOf(onset), window.SlotOf(onset.Add(590*time.Minute))
	for _, c := range []struct {
		slot   int64
		masked bool
	}{{first, true}, {first + 30, true}, {last, true}, {window.SlotOf(ended.Time), false}, {first - 500, false}} {
		if s.ring.Masked(c.slot) != c.masked {
			t.Errorf("slot %d of the incident: masked %v", c.slot-first, !c.masked)
		}
	}
	if got := s.today().Model.PerDay(); got > 0.1 {
		t.Errorf("%.2f a day expected afterwards: the incident has taught", got)
	}
}

// An integration is named only where its provider has another live one.
func TestScope(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*history)
		scope   string
		named   string
	}{
		"the only integration": {func(h *history) {}, "provider", "eu"},
		"another is alive": {func(h *history) {
			h.put(monday.Add(20*day), nango.Active, "a", "us", "x", "")
		}, "integration", "eu"},
		"another failed before": {func(h *history) { h.breaks("a", "us", monday.Add(2*day), 1, 0) }, "integration", "eu"},
		"another was alive long ago": {func(h *history) {
			h.put(monday, nango.Active, "a", "us", "x", "")
		}, "provider", "eu"},
		"both break":           {func(h *history) { h.breaks("a", "us", monday.Add(21*day), 5, time.Second) }, "provider", ""},
		"a fifth is of others": {func(h *history) { h.breaks("a", "us", monday.Add(21*day), 2, time.Second) }, "integration", "eu"},
	} {
		h := newHistory(1)
		for at := monday; at.Before(monday.Add(22 * day)); at = at.Add(20 * time.Minute) {
			h.put(at, nango.Active, "a", "eu", "always", "")
		}
		c.prepare(h)
		h.breaks("a", "eu", monday.Add(21*day+time.Minute), 8, time.Second)
		told := feed(New(Options{}), h.sorted(), time.Time{})
		if len(told) == 0 {
			t.Errorf("%s: nothing opened", name)
			continue
		}
		if last := told[len(told)-1]; last.Scope != c.scope || last.Integration != c.named {
			t.Errorf("%s: scope %s, integration %q, want %s, %q", name, last.Scope, last.Integration, c.scope, c.named)
		}
	}
}

// A window with enough breaks of too few connections does not hide one with enough connections.
func TestMinConnections(t *testing.T) {
	h := newHistory(1)
	h.life("a", 0, monday, monday.Add(22*day))
	at := monday.Add(21 * day)
	for i := range 6 { // one connection that breaks and works again
		h.put(at.Add(time.Duration(i)*time.Minute), nango.Failure, "a", "a", "x", "")
		h.put(at.Add(time.Duration(i)*time.Minute+time.Second), nango.Reconnected, "a", "a", "x", "")
	}
	if told := feed(New(Options{}), h.sorted(), time.Time{}); len(told) > 0 {
		t.Errorf("one connection: %v", statuses(told))
	}
	h.breaks("a", "a", at.Add(-5*time.Hour), 4, 30*time.Minute)
	told := feed(New(Options{MinConnections: 5}), h.sorted(), time.Time{})
	if count(told, StatusOpen) != 1 || told[0].Observed != 5 {
		t.Errorf("five connections within hours: %v", statuses(told))
	}
}

// A mass break is told as such while it breaks, not when its ten minutes are over: at once when four times as many broke as were told, so seldom that a
// burst of thousands has few messages; and each says of one window how many broke and how rare that is.
func TestGrowthIsToldAtOnce(t *testing.T) {
	for _, c := range []struct {
		n       int
		signal  string
		updates []int // observed, within the ten minutes
	}{{11, Revocations, nil}, {12, Revocations, []int{12}}, {60, Revocations, []int{12, 48}}, {3000, Revocations, []int{12, 48, 192, 768}}, {60, UnknownConnections, []int{12, 48}}} {
		h := running(time.Hour)
		h.breaks("crm", "crm", onset, c.n, time.Minute/time.Duration(c.n))
		for i := range h.events {
			if e := &h.events[i]; c.signal == UnknownConnections && e.Kind == nango.Failure {
				e.Kind = nango.UnknownConnection
			}
		}
		told := lives(feed(New(Options{}), h.sorted(), time.Time{}))["crm"]
		var got []int
		for i, in := range told[1:] {
			if in.Time.Before(onset.Add(10 * time.Minute)) {
				got = append(got, in.Observed)
				if in.Status != StatusUpdate || in.Milestone != told[i].Milestone+1 || in.Score <= told[i].Score || in.Affected != in.Observed || in.Revision != i+2 {
					t.Errorf("%d: %s of %d, %d affected, score %v, milestone %d, revision %d", c.n, in.Status, in.Observed, in.Affected, in.Score, in.Milestone, in.Revision)
				}
			}
		}
		if !slices.Equal(got, c.updates) || told[0].Observed != 3 || last(told).Observed != c.n {
			t.Errorf("%d: opened with %d, then %v, at last %d", c.n, told[0].Observed, got, last(told).Observed)
		}
	}
}

// Of what is part of another, and of what was found too late to be told, the same is told at the same breaks: it alone is not sent.
func TestGrowthOfWhatIsNotSent(t *testing.T) {
	h := running(time.Hour)
	h.breaks("google-mail", "m", onset, 3, time.Second)
	h.breaks("google-calendar", "c", onset.Add(time.Minute), 12, time.Second)
	part := lives(feed(New(Options{Family: vendor}), h.sorted(), time.Time{}))["google-calendar"]
	if len(part) < 2 || part[1].Observed != 12 || part[1].Parent == "" || part[1].Milestone != 2 {
		t.Errorf("%v", statuses(part))
	}
	old := lives(feed(New(Options{Family: vendor}), h.sorted(), onset.Add(day)))["google-calendar"]
	for i := range old {
		if !old[i].Past {
			t.Errorf("%s is not past", old[i].Status)
		}
		old[i].Past = false
	}
	if !reflect.DeepEqual(old, part) {
		t.Errorf("%v, in time %v", statuses(old), statuses(part))
	}
}

// What others told is not told by who goes on from their state, until one more breaks.
func TestToldByOthersStaysSo(t *testing.T) {
	h := running(4 * time.Hour)
	h.breaks("crm", "c", onset, 20, time.Second)
	events := h.sorted()
	h = newHistory(2)
	h.life("rows", 0, onset.Add(4*time.Hour), onset.Add(6*time.Hour))
	h.next = 100
	h.breaks("crm", "c", onset.Add(5*time.Hour), 1, 0)
	now := onset.Add(5 * time.Hour)
	d, stored := New(Options{}), map[string]map[string][]byte{}
	d.Hush(now)
	feed(d, events, now)
	d.Changes(keep(stored))
	told := lives(feed(restored(t, stored), h.sorted(), now))["crm"]
	if len(told) == 0 || told[0].Past || told[0].Time.Before(now) {
		t.Errorf("%v", statuses(told))
	}
	for _, in := range restored(t, stored).Incidents() {
		if !in.Past {
			t.Errorf("%s is not past", in.Status)
		}
	}
	d = restored(t, stored)
	if told := feed(d, []nango.Event{h.events[0], h.events[1]}, now); len(told) > 0 || !one(t, d, "crm").Past {
		t.Errorf("%v without a break", statuses(told))
	}
}

// What was found too late is told after all with the first break that is of now, at the latest at the edge after it.
func TestPastThatGoesOnIsTold(t *testing.T) {
	for n, at := range map[int]time.Duration{1: 8*time.Hour + 10*time.Minute, 60: 8 * time.Hour} {
		h := running(9 * time.Hour)
		h.breaks("crm", "c", onset, 8, time.Second)
		h.breaks("crm", "c", onset.Add(8*time.Hour), n, time.Second)
		told := lives(feed(New(Options{}), h.sorted(), onset.Add(9*time.Hour)))["crm"]
		i := slices.IndexFunc(told, func(in Incident) bool { return !in.Past })
		if i < 1 || told[i].Milestone <= told[i-1].Milestone || told[i].Time.Sub(onset).Truncate(time.Minute) != at {
			t.Errorf("%d more: told as number %d of %v", n, i, statuses(told))
		}
	}
}
