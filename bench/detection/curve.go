package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// point is one setting in the plane of false alarms and recall. Delay is the median of what was found, in hours.
type point struct{ FA, Recall, Delay float64 }

// sums are the counts that a provider adds to a point; what bootstrap adds up again and again.
type sums struct{ falses, months, found, incidents float64 }

// Sweep is a detector at all its settings, as sums by provider.
type Sweep struct {
	Name     string
	Settings [][]sums    // [setting][provider]
	Delays   [][]float64 // hours, of what was found, by setting
}

func (s *Sweep) add(outcomes []Outcome) {
	row := make([]sums, len(outcomes))
	var delays []float64
	for i, o := range outcomes {
		row[i] = sums{falses: float64(o.False), months: o.Months}
		for _, h := range o.Hits {
			if !h.Incident {
				continue
			}
			row[i].incidents++
			if h.Found {
				row[i].found++
				delays = append(delays, h.Delay.Hours())
			}
		}
	}
	s.Settings, s.Delays = append(s.Settings, row), append(s.Delays, delays)
}

// curve is the best recall at each rate of false alarms, over the providers named, from few false alarms to many.
func (s *Sweep) curve(providers []int) []point {
	var out []point
	for i, row := range s.Settings {
		var t sums
		for _, p := range providers {
			t.falses, t.months = t.falses+row[p].falses, t.months+row[p].months
			t.found, t.incidents = t.found+row[p].found, t.incidents+row[p].incidents
		}
		if t.months > 0 && t.incidents > 0 { // none at all is taken for half of one
			out = append(out, point{max(t.falses, .5) / t.months, t.found / t.incidents, median(s.Delays[i])})
		}
	}
	slices.SortStableFunc(out, func(a, b point) int { return cmp.Or(cmp.Compare(a.FA, b.FA), cmp.Compare(b.Recall, a.Recall)) })
	best := -1.0
	return slices.DeleteFunc(out, func(p point) bool {
		worse := p.Recall <= best
		best = max(best, p.Recall)
		return worse
	})
}

// at interpolates the recall at a rate of false alarms, linearly in its logarithm. Where fewer false alarms were never measured nothing is
// claimed: recall 0. Above the most it stays.
func at(curve []point, fa float64) point {
	i, _ := slices.BinarySearchFunc(curve, fa, func(p point, fa float64) int { return cmp.Compare(p.FA, fa) })
	switch {
	case i < len(curve) && curve[i].FA == fa:
		return curve[i]
	case i == 0:
		return point{FA: fa, Delay: math.NaN()}
	case i == len(curve):
		return point{fa, curve[i-1].Recall, curve[i-1].Delay}
	}
	a, b := curve[i-1], curve[i]
	part := math.Log(fa/a.FA) / math.Log(b.FA/a.FA)
	return point{fa, a.Recall + part*(b.Recall-a.Recall), a.Delay + part*(b.Delay-a.Delay)}
}

const areaFrom, areaTo, areaSteps = .02, 2, 40

// area is the mean recall over rates of false alarms spread evenly by their logarithms from .02 to 2 a provider and month.
func area(curve []point) float64 {
	sum := 0.0
	for i := range areaSteps + 1 {
		x := areaFrom * math.Pow(areaTo/areaFrom, float64(i)/areaSteps)
		weight := 1.0
		if i == 0 || i == areaSteps {
			weight = .5
		}
		sum += weight * at(curve, x).Recall
	}
	return sum / areaSteps
}

// interval is the middle and the 95 % confidence interval of a figure.
type interval struct{ Value, Low, High float64 }

const bootstraps = 200

// bootstrap is the interval of a figure over n providers, by drawing providers with replacement.
func bootstrap(n int, figure func(providers []int) float64) interval {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	v := interval{Value: figure(all)}
	drawn := make([]float64, bootstraps)
	for i := range drawn {
		for j := range all {
			all[j] = r.IntN(n)
		}
		drawn[i] = figure(all)
	}
	drawn = slices.DeleteFunc(drawn, math.IsNaN)
	v.Low, v.High = quantile(drawn, .025), quantile(drawn, .975)
	return v
}

// quantile is the q-quantile, 0 to 1, between the two nearest; NaN of nothing.
func quantile(x []float64, q float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(x))
	at := q * float64(len(s)-1)
	i := int(at)
	if i+1 >= len(s) {
		return s[len(s)-1]
	}
	return s[i] + (at-float64(i))*(s[i+1]-s[i])
}

func median(x []float64) float64 { return quantile(x, .5) }
