package detect

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// failing are the names of the gates that a window did not pass.
func failing(w WindowAnswer) string {
	var names []string
	for _, g := range w.Gates {
		if !g.Passed {
			names = append(names, g.Name)
		}
	}
	return strings.Join(names, " ")
}

// Each gate in a situation in which it alone keeps a window from opening an incident.
func TestEachGateAlone(t *testing.T) {
	at := onset.Add(2 * time.Hour)
	for gate, c := range map[string]struct {
		window int // index
		o      Options
		write  func(h *history) (ask time.Time)
	}{
		"": {1, Options{}, func(h *history) time.Time {
			h.breaks("crm", "crm", at, 8, time.Second)
			return at.Add(time.Minute)
		}},
		"observed": {4, Options{}, func(h *history) time.Time { // twelve hours without a row; the breaks before it are still in 72 h
			h.breaks("crm", "crm", onset.Add(-24*time.Hour), 60, time.Second)
			h.hole(onset.Add(-12*time.Hour), onset)
			return onset.Add(-time.Hour)
		}},
		"warm_up": {2, Options{}, func(h *history) time.Time { // six hours of a provider that is five days old
			h.put(at.Add(-5*day), nango.Reconnected, "crm", "crm", "first", "")
			h.breaks("crm", "crm", at, 40, time.Second)
			return at.Add(time.Minute)
		}},
		"restart": {4, Options{}, func(h *history) time.Time { // the last incident is over since a day, 72 h reach into it
			h.breaks("crm", "crm", at.Add(-50*time.Hour), 8, time.Second)
			return at
		}},
		"min_count": {1, Options{MinConnections: 1, Budget: 48 * time.Hour}, func(h *history) time.Time {
			h.breaks("crm", "crm", at, 2, time.Second)
			return at.Add(time.Minute)
		}},
		"min_connections": {1, Options{}, func(h *history) time.Time {
			for i := range 6 {
				h.put(at.Add(time.Duration(i)*time.Minute), nango.Failure, "crm", "crm", "one", "")
				h.put(at.Add(time.Duration(i)*time.Minute+time.Second), nango.Reconnected, "crm", "crm", "one", "")
			}
			return at.Add(7 * time.Minute)
		}},
		"score": {3, Options{Budget: 1e4 * day}, func(h *history) time.Time {
			h.breaks("crm", "crm", at, 3, 3*time.Hour)
			return at.Add(7 * time.Hour)
		}},
	} {
		h := running(20 * time.Hour)
		ask := c.write(h)
		d := New(c.o)
		feed(d, h.sorted(), time.Time{})
		a, err := d.Explain(Question{Provider: "crm", At: ask})
		if err != nil {
			t.Errorf("%q: %v", gate, err)
			continue
		}
		got := failing(a.Windows[c.window])
		if gate == "min_count" { // too few breaks have no score
			gate = "min_count score"
		}
		if got != gate {
			t.Errorf("%q: the gates that fail are %q: %+v", gate, got, a.Windows[c.window])
		}
		for _, g := range a.Windows[c.window].Gates {
			if g.Detail == "" {
				t.Errorf("%q: gate %s says nothing", gate, g.Name)
			}
		}
	}
}

// Many breaks are no rise where many are expected: without a rise there is no score.
func TestGateOfRise(t *testing.T) {
	h := running(20 * time.Hour)
	h.life("crm", 200, monday, onset.Add(20*time.Hour))
	d := New(Options{})
	feed(d, h.sorted(), time.Time{})
	a, err := d.Explain(Question{Provider: "crm"})
	if err != nil {
		t.Fatal(err)
	}
	if w := a.Windows[4]; failing(w) != "rise score" || w.Observed < 400 || w.Score != 0 || w.OncePerDays != 0 || w.Needed <= int(1.3*w.Expected) {
		t.Errorf("%s: %+v", failing(w), w)
	}
}

