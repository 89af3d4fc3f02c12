package main

import (
	"fmt"
	"math"
)

// powerBudgets are those whose recall is shown by kind, size and rate, in days.
var powerBudgets = []int{30, 90, 365}

// power shows what is found, how soon, and what becomes of it.
func power(o options) error {
	ms := measure(dense(o.seed, o.providers, o.days), powerBudgets)
	fmt.Fprint(o.out, "| part of the incidents |")
	for _, m := range ms {
		fmt.Fprintf(o.out, " recall (95 %%) and median delay in h, B = %d |", m.Days)
	}
	fmt.Fprintln(o.out, "\n|---|"+repeat("---|", len(ms)))
	o.part(ms, "all", func(Hit) bool { return true }, 0, math.Inf(1))
	for _, kind := range incidentKinds {
		for _, size := range sizes {
			o.part(ms, kind+", "+size, func(h Hit) bool { return h.Kind == kind && h.Size == size }, 0, math.Inf(1))
		}
	}
	for i := range len(bands) - 1 {
		o.part(ms, fmt.Sprintf("%.2f-%.2f breaks a day", bands[i], bands[i+1]), func(Hit) bool { return true }, bands[i], bands[i+1])
	}
	fmt.Fprintln(o.out)
	for _, m := range ms {
		o.others(m)
	}
	return nil
}

func (o options) part(ms []Measured, name string, fits func(Hit) bool, low, high float64) {
	some := func(m Measured) []Hit {
		return hits(inBand(m.Outcomes, low, high), func(h Hit) bool { return h.Incident && fits(h) })
	}
	if len(some(ms[0])) == 0 {
		return
	}
	fmt.Fprintf(o.out, "| %s |", name)
	for _, m := range ms {
		found := some(m)
		v := bootstrap(len(found), func(who []int) float64 {
			n := 0.0
			for _, i := range who {
				if found[i].Found {
					n++
				}
			}
			return n / float64(len(who))
		})
		fmt.Fprintf(o.out, " %.2f (%.2f-%.2f) of %d, %.1f |", v.Value, v.Low, v.High, len(found), median(delays(found)))
	}
	fmt.Fprintln(o.out)
}

// delays are the hours to the first alarm of what was found.
func delays(found []Hit) (out []float64) {
	for _, h := range found {
		if h.Found {
			out = append(out, h.Delay.Hours())
		}
	}
	return out
}

// others is one line on false alarms, nuisances, repetition and resolve.
func (o options) others(m Measured) {
	f := summarize(m)
	fmt.Fprintf(o.out, "B = %d: %.3f false alarms a clean provider-month; one alert in %.1f %% of %d found; over too early %d; resolved %.1f h after the end (median; p90 %.1f); "+
		"an alert for %d of %d customers who left (accounts known: %d of %d), in %d of %d outages.\n",
		m.Days, falseRate(m.Outcomes), 100*f.one, f.found, f.early, f.settled, f.settled90, f.leftAlarmed, f.left, f.leftKnownAlarmed, f.leftKnown, f.outagesAlarmed, f.outages)
}
