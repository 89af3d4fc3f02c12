package baseline

import "math"

// Fleet is what the series of one kind have in common.
type Fleet struct {
	Shape    [168]float64 // π: the rate in each hour of the week over its mean, above 0
	Clumping float64      // φ̄, 1 to 3
}

// NewFleet is what is believed before a week was seen: a flat week, and clumping 1.3.
func NewFleet() Fleet {
	f := Fleet{Clumping: clumpStart}
	for i := range f.Shape {
		f.Shape[i] = 1
	}
	return f
}

// FleetClumping is φ̄ from the sums of Model.Excess and Model.Mean over the series of a fleet: (Σx₁ + 200·1.3)/(Σx₂ + 200), 1 to 3.
func FleetClumping(excess, mean float64) float64 {
	return max(clumpMin, min(fleetClumpMax, (excess+fleetClump*clumpStart)/(mean+fleetClump)))
}

// Pool learns the shape of a fleet (step 2): Add each series once, always in the same order (sums of floats depend on it), then ask for the Shape.
// The zero Pool is empty.
type Pool struct {
	breaks   [hoursPerWeek]float64 // Σ w ratio
	expected [hoursPerWeek]float64 // Σ w b_i 168/T
	weight   float64               // Σ w
	noise    float64               // Σ w²/C
}

// Add adds a series by the usable slots of its newest 56 days that no batch was expected in. One with 10 breaks in them or fewer adds nothing.
func (p *Pool) Add(h *History) {
	var t table
	t.fill(h, fleetDays)
	breaks, slots := t.pooled()
	var sumBreaks, sumSlots float64
	for i := range breaks {
		sumBreaks += breaks[i]
		sumSlots += slots[i]
	}
	if sumBreaks <= fleetMinBreaks {
		return
	}
	w := min(math.Sqrt(sumBreaks), fleetMaxWeight)
	mean, share := sumBreaks/sumSlots, hoursPerWeek/sumSlots
	for i := range breaks {
		p.breaks[i] += w * share * breaks[i] / mean
		p.expected[i] += w * share * slots[i]
	}
	p.weight += w
	p.noise += w * w / sumBreaks
}

// pooled sums the history by hour of week: c_i breaks in b_i usable slots, expected batches left out.
func (t *table) pooled() (breaks, slots [hoursPerWeek]float64) {
	for j := range t.days {
		d := &t.days[j]
		if d.Rates != nil {
			for _, b := range d.Rates.Batch {
				d.leaveOut(int(b.Slot), &t.hours[j])
			}
		}
	}
	most := t.habits(&t.hours)
	for j := range t.days {
		i := hoursPerDay * t.weekday(j)
		for h, c := range t.hours[j] {
			breaks[i+h] += min(float64(c.breaks), most[i+h])
			slots[i+h] += float64(c.slots)
		}
	}
	return breaks, slots
}

// Shape is π, mean 1. Of each series c_i breaks are known in b_i slots of hour i (habits in shape.go), C = Σc, T = Σb, c̄ = C/T, and its weight is
// w = min(√C, 30). N = (Σw)²/(168 Σ w²/C) is how many breaks an hour the weighted mean is worth (Kish's effective size), and
//
//	π_i = .1 + .9 (3 + N ratio_i)/(3 + N), ratio_i = (Σ w c_i/(c̄ T))/(Σ w b_i/T), then normalised to mean 1.
//
// It divides by the slots that were used: when the Mondays of past incidents are left out, Mondays must not look quiet. With N, a few series with a
// few breaks say little: a week has 168 hours, and two dozen breaks leave most of them empty.
func (p *Pool) Shape() (shape [168]float64) {
	n := 0.0
	if p.noise > 0 {
		n = p.weight * p.weight / p.noise / hoursPerWeek
	}
	for i := range shape {
		ratio := 1.0
		if p.expected[i] > 0 {
			ratio = p.breaks[i] / p.expected[i]
		}
		shape[i] = fleetFlat + (1-fleetFlat)*(fleetPrior+n*ratio)/(fleetPrior+n)
	}
	normalise(&shape)
	return shape
}