// A moment before and after a break in one slot.
func TestAskedBeforeAndAfterABreak(t *testing.T) {
	h := running(20 * time.Hour)
	first := onset.Add(2*time.Hour + time.Minute)
	h.breaks("crm", "crm", first, 5, time.Minute)
	h.life("crm", 0, onset, onset.Add(20*time.Hour))
	d := New(Options{})
	told := feed(d, h.sorted(), time.Time{})
	for i := range 5 {
		at := first.Add(time.Duration(i) * time.Minute)
		for late, want := range map[time.Duration]int{-time.Millisecond: i, 0: i + 1, time.Millisecond: i + 1} {
			a, err := d.Explain(Question{Provider: "crm", At: at.Add(late)})
			if err != nil {
				t.Fatal(err)
			}
			if w := a.Windows[0]; w.Observed != want || w.Connections != want || !w.To.Equal(onset.Add(130*time.Minute)) {
				t.Errorf("%v after break %d: %d of %d connections in the slot to %v, want %d", late, i, w.Observed, w.Connections, w.To, want)
			}
			if open := !at.Add(late).Before(told[0].Time); (a.State == StateOpen) != open || (a.Incident == told[0].ID) != open {
				t.Errorf("%v after break %d: %s, %q; the incident opened at %v", late, i, a.State, a.Incident, told[0].Time)
			}
		}
	}
}

// An answer of after the end of an incident says so, one of between open and end names it.
func TestAskedAboutAnIncidentThatIsOver(t *testing.T) {
	h := running(60 * time.Hour)
	h.breaks("crm", "crm", onset, 8, time.Second)
	d := New(Options{})
	told := feed(d, h.sorted(), time.Time{})
	end := last(told).Time
	for at, state := range map[time.Time]string{onset.Add(-time.Hour): StateQuiet, told[0].Time: StateOpen, end.Add(-time.Second): StateOpen, end: StateQuiet, end.Add(time.Hour): StateQuiet} {
		a, err := d.Explain(Question{At: at})
		if err != nil || a.State != state || (a.Incident != "") != (state == StateOpen) || len(a.Verdict) == 0 {
			t.Errorf("%v after the onset: %s %q %v, want %s, %v", at.Sub(onset), a.State, a.Incident, a.Verdict, state, err)
		}
	}
}

// A window may begin where the last incident ended, and not a slot before; asked about an instant before that end, no end is known.
func TestAskedAcrossTheEndOfAnIncident(t *testing.T) {
	h := running(60 * time.Hour)
	h.breaks("crm", "crm", onset, 8, time.Second)
	d := New(Options{})
	end := last(feed(d, h.sorted(), time.Time{})).Time
	for at, passed := range map[time.Time]bool{end.Add(-1): true, end.Add(6*time.Hour - slot - 1): false, end.Add(6*time.Hour - 1): true} {
		a, err := d.Explain(Question{At: at})
		if err != nil {
			t.Fatal(err)
		}
		if w := a.Windows[2]; strings.Contains(failing(w), "restart") == passed {
			t.Errorf("%v after the end: the gates of six hours that fail are %q", at.Sub(end), failing(w))
		}
	}
}

func TestAskedInVain(t *testing.T) {
	h := running(time.Hour)
	h.breaks("crm", "crm", onset, 1, 0)
	h.breaks("mail", "mail", onset, 1, 0)
	d := New(Options{})
	if _, err := d.Explain(Question{}); err == nil || !strings.Contains(err.Error(), "no series yet") {
		t.Errorf("nothing seen: %v", err)
	}
	feed(d, h.sorted(), time.Time{})
	for want, q := range map[string]Question{
		"several series fit":    {},
		"mail revoked":          {Provider: "male"},
		"no series has this":    {Provider: "male"},
		"crm revoked":           {Cause: "misconfigured"},
		"not judged yet":        {Provider: "crm", At: d.Closed().Add(1)},
		"more than 72 h before": {Provider: "crm", At: d.Closed().Add(-72*time.Hour - time.Second)},
	} {
		if _, err := d.Explain(q); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", q, err, want)
		}
	}
	for _, at := range []time.Time{{}, d.Closed(), d.Closed().Add(-1), d.Closed().Add(-72 * time.Hour)} {
		if _, err := d.Explain(Question{Provider: "crm", At: at}); err != nil {
			t.Errorf("%v: %v", at, err)
		}
	}
	many := New(Options{})
	h = running(time.Hour)
	h.everybody(onset, 30, 1)
	feed(many, h.sorted(), time.Time{})
	if _, err := many.Explain(Question{}); !strings.HasSuffix(err.Error(), "and 10 more") {
		t.Errorf("of thirty: %v", err)
	}
}

// livePeak is what the alert scan saw at a break.
type livePeak struct {
	at   time.Time
	s    string
	peak peak
	line float64
}

