package main

// The likelihood-ratio methods take the expected count as known. They are given what a careful user would: the same hour of the week in the last eight weeks,
// shrunk by a weight of two weeks towards the mean of all hours; the mean leaves out the newest two days and has half an event over half a day added, which keeps a
// series that never had one above zero.
const (
	baseWeeks = 8
	baseGuard = 2 * aDay
	basePrior = 2.0 // weeks
)

// seasonalMean returns the expected count of every slot; 0 until there is a week of history besides the guard.
func seasonalMean(counts []float64, first int64) []float64 {
	sums, expected := prefix(counts), make([]float64, len(counts))
	for i := range expected {
		hour := i - int((first+int64(i))%anHour) // its first slot
		if i > 0 && hour < i {
			expected[i] = expected[i-1]
			continue
		}
		end := hour - baseGuard
		if end < aWeek {
			continue
		}
		start := max(0, end-baseWeeks*aWeek)
		level := (sums[end] - sums[start] + .5) / float64(end-start+aDay/2)
		same, weeks := 0.0, 0.0
		for back := hour - aWeek; back >= 0 && weeks < baseWeeks; back -= aWeek {
			same += (sums[back+anHour] - sums[back]) / anHour
			weeks++
		}
		expected[i] = (same + basePrior*level) / (weeks + basePrior)
	}
	return expected
}
