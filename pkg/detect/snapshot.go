package detect

import (
	"cmp"
	"math"
	"slices"

	"github.com/revwatch/revwatch/pkg/window"
)

// Window is what one window of a series shows at the last closed slot.
type Window struct {
	Seconds  int
	Observed float64 // breaks that count
	Expected float64
	Upper    float64 // the least count that would open an incident; +Inf while the window is not judged
	Score    float64 // 1 is the alarm line; 0 when nothing exceeds what is expected
}

// Series is a snapshot of one series at the last closed slot.
type Series struct {
	Signal, Environment, Provider, Cause string

	State       string // learning, quiet or open
	Windows     [len(windows)]Window
	Score       float64 // of the most extreme window
	BudgetDays  float64 // the expected days between two false alarms of this series
	PerDay      float64 // breaks a day that are normal today
	Total       int64   // breaks so far
	Broken      int     // connections of the provider that are broken now
	Active      int     // connections seen alive in the last 7 days; 0: not known
	Incident    string  // id of the open incident
	Integration string  // that it concentrates on
	Realised    float64 // excursions of its score above log 7 in the last 28 days of it,
	Promised    float64 // and how many are promised
	BudgetMet   bool    // not more than three times as many as promised for 4 weeks
}

// States of a Series.
const (
	StateLearning = "learning"
	StateQuiet    = "quiet"
	StateOpen     = "open"
)

// Series returns every series, sorted by signal, environment, provider and cause.
func (d *Detector) Series() []Series {
	out := make([]Series, 0, len(d.order))
	for _, s := range d.order {
		out = append(out, d.snapshot(s))
	}
	return out
}

func (d *Detector) snapshot(s *series) Series {
	known := s.on(floorDay(d.edge - 1))
	to, line, p := d.edge-1, known.Line, s.promise(d.edge)
	x := Series{
		Signal: s.Signal, Environment: s.Environment, Provider: s.Provider, Cause: s.Cause, State: s.state(to),
		PerDay: s.today().Model.PerDay(), Total: s.total,
		Realised: p.realised, Promised: p.promised, BudgetMet: p.met,
	}
	if s.open() {
		x.State, x.Incident, x.Integration = StateOpen, s.incident.ID, s.incident.Incident.Integration
		line = s.incident.Line
	}
	x.BudgetDays = math.Exp(line)
	if s.Signal == Revocations {
		x.Broken, x.Active = d.ledger.Broken(s.Environment, s.Provider), d.alive.count(s.Environment, s.Provider)
	}
	c, restart := calibration(known.Model.PerDay()), s.restart(to+1)
	for i, e := range d.evidence(s, to) {
		e = e.withTransients()
		w := Window{Seconds: e.slots * int(window.Slot.Seconds()), Observed: e.count, Expected: e.expected, Upper: math.Inf(1)}
		if from := to - int64(e.slots) + 1; from >= restart && s.mature(from, to) {
			score, _ := e.score(c)
			w.Score = max(0, known.Tail.adjust(score)) / line
			if w.Score >= 1 && !s.open() && !d.wideEnough(s, peak{From: from, To: to}, e, c) {
				w.Score = 0 // it does not decide
			}
			w.Upper = e.upper(c, line, known.Tail)
		}
		x.Windows[i], x.Score = w, max(x.Score, w.Score)
	}
	return x
}

// upper is the least count whose score reaches the line.
func (e evidence) upper(c, line float64, t tail) float64 {
	reaches := func(n int) bool {
		e.count = float64(n)
		s, ok := e.score(c)
		return ok && t.adjust(s) >= line
	}
	high := minCount
	for !reaches(high) {
		if high *= 2; high > 1<<30 {
			return math.Inf(1)
		}
	}
	low := high / 2
	if low < minCount {
		return float64(high)
	}
	for low+1 < high {
		if mid := (low + high) / 2; reaches(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return float64(high)
}

// Incidents returns the open incidents and those resolved in the last 7 days, in the order of opening.
func (d *Detector) Incidents() []Incident {
	var out []Incident
	for _, s := range d.order {
		if s.incident != nil {
			out = append(out, s.incident.Incident)
		}
	}
	for _, f := range d.fleets {
		if f.Own != nil {
			out = append(out, f.Own.Incident)
		}
	}
	for _, t := range d.replaced {
		out = append(out, t.Incident)
	}
	slices.SortStableFunc(out, func(a, b Incident) int {
		return cmp.Or(a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Stats returns the counters.
func (d *Detector) Stats() Stats { return d.stats }
