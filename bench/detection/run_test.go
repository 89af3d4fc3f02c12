package main

import (
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// planted is a provider of 60 quiet days with 30 breaks within an hour on the 50th.
func planted() []Provider {
	p := Provider{Name: "p0", Start: epoch, Judged: hours(24 * 20), End: hours(24 * 60)}
	n := names{provider: "p0"}
	for i := range 60 {
		p.Breaks = append(p.Breaks, Break{Time: hours(24*float64(i) + 10), Integration: n.integration(0), Connection: n.take(0, epoch)})
		if i == 50 {
			for j := range 30 {
				p.Breaks = append(p.Breaks, Break{Time: hours(24*50 + 12 + float64(j)/30), Integration: n.integration(0), Connection: n.take(0, epoch)})
			}
		}
	}
	p.Labels = []Label{{Kind: burst, Start: hours(24*50 + 12), End: hours(24*50 + 13), Extra: 30, Incident: true}}
	return []Provider{p}
}

// Thirty breaks where one a day is usual are found within the hour by Revwatch, once, and end.
func TestRevwatchFindsABurst(t *testing.T) {
	all := planted()
	run := runRevwatch(all, stream(all), 90*day)
	o := judge(&all[0], run.Alarms[0])
	if h := o.Hits[0]; !h.Found || h.Delay > time.Hour || h.Alarms != 1 || !h.Solved || o.False != 0 {
		t.Errorf("%+v of %+v", o, run.Alarms)
	}
	if run.Ticks != 60*slotsPerDay || run.Events == 0 || len(run.Explained) != 1 || !explained(run.Explained[0]) {
		t.Errorf("%d ticks, %d events, %+v", run.Ticks, run.Events, run.Explained)
	}
}

// What is re-opened in silence is the old alarm; loudly it is a new one; what hangs under a wider one is marked.
func TestHearing(t *testing.T) {
	h := newHearing([]Provider{{Name: "a"}, {Name: "b"}})
	say := func(id, provider string, status detect.Status, milestone int, hour float64, change func(*detect.Incident)) {
		x := detect.Incident{ID: id, Provider: provider, Status: status, Milestone: milestone, Time: hours(hour), Scope: "provider"}
		if status == detect.StatusResolved {
			x.ResolvedAt = x.Time
		}
		if change != nil {
			change(&x)
		}
		h.hear([]detect.Incident{x})
	}
	say("1", "a", detect.StatusOpen, 1, 1, nil)
	say("1", "a", detect.StatusResolved, 2, 2, nil)
	say("1", "a", detect.StatusReopened, 2, 3, nil)
	say("1", "a", detect.StatusResolved, 3, 4, nil)
	say("1", "a", detect.StatusReopened, 4, 5, nil)
	say("2", "b", detect.StatusOpen, 1, 6, func(x *detect.Incident) { x.Parent = "9" })
	say("3", "b", detect.StatusOpen, 1, 7, nil)
	say("3", "b", detect.StatusUpdate, 2, 8, func(x *detect.Incident) { x.Scope = "all" })
	say("9", "", detect.StatusOpen, 1, 9, func(x *detect.Incident) { x.Scope = "all" })
	want := [][]Alarm{{{Opened: hours(1), Resolved: hours(4), Ended: hours(2)}, {Opened: hours(5)}}, {{Opened: hours(6), Child: true}, {Opened: hours(7), Child: true}}}
	if !reflect.DeepEqual(h.run.Alarms, want) {
		t.Errorf("%v", h.run.Alarms)
	}
	if wide := []Alarm{{Opened: hours(8)}, {Opened: hours(9)}}; !reflect.DeepEqual(h.run.Wide, wide) {
		t.Errorf("%v", h.run.Wide)
	}
}

// Two breaks of a customer within 24 h count, the next ones do not; those without a customer all do.
func TestCapped(t *testing.T) {
	var breaks []Break
	for i, account := range []string{"x", "x", "x", "", "", "", "y", "x"} {
		breaks = append(breaks, Break{Time: hours(float64(i)), Account: account})
	}
	breaks = append(breaks, Break{Time: hours(26), Account: "x"})
	if got := capped(breaks); len(got) != 7 || len(breaks) != 9 {
		t.Errorf("%v", got)
	}
}

// Scores reach 5 in slots 10, 11, 150 and 400: the gap of 139 slots goes on, that of 250 begins anew.
func TestAlarmsAt(t *testing.T) {
	scores := make([]float32, 500)
	for _, i := range []int{10, 11, 150, 400} {
		scores[i] = 5
	}
	end := func(slot int) time.Time { return epoch.Add(time.Duration(slot+1) * 10 * time.Minute) }
	want := []Alarm{{Opened: end(10), Resolved: end(150).Add(day)}, {Opened: end(400), Resolved: end(400).Add(day)}}
	if got := alarmsAt(marks(scores, 1), 5, epoch); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if got := alarmsAt(marks(scores, 1), 5.1, epoch); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// A rival that sees all finds the burst at every threshold without a false alarm.
func TestSweepRival(t *testing.T) {
	all := planted()
	exact := Rival{Name: "sum of an hour", Score: func(counts []float64, _ int64) []float64 {
		out := make([]float64, len(counts))
		for i := range counts {
			for j := max(0, i-5); j <= i; j++ {
				out[i] += counts[j]
			}
		}
		return out
	}}
	s := sweepRival(exact.Name, exact, all, seriesOf(all), true)
	if c := s.curve([]int{0}); len(c) == 0 || c[0].Recall != 1 || c[0].Delay > 1 {
		t.Errorf("%v", c)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []options{{what: "nothing", providers: 9, days: 99}, {what: "table", providers: 0, days: 99}, {what: "table", providers: 9, days: 9},
		{what: "calibrate", seed: testSeedFirst, providers: 9, days: 99}} {
		o.out, o.progress = io.Discard, io.Discard
		if o.run() == nil {
			t.Errorf("%+v passed", o)
		}
	}
	if seedKind(1) != "design" || seedKind(99) != "design" || seedKind(1001) != "test" || seedKind(500) == "test" {
		t.Error("seeds")
	}
}
