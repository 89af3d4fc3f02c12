package detect

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// masses are the probabilities of 0 to n of a negative binomial, by its recursion from P(0).
func masses(mean, tau2 float64, n int) []float64 {
	r := 1 / tau2
	p := []float64{math.Pow(r/(r+mean), r)}
	for k := 1; k <= n; k++ {
		p = append(p, p[k-1]*(float64(k)-1+r)/float64(k)*mean/(r+mean))
	}
	return p
}

// exactly is P(N ≥ n), the smallest terms first: a sum of what is left to 1 would lose small tails.
func exactly(n int, mean, tau2 float64) (sum float64) {
	p := masses(mean, tau2, n+20_000)
	for k := len(p) - 1; k >= n; k-- {
		sum += p[k]
	}
	return sum
}

func TestReachingIsTheExactSum(t *testing.T) {
	few(t, 40)
	rapid.Check(t, func(t *rapid.T) {
		mean := math.Exp(rapid.Float64Range(math.Log(1e-4), math.Log(200)).Draw(t, "log mean"))
		tau2 := rapid.Float64Range(.02, 1).Draw(t, "tau2")
		n := int(mean) + 1 + rapid.IntRange(0, 300).Draw(t, "n")
		if got, want := reaching(float64(n), mean, tau2), exactly(n, mean, tau2); math.Abs(got-want) > 1e-8*want+1e-300 {
			t.Fatalf("P(NB(%v, %v) ≥ %d) is %v, not %v", mean, tau2, n, want, got)
		}
	})
}

func TestReachingAtItsLimits(t *testing.T) {
	for _, c := range []struct{ n, mean, tau2, want float64 }{
		{1, .5, 1, 1. / 3},                        // geometric: P(0) = 1/1.5
		{5, 1, 1, 1. / 32},                        // and P(N ≥ n) = (m/(1 + m))ⁿ
		{1, 2, 1e-6, 1 - math.Exp(-2)},            // nearly Poisson
		{3, 2, 1e-6, 1 - math.Exp(-2)*(1+2+2)},    //
		{0, 3, .05, 1},                            // always
		{5, 0, .05, math.SmallestNonzeroFloat64},  // nothing is expected: the log stays finite
		{5, -1, .05, math.SmallestNonzeroFloat64}, //
		{1e6, 1e-3, .05, math.SmallestNonzeroFloat64},
	} {
		near(t, fmt.Sprintf("P(NB(%v, %v) ≥ %v)", c.mean, c.tau2, c.n), reaching(c.n, c.mean, c.tau2), c.want, 1e-5*c.want)
	}
}

// upperPoint is the least count that is reached with at most 5 %, and how rarely that is.
func TestUpperPointIsTheExactSum(t *testing.T) {
	few(t, 60)
	rapid.Check(t, func(t *rapid.T) {
		mean := math.Exp(rapid.Float64Range(math.Log(1e-5), math.Log(500)).Draw(t, "log mean"))
		tau2 := rapid.Float64Range(.023, 1).Draw(t, "tau2")
		q, p := upperPoint(mean, tau2)
		if want := exactly(int(q), mean, tau2); math.Abs(p-want) > 1e-9 {
			t.Fatalf("mean %v, τ² %v: %v is reached with %v, not %v", mean, tau2, q, want, p)
		}
		if mean < breadthFloor {
			if q != 1 {
				t.Fatalf("mean %v: the least count is %v", mean, q)
			}
			return
		}
		if before := exactly(int(q)-1, mean, tau2); p > breadthTail || before <= breadthTail {
			t.Fatalf("mean %v, τ² %v: %v with %v, the count before it with %v", mean, tau2, q, p, before)
		}
	})
}

func TestUpperPointAtItsLimits(t *testing.T) {
	for _, c := range []struct{ mean, tau2, q, p float64 }{
		{0, .06, 1, 0},
		{-1e-18, .06, 1, 0}, // a difference of sums
		{1e-12, .06, 1, 1e-12},
		{.0499, 1, 1, 1 - 1/1.0499},
		{.05, 1, 1, .05 / 1.05},                // 4.8 %: one is enough, and rare enough
		{.06, 1, 2, .06 * .06 / (1.06 * 1.06)}, // 5.7 %: one is not
		{1, 1, 5, 1. / 32},
	} {
		q, p := upperPoint(c.mean, c.tau2)
		near(t, fmt.Sprintf("count for %v, %v", c.mean, c.tau2), q, c.q, 0)
		near(t, fmt.Sprintf("chance for %v, %v", c.mean, c.tau2), p, c.p, 1e-9*c.p+1e-15)
	}
	for _, mean := range []float64{1e3, 1e5, 1e6} { // no underflow, and an end
		if q, p := upperPoint(mean, .023); !(q > mean && q < 1.5*mean && p > 0 && p <= breadthTail) {
			t.Errorf("mean %v: %v with %v", mean, q, p)
		}
	}
}

// Five of many must rise, more than chance lets, after the detector knows the week of the fleet; one connection of each is enough.
func TestBreadthCounts(t *testing.T) {
	for _, c := range []struct {
		rising int
		after  time.Duration
		opens  int
	}{{4, 35 * day, 0}, {5, 35 * day, 1}, {9, 35 * day, 1}, {9, 27*day + 22*time.Hour, 0}, {9, 28*day + time.Hour, 1}} {
		h := newHistory(1)
		h.life("rows", 0, monday, monday.Add(c.after+10*time.Hour))
		h.everybody(monday.Add(c.after), c.rising, 1)
		told := feed(New(Options{}), h.sorted(), time.Time{})
		if count(told, StatusOpen) != c.opens {
			t.Errorf("%+v: %v", c, statuses(told))
		}
	}
}

// Only series of one kind rise together: four of one cause and four of another are nothing, and of six and three six count.
func TestBreadthIsOfOneKind(t *testing.T) {
	for revoked, c := range map[int]struct{ all, opens int }{4: {8, 0}, 6: {9, 1}} {
		h := running(8 * time.Hour)
		h.everybody(onset, c.all, 1)
		for i := range h.events {
			if e := &h.events[i]; e.Kind == nango.Failure && e.Provider >= fmt.Sprintf("p%02d", revoked) {
				e.Cause = nango.Misconfigured
			}
		}
		d := New(Options{})
		if told := feed(d, h.sorted(), time.Time{}); count(told, StatusOpen) != c.opens {
			t.Errorf("%d of %d revoked: told %v", revoked, c.all, statuses(told))
		}
		if b := d.breadth(kind{Revocations, "revoked"}, window.SlotOf(onset)); c.opens > 0 && (b.Of != revoked || b.Rising != revoked) {
			t.Errorf("%d of %d rise, %d are revoked", b.Rising, b.Of, revoked)
		}
	}
}

// A young series takes no part, neither among those that rise nor among those that could.
func TestBreadthLeavesYoungSeriesOut(t *testing.T) {
	h := running(8 * time.Hour)
	for i := range 6 {
		name := fmt.Sprintf("young%d", i)
		h.put(onset.Add(-5*day), nango.Reconnected, name, name, "first", "")
		h.breaks(name, name, onset.Add(time.Duration(i)*time.Second), 1, 0)
	}
	h.everybody(onset, 4, 1)
	d := New(Options{})
	if told := feed(d, h.sorted(), time.Time{}); len(told) > 0 {
		t.Errorf("told %v", statuses(told))
	}
	for _, f := range d.fleets {
		if b := d.breadth(f.kind, window.SlotOf(onset)); b.Of != 4 {
			t.Errorf("%d series take part, 4 are old enough", b.Of)
		}
	}
}
