package baseline

import "math"

// Day is one UTC day of a series as it teaches.
type Day struct {
	Counts   []uint16  // 144; breaks in each slot
	Unusable [18]uint8 // bit i%8 of byte i/8: slot i does not teach (not observed, in a past incident, or before the series began)
	Rates    *Rates    // what was expected of the day when it began; nil: nothing was
}

// History is consecutive UTC days of one series, the oldest first, ending with the day before Today. Of more than 84 days only the newest 84 teach.
type History struct {
	Today int64 // days since 1970
	First bool  // Days[0] is the day in which the series began
	Level int64 // days before this one were of another level, and teach nothing of the present one; 0: none was
	Days  []Day

	Proven int64 // what was expected of days up to this one was of another level, and says nothing of how much the present one varies; 0: nothing was
}

// cell is what the usable slots of an hour hold.
type cell struct{ breaks, slots uint32 }

func (d *Day) usable(slot int) bool { return d.Unusable[slot/8]>>(slot%8)&1 == 0 }

// hours sums the usable slots of each hour.
func (d *Day) hours(hours *[hoursPerDay]cell) {
	counts := (*[SlotsPerDay]uint16)(d.Counts)
	for h := 0; h < hoursPerDay; h += 4 { // the slots of four hours are three bytes
		i := h * slotsPerHour / 8
		bits := uint32(d.Unusable[i]) | uint32(d.Unusable[i+1])<<8 | uint32(d.Unusable[i+2])<<16
		for j := h; j < h+4; j++ {
			hours[j] = sumUsable((*[slotsPerHour]uint16)(counts[j*slotsPerHour:]), bits)
			bits >>= slotsPerHour
		}
	}
}

// sumUsable sums the slots of an hour; bit i of unusable says that slot i does not teach.
func sumUsable(c *[slotsPerHour]uint16, unusable uint32) cell {
	if unusable&(1<<slotsPerHour-1) == 0 {
		return cell{uint32(c[0]) + uint32(c[1]) + uint32(c[2]) + uint32(c[3]) + uint32(c[4]) + uint32(c[5]), slotsPerHour}
	}
	var sum cell
	for i, n := range c {
		if unusable>>i&1 == 0 {
			sum.breaks += uint32(n)
			sum.slots++
		}
	}
	return sum
}

// leaveOut takes a slot out of the hours again.
func (d *Day) leaveOut(slot int, hours *[hoursPerDay]cell) {
	if d.usable(slot) {
		hours[slot/slotsPerHour].breaks -= uint32(d.Counts[slot])
		hours[slot/slotsPerHour].slots--
	}
}

// table is a History by the hour: 12,096 slots are read once.
type table struct {
	began int64 // the day of days[0]
	first bool  // days[0] is the first of the series, unless days were cut off: then nobody asks
	days  []Day
	other int // so many of them were of another level,
	wrong int // and of so many that level was expected
	hours [MaxDays][hoursPerDay]cell
}

func (t *table) fill(h *History, most int) {
	t.days = h.Days[max(0, len(h.Days)-most):]
	t.began = h.Today - int64(len(t.days))
	t.first = h.First
	t.other = int(max(0, min(h.Level-t.began, int64(len(t.days)))))
	t.wrong = int(max(0, min(h.Proven+1-t.began, int64(len(t.days)))))
	for j := range t.days {
		t.days[j].hours(&t.hours[j])
	}
}

// weekday of day j, 0 on Mondays: 1 January 1970 was a Thursday.
func (t *table) weekday(j int) int { return int(((t.began+int64(j)+3)%7 + 7) % 7) }

func (t *table) weekend(j int) int {
	if t.weekday(j) >= 5 {
		return 1
	}
	return 0
}

// weight is 2^(−age/half-life), the age of day j in days from its middle to now.
func (t *table) weight(j int, halfLife float64) float64 {
	age := float64(len(t.days)-j) - 0.5
	return math.Exp2(-age / halfLife)
}
