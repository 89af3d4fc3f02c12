package baseline

// level is what is known of the level of a series, without the prior (step 4): with weights w = 2^(−age/H) over the usable slots,
//
//	a = Σ w n_t                breaks
//	b = Σ w (f_i/144 + β_s)    days; of a day without holes 1 and the share of its batches on top
//	λ = (a + a₀)/(b + b₀)      breaks a day outside of batches
//	H = 30/(24 r) days, between 14 and 60: the time in which 30 breaks are expected, so that busy series follow their rate and quiet ones remember
//
// It is the gamma-Poisson update (Gelman et al., Bayesian Data Analysis, §2.6), discounted (West & Harrison, Bayesian Forecasting and Dynamic Models).
func (t *table) level(p *plans, s *season) (breaks, days float64) {
	half := max(halfLifeMin, min(halfLifeMax, halfLifeBreaks/(hoursPerDay*s.perHour))) // r = 0: the longest
	n := len(t.days)
	if n > warmDays {
		n -= guardDays
	}
	for j := t.other; j < n; j++ {
		w := t.weight(j, half)
		a, b := t.exposure(j, p[t.weekend(j)], s)
		breaks += w * a
		days += w * b
	}
	return breaks, days
}

// exposure of day j: its usable breaks, and Σ (f_i/144 + β_s) over its usable slots.
func (t *table) exposure(j int, plan []portion, s *season) (breaks, days float64) {
	week := s.shape[hoursPerDay*t.weekday(j):][:hoursPerDay]
	for h, c := range t.hours[j] {
		breaks += float64(c.breaks)
		days += float64(c.slots) * week[h]
	}
	days /= SlotsPerDay
	for _, b := range plan {
		if t.days[j].usable(b.slot) {
			days += b.beta
		}
	}
	return breaks, days
}

// rates is what is expected of the day after the history (step 5): μ = λ (f_i/144 + β_s) breaks a slot.
func (t *table) rates(p *plans, s *season, perDay float64) (r Rates) {
	today := len(t.days)
	week := s.shape[hoursPerDay*t.weekday(today):]
	for h := range r.Hour {
		r.Hour[h] = float32(perDay * week[h] / SlotsPerDay)
	}
	for _, b := range p[t.weekend(today)] {
		r.Batch = append(r.Batch, Batch{uint8(b.slot), float32(perDay * b.beta)})
	}
	return r
}
