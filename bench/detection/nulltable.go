package main

import (
	"fmt"
	"math"
)

// nullBudgets are those of goal 1, in days.
var nullBudgets = []int{30, 90, 365, 1000}

// bands are the edges of the rate bands, in breaks a day.
var bands = []float64{0, .15, .5, 1.5, 5, 15, 50, 300, math.Inf(1)}

// nullTable shows what became of the budget where nothing happens: realised over nominal false alarms.
func nullTable(o options) error {
	ms := measure(null(o.seed, o.providers, o.days), o.budgets(nullBudgets))
	fmt.Fprintln(o.out, "| budget (days) | false alarms | clean provider-months | realised / nominal (95 %) |\n|---|---|---|---|")
	for _, m := range ms {
		v := spent(m, 0, math.Inf(1))
		n, months := total(m.Outcomes)
		fmt.Fprintf(o.out, "| %d | %d | %.0f | %.2f (%.2f-%.2f) |\n", m.Days, n, months, v.Value, v.Low, v.High)
	}
	fmt.Fprint(o.out, "\n| breaks a day |")
	for _, m := range ms {
		fmt.Fprintf(o.out, " B = %d |", m.Days)
	}
	fmt.Fprintln(o.out, "\n|---|"+repeat("---|", len(ms)))
	for i := range len(bands) - 1 {
		o.band(ms, bands[i], bands[i+1])
	}
	o.fleets(ms)
	return nil
}

func (o options) band(ms []Measured, low, high float64) {
	if len(inBand(ms[0].Outcomes, low, high)) == 0 {
		return
	}
	fmt.Fprintf(o.out, "| %.2f-%.2f |", low, high)
	for _, m := range ms {
		v := spent(m, low, high)
		fmt.Fprintf(o.out, " %.2f (%.2f-%.2f) |", v.Value, v.Low, v.High)
	}
	fmt.Fprintln(o.out)
}

// fleets says how often all providers together raised an alert that none of them deserved.
func (o options) fleets(ms []Measured) {
	fmt.Fprintf(o.out, "\nFalse alerts of all providers together, in %.1f years of fleets:", o.fleetYears())
	for _, m := range ms {
		fmt.Fprintf(o.out, " %d at B = %d;", len(m.Wide), m.Days)
	}
	fmt.Fprintln(o.out)
}

// fleetYears is the time that the detectors of all slices ran.
func (o options) fleetYears() float64 {
	return math.Ceil(float64(o.providers)/sliceSize) * float64(o.days) / 365
}

func inBand(all []Outcome, low, high float64) (out []Outcome) {
	for _, o := range all {
		if o.PerDay >= low && o.PerDay < high {
			out = append(out, o)
		}
	}
	return out
}

func total(all []Outcome) (n int, months float64) {
	for _, o := range all {
		n, months = n+o.False, months+o.Months
	}
	return n, months
}

// spent is realised over nominal false alarms of the series in a band of rates.
func spent(m Measured, low, high float64) interval {
	some := inBand(m.Outcomes, low, high)
	return bootstrap(len(some), func(who []int) float64 {
		n, months := 0, 0.0
		for _, i := range who {
			n, months = n+some[i].False, months+some[i].Months
		}
		return float64(n) / (months * 30 / float64(m.Days))
	})
}

func repeat(s string, n int) (out string) {
	for range n {
		out += s
	}
	return out
}
