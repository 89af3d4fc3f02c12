package baseline

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func quiet(days int) *History {
	h := &History{Today: monday, First: true}
	for range days {
		h.Days = append(h.Days, Day{Counts: make([]uint16, SlotsPerDay)})
	}
	return h
}

// discounted is Σ 2^(−(k−.5)/60) over the ages k−.5 from first to last day.
func discounted(first, last int) (sum float64) {
	for k := first; k <= last; k++ {
		sum += math.Exp2(-(float64(k) - 0.5) / 60)
	}
	return sum
}

// A series that is known but never broke: λ = .5/(.5 + discounted days), by pencil. After 10 days the newest two are left out.
func TestZeroBaseline(t *testing.T) {
	flat := NewFleet()
	for _, test := range []struct{ days, newest int }{{0, 1}, {7, 1}, {10, 1}, {14, 3}, {21, 3}, {84, 3}} {
		m, rates := Fit(quiet(test.days), &flat)
		want := 0.5 / (0.5 + discounted(test.newest, test.days))
		if math.Abs(m.PerDay()-want) > 1e-12 {
			t.Errorf("%d quiet days: %v a day, want %v", test.days, m.PerDay(), want)
		}
		if got := rates.Sum(0, SlotsPerDay-1); math.Abs(got/want-1) > 1e-6 {
			t.Errorf("%d quiet days: %v expected of the day, want %v", test.days, got, want)
		}
	}
}

// By pencil: 2^(−.5/60) + … + 2^(−6.5/60) = 6.7241, so λ = .5/7.2241.
func TestQuietWeekByPencil(t *testing.T) {
	flat := NewFleet()
	if m, _ := Fit(quiet(7), &flat); math.Abs(m.PerDay()-0.06921) > 0.00001 {
		t.Errorf("%v a day", m.PerDay())
	}
}

func TestPriorLimit(t *testing.T) {
	flat := NewFleet()
	masked := quiet(MaxDays)
	for j := range masked.Days {
		for s := range SlotsPerDay {
			masked.Days[j].Counts[s] = math.MaxUint16
			unusable(&masked.Days[j], s)
		}
	}
	for _, h := range []*History{quiet(0), masked} {
		m, rates := Fit(h, &flat)
		prior := NewModel()
		for i, v := range prior.Fluctuation {
			if math.Abs(m.Fluctuation[i]-v) > 1e-15 {
				t.Errorf("v %d: %v, want the prior %v", i, m.Fluctuation[i], v)
			}
		}
		m.Fluctuation = prior.Fluctuation
		if m != prior {
			t.Errorf("%+v, want the prior %+v", m, prior)
		}
		if got := rates.Slot(77); math.Abs(got*SlotsPerDay-1) > 1e-6 {
			t.Errorf("%v a slot, want 1 a day", got)
		}
	}
}

// Without breaks of its own a series has the shape of its fleet.
func TestFleetShapeIsThePrior(t *testing.T) {
	fleet := NewFleet()
	for i := range fleet.Shape {
		fleet.Shape[i] = 0.5
		if i%2 == 0 {
			fleet.Shape[i] = 1.5
		}
	}
	m, rates := Fit(quiet(MaxDays), &fleet)
	for h, x := range rates.Hour {
		if want := m.PerDay() * fleet.Shape[h] / SlotsPerDay; math.Abs(float64(x)/want-1) > 1e-6 {
			t.Errorf("hour %d: %v, want %v", h, x, want)
		}
	}
}

// k times the breaks are k times the expectation, once the prior is small.
func TestScale(t *testing.T) {
	flat := NewFleet()
	rapid.Check(t, func(t *rapid.T) {
		w := world{seeded(rapid.Uint64().Draw(t, "seed")), office(500), poisson}
		h := w.days(monday, MaxDays)
		_, before := Fit(h, &flat)
		k := rapid.IntRange(2, 20).Draw(t, "k")
		for j := range h.Days {
			for s := range h.Days[j].Counts {
				h.Days[j].Counts[s] *= uint16(k)
			}
		}
		_, after := Fit(h, &flat)
		if ratio := after.Sum(0, 143) / before.Sum(0, 143) / float64(k); math.Abs(ratio-1) > 0.03 {
			t.Fatalf("%d times the breaks: expectation off by %v", k, ratio)
		}
	})
}

