package main

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkRivals measures one series of 150 days, of a few breaks a day and of many an hour: a run scores a thousand of them.
func BenchmarkRivals(b *testing.B) {
	for _, r := range Rivals() {
		for name, mean := range map[string]float64{"quiet": .02, "busy": 50} {
			random := rand.New(rand.NewPCG(1, 2))
			counts := make([]float64, 150*aDay)
			for i := range counts {
				counts[i] = float64(int(random.ExpFloat64() * mean))
			}
			b.Run(r.Name+"/"+name, func(b *testing.B) {
				for b.Loop() {
					r.Score(counts, 1000)
				}
			})
		}
	}
}
