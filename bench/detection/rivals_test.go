package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawSeries makes a series of n slots: silent, rare, busy, or busy with enormous slots in it.
func drawSeries(t *rapid.T, n int) []float64 {
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	mean := rapid.SampledFrom([]float64{0, .001, .05, .5, 5, 50}).Draw(t, "mean")
	huge := rapid.SampledFrom([]float64{0, 0, .001, 1}).Draw(t, "huge")
	counts := make([]float64, n)
	for i := range counts {
		counts[i] = math.Floor(random.ExpFloat64() * mean * 1.5)
		if random.Float64() < huge {
			counts[i] = 1e6
		}
	}
	return counts
}

func drawRival(t *rapid.T) Rival { return rapid.SampledFrom(Rivals()).Draw(t, "rival") }

func (r Rival) String() string { return r.Name }

// A score a slot, finite, never below 0; and what happens later changes no earlier score.
func TestRivalsKeepTheirPromise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rival := drawRival(t)
		n := rapid.IntRange(0, 60*aDay).Draw(t, "slots")
		first := rapid.Int64Range(0, 3_000_000).Draw(t, "first")
		counts := drawSeries(t, n)
		scores := rival.Score(counts, first)
		if len(scores) != n {
			t.Fatalf("%d scores for %d slots", len(scores), n)
		}
		for i, s := range scores {
			if !(s >= 0) || math.IsInf(s, 0) {
				t.Fatalf("score %v in slot %d", s, i)
			}
		}
		cut := rapid.IntRange(0, n).Draw(t, "cut")
		other := append(slices.Clone(counts[:cut]), drawSeries(t, n-cut)...)
		if again := rival.Score(other, first); !slices.Equal(again[:cut], scores[:cut]) {
			t.Fatalf("what came after slot %d changed a score before it", cut)
		}
		if short := rival.Score(counts[:cut], first); !slices.Equal(short, scores[:cut]) {
			t.Fatalf("a series that ends at slot %d has other scores", cut)
		}
	})
}

// Where nothing ever broke nothing is unusual; and everybody sees a thousand breaks in an hour where there were three a day.
func TestRivalsAtTheExtremes(t *testing.T) {
	for _, rival := range Rivals() {
		silent := make([]float64, 100*aDay)
		if top := slices.Max(rival.Score(silent, 7)); top != 0 {
			t.Errorf("%s: %v where nothing broke", rival.Name, top)
		}
		counts := make([]float64, 100*aDay)
		for i := 0; i < len(counts); i += aDay / 3 {
			counts[i] = 1
		}
		end := len(counts) - aDay
		for i := range 2 * anHour {
			counts[end+i] = 500 + 100*float64(i%2)
		}
		scores := rival.Score(counts, 0)
		if before, after := slices.Max(scores[:end]), slices.Max(scores[end:]); after < 2*before || after < 2 {
			t.Errorf("%s: at most %v before the flood and %v in it", rival.Name, before, after)
		}
	}
}

func TestRivalsAreNamed(t *testing.T) {
	seen := map[string]bool{}
	for _, rival := range Rivals() {
		if rival.Name == "" || rival.Source == "" || seen[rival.Name] {
			t.Errorf("%q from %q", rival.Name, rival.Source)
		}
		seen[rival.Name] = true
	}
}

// inHours puts each count into the first slot of its hour; inDays likewise.
func inHours(counts ...float64) []float64 { return spaced(anHour, counts) }
func inDays(counts ...float64) []float64  { return spaced(aDay, counts) }

func spaced(width int, counts []float64) []float64 {
	series := make([]float64, width*len(counts))
	for k, c := range counts {
		series[k*width] = c
	}
	return series
}

// repeated repeats a count.
func repeated(n int, count float64) []float64 { return slices.Repeat([]float64{count}, n) }

