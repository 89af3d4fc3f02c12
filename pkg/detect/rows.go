package detect

import (
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/window"
)

const (
	silenceMin = int64(time.Hour / window.Slot)
	silenceAge = 7 * slotsPerDay // gaps older than this no longer say what is usual
	emptyKept  = 3 * slotsPerDay // rows that come later than this are late, and lost ones say nothing any more
	maxAhead   = 500_000         // slots ahead of the edge that are remembered: more than nine years without a hole
)

// rows knows which slots were observed: a slot without a row inside an unusually long stretch without rows, or inside one that was lost,
// is not a zero.
type rows struct {
	edge   int64           // every slot before it is closed
	ahead  map[int64]int64 // slots at or after the edge that hold a row → time of the first one in it, Unix ms
	newest int64           // of them
	coming int64           // the next slot after the last row that holds one, when it is after the edge
	last   int64           // newest closed slot that held a row, 0: none yet
	gaps   []gap           // between the rows of closed slots, the oldest first
	lost   spans           // slots in which rows may be missing
	blind  spans           // closed slots that are not observed
	empty  spans           // closed slots of the last 72 h that are observed and hold no row

	dirty     bool               // anything but ahead
	dirtyDays map[int64]struct{} // of ahead
}

// gap is how many slots lie between a row and the one before it.
type gap struct{ End, Slots int64 }

func newRows() rows { return rows{ahead: map[int64]int64{}, dirtyDays: map[int64]struct{}{}} }

// add notes a row. It reports false when it cannot be remembered.
func (r *rows) add(t time.Time) bool {
	slot, ms := window.SlotOf(t), t.UnixMilli()
	if slot < r.edge {
		if r.blind.remove(slot) || r.empty.remove(slot) {
			r.dirty = true
		}
		return slot >= 0
	}
	first, known := r.ahead[slot]
	if !known && len(r.ahead) >= maxAhead {
		return false
	}
	if !known || ms < first {
		r.ahead[slot] = ms
		r.newest = max(r.newest, slot)
		r.dirtyDays[floorDay(slot)] = struct{}{}
	}
	return true
}

// lose notes that rows may be missing in the slots [from, to]. A slot that holds a row is observed all the same.
func (r *rows) lose(from, to int64) {
	r.dirty = true
	from = max(from, to-window.Days*slotsPerDay)
	for slot := max(from, r.edge-emptyKept); slot <= min(to, r.edge-1); slot++ {
		if r.empty.remove(slot) {
			r.blind.add(slot, slot)
		}
	}
	r.lost.add(max(from, r.edge), to)
}

// first is the slot of the oldest row at or before t.
func (r *rows) first(t time.Time) (slot int64, ok bool) {
	for s, ms := range r.ahead {
		if ms <= t.UnixMilli() && (!ok || s < slot) {
			slot, ok = s, true
		}
	}
	return slot, ok
}

// reached is the newest slot that holds a row at or before t; the edge when there is none.
func (r *rows) reached(t time.Time) int64 {
	ms := t.UnixMilli()
	for s := min(window.SlotOf(t), r.newest); s > r.edge; s-- {
		if first, ok := r.ahead[s]; ok && first <= ms {
			return s
		}
	}
	return r.edge
}

// next is the first slot after one that holds a row. There is one: slots close only because of it.
func (r *rows) next(slot int64) int64 {
	if r.coming > slot {
		return r.coming
	}
	for s := slot + 1; s <= r.newest; s++ {
		if _, ok := r.ahead[s]; ok {
			r.coming = s
			return s
		}
	}
	return slot + 1
}

func (r *rows) holds(slot int64) bool {
	_, ok := r.ahead[slot]
	return ok
}

// close decides about the slot at the edge. A later slot holds a row, and every row up to the first such one was read.
func (r *rows) close(silence time.Duration) {
	slot := r.edge
	r.edge++
	r.dirty = true
	switch {
	case r.holds(slot):
		delete(r.ahead, slot)
		if r.last != 0 && slot-r.last > 1 {
			r.gaps = append(r.gaps, gap{slot, min(slot-r.last, silenceAge)})
		}
		r.last = slot
	case r.lost.has(slot), r.last != 0 && r.next(slot)-r.last > r.longest(silence):
		r.blind.add(slot, slot)
	default:
		r.empty.add(slot, slot)
	}
}

// longest is the number of slots between two rows that is still usual.
func (r *rows) longest(silence time.Duration) int64 {
	if silence > 0 {
		return max(1, int64(silence/window.Slot))
	}
	longest := silenceMin
	for _, g := range r.gaps {
		if g.End > r.last-silenceAge {
			longest = max(longest, 2*g.Slots)
		}
	}
	return longest
}

func (r *rows) threshold(silence time.Duration) time.Duration {
	if silence > 0 {
		return silence
	}
	return time.Duration(r.longest(0)) * window.Slot
}

// observed counts the observed slots of [from, to].
func (r *rows) observed(from, to int64) int64 {
	if from > to {
		return 0
	}
	return to - from + 1 - r.blind.within(from, to)
}

// back is the slot from which on n slots up to one were observed.
func (r *rows) back(slot, n int64) int64 {
	from := slot - n + 1
	for missing := n - r.observed(from, slot); missing > 0; missing = n - r.observed(from, slot) {
		from -= missing
	}
	return from
}

func (r *rows) sees(slot int64) bool { return !r.blind.has(slot) }

// forget lets go of what lies more than the 84 days of a ring before the edge, and of gaps that say nothing any more.
func (r *rows) forget() {
	before := r.edge - (window.Days+1)*slotsPerDay
	r.dirty = r.blind.forget(before) || r.dirty
	r.dirty = r.empty.forget(r.edge-emptyKept) || r.dirty
	r.dirty = r.lost.forget(r.edge) || r.dirty
	r.gaps = slices.DeleteFunc(r.gaps, func(g gap) bool { return g.End <= r.last-silenceAge })
	r.dirtyDays[floorDay(r.edge)-1] = struct{}{} // it is over
}

// leap passes over slots that nobody observed.
func (r *rows) leap(to int64) {
	r.dirty = true
	r.dirtyDays[floorDay(r.edge)] = struct{}{} // no other day before it holds a row
	r.edge = to
	r.forget()
}
