package main

import (
	"math"
	"slices"
)

// farringtonRule is one of the two Farringtons, a year of weeks translated to a week of days: days are trailing 24 h, so that the comparable ones lie 7, 14, … back.
type farringtonRule struct {
	stride int                                                     // days from one count of the history to the next
	newest int                                                     // age in days of the newest of them
	groups int                                                     // levels of the season
	least  int                                                     // counts that a fit needs
	bar    float64                                                 // Anscombe residual from which a past count loses weight
	anyway bool                                                    // keep a trend that is not significant
	exceed func(count, mean, variance, dispersion float64) float64 // how far count lies above its mean; variance is that of the mean's logarithm
}

// farringtonDays is the history: twelve weeks in the place of five years.
const farringtonDays = 84

// farrington1996: the same day of the past twelve weeks, a trend if it is significant and does not lead beyond what was seen, past counts above one standardised
// residual down-weighted, and the 2/3-power threshold. The knob is the normal quantile.
//
// farringtonFlexible: all days but those of the last week (a tenth of the history, as 26 weeks are of five years), a level for each day of the week, a trend in any
// case that does not lead beyond what was seen, down-weighting above 2.58, and the quantile of a negative binomial with the mean plugged in. The knob is alpha; the
// score is -log10 of the tail probability.
var (
	farrington1996     = farringtonRule{stride: 7, newest: 7, groups: 1, least: 4, bar: 1, exceed: twoThirds}
	farringtonFlexible = farringtonRule{stride: 1, newest: 8, groups: 7, least: 28, bar: 2.58, anyway: true, exceed: nbTail}
)

// Both are silent with fewer than 5 cases in the last 4 units of time (limit54).
const limitCases, limitDays = 5, 4

func farrington(rule farringtonRule) func([]float64, int64) []float64 {
	return func(counts []float64, first int64) []float64 {
		past := newTrail(counts, aDay)
		power := make([]float64, len(counts))
		for i, c := range past.count {
			power[i] = math.Pow(c, 2./3)
		}
		sums := prefix(counts)
		m := &logLinear{groups: rule.groups, origin: rule.newest / rule.stride}
		return everyHour(len(counts), first, func(i int) float64 {
			if sums[i+1]-sums[max(0, i+1-limitDays*aDay)] < limitCases || !rule.load(m, past, power, i) {
				return 0
			}
			return rule.score(m, past.count[i])
		})
	}
}

// load gives the model the history of slot i; false if it is too short.
func (rule farringtonRule) load(m *logLinear, past *trail, power []float64, i int) bool {
	m.count, m.power, m.weight = m.count[:0], m.power[:0], m.weight[:0]
	for day := rule.newest; day <= farringtonDays && i-day*aDay >= aDay-1; day += rule.stride {
		m.count = append(m.count, past.count[i-day*aDay])
		m.power = append(m.power, power[i-day*aDay])
		m.weight = append(m.weight, 1)
	}
	return len(m.count) >= rule.least
}

func (rule farringtonRule) score(m *logLinear, count float64) float64 {
	m.trend = len(m.count) >= 3*m.groups // three seasons, as three years there
	rule.robustFit(m)
	mean, variance := m.predict()
	if m.trend && (mean > slices.Max(m.count) || !rule.anyway && !m.significant()) {
		m.trend = false
		rule.robustFit(m)
		mean, variance = m.predict()
	}
	mean = max(mean, .5*float64(m.groups)/float64(len(m.count))) // a season without any event: half of one
	if count <= mean {
		return 0
	}
	return rule.exceed(count, mean, variance, m.dispersion)
}

// robustFit fits, down-weights past outbreaks and fits again.
func (rule farringtonRule) robustFit(m *logLinear) {
	for k := range m.weight {
		m.weight[k] = 1
	}
	m.fit()
	m.downweight(rule.bar)
	m.fit()
}

// twoThirds is (y^(2/3) - mu^(2/3)) over its standard deviation sqrt(4/9 mu^(1/3) tau), tau = phi + var(mu)/mu.
func twoThirds(count, mean, variance, dispersion float64) float64 {
	tau := dispersion + variance*mean
	return (math.Pow(count, 2./3) - math.Pow(mean, 2./3)) / math.Sqrt(4./9*math.Cbrt(mean)*tau)
}

// nbTail is -log10 P(Y >= count) of the negative binomial with that mean and variance dispersion times the mean.
func nbTail(count, mean, _, dispersion float64) float64 {
	return -logTail(count, mean, dispersion) / math.Ln10
}

// logTail is log P(Y >= count) for a negative binomial, or Poisson at dispersion 1, by summing the terms from count upwards: for counts above the mean.
func logTail(count, mean, dispersion float64) float64 {
	var logFirst float64
	next := func(k float64) float64 { return mean / (k + 1) } // P(k+1) over P(k)
	if dispersion <= 1+1e-6 {
		logFirst = count*math.Log(mean) - mean - logGamma(count+1)
	} else {
		size, q := mean/(dispersion-1), 1-1/dispersion
		logFirst = logGamma(count+size) - logGamma(size) - logGamma(count+1) - size*math.Log(dispersion) + count*math.Log(q)
		next = func(k float64) float64 { return (k + size) / (k + 1) * q }
	}
	sum, term := 1.0, 1.0
	for k := count; term > 1e-10*sum && k < count+2000; k++ {
		term *= next(k)
		sum += term
	}
	if ratio := next(count + 2000); ratio < 1 {
		sum += term * ratio / (1 - ratio) // what is left is nearly geometric
	}
	return min(logFirst+math.Log(sum), 0)
}

func logGamma(x float64) float64 {
	value, _ := math.Lgamma(x)
	return value
}
