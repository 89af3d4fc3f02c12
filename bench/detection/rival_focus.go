package main

import (
	"math"
	"slices"
)

// focusFaintest is the smallest ratio to the expected rate that counts: 1.1, mu_min as the authors' trigger code sets it. Fainter excesses, which an estimated background
// makes by itself, are forgotten.
const focusFaintest = 1.1

// focus is Poisson-FOCuS (Ward, Dilillo, Eckley & Fearnhead 2023): the largest likelihood ratio of a raised Poisson rate over all windows that end now, of any length,
// in units of sigma: sqrt(2 max (N log(N/B) - (N - B))). The knob is that number (published: 5). The background B is seasonalMean's.
func focus(counts []float64, first int64) []float64 {
	expected := seasonalMean(counts, first)
	var f focusWindows
	return everySlot(len(counts), func(i int) float64 {
		if expected[i] == 0 {
			return 0
		}
		return math.Sqrt(2 * f.step(counts[i], expected[i]))
	})
}

// focusWindows holds the starts that can still begin the best window, now or later, as stretches between them: the newest last. A window from the start of stretch j
// to now has the counts and expectations of the stretches from j on. A start is worth keeping only while the ratio of count to expectation rises from each stretch to
// the next (else a window that begins earlier, or later, is better at every rate), and the oldest lies above what focusFaintest asks: a handful survives.
type focusWindows struct{ stretches []stretch }

type stretch struct{ count, expected float64 }

// focusBar is the ratio at which a stretch's likelihood at focusFaintest is even: N log m = B (m - 1).
var focusBar = (focusFaintest - 1) / math.Log(focusFaintest)

// step takes the newest slot, whose expectation must be positive, and returns the largest log likelihood ratio over all windows that end with it and all ratios from
// focusFaintest on; 0 if none is positive.
func (f *focusWindows) step(count, expected float64) float64 {
	newest := stretch{count, expected}
	kept := f.stretches
	for len(kept) > 0 {
		last := kept[len(kept)-1]
		if newest.count*last.expected > last.count*newest.expected {
			break
		}
		newest.count, newest.expected = newest.count+last.count, newest.expected+last.expected
		kept = kept[:len(kept)-1]
	}
	if len(kept) > 0 || newest.count > focusBar*newest.expected {
		kept = append(kept, newest)
	}
	f.stretches = kept
	best, window := 0.0, stretch{}
	for _, s := range slices.Backward(kept) {
		window.count, window.expected = window.count+s.count, window.expected+s.expected
		best = max(best, window.ratio())
	}
	return best
}

// ratio is the log likelihood ratio of the window at its best rate from focusFaintest on.
func (s stretch) ratio() float64 {
	rate := max(s.count/s.expected, focusFaintest)
	return s.count*math.Log(rate) - s.expected*(rate-1)
}
