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

// The ring is a map from slots to counts that forgets what is 85 days behind the newest slot.
func TestRingIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Ring
		counts, masked := map[int64]int{}, map[int64]bool{}
		now := int64(3_000_000)
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
			} else if rapid.Bool().Draw(t, "unmask") {
				r.Unmask(slot)
				delete(masked, slot)
			}
			from := now - rapid.SampledFrom([]int64{0, 6, 432, held - 1}).Draw(t, "window")
			sum := 0
			for s := from; s <= now; s++ {
				sum += counts[s]
				if r.Masked(s) != (masked[s] && s > now-held) || r.Count(s) != float64(counts[s]) {
					t.Fatalf("slot %d behind the newest: %v, masked %v", now-s, r.Count(s), r.Masked(s))
				}
			}
			if got := r.Sum(from, now); got != float64(sum) {
				t.Fatalf("sum %v, want %d", got, sum)
			}
		}
	})
}

// An incident masks slots as they close, with or without a break in them.
func TestMaskMovesOn(t *testing.T) {
	var r Ring
	r.Add(1000)
	r.Mask(1005)
	r.Move(2000)
	if !r.Masked(1005) || r.Masked(1004) {
		t.Error("a slot that was masked before anything happened in it teaches")
	}
}

// A ring comes back from its days in whatever order they are given.
func TestRingIsRestored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r, back Ring
		const day0 = 20_000
		newest := int64(0)
		for range rapid.IntRange(1, 40).Draw(t, "marks") {
			slot := day0*SlotsPerDay + rapid.Int64Range(0, Days*SlotsPerDay-1).Draw(t, "slot")
			if rapid.Bool().Draw(t, "mask") {
				r.Mask(slot)
			} else {
				r.Add(slot)
			}
			newest = max(newest, slot)
		}
		days := make([]int64, Days)
		for i := range days {
			days[i] = day0 + int64(i)
		}
		for _, day := range rapid.Permutation(days).Draw(t, "order") {
			if err := back.SetDay(day, r.AppendDay(nil, day)); err != nil {
				t.Fatal(err)
			}
		}
		for s := int64(day0 * SlotsPerDay); s <= newest; s++ {
			if r.Count(s) != back.Count(s) || r.Masked(s) != back.Masked(s) {
				t.Fatalf("slot %d: %v, masked %v; restored %v, %v", s, r.Count(s), r.Masked(s), back.Count(s), back.Masked(s))
			}
		}
	})
	if new(Ring).SetDay(1, []byte("short")) == nil {
		t.Error("a day of the wrong length was taken")
	}
}
