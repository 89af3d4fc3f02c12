package baseline

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func constant(n int, perDay float64) []Day {
	days := make([]Day, n)
	for i := range days {
		days[i] = Day{Breaks: perDay, Usable: 1}
	}
	return days
}

func TestLevelOfNothingIsThePrior(t *testing.T) {
	if got := Fit(nil).PerDay(); got != 1 {
		t.Errorf("%v a day, want 1", got)
	}
	if got := Fit(make([]Day, 30)).PerDay(); got != 1 {
		t.Errorf("30 days without anything usable: %v a day, want 1", got)
	}
}

// Seven quiet days: λ = .5/(.5 + Σ 2^(−(k−.5)/60)), by pencil .5/(.5 + 6.7241) = .0692.
func TestQuietWeek(t *testing.T) {
	if got := Fit(constant(7, 0)).PerDay(); math.Abs(got-0.0692) > 0.0001 {
		t.Errorf("%v a day, want 0.0692", got)
	}
}

func TestLevelNearsTheRate(t *testing.T) {
	for _, rate := range []float64{0.2, 1, 5, 50, 500} {
		if got := Fit(constant(84, rate)).PerDay(); math.Abs(got/rate-1) > 0.05 {
			t.Errorf("84 days of %v a day: %v", rate, got)
		}
	}
}

// A new level is learned with the half-life, and what began in the last two days is not yet believed.
func TestForgettingAndGuard(t *testing.T) {
	days := constant(84, 10)
	calm := Fit(days)
	days[82].Breaks, days[83].Breaks = 10_000, 10_000
	if got := Fit(days); got != calm {
		t.Errorf("the last two days changed the level: %v, was %v", got, calm)
	}
	stepped := append(constant(84, 10)[:70], constant(14+guardDays, 30)...)
	if got := Fit(stepped).PerDay(); got < 17 || got > 23 {
		t.Errorf("one half-life after a step from 10 to 30: %v a day, want about 20", got)
	}
}

func TestUnusableDaysTeachNothing(t *testing.T) {
	days := constant(40, 5)
	days[10] = Day{Breaks: 9999, Usable: 0}
	days[11] = Day{Breaks: math.NaN(), Usable: 1}
	days[12] = Day{Breaks: -1, Usable: 1}
	days[13] = Day{Breaks: math.Inf(1), Usable: 1}
	days[14] = Day{Breaks: 2.5, Usable: 0.5}
	if got := Fit(days).PerDay(); math.Abs(got-5) > 0.3 {
		t.Errorf("%v a day, want about 5", got)
	}
}

func TestLevelIsPositiveAndGrowsWithBreaks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := make([]Day, rapid.IntRange(1, 84).Draw(t, "days"))
		for i := range days {
			days[i] = Day{Breaks: float64(rapid.IntRange(0, 300).Draw(t, "breaks")), Usable: 1}
		}
		l := Fit(days)
		if p := l.PerDay(); !(p > 0) || math.IsInf(p, 0) {
			t.Fatalf("%v a day", p)
		}
		if v := l.Uncertainty(); !(v > 0) || v > Clumping/priorBreaks {
			t.Fatalf("uncertainty %v", v)
		}
	})
}