// What does not teach may hold anything.
func TestUnusableSlotsTeachNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, fleet := drawHistory(t), drawFleet(t)
		before, _ := Fit(h, &fleet)
		var pool, again Pool
		pool.Add(h)
		for j := range h.Days {
			for s := range SlotsPerDay {
				if !h.Days[j].usable(s) {
					h.Days[j].Counts[s] ^= 0xffff
				}
			}
		}
		if after, _ := Fit(h, &fleet); after != before {
			t.Fatalf("%+v, was %+v", after, before)
		}
		if again.Add(h); again != pool {
			t.Fatal("the fleet learned from them")
		}
	})
}

// Past outages on most Mondays, left out, do not make Mondays look quiet: breaks are divided by the hours that were used.
func TestMaskedMondaysStayMondays(t *testing.T) {
	w := world{seeded(5), func(int64, int) float64 { return 100. / SlotsPerDay }, poisson}
	h := w.days(monday, MaxDays)
	for j := range h.Days {
		if j%7 == 0 && j < 70 { // the first day is a Monday
			for s := 0; s < SlotsPerDay; s++ {
				h.Days[j].Counts[s] = 0
				unusable(&h.Days[j], s)
			}
		}
	}
	var pool Pool
	pool.Add(h)
	shape, flat := pool.Shape(), NewFleet()
	onMondays, perDay := 0., 0.
	for i := range 24 {
		onMondays += shape[i] / 24
	}
	m, rates := Fit(h, &flat)
	if perDay = m.PerDay(); math.Abs(perDay/100-1) > 0.05 {
		t.Errorf("%v a day, want 100", perDay)
	}
	if got := rates.Sum(0, 143); math.Abs(got/100-1) > 0.08 {
		t.Errorf("%v expected of a Monday, want 100", got)
	}
	if math.Abs(onMondays-1) > 0.15 {
		t.Errorf("the fleet's Mondays are %v of the mean", onMondays)
	}
}

// What began in the last two days does not enter the level but by the shape of their weekdays, and a step is learned with the half-life of 14 days.
func TestForgettingAndGuard(t *testing.T) {
	flat := NewFleet()
	fit := func(newest int, level uint16) Model {
		h := quiet(MaxDays)
		for j := range h.Days {
			for s := range SlotsPerDay {
				h.Days[j].Counts[s] = 1
				if j >= MaxDays-newest {
					h.Days[j].Counts[s] = level
				}
			}
		}
		m, _ := Fit(h, &flat)
		return m
	}
	calm := fit(0, 1)
	if got := calm.Breaks / calm.Days; math.Abs(got/144-1) > 1e-9 {
		t.Errorf("%v a day, want 144", got)
	}
	if m := fit(guardDays, 40); m.Breaks != calm.Breaks || math.Abs(m.Days/calm.Days-1) > 0.1 {
		t.Errorf("the last two days moved the level from %v breaks in %v days to %v in %v", calm.Breaks, calm.Days, m.Breaks, m.Days)
	}
	if m := fit(14+guardDays, 3); math.Abs(m.PerDay()/288-1) > 0.03 {
		t.Errorf("one half-life after a step from 144 to 432: %v a day, want about 288", m.PerDay())
	}
}

// Odd input gives finite positive results.
func TestAlwaysFiniteAndPositive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, fleet := drawHistory(t), drawFleet(t)
		if rapid.Bool().Draw(t, "full") {
			for j := range h.Days {
				for s := range SlotsPerDay {
					h.Days[j].Counts[s] = math.MaxUint16
				}
			}
		}
		m, rates := Fit(h, &fleet)
		values := []float64{m.PerDay(), m.Clumping, m.Uncertainty(1), m.Uncertainty(36), m.Uncertainty(144), m.Uncertainty(432)}
		for i := range SlotsPerDay {
			values = append(values, rates.Slot(i))
		}
		for i, x := range values {
			if !(x > 0) || math.IsInf(x, 0) {
				t.Fatalf("value %d is %v: %+v", i, x, m)
			}
		}
		if math.IsNaN(m.Excess) || math.IsInf(m.Excess, 0) || !(m.Mean >= 0) {
			t.Fatalf("%+v", m)
		}
	})
}

