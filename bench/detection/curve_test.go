package main

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// One provider, 10 months, 4 incidents. Settings with 0, 1, 10, 5 false alarms find 1, 2, 4, 2: the last is no better than the second with fewer, and
// none at all counts as half an alarm.
func TestCurve(t *testing.T) {
	s := Sweep{Settings: [][]sums{{{0, 10, 1, 4}}, {{1, 10, 2, 4}}, {{10, 10, 4, 4}}, {{5, 10, 2, 4}}}, Delays: [][]float64{{1}, {2, 4}, {1, 1}, {9}}}
	c := s.curve([]int{0})
	want := []point{{.05, .25, 1}, {.1, .5, 3}, {1, 1, 1}}
	if len(c) != len(want) || c[0] != want[0] || c[1] != want[1] || c[2] != want[2] {
		t.Fatalf("%v", c)
	}
	for _, x := range []struct{ fa, recall float64 }{{.01, 0}, {.05, .25}, {.1, .5}, {math.Sqrt(.1), .75}, {1, 1}, {2, 1}} {
		if got := at(c, x.fa).Recall; !near(got, x.recall) {
			t.Errorf("recall at %v: %v, not %v", x.fa, got, x.recall)
		}
	}
}

// A recall that rises linearly in the logarithm from 0 at .02 to 1 at 2 has area ½; one that is .8 everywhere .8; nothing 0.
func TestArea(t *testing.T) {
	for _, x := range []struct {
		curve []point
		want  float64
	}{{[]point{{.02, 0, 0}, {2, 1, 0}}, .5}, {[]point{{.01, .8, 0}}, .8}, {nil, 0}} {
		if got := area(x.curve); !near(got, x.want) {
			t.Errorf("area of %v: %v", x.curve, got)
		}
	}
}

// More alarms never lower the best recall, and the area stays within 0 and 1.
func TestCurveRises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Sweep
		for range rapid.IntRange(1, 12).Draw(t, "settings") {
			s.Settings = append(s.Settings, []sums{{float64(rapid.IntRange(0, 50).Draw(t, "false")), 10, float64(rapid.IntRange(0, 9).Draw(t, "found")), 9}})
			s.Delays = append(s.Delays, nil)
		}
		c := s.curve([]int{0})
		for i := 1; i < len(c); i++ {
			if c[i].FA <= c[i-1].FA || c[i].Recall <= c[i-1].Recall {
				t.Fatalf("%v", c)
			}
		}
		if a := area(c); a < 0 || a > 1 {
			t.Fatalf("area %v", a)
		}
	})
}

func TestQuantile(t *testing.T) {
	x := []float64{4, 1, 3, 2}
	if quantile(x, 0) != 1 || quantile(x, 1) != 4 || median(x) != 2.5 || !math.IsNaN(median(nil)) {
		t.Errorf("%v %v %v", quantile(x, 0), quantile(x, 1), median(x))
	}
}

// The mean of 400 providers of which every second has 1: ½, and the interval is near ± 2 standard errors of .025.
func TestBootstrap(t *testing.T) {
	figure := func(who []int) float64 {
		sum := 0.0
		for _, i := range who {
			sum += float64(i % 2)
		}
		return sum / float64(len(who))
	}
	v := bootstrap(400, figure)
	if v != bootstrap(400, figure) || v.Value != .5 || math.Abs(v.Low-.45) > .015 || math.Abs(v.High-.55) > .015 {
		t.Errorf("%+v", v)
	}
}

// Every rate counts once in all: the weights of the knots sum to one.
func TestHatsSumToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate, sum := rapid.Float64Range(.001, 10_000).Draw(t, "rate"), 0.0
		for k := range knots {
			sum += hat(k, rate)
		}
		if !near(sum, 1) {
			t.Fatalf("%v at %v", sum, rate)
		}
	})
	if hat(2, 1) != 1 || !near(hat(2, 2), .5) || hat(2, 4) != 0 {
		t.Errorf("%v %v %v", hat(2, 1), hat(2, 2), hat(2, 4))
	}
}
