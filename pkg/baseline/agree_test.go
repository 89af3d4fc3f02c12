package baseline

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func near(t *rapid.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*(1+math.Abs(want)) || math.IsNaN(got) || math.IsInf(got, 0) {
		t.Fatalf("%s: %v, the reference says %v", what, got, want)
	}
}

// The fit agrees with the reference to 1e-9 (rates to their 24 bits) on every kind of history.
func TestFitAgreesWithReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, fleet := drawHistory(t), drawFleet(t)
		want := reference(h, &fleet)
		m, rates := Fit(h, &fleet)
		near(t, "a", m.Breaks, want.a)
		near(t, "b", m.Days, want.b)
		near(t, "lambda", m.PerDay(), want.lambda)
		near(t, "x1", m.Excess, want.x1)
		near(t, "x2", m.Mean, want.x2)
		near(t, "phi", m.Clumping, want.phi)
		for i := range want.v {
			near(t, fmt.Sprint("v ", i), m.Fluctuation[i], want.v[i])
		}
		for s := range want.mu {
			if got := rates.Slot(s); !(math.Abs(got/want.mu[s]-1) < 1e-6) {
				t.Fatalf("mu %d: %v, the reference says %v", s, got, want.mu[s])
			}
		}
		again, ratesAgain := Fit(h, &fleet)
		if again != m || ratesAgain.Hour != rates.Hour || !slices.Equal(ratesAgain.Batch, rates.Batch) {
			t.Fatal("the same history gave another fit")
		}
	})
}

func TestPoolAgreesWithReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		flat := NewFleet()
		var pool Pool
		var fits []refFit
		for range rapid.IntRange(0, 3).Draw(t, "series") {
			h := drawHistory(t)
			pool.Add(h)
			fits = append(fits, reference(h, &flat))
		}
		got, want := pool.Shape(), refPool(fits)
		for i := range want {
			near(t, fmt.Sprint("hour ", i), got[i], want[i])
		}
	})
}

func drawFleet(t *rapid.T) Fleet {
	f := NewFleet()
	f.Clumping = rapid.Float64Range(1, 3).Draw(t, "fleet clumping")
	if rapid.Bool().Draw(t, "fleet shape") {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "fleet seed"), 1))
		sum := 0.
		for i := range f.Shape {
			f.Shape[i] = .1 + rng.Float64()
			sum += f.Shape[i]
		}
		for i := range f.Shape {
			f.Shape[i] *= 168 / sum
		}
	}
	return f
}

// drawHistory draws a rate, a rhythm, batches, holes, masks, a short or a long life, days with rates and without.
func drawHistory(t *rapid.T) *History {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
	h := &History{Today: 20000 + int64(rapid.IntRange(0, 20).Draw(t, "today")), First: rapid.Bool().Draw(t, "first")}
	if rapid.Bool().Draw(t, "another level") {
		h.Level = h.Today - int64(rapid.IntRange(0, 90).Draw(t, "of the level"))
		h.Proven = h.Level + int64(rapid.IntRange(0, 14).Draw(t, "it was proven so long"))
	}
	perDay := math.Exp(rapid.Float64Range(math.Log(.05), math.Log(300)).Draw(t, "log rate"))
	weekend := rapid.SampledFrom([]float64{1, .3, 0}).Draw(t, "weekend")
	batch := rapid.SampledFrom([]float64{0, 0, 3, 20, 60000}).Draw(t, "batch")
	slot := rapid.IntRange(0, 143).Draw(t, "batch slot")
	masks := rapid.SampledFrom([]float64{0, .02, .3, 1}).Draw(t, "masked days")
	holes := rapid.SampledFrom([]float64{0, 0, .01, .5}).Draw(t, "holes")
	noRates := rapid.SampledFrom([]float64{0, 0, .1, 1}).Draw(t, "days without rates")
	for j := range rapid.SampledFrom([]int{0, 1, 3, 4, 5, 10, 11, 20, 29, 60, 84}).Draw(t, "days") {
		d := Day{Counts: make([]uint16, 144)}
		level := perDay
		if refMonday(int(h.Today)+j) >= 5 {
			level *= weekend
		}
		for s := range d.Counts {
			d.Counts[s] = uint16(poisson(rng, level/144*(1+math.Sin(float64(s)/144*2*math.Pi))))
		}
		d.Counts[slot] += uint16(batch * rng.Float64())
		if from := rng.IntN(144); rng.Float64() < masks {
			for s := range rng.IntN(145) {
				unusable(&d, (from+s)%144)
			}
		}
		for s := range d.Counts {
			if rng.Float64() < holes {
				unusable(&d, s)
			}
		}
		if rng.Float64() >= noRates {
			d.Rates = &Rates{}
			for i := range d.Rates.Hour {
				d.Rates.Hour[i] = float32(level / 144 * (.5 + rng.Float64()))
			}
			if batch > 0 && rng.IntN(4) > 0 {
				d.Rates.Batch = []Batch{{uint8(slot), float32(batch / 2)}}
			}
		}
		h.Days = append(h.Days, d)
	}
	return h
}

func unusable(d *Day, slot int) { d.Unusable[slot/8] |= 1 << (slot % 8) }
