package main

// fixed is the threshold everybody starts with: so many newly broken connections in the last hour, or the last day. The knob is that number.
func fixed(width int) func([]float64, int64) []float64 {
	return func(counts []float64, _ int64) []float64 {
		past := newTrail(counts, width)
		return everySlot(len(counts), func(i int) float64 { return past.count[i] })
	}
}

// spikeLeast is threshold_cur of the spike rule, below which it is silent: 3, the fewest connections that any detector here may call an incident.
const spikeLeast = 3

// spike is the spike rule of ElastAlert 2: the count of the newest timeframe over that of the timeframe before it. The knob is spike_height. A reference of nothing
// is taken as one event: with threshold_ref at its default of 0 the rule would match whatever the height. Silent until two timeframes have passed, as there.
func spike(timeframe int) func([]float64, int64) []float64 {
	return func(counts []float64, _ int64) []float64 {
		past := newTrail(counts, timeframe)
		return everySlot(len(counts), func(i int) float64 {
			current := past.count[i]
			if i+1 < 2*timeframe || current < spikeLeast {
				return 0
			}
			ratio := current / max(past.count[i-timeframe], 1)
			if ratio <= 1 {
				return 0
			}
			return ratio
		})
	}
}

// burnPairs are the windows and factors that the workbook recommends: 2 %, 5 % and 10 % of a month's budget gone. Its 5 minutes are a slot of 10 here.
var burnPairs = []struct {
	long, short int // slots
	factor      float64
}{
	{anHour, 1, 14.4},
	{6 * anHour, anHour / 2, 6},
	{3 * aDay, 6 * anHour, 1},
}

// burnRate is the alert on several burn rates: both windows of a pair must exceed the factor of the pair times the budgeted rate. Nobody has an objective for
// revocations, so the budget is the mean of the last four weeks (three days left out, as long as the longest window), with half an event more for quiet series.
// The knob multiplies all factors. Low traffic is held to at least three events in the long window, as the workbook's chapter on it advises.
func burnRate(counts []float64, _ int64) []float64 {
	sums := prefix(counts)
	const guard, history = 3 * aDay, 28 * aDay
	return everySlot(len(counts), func(i int) float64 {
		end := i + 1 - guard
		if end < aWeek {
			return 0
		}
		start := max(0, end-history)
		budget := (sums[end] - sums[start] + .5) / float64(end-start) // a slot
		worst := 0.0
		for _, pair := range burnPairs {
			long, short := sums[i+1]-sums[i+1-pair.long], sums[i+1]-sums[i+1-pair.short]
			if long >= spikeLeast {
				worst = max(worst, min(long/float64(pair.long), short/float64(pair.short))/budget/pair.factor)
			}
		}
		return worst
	})
}
