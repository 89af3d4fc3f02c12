package main

import "math"

// Constants of grafana/promql-anomaly-detection, rules/adaptive.yml.
const (
	promMargin = .5      // the band is never narrower than this share of its mid-line
	promSparse = 5. / 60 // mean of the metric in an hour under which a series is left alone
	promCovar  = .5      // hours whose standard deviation is a smaller share of the mean do not widen the band
)

// promBand is that project's idea with the mean and deviation of 26 h as mid-line and width: the count of the last hour must lie above mean + k sigma of the last 26
// hours, above the same hour of last week likewise (half an hour either side), and above the margin. Sparse series, with fewer than one event in two hours, are left
// alone. The knob is k (published: 2).
func promBand(counts []float64, _ int64) []float64 {
	past := newTrail(counts, anHour)
	return everySlot(len(counts), func(i int) float64 {
		level := past.count[i]
		mean, sd, ok := past.moments(i, 0, 26, 26)
		if !ok || level/anHour < promSparse || level <= (1+promMargin)*mean {
			return 0
		}
		k := (level - mean) / sd
		if last := i - aWeek + anHour/2; last >= 2*anHour {
			mean, sd := spanMoments(past.count[last-anHour+1 : last+1])
			k = min(k, (level-mean)/max(sd, leastSD(anHour)))
		}
		return k
	})
}

// promAdaptive follows the rules as they stand. The metric is the count of the last hour, seen every ten minutes. Samples of 0 and of sparse hours do not exist; the
// mid-line is the mean of the last hour's samples, the newest included; the width is the mean over 26 h of the hourly deviations that are large for their mean; the
// same hour of yesterday and of last week must be exceeded too. The knob is the multiplier of all widths (published: 2).
func promAdaptive(counts []float64, _ int64) []float64 {
	p := newPromRules(counts)
	return everySlot(len(counts), func(i int) float64 {
		level := p.level[i]
		if !(level > (1+promMargin)*p.mean[i]) { // false for a sample that does not exist, too
			return 0
		}
		k := math.Inf(1)
		if n := p.wides[i+1] - p.wides[max(0, i+1-26*anHour)]; n > 0 {
			width := (p.wide[i+1] - p.wide[max(0, i+1-26*anHour)]) / n
			k = (level - p.mean[i]) / max(width, leastSD(anHour))
		}
		for _, ago := range []int{aDay, aWeek} {
			if then := i - ago + anHour/2; then >= 0 && p.mean[then] > 0 {
				k = min(k, (level-p.mean[then])/max(p.sd[then], leastSD(anHour)))
			}
		}
		return k
	})
}

// promRules are the recording rules: NaN where a rule has no sample.
type promRules struct {
	level, mean, sd []float64
	wide, wides     []float64 // sums before slot i of the deviations that count, and how many they are
}

func newPromRules(counts []float64) *promRules {
	n := len(counts)
	p := &promRules{level: make([]float64, n), mean: make([]float64, n), sd: make([]float64, n), wide: make([]float64, n+1), wides: make([]float64, n+1)}
	metric := newTrail(counts, anHour).count
	hour := newTrail(metric, anHour).count
	var samples []float64
	for i := range counts {
		p.level[i], p.mean[i], p.sd[i] = math.NaN(), math.NaN(), math.NaN()
		if metric[i] > 0 && hour[i]/anHour >= promSparse {
			p.level[i] = metric[i]
		}
		samples = samples[:0]
		for _, v := range p.level[max(0, i-anHour+1) : i+1] {
			if v > 0 {
				samples = append(samples, v)
			}
		}
		p.wide[i+1], p.wides[i+1] = p.wide[i], p.wides[i]
		if len(samples) > 0 {
			p.mean[i], p.sd[i] = spanMoments(samples)
			if p.sd[i] > promCovar*p.mean[i] {
				p.wide[i+1] += p.sd[i]
				p.wides[i+1]++
			}
		}
	}
	return p
}

// spanMoments returns mean and population standard deviation, as avg_over_time and stddev_over_time do.
func spanMoments(values []float64) (mean, sd float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		sd += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(sd)
}
