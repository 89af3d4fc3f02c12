package main

import (
	"math"
	"math/rand/v2"
	"time"
)

func uniform(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

func logUniform(r *rand.Rand, low, high float64) float64 {
	return low * math.Pow(high/low, r.Float64())
}

// poisson draws a Poisson number by counting exponential gaps, 20 at a time: its cost is of the order of the mean.
func poisson(r *rand.Rand, mean float64) (n int) {
	for ; mean > 20; mean -= 20 {
		n += poisson(r, 20)
	}
	limit := math.Exp(-mean)
	for p := r.Float64(); p > limit; p *= r.Float64() {
		n++
	}
	return n
}

// geometric draws 0, 1, 2 … of mean 1.
func geometric(r *rand.Rand) (n int) {
	for r.Float64() < .5 {
		n++
	}
	return n
}

// within draws a time in [from, from+d).
func within(r *rand.Rand, from time.Time, d time.Duration) time.Time {
	return from.Add(time.Duration(r.Float64() * float64(d))).Truncate(time.Millisecond)
}
