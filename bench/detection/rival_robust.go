package main

import "math"

// Normal consistency factors: sigma is 1.4826 times the median absolute deviation and 1.2533 times the mean one.
const (
	sigmaOfMAD    = 1.4826
	sigmaOfMeanAD = 1.2533
)

// modifiedZ is 0.6745 (x - median) / MAD of Iglewicz & Hoaglin 1993 (published threshold: 3.5), a trailing day against the four weeks before it. Where the MAD is 0
// the mean absolute deviation stands in, as statistics packages do. The knob is the threshold.
func modifiedZ(counts []float64, first int64) []float64 {
	past := newTrail(counts, aDay)
	var days []float64
	return everyHour(len(counts), first, func(i int) float64 {
		days = past.before(days[:0], i, 0, 28)
		if len(days) < 7 {
			return 0
		}
		middle, sigma := robust(days)
		return (past.count[i] - middle) / max(sigma, leastSD(past.width))
	})
}

// robust returns the median of values and a robust standard deviation about it. It changes values.
func robust(values []float64) (middle, sigma float64) {
	middle = middleOf(values)
	mean := 0.0
	for k, v := range values {
		values[k] = math.Abs(v - middle)
		mean += values[k] / float64(len(values))
	}
	if mad := middleOf(values); mad > 0 {
		return middle, sigmaOfMAD * mad
	}
	return middle, sigmaOfMeanAD * mean
}

// seasonalBand is a band as the robust algorithms of monitoring products draw it: the median of the same hour of the week and its two neighbours in the last six
// weeks, plus and minus bounds times a robust standard deviation. Weekly season needs three weeks of history, as their manual says. The knob is bounds (2 or 3).
func seasonalBand(counts []float64, first int64) []float64 {
	past := newTrail(counts, anHour)
	var same []float64
	return everyHour(len(counts), first, func(i int) float64 {
		same = same[:0]
		for week := 1; week <= 6; week++ {
			for j := i - week*aWeek - anHour; j <= i-week*aWeek+anHour; j += anHour {
				if j >= anHour-1 {
					same = append(same, past.count[j])
				}
			}
		}
		if i-3*aWeek < 0 {
			return 0
		}
		middle, sigma := robust(same)
		return (past.count[i] - middle) / max(sigma, leastSD(past.width))
	})
}
