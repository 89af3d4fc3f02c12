package main

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// small is a World of ordinary rates that is made in a moment.
func small(seed uint64) World {
	return World{Seed: seed, Providers: 40, Days: 100, History: 40, Rates: []float64{.3, 3, 30}}
}

// A provider is a function of the seed and its number: made alone it is the same as in a slice, and another seed makes another.
func TestProviderIsDeterministic(t *testing.T) {
	slice := small(1).Slice(3, 9)
	for i, p := range slice {
		if alone := small(1).Provider(3 + i); !reflect.DeepEqual(alone, p) {
			t.Errorf("provider %d differs when it is made alone", 3+i)
		}
		if other := small(2).Provider(3 + i); reflect.DeepEqual(other.Breaks, p.Breaks) {
			t.Errorf("provider %d is the same with another seed", 3+i)
		}
	}
}

// The ordinary breaks of many providers are as many as their means say: the wandering rate (standard deviation at most .25 for each, over 300) and
// the clusters leave the sum within 5 %.
func TestOrdinaryMean(t *testing.T) {
	expected, counted := 0.0, 0.0
	for i := range 300 {
		w := World{Seed: 5, Days: 60, Rates: []float64{20}}
		r := rand.New(rand.NewPCG(5, uint64(i)))
		g := &generator{w: w, r: r, t: drawTraits(w, r, i)}
		g.ordinary()
		expected += g.mean
		counted += float64(len(g.breaks))
	}
	if ratio := counted / expected; math.Abs(ratio-1) > .05 {
		t.Errorf("%.0f breaks where %.0f are expected: %.3f", counted, expected, ratio)
	}
}

func TestShapeHasMeanOne(t *testing.T) {
	for i := range uint64(50) {
		sum, low := 0.0, math.Inf(1)
		for _, f := range drawShape(rand.New(rand.NewPCG(i, i))) {
			sum, low = sum+f, min(low, f)
		}
		if math.Abs(sum-168) > 1e-9 || low <= 0 {
			t.Errorf("shape %d sums to %v, least %v", i, sum, low)
		}
	}
}

func TestPoisson(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, mean := range []float64{.1, 3, 55} {
		sum, squares, n := 0.0, 0.0, 20_000.0
		for range int(n) {
			x := float64(poisson(r, mean))
			sum, squares = sum+x, squares+x*x
		}
		m := sum / n
		if v := squares/n - m*m; math.Abs(m-mean) > 5*math.Sqrt(mean/n) || math.Abs(v/mean-1) > .1 {
			t.Errorf("mean %v: got %v, variance %v", mean, m, v)
		}
	}
}

// Labels are in order, do not overlap, lie in judged time, and the breaks they say they caused are there.
func TestLabels(t *testing.T) {
	kinds := map[string]int{}
	for _, p := range (World{Seed: 3, Days: 150, History: 60, Rates: []float64{.1, 2, 20}}).Slice(0, 300) {
		last := p.Judged
		for _, l := range p.Labels {
			kinds[l.Kind]++
			if l.Start.Before(last) || l.End.Before(l.Start) || l.Incident != (l.Size != "") {
				t.Errorf("%s: %+v after %v", p.Name, l, last)
			}
			last = l.End
			if n := between(p.Breaks, l.Start, l.End.Add(time.Millisecond)); n < l.Extra && l.End.Before(p.End) || l.Incident && l.Extra < 3 {
				t.Errorf("%s: %d breaks in %+v", p.Name, n, l)
			}
		}
	}
	for _, kind := range append([]string{leaving, outage}, incidentKinds...) {
		if kinds[kind] < 10 {
			t.Errorf("%d of kind %s", kinds[kind], kind)
		}
	}
}

func between(breaks []Break, from, to time.Time) (n int) {
	for _, b := range breaks {
		if !b.Time.Before(from) && b.Time.Before(to) {
			n++
		}
	}
	return n
}

// A null world holds no label; its history is contaminated all the same.
func TestNullHasNoLabels(t *testing.T) {
	for _, p := range null(1, 60, 100).Slice(0, 60) {
		if len(p.Labels) > 0 || len(p.Transient) > 0 {
			t.Errorf("%s: %d labels", p.Name, len(p.Labels))
		}
	}
}

// The ledger calls exactly the breaks of the simulator newly broken: neither repeats nor outages nor names that come again.
func TestBreaksAreNew(t *testing.T) {
	providers := World{Seed: 4, Providers: 40, Days: 100, History: 40, Rates: []float64{1, 5}, Together: 2}.Slice(0, 40)
	ledger := window.NewLedger(window.UnknownConfirm)
	seen := map[itemKind]int{}
	for _, x := range stream(providers) {
		p := &providers[x.provider]
		seen[x.kind]++
		if v := ledger.Observe(x.event(p)); v.New != (x.kind == broke) || v.New && v.Cause != nango.Revoked {
			t.Fatalf("%v of %s at %v: new %v", x.kind, p.Name, time.UnixMilli(x.ms).UTC(), v.New)
		}
	}
	for kind := created; kind <= ended; kind++ {
		if seen[kind] == 0 {
			t.Errorf("no item of kind %d", kind)
		}
	}
}

// What hits all providers begins at the same time for each that exists.
func TestTogether(t *testing.T) {
	w := World{Seed: 6, Providers: 20, Days: 100, History: 40, Null: true, Together: 3}
	for _, p := range w.Slice(0, 20) {
		for _, l := range p.Labels {
			if l.Kind != everything || l.Start != w.moment(0) && l.Start != w.moment(1) && l.Start != w.moment(2) {
				t.Errorf("%s: %+v", p.Name, l)
			}
		}
	}
}

// Nothing is seen in a gap, and what broke in one is seen after it.
func TestGaps(t *testing.T) {
	w := World{Seed: 8, Days: 100, History: 40, Rates: []float64{300}}
	gaps, p := w.gaps(), w.Provider(0)
	if len(gaps) != 2 || !reflect.DeepEqual(gaps, p.Gaps) {
		t.Fatalf("%v", gaps)
	}
	for _, g := range gaps {
		if n := between(p.Breaks, g.from, g.to); n > 0 || g.to.Sub(g.from) < 110*time.Minute || g.to.Sub(g.from) > 8*time.Hour {
			t.Errorf("%d breaks in %v", n, g)
		}
	}
	for _, x := range stream([]Provider{p}) {
		if at := time.UnixMilli(x.ms); inGap(gaps, at) {
			t.Errorf("an item of kind %d at %v", x.kind, at)
		}
	}
}
