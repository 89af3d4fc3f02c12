// Package baseline says what is normal for one series: the rate of breaks it is expected to have through the day, and how much that varies.
//
// It is learned anew at 00:00 UTC of each day from up to 84 days before, in seven steps:
//
//  1. batch.go: slots in which a scheduled job finds many broken connections at once
//  2. fleet.go: the week as all series together know it (on Mondays)
//  3. shape.go: the week of the series, shrunk to that of the fleet
//  4. level.go: its level, a gamma-Poisson posterior that forgets
//  5. level.go: what is expected of the coming day
//  6. dispersion.go: clumping φ, the variance of counts over their mean
//  7. dispersion.go: fluctuation v, the variance of the rate itself, by scale
//
// All numbers are in constants.go. A slot that does not teach is left out of breaks and of exposure alike, in every step.
//
// The package is pure: no goroutine, lock, clock, file, network, log or metric. Equal input gives equal output, to the bit.
package baseline

// Model is what is known of a series on one day. All fields are finite.
type Model struct {
	Breaks, Days float64    // a, b of the level: discounted breaks, and discounted days they were counted in, without the prior
	Clumping     float64    // φ, 1 to 4
	Fluctuation  [4]float64 // v at 1, 6, 24 and 72 h, at least .003
	Excess, Mean float64    // x₁ and x₂ of clumping, for FleetClumping; the excess may be negative
}

// NewModel is the prior: what is believed before anything was seen.
func NewModel() Model {
	m := Model{Clumping: clumpStart}
	v := fluctuationStart
	for i := range m.Fluctuation {
		m.Fluctuation[i] = v
		v *= fluctuationShrink
	}
	return m
}

// PerDay is λ = (a + .5)/(b + .5): expected breaks a day outside of batches, above 0.
func (m *Model) PerDay() float64 { return (m.Breaks + priorBreaks) / (m.Days + priorDays) }

// Uncertainty is τ² = v + φ/(a + .5), the squared coefficient of variation of what is expected of a window of so many slots: of the rate while the
// window lasts, and of the level that was learned.
func (m *Model) Uncertainty(slots int) float64 {
	return m.Fluctuation[scale(slots)] + m.Clumping/(m.Breaks+priorBreaks)
}

// scale is the index of the fluctuation that serves a window.
func scale(slots int) int {
	switch {
	case slots <= upToHour:
		return 0
	case slots <= upToSix:
		return 1
	case slots <= upToDay:
		return 2
	}
	return 3
}

// Fit learns a series from its past, and says what is expected of h.Today. It allocates only where batches are expected.
func Fit(h *History, f *Fleet) (Model, Rates) {
	var past table
	past.fill(h, MaxDays)
	batches := past.plans()
	season := past.season(&batches, &f.Shape)

	var m Model
	m.Breaks, m.Days = past.level(&batches, &season)
	rates := past.rates(&batches, &season, m.PerDay())

	var then forecast
	then.fill(&past)
	m.Excess, m.Mean = clumps(then.hours[:then.days*hoursPerDay])
	m.Clumping = clumping(m.Excess, m.Mean, f.Clumping)
	m.Fluctuation = then.fluctuations(m.Clumping)
	return m, rates
}
