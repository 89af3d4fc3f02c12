package window

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSlots(t *testing.T) {
	for _, at := range []time.Time{start, start.Add(Slot - 1), time.Unix(-1, 0), time.Unix(0, 0)} {
		s := SlotOf(at)
		if SlotTime(s).After(at) || !SlotTime(s+1).After(at) {
			t.Errorf("%v is in slot %d, which begins %v", at, s, SlotTime(s))
		}
	}
}

// The ring is a map from slots to counts that forgets what is 84 days behind the newest slot.
func TestRingIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Ring
		counts, masked := map[int64]int{}, map[int64]bool{}
		now := int64(3_000_000)
		const held = Days * SlotsPerDay
		r.Move(now)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += rapid.SampledFrom([]int64{0, 1, 5, 1000, held - 1, held, 2 * held}).Draw(t, "on")
			r.Move(now)
			slot := now - rapid.SampledFrom([]int64{0, 1, 7, 500, held - 1, held}).Draw(t, "back")
			if r.Add(slot) != (slot > now-held) {
				t.Fatalf("slot %d behind the newest was taken or refused wrongly", now-slot)
			}
			if slot > now-held {
				counts[slot]++
			}
			if rapid.Bool().Draw(t, "mask") {
				r.Mask(slot)
				masked[slot] = true
			}
			from := now - rapid.SampledFrom([]int64{0, 6, 432, held - 1}).Draw(t, "window")
			sum, usable, slots := 0, 0, 0
			for s := from; s <= now; s++ {
				sum += counts[s]
				if !masked[s] {
					usable, slots = usable+counts[s], slots+1
				}
			}
			if got := r.Sum(from, now); got != float64(sum) {
				t.Fatalf("sum %v, want %d", got, sum)
			}
			if c, n := r.Usable(from, now); c != float64(usable) || n != slots {
				t.Fatalf("usable %v in %d slots, want %d in %d", c, n, usable, slots)
			}
		}
	})
}
