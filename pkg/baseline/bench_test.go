package baseline

import (
	"fmt"
	"math"
	"testing"
)

func benchmarkHistories() map[string]*History {
	flat := NewFleet()
	all := map[string]*History{}
	for _, perDay := range []float64{0.05, 3, 30, 300, 3000} {
		w := world{seeded(1), office(perDay), poisson}
		all[fmt.Sprint(perDay, "/day")] = w.live(monday, MaxDays, &flat)
	}
	w := world{seeded(2), withBatch(office(30), 20), poisson}
	all["30/day_and_batch"] = w.live(monday, MaxDays, &flat)
	return all
}

// The goal is 100 µs for 84 days.
func BenchmarkFit(b *testing.B) {
	flat := NewFleet()
	for name, h := range benchmarkHistories() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Fit(h, &flat)
			}
		})
	}
}

func BenchmarkPoolAdd(b *testing.B) {
	w := world{seeded(3), withBatch(office(30), 20), poisson}
	flat := NewFleet()
	h := w.live(monday, MaxDays, &flat)
	b.ReportAllocs()
	for b.Loop() {
		var p Pool
		p.Add(h)
	}
}

func BenchmarkRatesSum(b *testing.B) {
	r := Rates{Batch: []Batch{{12, 20}}}
	b.ReportAllocs()
	for b.Loop() {
		if math.IsNaN(r.Sum(3, 140)) {
			b.Fatal("no number")
		}
	}
}
