package detect

import "slices"

// shakyDays is how many days of transient failures are kept: those that the windows of the last 72 h reach back to.
const shakyDays = 8

// shaky counts the connections of one provider whose refresh failed transiently, each once in 24 h, by slot: X of detect/series.go.
type shaky struct {
	days   [shakyDays]int64 // days since 1970, at day mod shakyDays
	counts [shakyDays][slotsPerDay]uint16
}

// add counts one in a slot. One of a day that is no longer held is dropped: no window reaches it.
func (x *shaky) add(slot int64) {
	day := floorDay(slot)
	i := at(day, shakyDays)
	if day < x.days[i] {
		return
	}
	if day > x.days[i] {
		x.days[i], x.counts[i] = day, [slotsPerDay]uint16{}
	}
	if c := &x.counts[i][slot-day*slotsPerDay]; *c < 1<<16-1 {
		*c++
	}
}

// sum counts the slots [from, to].
func (x *shaky) sum(from, to int64) float64 {
	if x == nil {
		return 0
	}
	n := 0
	for day := floorDay(from); day <= floorDay(to); day++ {
		i := at(day, shakyDays)
		if x.days[i] != day {
			continue
		}
		for _, c := range x.counts[i][max(from-day*slotsPerDay, 0) : min(to-day*slotsPerDay, slotsPerDay-1)+1] {
			n += int(c)
		}
	}
	return float64(n)
}

// at is the place of a day among n.
func at(day int64, n int64) int64 { return ((day % n) + n) % n }

// shake notes a transient failure.
func (d *Detector) shake(environment, provider string, slot int64) {
	of := place{environment, provider}
	if x := d.shakyOf(of); x != nil {
		day := floorDay(slot)
		if old := x.days[at(day, shakyDays)]; old != 0 { // its place is taken
			d.shakyChanged[placeDay{of, old}] = struct{}{}
		}
		x.add(slot)
		d.shakyChanged[placeDay{of, day}] = struct{}{}
	}
}

// shakyOf returns the counts of a provider; nil when there are too many providers.
func (d *Detector) shakyOf(of place) *shaky {
	x := d.shaky[of]
	if x == nil && len(d.shaky) < maxSeries {
		x = &shaky{}
		d.shaky[of] = x
		for _, s := range d.order {
			if s.suffers() && s.Environment == of.environment && s.Provider == of.provider {
				s.shaky = x
			}
		}
	}
	return x
}

// sweepShaky lets go of providers without a transient failure in the days that are kept.
func (d *Detector) sweepShaky(today int64) {
	for of, x := range d.shaky {
		if slices.Max(x.days[:]) > today-shakyDays {
			continue
		}
		for _, day := range x.days {
			d.shakyChanged[placeDay{of, day}] = struct{}{}
		}
		delete(d.shaky, of)
		for _, s := range d.order {
			if s.shaky == x {
				s.shaky = nil
			}
		}
	}
}

type placeDay struct {
	place
	day int64
}

// suffers reports whether transient failures of its provider may be misread as breaks of this series.
func (s *series) suffers() bool { return s.Signal == Revocations && s.Cause == "revoked" }
