package main

import (
	"testing"
	"time"
)

func hours(h float64) time.Time { return epoch.Add(time.Duration(h * float64(time.Hour))) }

// judgedWeek is a provider that is judged from hour 100 to 1100, with an incident in hours 200-210 and an outage in hours 250-252: the 72 h after the
// first run into the second, so 200-324 is not clean, and 876 hours are.
func judgedWeek() *Provider {
	return &Provider{Start: epoch, Judged: hours(100), End: hours(1100), Labels: []Label{
		{Kind: burst, Start: hours(200), End: hours(210), Incident: true},
		{Kind: outage, Start: hours(250), End: hours(252)},
	}}
}

func TestCleanTime(t *testing.T) {
	p := judgedWeek()
	if got := cleanTime(p); got != 876*time.Hour {
		t.Errorf("clean for %v", got)
	}
	for _, x := range []struct {
		hour float64
		want bool
	}{{99, false}, {100, true}, {199.9, true}, {200, false}, {281.9, false}, {300, false}, {323.9, false}, {324, true}, {1099, true}, {1100, false}} {
		if got := clean(p, hours(x.hour)); got != x.want {
			t.Errorf("hour %v clean: %v", x.hour, got)
		}
	}
}

func TestCleanTimeOfLabelsBeforeAndBeyond(t *testing.T) {
	p := judgedWeek()
	p.Labels = []Label{{Start: hours(20), End: hours(30)}, {Start: hours(1000), End: hours(1090)}} // until 102; from 1000 on
	if got := cleanTime(p); got != 898*time.Hour {
		t.Errorf("clean for %v", got)
	}
}

// By hand: one alarm of the history, two in clean time, two in the incident's reach of which the first found it after 2.5 h and the second was over
// 5 h after the end, none in the outage.
func TestJudge(t *testing.T) {
	alarms := []Alarm{
		{Opened: hours(50)}, {Opened: hours(150), Resolved: hours(151)},
		{Opened: hours(202.5), Resolved: hours(205)}, {Opened: hours(208), Resolved: hours(215)}, {Opened: hours(900)},
	}
	o := judge(judgedWeek(), alarms)
	if o.False != 2 || len(o.Hits) != 2 {
		t.Fatalf("%+v", o)
	}
	if h := o.Hits[0]; !h.Found || h.Delay != 150*time.Minute || h.Alarms != 2 || !h.Solved || h.Settled != 5*time.Hour {
		t.Errorf("incident: %+v", h)
	}
	if h := o.Hits[1]; h.Found || h.Alarms != 0 {
		t.Errorf("outage: %+v", h)
	}
}

// An alarm from before the start finds nothing, nor does one more than 24 h after the end.
func TestJudgeMisses(t *testing.T) {
	for _, hour := range []float64{199.9, 234.1} {
		if h := judge(judgedWeek(), []Alarm{{Opened: hours(hour)}}).Hits[0]; h.Found {
			t.Errorf("an alarm at hour %v found it: %+v", hour, h)
		}
	}
	if h := judge(judgedWeek(), []Alarm{{Opened: hours(234)}}).Hits[0]; !h.Found || h.Solved {
		t.Errorf("%+v", h)
	}
}

// 4 hits: found once, found with two alarms, missed; a customer with an alarm, accounts known; an outage without one.
func TestSummarize(t *testing.T) {
	m := Measured{Outcomes: []Outcome{{Accounts: true, Hits: []Hit{
		{Label: Label{Kind: burst, Incident: true}, Found: true, Alarms: 1, Solved: true, Settled: 2 * time.Hour},
		{Label: Label{Kind: step, Incident: true}, Found: true, Alarms: 2, Solved: true, Settled: 4 * time.Hour},
		{Label: Label{Kind: step, Incident: true}},
		{Label: Label{Kind: leaving}, Found: true, Alarms: 1}, {Label: Label{Kind: outage}},
	}}}}
	f := summarize(m)
	if f.found != 2 || f.one != .5 || f.settled != 3 || f.left != 1 || f.leftKnownAlarmed != 1 || f.outages != 1 || f.outagesAlarmed != 0 {
		t.Errorf("%+v", f)
	}
}