// Each value is worked out by hand in the comment.
func TestRivalsByHand(t *testing.T) {
	burnt := append(inDays(repeated(32, 6)...), spaced(101, []float64{6})...)
	burnt[len(burnt)-1] = 12
	burst := repeated(12, 1)
	burst[11] = 13
	tests := []struct {
		name   string
		score  func([]float64, int64) []float64
		counts []float64
		want   float64 // in the last slot
	}{
		{"1 + 2 + 3 in the last hour", fixed(anHour), []float64{9, 0, 1, 0, 2, 0, 3}, 6},
		{"hours 2, 4, 6 have mean 4 and sd 2: (10 - 4)/2", meanSigma(anHour, 3, 3), inHours(2, 4, 6, 10), 3},
		{"a silent past has sd 1 by the floor", meanSigma(aDay, 28, 7), inDays(0, 0, 0, 0, 0, 0, 0, 5), 5},
		{"six days are too few", meanSigma(aDay, 28, 7), inDays(0, 0, 0, 0, 0, 0, 5), 0},
		{"8 after 2", spike(anHour), inHours(2, 8), 4},
		{"3 after nothing, taken as 1", spike(anHour), inHours(0, 3), 3},
		{"2 are too few", spike(anHour), inHours(0, 2), 0},
		{"one timeframe is too short", spike(anHour), inHours(8), 0},
		// Budget (28×6 + .5)/4032 = .0417907 a slot. 12 in the newest slot: an hour has 12/6 = 2, the slot itself 12: 2/.0417907/14.4 = 3.3234;
		// six hours 12/36/.0417907/6 = 1.329; three days (12 + 18)/432/.0417907 = 1.662.
		{"12 at six a day", burnRate, burnt, 3.323442},
		// Mean 0, sd 1/sqrt(24) by the floor; z = .2 × 5 = 1; its sd is sqrt(.2/1.8) = 1/3 of that: 3 sqrt(24). An hour later z = .8.
		{"5 in an hour after silence", ewma, inHours(append(repeated(200, 0), 5)...), 14.696938},
		{"an hour later", ewma, inHours(append(repeated(200, 0), 5, 0)...), 11.757551},
		// Two weeks of 2 an hour: forecast 2, deviation 0, so the floor: 5 sqrt(24). Then level .1×7 + .9×2 = 2.5 and trend .0035×.5 = .00175: (7 - 2.50175) sqrt(24).
		{"7 after 2 an hour", holtWinters, inHours(append(repeated(336, 2), 7)...), 24.494897},
		{"7 again", holtWinters, inHours(append(repeated(336, 2), 7, 7)...), 22.036834},
		{"the second week is silent", holtWinters, inHours(append(repeated(335, 2), 7)...), 0},
		// 1 … 7 have mean 4 and sd sqrt(28/6) = 2.160247: (12 - 4)/2.160247.
		{"C1", ears(0), inDays(1, 2, 3, 4, 5, 6, 7, 12), 3.703280},
		{"C2 leaves out two days", ears(2), inDays(1, 2, 3, 4, 5, 6, 7, 90, 80, 12), 3.703280},
		// All baselines 4 with sd 1 by the floor: C2 is 3, 4, 5; less 1 each.
		{"C3", earsC3, inDays(4, 4, 4, 4, 4, 4, 4, 4, 4, 7, 8, 9), 9},
		// Median 4.5, deviations .5 .5 1.5 1.5 2.5 2.5 3.5 3.5 with median 2: (15 - 4.5)/(1.4826×2).
		{"modified z", modifiedZ, inDays(1, 2, 3, 4, 5, 6, 7, 8, 15), 3.541076},
		// Median and MAD 0, mean deviation 8/8: 5/1.2533.
		{"modified z without MAD", modifiedZ, inDays(0, 0, 0, 8, 0, 0, 0, 0, 5), 3.989468},
		// The same hour and its neighbours were 1, 2, 3, three times each: median 2, deviations 1 in six of nine: (8 - 2)/1.4826.
		{"seasonal band", seasonalBand, inHours(slices.Concat(repeated(168, 1), repeated(168, 2), repeated(169, 3), []float64{8})...), 4.046945},
		{"26 hours of 2: 6 sqrt(24)", promBand, inHours(append(repeated(26, 2), 8)...), 29.393877},
		{"last week it was 5", promBand, inHours(slices.Concat(repeated(48, 5), repeated(152, 2), []float64{8})...), 14.696938},
		{"within the margin of half", promBand, inHours(append(repeated(26, 20), 30)...), 0},
		{"one event in two hours is not sparse, none is", promBand, inHours(append(repeated(26, 0), 1)...), 4.898979},
		// The metric is 6 five times and 5 + 13 = 18: mean 8, sd sqrt((5×4 + 100)/6) = 4.472136, more than half of 8, so the only one that counts: (18 - 8)/4.472136.
		{"adaptive rules", promAdaptive, burst, 2.236068},
		// mu 10, phi 1, var(log mu) 1/120, tau 1 + 10/120: (20^(2/3) - 10^(2/3))/sqrt(4/9 × 10^(1/3) × 1.08333) = 2.726473/1.018489.
		{"Farrington", farrington(farrington1996), inDays(append(repeated(84, 10), 20)...), 2.676978},
		{"four cases are too few", farrington(farrington1996), inDays(append(repeated(84, 0), 4)...), 0},
		// P(Poisson(10) >= 20) = .00345434.
		{"flexible", farrington(farringtonFlexible), inDays(append(repeated(84, 10), 20)...), 2.461635},
	}
	for _, test := range tests {
		scores := test.score(test.counts, 0)
		if got := scores[len(scores)-1]; math.Abs(got-test.want) > 2e-6*max(1, test.want) {
			t.Errorf("%s: got %.7f, want %.7f", test.name, got, test.want)
		}
	}
}

// Every answer of the running sums is the one of a loop over the counts.
func TestTrail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(0, 50).Draw(t, "count")) }), 1, 60).Draw(t, "counts")
		width, guard, n := rapid.IntRange(1, 8).Draw(t, "width"), rapid.IntRange(0, 3).Draw(t, "guard"), rapid.IntRange(2, 9).Draw(t, "blocks")
		i := rapid.IntRange(0, len(counts)-1).Draw(t, "slot")
		var want []float64
		for k := guard + 1; k <= guard+n && i+1-(k+1)*width >= 0; k++ {
			want = append(want, added(counts[i+1-(k+1)*width:i+1-k*width]))
		}
		past := newTrail(counts, width)
		if got := past.before(nil, i, guard, n); !slices.Equal(got, want) {
			t.Fatalf("blocks %v, want %v", got, want)
		}
		mean, sd, ok := past.moments(i, guard, n, 2)
		if ok != (len(want) >= 2) {
			t.Fatalf("%v with %d blocks", ok, len(want))
		}
		if ok {
			wantMean, variance := spanMoments(want)
			wantSD := max(leastSD(width), variance*math.Sqrt(float64(len(want))/float64(len(want)-1)))
			if math.Abs(mean-wantMean) > 1e-9 || math.Abs(sd-wantSD) > 1e-6 {
				t.Fatalf("%v ± %v, want %v ± %v", mean, sd, wantMean, wantSD)
			}
		}
	})
}

func added(values []float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum
}
