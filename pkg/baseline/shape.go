package baseline

// season is how the rate of a series goes through the week.
type season struct {
	shape   [hoursPerWeek]float64 // f: the rate in each hour of the week over its mean, batches left out
	perHour float64               // r: breaks an hour outside of batches; 0 when nothing was usable
}

// season is the shape of a series, shrunk in two steps to that of the fleet (step 3). Discounted with a half-life of 42 days, n_i breaks and e_i hours
// of usable slots outside of batches are known of hour i of the week (habits says how many breaks one hour may bring); sums over the hours of a class k (weekday or weekend, and the hour) are n_k.
//
//	r   = Σ n / Σ π_i e_i                                                breaks an hour
//	c_k = (100/48 + n_k)/(100/48 + r Σ_k π_i e_i)                        what the class does beside the fleet
//	f_i = π_i c_k (400/168 + n_i)/(400/168 + r π_i c_k e_i), at least .02, then normalised to mean 1
//
// Each factor is a gamma-Poisson posterior mean of observed over expected, its prior worth 100 breaks a week in the one and 400 in the other
// (Gelman et al., Bayesian Data Analysis, §2.6): a series needs some hundred breaks before it leaves the fleet's shape.
func (t *table) season(p *plans, fleet *[hoursPerWeek]float64) (s season) {
	n, e := t.week(p)
	var breaks, expected [classHours]float64 // n_k, Σ_k π e
	var sumBreaks, sumExpected float64
	for i := range n {
		k := classHour(i)
		breaks[k] += n[i]
		expected[k] += fleet[i] * e[i]
		sumBreaks += n[i]
		sumExpected += fleet[i] * e[i]
	}
	if sumExpected > 0 {
		s.perHour = sumBreaks / sumExpected
	}
	for i, pi := range fleet {
		k := classHour(i)
		f := pi * shrunk(breaks[k], s.perHour*expected[k], classPrior)
		s.shape[i] = max(shapeFloor, f*shrunk(n[i], s.perHour*f*e[i], hourPrior))
	}
	normalise(&s.shape)
	return s
}

// week sums the history by hour of week: discounted breaks, and hours of usable slots, batches left out.
func (t *table) week(p *plans) (breaks, hours [hoursPerWeek]float64) {
	cells := t.hours
	for j := range t.days {
		for _, b := range p[t.weekend(j)] {
			t.days[j].leaveOut(b.slot, &cells[j])
		}
	}
	most := t.habits(&cells)
	for j := range t.days {
		w := t.weight(j, shapeHalfLife)
		i := hoursPerDay * t.weekday(j)
		for h, c := range cells[j] {
			breaks[i+h] += w * min(float64(c.breaks), most[i+h])
			hours[i+h] += w * float64(c.slots) / slotsPerHour
		}
	}
	return breaks, hours
}

// habits is how many breaks one hour may teach of the week: 2, and 1.5 times the second largest count among the same hours of the week. What was
// once is no habit: a burst that nobody could judge yet would make its hour look busy for months, and hide the next.
func (t *table) habits(cells *[MaxDays][hoursPerDay]cell) (most [hoursPerWeek]float64) {
	var weeks [hoursPerWeek]uint32
	var first, second [hoursPerWeek]uint32
	var firstOf, secondOf [hoursPerDay]uint32
	note := func(n uint32, first, second *uint32) {
		if n > *first {
			*first, *second = n, *first
		} else {
			*second = max(*second, n)
		}
	}
	for j := range t.days {
		i := hoursPerDay * t.weekday(j)
		for h, c := range cells[j] {
			if c.slots > 0 {
				weeks[i+h]++
			}
			note(c.breaks, &first[i+h], &second[i+h])
			note(c.breaks, &firstOf[h], &secondOf[h])
		}
	}
	for i, n := range second {
		if weeks[i] < 2 { // nothing can recur yet: other days have the same hour
			n = secondOf[i%hoursPerDay]
		}
		most[i] = habitOnce + habitAgain*float64(n)
	}
	return most
}

// classHour is the class of an hour of the week: its hour on weekdays, 24 more on weekends.
func classHour(i int) int {
	if i >= 5*hoursPerDay {
		return hoursPerDay + i%hoursPerDay
	}
	return i % hoursPerDay
}

// shrunk is observed over expected breaks, shrunk to 1 by a prior worth so many breaks.
func shrunk(observed, expected, prior float64) float64 {
	return (prior + observed) / (prior + expected)
}

func normalise(shape *[hoursPerWeek]float64) {
	sum := 0.
	for _, x := range shape {
		sum += x
	}
	for i := range shape {
		shape[i] *= hoursPerWeek / sum
	}
}
