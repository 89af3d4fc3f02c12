package baseline

// Rates is what was expected of one UTC day when it began; it is never computed again, so that a replay scores what the first run scored.
// Of a nil Rates nothing is expected.
type Rates struct {
	Hour  [24]float32 // breaks a slot in each hour
	Batch []Batch     // on top, in single slots, by slot, each slot once
}

// Batch is what a scheduled batch is expected to add to one slot of the day.
type Batch struct {
	Slot   uint8   // 0 to 143
	Breaks float32 // expected on top of the hour's
}

// Slot is the expected number of breaks in slot i of the day, 0 to 143.
func (r *Rates) Slot(i int) float64 { return r.Sum(i, i) }

// Sum is the expected number of breaks in the slots [from, to] of the day, 0 to 143; 0 when from > to. Sums are made in float64.
func (r *Rates) Sum(from, to int) float64 {
	if r == nil || from > to {
		return 0
	}
	first, last := from/slotsPerHour, to/slotsPerHour
	sum := float64(to-from+1) * float64(r.Hour[first])
	if first < last {
		sum = float64((first+1)*slotsPerHour-from)*float64(r.Hour[first]) + float64(to+1-last*slotsPerHour)*float64(r.Hour[last])
		for _, x := range r.Hour[first+1 : last] {
			sum += slotsPerHour * float64(x)
		}
	}
	for _, b := range r.Batch {
		if from <= int(b.Slot) && int(b.Slot) <= to {
			sum += float64(b.Breaks)
		}
	}
	return sum
}