// The answer for an instant is what was seen live at that instant, to the bit: its most extreme window that is judged, its score and its line, at every break
// and wherever an incident opened, on any history, with holes, outages and incidents, also when the process was stopped in between.
func TestAnswerIsWhatWasSeen(t *testing.T) {
	few(t, 12)
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(rapid.Uint64().Draw(t, "seed"))
		end := monday.Add(time.Duration(rapid.IntRange(9, 40).Draw(t, "days")) * day)
		for i := range rapid.IntRange(1, 3).Draw(t, "series") {
			h.life(fmt.Sprint("p", i), math.Exp(rapid.Float64Range(-2, 4).Draw(t, "log rate")), monday, end)
		}
		for range rapid.IntRange(0, 3).Draw(t, "bursts") {
			at := end.Add(-time.Duration(h.rng.IntN(int(5*day/time.Minute))) * time.Minute)
			h.breaks("p0", "p0", at, 3+h.rng.IntN(20), time.Duration(1+h.rng.IntN(int(time.Hour))))
		}
		for i := range rapid.IntRange(0, 100).Draw(t, "outage") { // at edges: an answer sees a slot's whole outage
			h.put(end.Add(-30*time.Hour).Add(time.Duration(i/10)*slot), nango.Failure, "p0", "p0", fmt.Sprint("out", i), "")
			h.events[len(h.events)-1].Cause = nango.Transient
		}
		if gap := rapid.IntRange(0, 20).Draw(t, "gap"); gap > 0 {
			from := end.Add(-time.Duration(30+h.rng.IntN(60)) * time.Hour)
			h.hole(from, from.Add(time.Duration(gap)*time.Hour))
		}
		for i := range h.events { // no two breaks at one instant
			h.events[i].Time = h.events[i].Time.Add(time.Duration(i) * time.Nanosecond)
			h.events[i].Due = h.events[i].Time
		}
		d := New(Options{Silence: time.Hour})
		var seen []livePeak
		var told []Incident
		events := h.sorted()
		for _, e := range events {
			d.Row(e.Time)
		}
		note := func(s *series, to int64, at time.Time) {
			_, p := d.scan(s, to)
			seen = append(seen, livePeak{at, s.Provider, p, s.today().Line})
		}
		stored := map[string]map[string][]byte{}
		stop := rapid.IntRange(0, len(events)-1).Draw(t, "stop")
		for i, e := range events {
			told = append(told, d.Advance(e.Due, time.Time{})...)
			o := d.Observe(e, time.Time{})
			told = append(told, o.Incidents...)
			if s := d.series[key{Revocations, "prod", e.Provider, "revoked"}]; o.New && s != nil && end.Sub(e.Time) < 55*time.Hour {
				note(s, window.SlotOf(e.Time), e.Time)
			}
			if i == stop {
				d.Changes(keep(stored))
				again := New(Options{Silence: time.Hour})
				for bucket, values := range stored {
					for k, v := range values {
						if err := again.Restore(bucket, k, v); err != nil {
							t.Fatal(err)
						}
					}
				}
				d = again
			}
		}
		over := later(end, events[len(events)-1].Due).Add(slot)
		d.Row(over)
		told = append(told, d.Advance(over, time.Time{})...)
		for _, in := range told {
			at := in.Time
			if at.Equal(at.Truncate(slot)) { // an edge: the slot that it ends
				at = at.Add(-1)
			}
			if in.Scope == "all" || in.Status != StatusOpen && in.Status != StatusReopened || over.Sub(at) > 71*time.Hour {
				continue
			}
			a, err := d.Explain(Question{Provider: in.Provider, At: at})
			if err != nil {
				t.Fatal(err)
			}
			if w := a.Windows[a.Best]; w.OncePerDays != in.OncePerDays || w.Connections != in.Observed || w.Seconds != in.WindowSeconds || failing(w) != "" || w.Adjusted < a.Line {
				t.Fatalf("opened as %+v, the answer for that instant says %+v", in, w)
			}
		}
		for _, x := range seen {
			a, err := d.Explain(Question{Provider: x.s, At: x.at})
			if err != nil {
				t.Fatal(err)
			}
			best := noPeak
			for _, w := range a.Windows {
				if f := failing(w); w.OncePerDays > 0 && judged(w.Gates) && (w.Adjusted < a.Line || !strings.Contains(f, "min_connections")) {
					best = math.Max(best, w.Adjusted)
				}
			}
			if best != x.peak.Score || a.Line != x.line {
				t.Fatalf("%s at %v: s' %v of %v was seen, the answer says %v of %v: %+v", x.s, x.at, x.peak.Score, x.line, best, a.Line, a)
			}
			if _, err := json.Marshal(a); err != nil {
				t.Fatal(err)
			}
		}
	})
}
