package main

import "math"

// meanSigma is the trailing mean + k sigma that most home-made alerts are: the newest block of width slots against the blocks before it. The knob is k.
// Hours are held against the last week, days against the last four.
func meanSigma(width, blocks, least int) func([]float64, int64) []float64 {
	return func(counts []float64, first int64) []float64 {
		past := newTrail(counts, width)
		score := func(i int) float64 {
			mean, sd, ok := past.moments(i, 0, blocks, least)
			if !ok {
				return 0
			}
			return (past.count[i] - mean) / sd
		}
		if width >= aDay {
			return everyHour(len(counts), first, score)
		}
		return everySlot(len(counts), score)
	}
}

// ewmaLambda is the weight of the newest hour: 0.2, in the middle of the 0.05 … 0.25 that work well by Lucas & Saccucci 1990 and Montgomery.
const ewmaLambda = .2

// ewma is the exponentially weighted moving average chart (Roberts 1959): z = lambda x + (1 - lambda) z over hours, in units of its own standard deviation
// sigma sqrt(lambda / (2 - lambda)). The knob is the width L of the control limits. Target and sigma are those of the last four weeks, the newest day left out.
func ewma(counts []float64, first int64) []float64 {
	past := newTrail(counts, anHour)
	spread := math.Sqrt(ewmaLambda / (2 - ewmaLambda))
	z, started := 0.0, false
	return everyHour(len(counts), first, func(i int) float64 {
		mean, sd, ok := past.moments(i, 24, 28*24, 7*24)
		if !ok {
			return 0
		}
		if !started {
			z, started = mean, true
		}
		z = ewmaLambda*past.count[i] + (1-ewmaLambda)*z
		return (z - mean) / (sd * spread)
	})
}

// EARS charts (Hutwagner et al. 2003) hold a day against seven days: those just before it (C1), or two more days earlier (C2), so that an outbreak does not hide
// itself. The knob is the number of sigmas (published: 3).
const earsDays = 7

func ears(guard int) func([]float64, int64) []float64 {
	return func(counts []float64, first int64) []float64 {
		past := newTrail(counts, aDay)
		return everyHour(len(counts), first, func(i int) float64 { return past.ears(i, guard) })
	}
}

// earsC3 sums what C2 had above one sigma today, yesterday and the day before (published threshold: 2).
func earsC3(counts []float64, first int64) []float64 {
	past := newTrail(counts, aDay)
	return everyHour(len(counts), first, func(i int) float64 {
		sum := 0.0
		for day := 0; day < 3 && i-day*aDay >= 0; day++ {
			sum += max(0, past.ears(i-day*aDay, 2)-1)
		}
		return sum
	})
}

func (t *trail) ears(i, guard int) float64 {
	mean, sd, ok := t.moments(i, guard, earsDays, earsDays)
	if !ok {
		return 0
	}
	return (t.count[i] - mean) / sd
}
