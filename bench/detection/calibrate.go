package main

import (
	"fmt"
	"math"
)

// knots are the rates, in breaks a day, between which the detector's calibration C is linear in the logarithm of the rate.
var knots = []float64{.07, .25, 1, 4, 16, 80, 400}

// calibrationBudget is the budget that C is set at, in days; the others are only checked.
const calibrationBudget = 90

// calibrate says by how much C must change at each knot so that the budget is spent as promised: log(realised/nominal), each series counted for the
// two knots its rate lies between, half an alarm added to both sides so that none is no infinity. Only design seeds.
func calibrate(o options) error {
	if seedKind(o.seed) != "design" {
		return fmt.Errorf("seed %d is no design seed: constants are chosen by seeds %d-%d only", o.seed, designSeedFirst, designSeedLast)
	}
	w := null(o.seed, o.providers, o.days)
	w.Rates = append([]float64{.05, .07, .1}, nullRates...)
	w.Rates = append(w.Rates, 300)
	ms := measure(w, o.budgets(nullBudgets))
	fmt.Fprint(o.out, "| breaks a day | add to C |")
	for _, m := range ms {
		fmt.Fprintf(o.out, " realised / nominal, B = %d |", m.Days)
	}
	fmt.Fprintln(o.out, "\n|---|---|"+repeat("---|", len(ms)))
	for k, rate := range knots {
		fmt.Fprintf(o.out, "| %g | %s |", rate, o.correction(ms, k))
		for _, m := range ms {
			realised, nominal := atKnot(m, k)
			fmt.Fprintf(o.out, " %.1f / %.1f = %.2f |", realised, nominal, realised/nominal)
		}
		fmt.Fprintln(o.out)
	}
	return nil
}

func (o options) correction(ms []Measured, k int) string {
	for _, m := range ms {
		if realised, nominal := atKnot(m, k); m.Days == calibrationBudget {
			return fmt.Sprintf("%+.2f", math.Log((realised+.5)/(nominal+.5)))
		}
	}
	return ""
}

// atKnot is the realised and the nominal false alarms of the series near a knot.
func atKnot(m Measured, k int) (realised, nominal float64) {
	for _, o := range m.Outcomes {
		w := hat(k, o.PerDay)
		realised += w * float64(o.False)
		nominal += w * o.Months * 30 / float64(m.Days)
	}
	return realised, nominal
}

// hat is how much a rate counts for a knot: 1 at it, falling to 0 at its neighbours in the logarithm of the rate; 1 beyond the outermost.
func hat(k int, rate float64) float64 {
	x := math.Log(rate)
	if near := math.Log(knots[k]); x < near {
		if k == 0 {
			return 1
		}
		low := math.Log(knots[k-1])
		return max(0, (x-low)/(near-low))
	} else if k < len(knots)-1 {
		high := math.Log(knots[k+1])
		return max(0, (high-x)/(high-near))
	}
	return 1
}
