package detect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// breadth is how many series of one kind rise in the same hour, against how many would by chance.
type breadth struct {
	Rising   int     // series whose last hour reaches their own upper 5 % point
	Of       int     // series that are older than a week
	Chance   float64 // M: how many would
	Score    float64 // log of the days in which so many rise once by chance; −∞: they do not
	Observed int     // connections newly broken in the hour, of all series that rise
	Expected float64 // of them
	Most     []string
	Since    time.Time // of the first of them
	Broken   []Broken  // at most 50 of them

	Environments []string `json:",omitempty"` // of them, sorted
	Total        int      `json:",omitempty"` // connections there are in these; 0: not known

	Ranking   []Lift      `json:",omitempty"` // what is over-represented among them
	Ranked    []string    `json:",omitempty"` // the same in words
	Diagnoses []Diagnosis `json:",omitempty"`

	newest time.Time
	rises  []*series
}

// breadth judges the hour that ends with a slot. With X series that reach the count q which they reach by chance with probability p ≤ 5 % (one
// break, where less than 0.05 are expected), M = Σ p, it is unusual when X ≥ 5, X > 1.3 M and
//
//	−log P(NB(1.3 M, τ² = 0.05) ≥ X) − log 48 > log 365,
//
// 48 being the independent looks a day. The counts of a series are negative binomial with mean Λ, the largest of the hour and its neighbours, and
// τ² = v of an hour + 0.02.
func (d *Detector) breadth(k kind, slot int64) (b breadth) {
	b.Score = noPeak
	if slot-d.began < breadthFrom || !d.manyBroke(k, slot) {
		return b
	}
	var hourly [2]evidence // up to an hour
	for _, s := range d.order {
		if s.kind() != k || slot-s.first < learningUntil {
			continue
		}
		b.Of++
		d.weigh(s, slot, hourly[:])
		e := hourly[len(hourly)-1].withTransients()
		q, p := upperPoint(max(e.expected, s.around(slot)), s.today().Model.Fluctuation[0]+breadthVary)
		b.Chance += p
		if e.count >= q {
			b.Rising++
			b.rises = append(b.rises, s)
			b.Expected += e.expected
		}
	}
	if b.Rising < breadthMin || float64(b.Rising) <= minRise*b.Chance {
		return b
	}
	b.Score = -math.Log(reaching(float64(b.Rising), minRise*b.Chance, breadthCommon)) - breadthScans
	b.tell(slot)
	return b
}

// around is what is expected of the hour before and of the hour after the one that ends with a slot, whichever is more: when the clocks change, the
// offices of all series open an hour early by UTC, and rise together.
func (s *series) around(slot int64) float64 {
	return max(s.forecasted(slot-2*hour+1, slot-hour), s.forecasted(slot+1, slot+hour))
}

// manyBroke reports whether enough series of a kind broke in the last hour to rise together.
func (d *Detector) manyBroke(k kind, slot int64) bool {
	n := 0
	for _, s := range d.order {
		if s.newest > slot-hour && s.kind() == k {
			n++
		}
	}
	return n >= breadthMin
}

// tell fills in what people are told.
func (b *breadth) tell(slot int64) {
	p := peak{From: slot - hour + 1, To: slot}
	counts := map[*series]int{}
	for _, s := range b.rises {
		broke := s.within(p)
		counts[s] = distinct(broke)
		if !slices.Contains(b.Environments, s.Environment) {
			b.Environments = append(b.Environments, s.Environment)
		}
		b.Observed += counts[s]
		b.newest = later(b.newest, broke[len(broke)-1].Time)
		if b.Since.IsZero() || broke[0].Time.Before(b.Since) {
			b.Since = broke[0].Time
		}
	}
	slices.Sort(b.Environments)
	most := slices.Clone(b.rises)
	slices.SortStableFunc(most, func(x, y *series) int { return cmp.Compare(counts[y], counts[x]) })
	_, several := b.where()
	for _, s := range most[:min(len(most), 3)] {
		name := s.Provider
		if several {
			name += " in " + or(s.Environment, "an unknown environment")
		}
		b.Most = append(b.Most, fmt.Sprintf("%s (%d)", name, counts[s]))
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// upperPoint is the least count q ≥ 1 that a negative binomial with so high a mean and squared coefficient of variation τ² of its rate reaches with a
// probability p of at most 5 %; 1 where the mean is below 0.05.
func upperPoint(mean, tau2 float64) (q, p float64) {
	if mean <= 0 {
		return 1, 0
	}
	r := 1 / tau2
	mass := math.Exp(-r * math.Log1p(mean*tau2)) // of 0
	p, q = 1-mass, 1
	if mean < breadthFloor {
		return 1, p
	}
	for k := 0.0; p > breadthTail; q++ {
		mass *= (k + r) / (k + 1) * mean / (r + mean)
		p -= mass
		k++
	}
	return q, math.Max(p, 0)
}

// reaching is the probability that a negative binomial with so high a mean and squared coefficient of variation τ² of its rate reaches n.
func reaching(n, mean, tau2 float64) float64 {
	if mean <= 0 {
		return math.SmallestNonzeroFloat64
	}
	r := 1 / tau2
	sum, term := 0.0, mass(n, mean, tau2)
	for k := n; term > sum*1e-12 && k < n+1e6; k++ { // above the mean the terms fall
		sum += term
		term *= (k + r) / (k + 1) * mean / (r + mean)
	}
	return math.Max(sum, math.SmallestNonzeroFloat64)
}

// mass is the probability that a negative binomial with so high a mean and squared coefficient of variation τ² of its rate is k.
func mass(k, mean, tau2 float64) float64 {
	r := 1 / tau2
	a, _ := math.Lgamma(k + r)
	b, _ := math.Lgamma(r)
	c, _ := math.Lgamma(k + 1)
	return math.Exp(a - b - c - r*math.Log1p(mean/r) + k*math.Log(mean/(r+mean)))
}
