package baseline

// block is a stretch of usable slots: n breaks where m were expected when its day began.
type block struct{ n, m float64 }

// forecast is the newest days that have rates, by the hour.
type forecast struct {
	days   int
	number [dispersionDays]int64 // days since 1970
	hours  [dispersionDays * hoursPerDay]block
}

func (f *forecast) fill(t *table) {
	for j := max(t.wrong, t.forecasts()); j < len(t.days); j++ {
		d := &t.days[j]
		if d.Rates == nil {
			continue
		}
		hours := f.hours[f.days*hoursPerDay:][:hoursPerDay]
		for h, c := range t.hours[j] {
			hours[h] = block{float64(c.breaks), float64(c.slots) * float64(d.Rates.Hour[h])}
		}
		for _, b := range d.Rates.Batch {
			if d.usable(int(b.Slot)) {
				hours[b.Slot/slotsPerHour].m += float64(b.Breaks)
			}
		}
		f.number[f.days] = t.began + int64(j)
		f.days++
	}
}

// forecasts is where the newest dispersionDays days that have rates begin.
func (t *table) forecasts() int {
	n := 0
	for j := len(t.days) - 1; j >= 0; j-- {
		if t.days[j].Rates != nil {
			n++
		}
		if n == dispersionDays {
			return j
		}
	}
	return 0
}

// clumps sums over blocks of three hours with an expectation m below 4 (step 6):
//
//	x₁ = Σ min((n − m)² − .03 m², 25 m + 9)    x₂ = Σ m
func clumps(hours []block) (excess, mean float64) {
	for i := 0; i < len(hours); i += clumpHours {
		b := sum(hours[i : i+clumpHours])
		if b.m > 0 && b.m < clumpMaxMean {
			excess += min((b.n-b.m)*(b.n-b.m)-clumpWander*b.m*b.m, clumpCapMean*b.m+clumpCap)
			mean += b.m
		}
	}
	return excess, mean
}

// clumping is φ of a series, the quasi-Poisson moment estimate (McCullagh & Nelder, Generalized Linear Models, §6.2) shrunk to that of the fleet:
// (x₁ + 30 φ̄)/(x₂ + 30), 1 to 4.
func clumping(excess, mean, fleet float64) float64 {
	return max(clumpMin, min(clumpMax, (excess+clumpPrior*fleet)/(mean+clumpPrior)))
}

// fluctuation is v at the scale of the blocks, the variance of the rate that clumping leaves unexplained over its squared mean (step 7):
//
//	s₂ = Σ (min((n − m)², 14 (φ m + .06 m²) + 1) − φ m)    s₀ = Σ m²    over blocks with m > 0
//	v  = (s₂ + K prior)/(s₀ + K), at least .003             K = 10 max(s₀/blocks, 1)
//
// It is the moment estimate under Var n = φ m + v m², shrunk to the prior.
func fluctuation(blocks []block, phi, prior float64) float64 {
	var s2, s0, count float64
	for _, b := range blocks {
		if b.m <= 0 {
			continue
		}
		most := fluctuationCap*(phi*b.m+fluctuationWander*b.m*b.m) + fluctuationSlack
		s2 += min((b.n-b.m)*(b.n-b.m), most) - phi*b.m
		s0 += b.m * b.m
		count++
	}
	if count == 0 {
		return max(prior, fluctuationMin)
	}
	k := fluctuationPrior * max(s0/count, 1)
	return max((s2+k*prior)/(s0+k), fluctuationMin)
}

// fluctuations are v at 1, 6, 24 and 72 hours; the prior of each is .8 of the one before. It uses the hours up.
func (f *forecast) fluctuations(phi float64) (v [4]float64) {
	blocks := f.hours[:f.days*hoursPerDay]
	v[0] = fluctuation(blocks, phi, fluctuationStart)
	blocks = coarser(blocks, sixHours)
	v[1] = fluctuation(blocks, phi, fluctuationShrink*v[0])
	blocks = coarser(blocks, hoursPerDay/sixHours)
	v[2] = fluctuation(blocks, phi, fluctuationShrink*v[1])
	blocks = f.threeDays(blocks)
	v[3] = fluctuation(blocks, phi, fluctuationShrink*v[2])
	return v
}

// coarser puts every k blocks together, in place.
func coarser(blocks []block, k int) []block {
	for i := 0; i < len(blocks); i += k {
		blocks[i/k] = sum(blocks[i : i+k])
	}
	return blocks[:len(blocks)/k]
}

// threeDays puts blocks of a day together where ⌊day/3⌋ is the same, in place.
func (f *forecast) threeDays(days []block) []block {
	n := 0
	for i, d := range days {
		if i > 0 && third(f.number[i]) == third(f.number[i-1]) {
			d = block{days[n-1].n + d.n, days[n-1].m + d.m}
			n--
		}
		days[n] = d
		n++
	}
	return days[:n]
}

// third is ⌊day/3⌋, before 1970 too.
func third(day int64) int64 { return (day - (day%daysBlock+daysBlock)%daysBlock) / daysBlock }

func sum(blocks []block) (s block) {
	for _, b := range blocks {
		s.n += b.n
		s.m += b.m
	}
	return s
}
