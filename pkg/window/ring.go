package window

import "time"

// Slot is the resolution of counting. Slots begin at multiples of it since 1970, UTC.
const Slot = 10 * time.Minute

// SlotsPerDay and Days give the size of a Ring.
const (
	SlotsPerDay = 144
	Days        = 84
)

// SlotOf numbers the slot a time falls into.
func SlotOf(t time.Time) int64 { return floorDiv(t.Unix(), int64(Slot/time.Second)) }

// SlotTime is when a slot begins.
func SlotTime(slot int64) time.Time { return time.Unix(slot*int64(Slot/time.Second), 0).UTC() }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// held is how many slots a Ring holds: 84 days, and the day that runs.
const held = (Days + 1) * SlotsPerDay

// Ring holds the counts of one series for the last 84 days and the day that runs, and which slots may teach what is normal. The zero Ring is
// empty. 26 KB.
type Ring struct {
	newest int64 // the newest slot it holds; all before it are held, as many as held
	counts [held]uint16
	masked [held / 8]uint8
	filled bool
}

// Move makes slot the newest; slots that are passed over hold nothing. It never goes back.
func (r *Ring) Move(slot int64) {
	if !r.filled || slot-r.newest >= held {
		*r = Ring{newest: slot, filled: true}
		return
	}
	for r.newest < slot {
		r.newest++
		i := r.index(r.newest)
		r.counts[i] = 0
		r.masked[i/8] &^= 1 << (i % 8)
	}
}

// Add counts one more in a slot, moving on when it is new. It reports false for a slot that has left the ring.
func (r *Ring) Add(slot int64) bool {
	if !r.filled || slot > r.newest {
		r.Move(slot)
	}
	if slot <= r.newest-held {
		return false
	}
	if i := r.index(slot); r.counts[i] < 1<<16-1 {
		r.counts[i]++
	}
	return true
}

// Sum counts the slots [from, to].
func (r *Ring) Sum(from, to int64) float64 {
	from, to = max(from, r.newest-held+1), min(to, r.newest)
	if from > to {
		return 0
	}
	sum := 0
	for i, n := r.index(from), to-from+1; n > 0; n-- {
		sum += int(r.counts[i])
		if i++; i == held {
			i = 0
		}
	}
	return float64(sum)
}

// Mask keeps a slot from teaching what is normal, moving on when it is new.
func (r *Ring) Mask(slot int64) {
	if !r.filled || slot > r.newest {
		r.Move(slot)
	}
	if r.holds(slot) {
		i := r.index(slot)
		r.masked[i/8] |= 1 << (i % 8)
	}
}

// Unmask lets a slot teach again.
func (r *Ring) Unmask(slot int64) {
	if r.holds(slot) {
		i := r.index(slot)
		r.masked[i/8] &^= 1 << (i % 8)
	}
}

// Masked reports whether a slot is kept from teaching.
func (r *Ring) Masked(slot int64) bool {
	i := r.index(slot)
	return r.holds(slot) && r.masked[i/8]&(1<<(i%8)) != 0
}

// Count is what a slot holds; 0 outside of the ring.
func (r *Ring) Count(slot int64) float64 {
	if !r.holds(slot) {
		return 0
	}
	return float64(r.counts[r.index(slot)])
}

func (r *Ring) holds(slot int64) bool {
	return r.filled && slot <= r.newest && slot > r.newest-held
}

func (r *Ring) index(slot int64) int {
	return int(((slot % held) + held) % held)
}

// Day returns the counts of the slots of a UTC day, as days since 1970, and which of them are masked: bit i%8 of byte i/8 for slot i. They are nil
// where the ring does not hold the whole day, and valid until the ring changes.
func (r *Ring) Day(day int64) (counts []uint16, masked []uint8) {
	if first := day * SlotsPerDay; !r.holds(first) || !r.holds(first+SlotsPerDay-1) {
		return nil, nil
	}
	i := r.index(day * SlotsPerDay)
	return r.counts[i : i+SlotsPerDay], r.masked[i/8 : (i+SlotsPerDay)/8]
}
