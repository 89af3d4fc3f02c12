package baseline

import (
	"math"
	"math/rand/v2"
)

// world makes days of a series, each with the rates that the fit of the days before gave it; mean says what is expected of a slot, count draws from it.
type world struct {
	rng   *rand.Rand
	mean  func(day int64, slot int) float64
	count func(rng *rand.Rand, mean float64) int
}

const monday = 20003 // 7 October 2024

// live is so many days that end before today, fitted day by day with the fleet.
func (w *world) live(today int64, days int, f *Fleet) *History {
	h := &History{Today: today - int64(days), First: true}
	for range days {
		d := w.day(h.Today)
		_, rates := Fit(h, f)
		d.Rates = &rates
		h.Days, h.Today = append(h.Days, d), h.Today+1
	}
	return h
}

// office is a working week: twice the mean by day, a fifth of it by night, half on weekends; then normalised to perDay over the week.
func office(perDay float64) func(day int64, slot int) float64 {
	return func(day int64, slot int) float64 {
		x := 0.2
		if slot >= 48 && slot < 108 {
			x = 2
		}
		if refMonday(int(day)) >= 5 {
			x /= 2
		}
		return perDay / SlotsPerDay * x / officeMean
	}
}

// officeMean is the mean of office over a week before it is normalised: .95 by day and half of it on two of seven.
const officeMean = (60*2 + 84*0.2) / 144 * 6 / 7

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// withBatch adds batches of so many a day at 02:00.
func withBatch(mean func(int64, int) float64, breaks float64) func(int64, int) float64 {
	return func(day int64, slot int) float64 {
		if slot == 12 {
			return mean(day, slot) + breaks
		}
		return mean(day, slot)
	}
}

// days is a history without rates.
func (w *world) days(today int64, n int) *History {
	h := &History{Today: today}
	for day := today - int64(n); day < today; day++ {
		h.Days = append(h.Days, w.day(day))
	}
	return h
}

func (w *world) day(day int64) Day {
	d := Day{Counts: make([]uint16, SlotsPerDay)}
	for s := range d.Counts {
		d.Counts[s] = uint16(w.count(w.rng, w.mean(day, s)))
	}
	return d
}

// poisson draws by Knuth's product, in steps small enough for a float.
func poisson(rng *rand.Rand, mean float64) (n int) {
	for ; mean > 30; mean -= 30 {
		n += poisson(rng, 30)
	}
	for p := rng.Float64(); p > math.Exp(-mean); p *= rng.Float64() {
		n++
	}
	return n
}