func TestFitDoesNotAllocate(t *testing.T) {
	w := world{seeded(7), func(int64, int) float64 { return 30. / SlotsPerDay }, poisson}
	flat := NewFleet()
	h := w.live(monday, 40, &flat)
	if n := testing.AllocsPerRun(5, func() { Fit(h, &flat) }); n != 0 {
		t.Errorf("%v allocations in a fit without batches", n)
	}
	if n := testing.AllocsPerRun(5, func() { new(Pool).Add(h) }); n != 0 {
		t.Errorf("%v allocations in Pool.Add", n)
	}
}

func TestLongHistoryIsCut(t *testing.T) {
	flat := NewFleet()
	w := world{seeded(6), office(30), poisson}
	long := w.days(monday, MaxDays+20)
	short := &History{Today: monday, Days: long.Days[20:]}
	a, _ := Fit(long, &flat)
	if b, _ := Fit(short, &flat); a != b {
		t.Errorf("%+v, want %+v", a, b)
	}
}

// The scale follows the window: v at 1 h to 2 h, at 6 h to 12 h, at 24 h to 36 h, at 72 h above; and φ/(a + .5) on top.
func TestUncertainty(t *testing.T) {
	m := Model{Breaks: 9.5, Clumping: 2, Fluctuation: [4]float64{1, 2, 3, 4}}
	for slots, want := range map[int]float64{1: 1, 6: 1, 12: 1, 13: 2, 36: 2, 72: 2, 73: 3, 144: 3, 216: 3, 217: 4, 432: 4} {
		if got := m.Uncertainty(slots); math.Abs(got-want-0.2) > 1e-12 {
			t.Errorf("%d slots: %v, want %v", slots, got, want+0.2)
		}
	}
}

func TestRatesSumIsTheSumOfSlots(t *testing.T) {
	var none *Rates
	if none.Sum(0, 143) != 0 || none.Slot(3) != 0 {
		t.Error("something is expected of no rates")
	}
	rapid.Check(t, func(t *rapid.T) {
		var r Rates
		for h := range r.Hour {
			r.Hour[h] = rapid.Float32Range(0, 100).Draw(t, "rate")
		}
		for _, s := range rapid.SliceOfNDistinct(rapid.Uint8Range(0, 143), 0, 3, rapid.ID).Draw(t, "batches") {
			r.Batch = append(r.Batch, Batch{s, 7})
		}
		from, to := rapid.IntRange(0, 143).Draw(t, "from"), rapid.IntRange(0, 143).Draw(t, "to")
		want := 0.
		for i := from; i <= to; i++ {
			want += float64(r.Hour[i/6])
			for _, b := range r.Batch {
				if int(b.Slot) == i {
					want += float64(b.Breaks)
				}
			}
		}
		if got := r.Sum(from, to); math.Abs(got-want) > 1e-9*(1+want) {
			t.Fatalf("slots %d to %d: %v, want %v", from, to, got, want)
		}
		if n := testing.AllocsPerRun(1, func() { r.Sum(from, to) }); n != 0 {
			t.Fatalf("%v allocations", n)
		}
	})
}

// φ̄ by pencil: (40 + 260)/(0 + 200), and its limits.
func TestFleetClumping(t *testing.T) {
	for _, test := range []struct{ excess, mean, want float64 }{{0, 0, 1.3}, {40, 0, 1.5}, {2000, 800, 2.26}, {9e9, 1, 3}, {-9e9, 1, 1}} {
		if got := FleetClumping(test.excess, test.mean); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%v, %v: %v, want %v", test.excess, test.mean, got, test.want)
		}
	}
}
