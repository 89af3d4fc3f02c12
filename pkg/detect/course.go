package detect

import (
	"math"

	"github.com/revwatch/revwatch/pkg/window"
)

const (
	courseSteps = 24
	courseOften = 0.01 // a step is above its upper count so often by chance
)

// course is how the breaks that count went on: in 24 equal steps, each of whole slots, that cover the window of the incident and as much again before it,
// up to the newest closed slot, or to the end of the window when that is still running.
func (d *Detector) course(s *series) Course {
	p := s.incident.Peak
	end := max(d.edge-1, p.To)
	step := (end - (2*p.From - p.To - 1) + courseSteps) / courseSteps
	from := end - courseSteps*step + 1
	c := Course{From: window.SlotTime(from), Seconds: int(step) * int(window.Slot.Seconds()), Counts: make([]int, courseSteps), Upper: make([]float64, courseSteps)}
	for i := range c.Counts {
		first := from + int64(i)*step
		c.Counts[i] = int(s.ring.Sum(first, first+step-1))
		c.Upper[i] = d.upperCount(s, first, first+step-1)
	}
	return c
}

// upperCount is what the breaks of a stretch exceed by chance once in 100 times: φ times the least count that a negative binomial with mean Λ/φ and
// squared coefficient of variation τ² exceeds so seldom, as the scan takes counts to be distributed (detect/score.go). What was not observed expects nothing.
func (d *Detector) upperCount(s *series, from, to int64) float64 {
	m := &s.on(floorDay(from)).Model
	mean := s.expected(max(from, s.first), to, &d.rows)
	phi := max(1, m.Clumping)
	return phi * exceeded(mean/phi, m.Uncertainty(int(to-from+1)), courseOften)
}

// exceeded is the least count that a negative binomial with so high a mean and squared coefficient of variation τ² of its rate exceeds with probability p
// at most, p < ½.
func exceeded(mean, tau2, p float64) (q float64) {
	if !(mean > 0 && tau2 > 0) {
		return 0
	}
	r := 1 / tau2
	q = math.Floor(mean)
	beyond := reaching(q+1, mean, tau2)
	for term := mass(q+1, mean, tau2); beyond > p && term > 0; q++ {
		beyond -= term
		term *= (q + 1 + r) / (q + 2) * mean / (r + mean)
	}
	return q
}
