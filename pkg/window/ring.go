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

// Ring holds the counts of one series for the last 84 days, and which slots may teach what is normal. The zero Ring is empty. 29 KB.
type Ring struct {
	newest int64 // the newest slot it holds; all before in Days are held
	counts [Days * SlotsPerDay]uint16
	masked [Days * SlotsPerDay / 8]uint8
	filled bool
}

// Move makes slot the newest; slots that are passed over hold nothing. It never goes back.
func (r *Ring) Move(slot int64) {
	if !r.filled || slot-r.newest >= int64(len(r.counts)) {
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
	if slot <= r.newest-int64(len(r.counts)) {
		return false
	}
	if i := r.index(slot); r.counts[i] < 1<<16-1 {
		r.counts[i]++
	}
	return true
}

// Sum counts the slots [from, to].
func (r *Ring) Sum(from, to int64) float64 {
	from, to = max(from, r.newest-int64(len(r.counts))+1), min(to, r.newest)
	sum := 0
	for s := from; s <= to; s++ {
		sum += int(r.counts[r.index(s)])
	}
	return float64(sum)
}

// Mask keeps a slot from teaching what is normal.
func (r *Ring) Mask(slot int64) {
	if r.filled && slot <= r.newest && slot > r.newest-int64(len(r.counts)) {
		i := r.index(slot)
		r.masked[i/8] |= 1 << (i % 8)
	}
}

// Usable returns the count and the number of the slots in [from, to] that are not masked.
func (r *Ring) Usable(from, to int64) (count float64, slots int) {
	for s := from; s <= to; s++ {
		i := r.index(s)
		held := r.filled && s <= r.newest && s > r.newest-int64(len(r.counts))
		if held && r.masked[i/8]&(1<<(i%8)) != 0 {
			continue
		}
		slots++
		if held {
			count += float64(r.counts[i])
		}
	}
	return count, slots
}

func (r *Ring) index(slot int64) int {
	n := int64(len(r.counts))
	return int(((slot % n) + n) % n)
}
