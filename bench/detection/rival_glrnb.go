package main

import "math"

// glrHours is how far back the chart looks for the start of a shift: a window-limited chart, as Höhle & Paul give it for a bounded cost (M), over three days of hours.
const glrHours = 72

// glrNB is the likelihood-ratio chart for negative binomial counts with a shift of unknown size (Höhle & Paul 2008): the largest over starts k in the last glrHours
// hours of sup over kappa >= 1 of sum log f(x; kappa mu) / f(x; mu), with variance mu + alpha mu². The knob is that ratio (c.ARL, published: 5). mu is seasonalMean's;
// alpha is estimated by moments from the last four weeks, the guard of the baseline left out. It is not reset at an alarm: the threshold is not known here.
func glrNB(counts []float64, first int64) []float64 {
	expected := seasonalMean(counts, first)
	hours := &glrHistory{}
	past := newTrail(counts, anHour)
	return everyHour(len(counts), first, func(i int) float64 {
		if i < anHour-1 || expected[i] == 0 {
			return 0
		}
		hours.add(past.count[i], expected[i]*anHour)
		return hours.largest()
	})
}

// glrHistory is what the chart has seen, in hours.
type glrHistory struct {
	count, mean    []float64
	excess, square []float64 // running sums of (count - mean)² - mean and of mean²
}

func (h *glrHistory) add(count, mean float64) {
	h.count, h.mean = append(h.count, count), append(h.mean, mean)
	last := len(h.excess) - 1
	h.excess = append(h.excess, orZero(h.excess, last)+(count-mean)*(count-mean)-mean)
	h.square = append(h.square, orZero(h.square, last)+mean*mean)
}

// dispersion estimates alpha by sum((x-mu)² - mu) / sum(mu²), held to .01 … 5; .1 without a week of hours before the guard.
func (h *glrHistory) dispersion() float64 {
	newest := len(h.count) - 1 - baseGuard/anHour
	if newest < 7*24 {
		return .1
	}
	oldest := newest - 28*24
	alpha := (h.excess[newest] - orZero(h.excess, oldest)) / (h.square[newest] - orZero(h.square, oldest))
	return min(max(alpha, .01), 5)
}

// largest is the statistic at the newest hour. Only hours above their mean can begin the best window: any other would be better left off. The logarithm of the ratio is
// concave in log kappa and 0 at 0, so it is at most its derivative there, slope, times log kappa: most windows need not be worked out.
func (h *glrHistory) largest() float64 {
	alpha, n := h.dispersion(), len(h.count)
	best, kappa, slope := 0.0, 1.0, 0.0
	for k := n - 1; k >= max(0, n-glrHours); k-- {
		above := h.count[k] - h.mean[k]
		slope += above / (1 + alpha*h.mean[k])
		if above <= 0 || slope <= 0 {
			continue
		}
		window := glrWindow{h.count[k:], h.mean[k:], alpha}
		if kappa = window.shift(kappa); slope*math.Log(kappa) > best {
			best = max(best, window.ratio(kappa))
		}
	}
	return best
}

type glrWindow struct {
	count, mean []float64
	alpha       float64
}

// shift finds the most likely kappa >= 1 from a guess, by Newton's method on its logarithm: the derivative sum (x - kappa mu)/(1 + alpha kappa mu) falls all the way.
func (w glrWindow) shift(kappa float64) float64 {
	for range 30 {
		score, information := 0.0, 0.0
		for t, x := range w.count {
			m := kappa * w.mean[t]
			d := 1 / (1 + w.alpha*m)
			score += (x - m) * d
			information += m * (1 + w.alpha*x) * d * d
		}
		step := min(max(score/information, -2), 2)
		kappa = max(kappa*math.Exp(step), 1)
		if math.Abs(step) < 1e-3 || kappa == 1 && step < 0 {
			break
		}
	}
	return kappa
}

// ratio is the log likelihood ratio of kappa against 1.
func (w glrWindow) ratio(kappa float64) float64 {
	sum, logKappa := 0.0, math.Log(kappa)
	for t, x := range w.count {
		m := w.alpha * w.mean[t]
		sum += x*logKappa - (x+1/w.alpha)*math.Log((1+kappa*m)/(1+m))
	}
	return sum
}
