package main

import (
	"math"
	"slices"
)

// Slots of ten minutes in an hour, a day and a week.
const (
	anHour = 6
	aDay   = 24 * anHour
	aWeek  = 7 * aDay
)

// leastSD is the floor of every standard deviation here: that of one event a day, 1 for a day and 1/sqrt(24) = .204 for an hour. Tokars et al. 2009 (Emerging Infectious
// Diseases 15:533, doi 10.3201/eid1504.080616) found 1.0 for daily counts better than the 0.2 that the EARS charts began with, at a constant alert rate; without a
// floor a chart calls every first event after quiet weeks infinite. An hour is given its share by the square root, as for independent events.
func leastSD(width int) float64 { return math.Sqrt(float64(width) / aDay) }

// trail answers in constant time what came before a slot: the count of the block of width slots that ends there, and the moments of the blocks before it.
// Blocks end at the slot itself, width slots earlier, and so on: a trailing day is compared with days that ended at the same hour.
type trail struct {
	width         int
	count         []float64 // of the block that ends with slot i; shorter than a block at the start
	total, square []float64 // over the whole blocks that end at i, i-width, i-2 width, …
}

func newTrail(counts []float64, width int) *trail {
	n := len(counts)
	t := &trail{width: width, count: make([]float64, n), total: make([]float64, n), square: make([]float64, n)}
	running := 0.0
	for i, c := range counts {
		running += c
		if i >= width {
			running -= counts[i-width]
		}
		t.count[i] = running
		if i >= width-1 {
			t.total[i] = orZero(t.total, i-width) + running
			t.square[i] = orZero(t.square, i-width) + running*running
		}
	}
	return t
}

// moments returns mean and sample standard deviation (at least leastSD) of at most n whole blocks that end before the one of slot i, the newest guard blocks of
// them left out; false with fewer than least of them.
func (t *trail) moments(i, guard, n, least int) (mean, sd float64, ok bool) {
	n = min(n, (i+1)/t.width-1-guard)
	if n < max(least, 2) {
		return 0, 0, false
	}
	newest := i - t.width*(guard+1)
	oldest := newest - t.width*n
	mean = (t.total[newest] - orZero(t.total, oldest)) / float64(n)
	variance := (t.square[newest] - orZero(t.square, oldest) - float64(n)*mean*mean) / float64(n-1)
	return mean, max(math.Sqrt(max(variance, 0)), leastSD(t.width)), true
}

// before appends to buf the counts of at most n whole blocks before the one of slot i, the newest first, guard of them left out.
func (t *trail) before(buf []float64, i, guard, n int) []float64 {
	for k := guard + 1; k <= guard+n && i-t.width*k >= t.width-1; k++ {
		buf = append(buf, t.count[i-t.width*k])
	}
	return buf
}

// orZero is x[i], and 0 before the start.
func orZero(x []float64, i int) float64 {
	if i < 0 {
		return 0
	}
	return x[i]
}

// prefix returns sums with prefix[j]-prefix[i] the count of the slots i … j-1.
func prefix(counts []float64) []float64 {
	sums := make([]float64, len(counts)+1)
	for i, c := range counts {
		sums[i+1] = sums[i] + c
	}
	return sums
}

// everySlot scores at every slot, for methods of the last hour, whose rules are evaluated all the time.
func everySlot(n int, score func(i int) float64) []float64 {
	scores := make([]float64, n)
	for i := range scores {
		scores[i] = tidy(score(i))
	}
	return scores
}

// everyHour scores at the last slot of every hour, for methods of the trailing 24 h: meant for once a day, they are given the chance to speak 24 times.
func everyHour(n int, first int64, score func(i int) float64) []float64 {
	scores := make([]float64, n)
	for i := range scores {
		if hourEnds(first, i) {
			scores[i] = tidy(score(i))
		}
	}
	return scores
}

func hourEnds(first int64, i int) bool { return (first+int64(i)+1)%anHour == 0 }

// tidy holds a score to what Rival promises: 0 for what is negative or not a number, and nothing beyond 1e12.
func tidy(score float64) float64 {
	if !(score > 0) {
		return 0
	}
	return min(score, 1e12)
}

// middleOf sorts values, which must not be empty, and returns the middle one, or the mean of the middle two.
func middleOf(values []float64) float64 {
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}
