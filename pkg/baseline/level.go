// Package baseline says what is normal for one series: the rate of breaks it is expected to have, and how much that varies.
//
// It is pure: no goroutine, lock, clock, file, network, log or metric.
package baseline

import "math"

// The prior of a level: half a break in half a day, so one a day, worth half an event.
const (
	priorBreaks = 0.5
	priorDays   = 0.5
)

// The half-life of a level is the time in which 30 breaks are expected, held between these, in days.
const (
	halfLifeBreaks = 30
	halfLifeMin    = 14
	halfLifeMax    = 60
)

// A level older than warmDays leaves out its last guardDays: an incident that is only beginning may not teach.
const (
	warmDays  = 10
	guardDays = 2
)

// Clumping is the variance of counts over their mean (1 would be Poisson) before a series has shown its own.
const Clumping = 1.3

// Fluctuation is the squared coefficient of variation of the rate itself over a window of so many hours, before a series has
// shown its own: .04 for an hour, and .8 of the scale before at 6, 24 and 72 hours. A scale serves windows up to a half more or so.
func Fluctuation(hours float64) float64 {
	const v, shrink = 0.04, 0.8
	switch {
	case hours <= 2:
		return v
	case hours <= 12:
		return v * shrink
	case hours <= 36:
		return v * shrink * shrink
	}
	return v * shrink * shrink * shrink
}

// Day is one UTC day of a series.
type Day struct {
	Breaks float64 // counted in its usable slots
	Usable float64 // part of the day that was observed and is free of incidents, 0 to 1
}

// Level is the posterior of a rate under a gamma prior, with exponential forgetting: Breaks are discounted breaks, Days discounted
// usable days, both without the prior. The zero Level is the prior itself.
type Level struct {
	Breaks, Days float64
}

// PerDay is the expected number of breaks a day, above 0.
func (l Level) PerDay() float64 { return (l.Breaks + priorBreaks) / (l.Days + priorDays) }

// Uncertainty is the squared coefficient of variation of the level, clumping included.
func (l Level) Uncertainty() float64 { return Clumping / (l.Breaks + priorBreaks) }

// Fit learns the level for the coming day from the days before it, the oldest first. With weights w = 2^(−age/H), age in days up to the
// middle of a day and H the half-life, Breaks = Σ w·breaks and Days = Σ w·usable (the conjugate update of a gamma prior by Poisson
// counts, each discounted). Days with nothing usable change nothing; NaN, infinite or negative input counts as not usable.
func Fit(days []Day) Level {
	n := len(days)
	if n > warmDays {
		n -= guardDays
	}
	var breaks, usable float64
	for _, d := range days[:n] {
		if d.valid() {
			breaks, usable = breaks+d.Breaks, usable+d.Usable
		}
	}
	half := float64(halfLifeMax)
	if breaks > 0 {
		half = math.Max(halfLifeMin, math.Min(halfLifeMax, halfLifeBreaks*usable/breaks))
	}
	var l Level
	for i, d := range days[:n] {
		if d.valid() {
			w := math.Exp2(-(float64(len(days)-i) - 0.5) / half)
			l.Breaks += w * d.Breaks
			l.Days += w * d.Usable
		}
	}
	return l
}

func (d Day) valid() bool {
	return d.Usable > 0 && d.Usable <= 1 && d.Breaks >= 0 && !math.IsInf(d.Breaks, 1)
}
