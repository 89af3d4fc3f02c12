package main

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func nearly(t interface{ Errorf(string, ...any) }, what string, got, want, tolerance float64) {
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s: got %.9g, want %.9g", what, got, want)
	}
}

// 1, 2, 4, 8 double from step to step: the next is 16, with nothing left to be dispersed. Two groups, 3 and 12 with no trend, predict their own mean: the newest count is
// one step old, so that now is of the other group.
func TestLogLinear(t *testing.T) {
	m := &logLinear{groups: 1, origin: 1, trend: true, count: []float64{8, 4, 2, 1}, weight: []float64{1, 1, 1, 1}}
	m.fit()
	mean, _ := m.predict()
	nearly(t, "doubling", mean, 16, 1e-6)
	nearly(t, "slope", m.slope, math.Ln2, 1e-6)
	nearly(t, "dispersion", m.dispersion, 1, 0)

	m = &logLinear{groups: 2, origin: 1, count: []float64{3, 12, 3, 12}, weight: []float64{1, 1, 1, 1}}
	m.fit()
	mean, variance := m.predict()
	nearly(t, "season", mean, 12, 1e-12)
	nearly(t, "variance of its logarithm, 1/24", variance, 1./24, 1e-12)
}

// Counts 0, 0, 0, 8 have mean 2 and Pearson's (3×4/2 + 36/2)/3 = 8. The residual of the 8 is 1.5 (4/2^(1/6) - 2^(1/2))/sqrt(8×3/4) = 1.3162, its weight 1/1.7325 = .5772;
// after scaling to sum 4: 1.1182 and .6454. Weighted mean 8×.6454/4 = 1.2909.
func TestDownweight(t *testing.T) {
	m := &logLinear{groups: 1, origin: 1, count: []float64{0, 8, 0, 0}, power: []float64{0, 4, 0, 0}, weight: []float64{1, 1, 1, 1}}
	m.fit()
	nearly(t, "dispersion", m.dispersion, 8, 1e-12)
	nearly(t, "residual", m.residual(1, 1), 1.3162, 1e-4)
	m.downweight(1)
	m.fit()
	mean, _ := m.predict()
	nearly(t, "mean", mean, 1.2909, 2e-4)
}

// At the slope found the likelihood does not rise any more, in either direction.
func TestLogLinearIsAMaximum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, groups := rapid.IntRange(20, 76).Draw(t, "counts"), rapid.SampledFrom([]int{1, 7}).Draw(t, "groups")
		m := &logLinear{groups: groups, origin: 8, trend: true}
		for range n {
			m.count = append(m.count, float64(rapid.IntRange(1, 30).Draw(t, "count")))
			m.weight = append(m.weight, rapid.Float64Range(.5, 1.5).Draw(t, "weight"))
		}
		m.fit()
		if score := m.expect(); math.Abs(score) > 1e-3*math.Sqrt(m.spread) {
			t.Fatalf("the derivative is %v, the information %v", score, m.spread)
		}
	})
}

// The negative binomial with 10 successes at 1/2 has mean 10 and dispersion 2; P(Y >= 20) is that of at most 9 heads in 29: 16489546/2^29. The Poisson with mean 1:
// P(Y >= 3) = 1 - 2.5/e. Mean 1 at dispersion 2 is geometric: P(Y >= k) = 2^-k.
func TestLogTail(t *testing.T) {
	nearly(t, "negative binomial", logTail(20, 10, 2), math.Log(16489546./(1<<29)), 1e-9)
	nearly(t, "Poisson", logTail(3, 1, 1), math.Log(1-2.5/math.E), 1e-9)
	nearly(t, "geometric", logTail(40, 1, 2), -40*math.Ln2, 1e-9)
	nearly(t, "far out", logTail(1e6, 1, 2), -1e6*math.Ln2, 1e-9)
}

// 5 where 1 is expected: 5 log 5 - 4 = 4.0472; a second slot like it: 10 log 5 - 8; then nothing for ever ends it.
func TestFocusByHand(t *testing.T) {
	var f focusWindows
	nearly(t, "5 for 1", f.step(5, 1), 5*math.Log(5)-4, 1e-12)
	nearly(t, "10 for 2", f.step(5, 1), 10*math.Log(5)-8, 1e-12)
	nearly(t, "10 for 102", f.step(0, 100), 0, 0)
	if len(f.stretches) != 0 {
		t.Error("remembers", f.stretches)
	}
	nearly(t, "the faintest", f.step(106, 100), 106*math.Log(1.1)-10, 1e-12)
}

// The pruned search finds what a search of all windows finds, at every slot.
func TestFocusIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 80).Draw(t, "slots")
		var f focusWindows
		var seen []stretch
		for range n {
			s := stretch{float64(rapid.IntRange(0, 12).Draw(t, "count")), rapid.Float64Range(.01, 9).Draw(t, "expected")}
			seen = append(seen, s)
			want, window := 0.0, stretch{}
			for k := len(seen) - 1; k >= 0; k-- {
				window.count, window.expected = window.count+seen[k].count, window.expected+seen[k].expected
				want = max(want, window.ratio())
			}
			if got := f.step(s.count, s.expected); math.Abs(got-want) > 1e-9*max(1, want) {
				t.Fatalf("slot %d: %v, by all windows %v", len(seen)-1, got, want)
			}
		}
	})
}

// 3 in an hour of 1, alpha .1: kappa 3, 3 log 3 - 13 log(1.3/1.1).
func TestGLRByHand(t *testing.T) {
	h := &glrHistory{}
	h.add(3, 1)
	nearly(t, "3 for 1", h.largest(), 3*math.Log(3)-13*math.Log(1.3/1.1), 1e-6)
	h.add(0, 1)
	if later := h.largest(); later >= 1.12 || later <= 0 {
		t.Error("after a quiet hour", later)
	}
}

// Starting only at hours above their mean and leaving out by the bound loses nothing: a grid of starts and shifts finds no more, and hardly less.
func TestGLRIsTheLargest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &glrHistory{}
		for range rapid.IntRange(1, 20).Draw(t, "hours") {
			h.add(float64(rapid.IntRange(0, 9).Draw(t, "count")), rapid.Float64Range(.05, 5).Draw(t, "mean"))
		}
		want := 0.0
		for k := range h.count {
			for kappa := 1.0; kappa < 400; kappa *= 1.02 {
				want = max(want, glrWindow{h.count[k:], h.mean[k:], h.dispersion()}.ratio(kappa))
			}
		}
		if got := h.largest(); got < want-1e-4 || got > want*1.01+.02 {
			t.Fatalf("%v, by the grid %v", got, want)
		}
	})
}

// One week besides the guard, then the first hour of slot 1296. Level: .5 over 1008 + 72 slots; with one event in each slot of the same hour last week 6.5/1080, and
// (1 + 2 level)/(1 + 2).
func TestSeasonalMean(t *testing.T) {
	counts := make([]float64, 1302)
	nearly(t, "silent", seasonalMean(counts, 0)[1296], 2*.5/1080/3, 1e-12)
	nearly(t, "too early", seasonalMean(counts, 0)[1295], 0, 0)
	for i := range anHour {
		counts[288+i] = 1
	}
	expected := seasonalMean(counts, 0)
	nearly(t, "the same hour", expected[1296], (1+2*6.5/1080)/3, 1e-12)
	nearly(t, "to its end", expected[1301], expected[1296], 0)
	later := append(make([]float64, 3), counts...) // begins half an hour before the week
	nearly(t, "another start of the week", seasonalMean(later, aWeek-3)[1299], (1+2*6.5/1083)/3, 1e-12)
}
