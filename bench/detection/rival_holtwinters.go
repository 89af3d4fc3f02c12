package main

import "math"

// Smoothing constants that Brutlag 2000 and rrdtool's manual use in their examples.
const (
	hwLevel  = .1
	hwTrend  = .0035
	hwSeason = .1 // of both seasons and of the deviation
)

// holtWinters forecasts every hour by additive Holt-Winters with a season of the day and one of the week (Taylor 2003) and holds it against the band of Brutlag 2000,
// delta times the smoothed absolute deviation of that hour of the day. The knob is delta (published: 2 or 3). Brutlag counts 7 misses in 9 intervals of 5 minutes;
// an hour already is longer than that, so one miss speaks here. The first week sets level and daily season, the second is learned in silence.
func holtWinters(counts []float64, first int64) []float64 {
	past := newTrail(counts, anHour)
	hw := &doubleSeason{}
	seen := 0
	return everyHour(len(counts), first, func(i int) float64 {
		if i < anHour-1 {
			return 0
		}
		seen++
		hour := int((first + int64(i)) / anHour % (7 * 24))
		if seen <= 7*24 {
			hw.begin(hour, past.count[i], seen == 7*24)
			return 0
		}
		excess, deviation := hw.step(hour, past.count[i])
		if seen <= 2*7*24 {
			return 0
		}
		return excess / max(deviation, leastSD(anHour))
	})
}

// doubleSeason is the state of the forecast: level and trend an hour, what the hour of the day and of the week add, and the deviation by hour of the day.
type doubleSeason struct {
	level, trend   float64
	day, deviation [24]float64
	week           [7 * 24]float64
}

// begin collects the first week: week holds its hours until the last of them, which turns them into level, daily season and deviation.
func (hw *doubleSeason) begin(hour int, count float64, last bool) {
	hw.week[hour] = count
	if !last {
		return
	}
	hw.level, _ = spanMoments(hw.week[:])
	for h, v := range hw.week {
		hw.day[h%24] += (v - hw.level) / 7
	}
	for h, v := range hw.week {
		hw.deviation[h%24] += math.Abs(v-hw.level-hw.day[h%24]) / 7
	}
	hw.week = [7 * 24]float64{}
}

// step returns how far the count lies above the forecast, and the deviation before it was seen; then it learns.
func (hw *doubleSeason) step(hour int, count float64) (excess, deviation float64) {
	day, week, dev := &hw.day[hour%24], &hw.week[hour], &hw.deviation[hour%24]
	excess, deviation = count-(hw.level+hw.trend+*day+*week), *dev
	before, d, w := hw.level, *day, *week
	hw.level = smooth(hwLevel, count-d-w, hw.level+hw.trend)
	hw.trend = smooth(hwTrend, hw.level-before, hw.trend)
	*day = smooth(hwSeason, count-hw.level-w, d)
	*week = smooth(hwSeason, count-hw.level-d, w)
	*dev = smooth(hwSeason, math.Abs(excess), *dev)
	return excess, deviation
}

func smooth(weight, newest, old float64) float64 { return weight*newest + (1-weight)*old }
