package main

import (
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// sliceSize is how many providers share one detector: as many as a large installation has.
const sliceSize = 240

// sweepBudgets are the days between two false alarms of a provider at which the tables run Revwatch.
var sweepBudgets = []int{15, 30, 90, 365, 1500}

// Measured is what Revwatch did at one budget.
type Measured struct {
	Days      int // the budget
	Outcomes  []Outcome
	Wide      []Alarm
	Explained []detect.Incident
	Ticks     int64
	Spent     time.Duration // processor time of one goroutine, all slices together
}

// measure runs Revwatch over a world at several budgets.
func measure(w World, budgets []int) []Measured {
	out := make([]Measured, len(budgets))
	for i, b := range budgets {
		out[i].Days = b
	}
	for from := 0; from < w.Providers; from += sliceSize {
		providers := w.Slice(from, min(from+sliceSize, w.Providers))
		measureSlice(providers, out)
	}
	return out
}

// measureSlice adds what Revwatch did with some providers. The budgets run side by side.
func measureSlice(providers []Provider, out []Measured) {
	items := stream(providers)
	parallel(len(out), func(i int) {
		m := &out[i]
		begun := time.Now()
		run := runRevwatch(providers, items, time.Duration(m.Days)*day)
		m.Spent += time.Since(begun)
		m.Ticks += run.Ticks
		m.Wide = append(m.Wide, run.Wide...)
		m.Explained = append(m.Explained, run.Explained...)
		for j, alarms := range run.Alarms {
			m.Outcomes = append(m.Outcomes, judge(&providers[j], alarms))
		}
	})
}

// budgets are those of a report: all, or with -quick three.
func (o options) budgets(all []int) []int {
	if o.quick {
		return []int{30, 90, 365}
	}
	return all
}

// sweepRevwatch scores Revwatch at all budgets.
func sweepRevwatch(ms []Measured) Sweep {
	s := Sweep{Name: "Revwatch"}
	for _, m := range ms {
		s.add(m.Outcomes)
	}
	return s
}
