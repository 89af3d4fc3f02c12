package main

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/window"
)

// alarmLasts is how long the alarm of a rival goes on after its score last reached the threshold.
const alarmLasts = slotsPerDay

// capped keeps the breaks that count: of one customer at most 2 within 24 h.
func capped(breaks []Break) []Break {
	var b window.Breaks
	done := 0
	return slices.DeleteFunc(slices.Clone(breaks), func(x Break) bool {
		counts := b.Add(window.Break{Time: x.Time, Integration: x.Integration, Connection: x.Connection, Account: x.Account})
		if done++; done%1000 == 0 {
			b.Forget(x.Time.Add(-25 * time.Hour))
		}
		return !counts
	})
}

// series is a provider as rivals see it: counts of 10-minute slots of its life, with the cap per customer and without.
type series struct {
	capped, uncapped []float64
	first            int64 // slot of the first count
}

// seriesOf counts the breaks of all providers, once for all rivals.
func seriesOf(providers []Provider) []series {
	out := make([]series, len(providers))
	parallel(len(providers), func(i int) {
		p := &providers[i]
		out[i].first = window.SlotOf(p.Start)
		out[i].capped, out[i].uncapped = slotCounts(p, capped(p.Breaks)), slotCounts(p, p.Breaks)
	})
	return out
}

func slotCounts(p *Provider, breaks []Break) []float64 {
	first := window.SlotOf(p.Start)
	counts := make([]float64, window.SlotOf(p.End.Add(-1))-first+1)
	for _, b := range breaks {
		counts[window.SlotOf(b.Time)-first]++
	}
	return counts
}

// rivalScores are a rival's scores of every provider, by slot of its life.
func rivalScores(r Rival, all []series, cap bool) [][]float32 {
	out := make([][]float32, len(all))
	parallel(len(all), func(i int) {
		counts := all[i].uncapped
		if cap {
			counts = all[i].capped
		}
		scores := r.Score(counts, all[i].first)
		out[i] = make([]float32, len(scores))
		for j, s := range scores {
			if s > 0 && !math.IsInf(s, 0) {
				out[i][j] = float32(s)
			}
		}
	})
	return out
}

// mark is a slot of a life with its score.
type mark struct {
	slot  int
	score float32
}

// marks are the slots whose score reaches a threshold.
func marks(scores []float32, threshold float32) (out []mark) {
	for i, s := range scores {
		if s >= threshold && s > 0 {
			out = append(out, mark{i, s})
		}
	}
	return out
}

// alarmsAt turns scores into alarms: one starts when the score reaches the threshold, at the end of that slot, and lasts until it was below it for 24 h.
func alarmsAt(scores []mark, threshold float32, start time.Time) (out []Alarm) {
	last := -1
	begin := window.SlotTime(window.SlotOf(start) + 1)
	for _, m := range scores {
		if m.score < threshold {
			continue
		}
		when := begin.Add(time.Duration(m.slot) * window.Slot)
		if last < 0 || m.slot-last > alarmLasts {
			out = append(out, Alarm{Opened: when})
		}
		last = m.slot
		out[len(out)-1].Resolved = when.Add(alarmLasts * window.Slot)
	}
	return out
}

// sweepSteps is how many thresholds of a rival are tried.
const sweepSteps = 48

// thresholds are the scores that so many provider-days of clean time reach: from one in all to 30 % of them, evenly by the logarithm.
func thresholds(providers []Provider, scores [][]float32) (out []float32) {
	var tops []float32
	days := 0
	for i := range providers {
		p := &providers[i]
		for from := p.Judged; from.Before(p.End); from = from.Add(day) {
			if !clean(p, from) {
				continue
			}
			days++
			a := window.SlotOf(from) - window.SlotOf(p.Start)
			if top := slices.Max(scores[i][a:min(a+slotsPerDay, int64(len(scores[i])))]); top > 0 {
				tops = append(tops, top)
			}
		}
	}
	slices.SortFunc(tops, func(a, b float32) int { return cmp.Compare(b, a) })
	for k := range sweepSteps {
		n := int(math.Pow(.3*float64(days), float64(k)/(sweepSteps-1)))
		if n <= len(tops) && (len(out) == 0 || tops[n-1] < out[len(out)-1]) {
			out = append(out, tops[n-1])
		}
	}
	return out
}

// sweepRival scores a rival at all thresholds.
func sweepRival(name string, r Rival, providers []Provider, all []series, cap bool) Sweep {
	s := Sweep{Name: name}
	scores := rivalScores(r, all, cap)
	tried := thresholds(providers, scores)
	if len(tried) == 0 {
		return s
	}
	high := make([][]mark, len(scores))
	parallel(len(scores), func(i int) { high[i] = marks(scores[i], tried[len(tried)-1]) })
	for _, x := range tried {
		outcomes := make([]Outcome, len(providers))
		parallel(len(providers), func(i int) { outcomes[i] = judge(&providers[i], alarmsAt(high[i], x, providers[i].Start)) })
		s.add(outcomes)
	}
	return s
}
