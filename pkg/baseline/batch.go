package baseline

import "slices"

// portion is a scheduled batch in a plan: β, breaks in the slot over the breaks of a day outside of all batches.
type portion struct {
	slot int
	beta float64
}

// plans are the batches of weekdays and of weekends, by slot.
type plans [2][]portion

// class is the newest days of one class, with their usable breaks.
type class struct {
	n      int
	days   [batchDays]*Day
	totals [batchDays]uint32
}

// plans finds the scheduled batches of each class among the newest batchDays days that have a usable slot, the first of the series left out (step 1).
// A weekend with too few days copies the weekdays; without weekdays nothing is believed.
func (t *table) plans() (p plans) {
	var classes [2]class
	n, sum := 0, 0.
	for j := max(0, len(t.days)-batchDays); j < len(t.days); j++ {
		breaks, slots := t.total(j)
		if slots == 0 || j == 0 && t.first {
			continue
		}
		classes[t.weekend(j)].add(&t.days[j], breaks)
		n, sum = n+1, sum+float64(breaks)
	}
	if n < batchMinDays || sum < batchMinPerDay*float64(n) || classes[0].n < batchClassDays {
		return p
	}
	p[0] = classes[0].plan()
	p[1] = p[0]
	if classes[1].n >= batchClassDays {
		p[1] = classes[1].plan()
	}
	return p
}

// total is the usable breaks of day j, and in how many slots.
func (t *table) total(j int) (breaks, slots uint32) {
	for _, c := range t.hours[j] {
		breaks += c.breaks
		slots += c.slots
	}
	return breaks, slots
}

func (c *class) add(d *Day, breaks uint32) {
	c.days[c.n], c.totals[c.n] = d, breaks
	c.n++
}

// plan: with med_s the median over days of the breaks in slot s, and m₀ the median of med over the slots around it,
//
//	share_s = (med_s − m₀)/median of a day's breaks,  if med_s ≥ 2 and med_s > 3 (m₀ + .3)
//	β_s     = share_s/(1 − min(.9, Σ share))
//
// Medians, so that neither one incident nor one day without the batch changes a plan.
func (c *class) plan() (plan []portion) {
	med := c.medians()
	slices.Sort(c.totals[:c.n])
	daily := middle(c.totals[:c.n])
	if daily == 0 {
		return nil
	}
	sum := 0.
	for s, m := range med {
		if m < batchMin || !standsOut(&med, s) {
			continue
		}
		if around := around(&med, s); m > batchRatio*(around+batchMargin) {
			plan = append(plan, portion{s, (m - around) / daily})
			sum += (m - around) / daily
		}
	}
	for i := range plan {
		plan[i].beta /= 1 - min(batchMaxShare, sum)
	}
	return plan
}

// few is above nearly all counts of a slot: medians below it are found by counting, without a sort.
const few = 32

// medians are those of the breaks in each slot over the days in which it is usable; 0 without one.
func (c *class) medians() (med [SlotsPerDay]float64) {
	var days [SlotsPerDay][few]uint8 // in which the slot held so many breaks; the last: so many or more
	var usable [SlotsPerDay]uint8
	for _, d := range c.days[:c.n] {
		for s, breaks := range (*[SlotsPerDay]uint16)(d.Counts) {
			if d.usable(s) {
				days[s][min(breaks, few-1)]++
				usable[s]++
			}
		}
	}
	for s, n := range usable {
		if n == 0 {
			continue
		}
		low, high := ranked(&days[s], (n-1)/2), ranked(&days[s], n/2)
		if med[s] = float64(low+high) / 2; high == few-1 {
			med[s] = c.median(s)
		}
	}
	return med
}

// ranked is the count with so many days below it.
func ranked(days *[few]uint8, rank uint8) int {
	for breaks, n := range days {
		if rank < n {
			return breaks
		}
		rank -= n
	}
	return few - 1
}

// median of a slot by sorting.
func (c *class) median(slot int) float64 {
	sorted := make([]uint16, 0, batchDays)
	for _, d := range c.days[:c.n] {
		if d.usable(slot) {
			sorted = append(sorted, d.Counts[slot])
		}
	}
	slices.Sort(sorted)
	return middle(sorted)
}

// standsOut reports whether slot s is above batchRatio times at least half of the slots beside it: without that it is above no median of them, and the
// sort is spared.
func standsOut(med *[SlotsPerDay]float64, s int) bool {
	lower := 0
	for i := s + SlotsPerDay - batchAround; i <= s+SlotsPerDay+batchAround; i++ {
		if batchRatio*med[i%SlotsPerDay] < med[s] {
			lower++
		}
	}
	return lower >= batchAround
}

// around is the median of the slots beside slot s, without itself; the day is a ring.
func around(med *[SlotsPerDay]float64, s int) float64 {
	sorted := make([]float64, 0, 2*batchAround)
	for i := 1; i <= batchAround; i++ {
		sorted = append(sorted, med[(s+SlotsPerDay-i)%SlotsPerDay], med[(s+i)%SlotsPerDay])
	}
	slices.Sort(sorted)
	return middle(sorted)
}

// middle is the median of what is sorted: the mean of the two in the middle when they are two, 0 of nothing.
func middle[T uint16 | uint32 | float64](sorted []T) float64 {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (float64(sorted[(n-1)/2]) + float64(sorted[n/2])) / 2
}
