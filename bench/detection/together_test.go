package main

import (
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// Two events. The first has one fleet alert after 10 minutes, with one of its two provider alerts under it; the second has two, the earlier after
// 30 minutes, and no provider alert. One fleet alert belongs to none.
func TestFleet(t *testing.T) {
	w := World{Seed: 1, Days: 100, History: 40, Together: 2}
	a, b := w.moment(0), w.moment(1)
	after := func(t time.Time, minutes int) Alarm {
		return Alarm{Opened: t.Add(time.Duration(minutes) * time.Minute)}
	}
	under := after(a, 30)
	under.Child = true
	f := w.fleet(Run{
		Alarms: [][]Alarm{{after(a, -60), under}, {after(a, 90)}},
		Wide:   []Alarm{after(a, 10), after(b, 500), after(b, 30), after(b, -60*24*5)},
	})
	if f.events != 2 || f.inTime != 1 || f.single != 1 || f.alerts != 2 || f.under != 1 || f.stray != 1 || len(f.delays) != 2 || f.delays[1] != 30 {
		t.Errorf("%+v", f)
	}
}

// An alert without one of its parts does not explain itself.
func TestExplained(t *testing.T) {
	whole := detect.Incident{WindowSeconds: 600, Observed: 5, Expected: .1, OncePerDays: 900, Score: 1.2, Since: hours(1), Time: hours(2),
		Explanation: []string{"3 customer accounts", "3 of 3 under integration a"}, Connections: make([]detect.Broken, 5)}
	if !explained(whole) {
		t.Error("the whole does not")
	}
	for i, take := range []func(*detect.Incident){
		func(x *detect.Incident) { x.WindowSeconds = 0 }, func(x *detect.Incident) { x.Observed = 0 }, func(x *detect.Incident) { x.Expected = 0 },
		func(x *detect.Incident) { x.OncePerDays = 0 }, func(x *detect.Incident) { x.Score = .9 }, func(x *detect.Incident) { x.Since = time.Time{} },
		func(x *detect.Incident) { x.Since = hours(3) }, func(x *detect.Incident) { x.Explanation = nil }, func(x *detect.Incident) { x.Connections = nil },
	} {
		x := whole
		if take(&x); explained(x) {
			t.Errorf("part %d is not missed", i)
		}
	}
}
