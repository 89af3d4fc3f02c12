package detect

import "math"

// evidence is what one window holds.
type evidence struct {
	count       float64 // breaks
	expected    float64 // breaks expected
	clumping    float64 // variance of counts over their mean, at least 1
	uncertainty float64 // squared coefficient of variation of the expectation
	slots       int     // length of the window
	transient   float64 // ρX: breaks expected on top because refreshes of the provider fail transiently and some are misread
}

// withTransients is e as the alert scan sees it: with μ + ρX in place of μ.
func (e evidence) withTransients() evidence {
	e.expected += e.transient
	e.transient = 0
	return e
}

// score returns the log of the days in which one window as extreme as e is expected once; ok is false when nothing in it exceeds what is
// expected. With counts over the clumping φ, x = (n − ½)/φ and y = 1.3 Λ/φ, and r = 1/uncertainty, the signed root of the negative binomial
// log-likelihood ratio of x against y,
//
//	l = x log(x/y) − (x + r) log((x + r)/(y + r)),  z = √(2 l),
//
// is nearly normal; its tail probability is turned into days by the number of disjoint windows a day, and by the calibration c for all
// overlapping ones together (scan statistics: Naus 1982, Kulldorff 1997).
func (e evidence) score(c float64) (s float64, ok bool) {
	limit := minRise * e.expected
	if !(e.count >= minCount && e.count > limit && e.expected > 0 && e.clumping >= 1 && e.uncertainty > 0) {
		return 0, false
	}
	l := e.likelihood()
	if l <= 0 {
		return 0, false
	}
	return -logTail(math.Sqrt(2*l)) - math.Log(float64(slotsPerDay)/float64(e.slots)) - c, true
}

// likelihood is l above, 0 where x <= y.
func (e evidence) likelihood() float64 {
	x, y, r := (e.count-continuity)/e.clumping, minRise*e.expected/e.clumping, 1/e.uncertainty
	if x <= y {
		return 0
	}
	return x*math.Log(x/y) - (x+r)*math.Log((x+r)/(y+r))
}

// logTail is log P(Z > z) of a standard normal Z; beyond 30 by its first asymptotic term, where the probability underflows.
func logTail(z float64) float64 {
	if z >= 30 {
		return -z*z/2 - math.Log(z) - 0.919
	}
	return math.Log(math.Erfc(z/math.Sqrt2) / 2)
}

// The calibration of five windows, fitted to simulated streams without incidents: calibrationBase plus a value that is linear in log rate
// between these points and flat outside of them.
const calibrationBase = -0.35

var calibrationPoints = [...]struct{ perDay, value float64 }{
	{.07, -1.35}, {.25, -.55}, {1, .1}, {4, .65}, {16, -.05}, {80, -.75}, {400, -1.9},
}

// calibration is c of score for a series of so many breaks a day.
func calibration(perDay float64) float64 {
	p := calibrationPoints[:]
	if !(perDay > p[0].perDay) {
		return calibrationBase + p[0].value
	}
	for i := 1; i < len(p); i++ {
		if perDay <= p[i].perDay {
			part := math.Log(perDay/p[i-1].perDay) / math.Log(p[i].perDay/p[i-1].perDay)
			return calibrationBase + p[i-1].value + part*(p[i].value-p[i-1].value)
		}
	}
	return calibrationBase + p[len(p)-1].value
}
