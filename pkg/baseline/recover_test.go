package baseline

import (
	"math"
	"math/rand/v2"
	"testing"
)

// What was put into seeded series is found again.

// gamma draws with a mean of 1 and the variance, 1/variance a whole number of exponentials.
func gamma(rng *rand.Rand, variance float64) (x float64) {
	for range int(math.Round(1 / variance)) {
		x += rng.ExpFloat64() * variance
	}
	return x
}

// A working week, whose days and nights differ tenfold: after twelve weeks each hour's rate is known within the tolerance (root mean square over the hours
// of a Monday, over the mean of the day); a flat day would be off by .93.
func TestSeasonIsFound(t *testing.T) {
	flat := NewFleet()
	for _, test := range []struct{ perDay, tolerance float64 }{{30, 0.3}, {300, 0.12}} {
		w := world{seeded(11), office(test.perDay), poisson}
		_, rates := Fit(w.days(monday, MaxDays), &flat)
		off, mean := 0., 0.
		for h, x := range rates.Hour {
			want := w.mean(monday, 6*h)
			off += (float64(x) - want) * (float64(x) - want) / 24
			mean += want / 24
		}
		if off = math.Sqrt(off) / mean; off > test.tolerance {
			t.Errorf("%v a day: hours are off by %.3f of the mean, want at most %v", test.perDay, off, test.tolerance)
		}
	}
}

// Weekends of a working week are found too: half of the other days.
func TestWeekendIsFound(t *testing.T) {
	flat := NewFleet()
	w := world{seeded(12), office(100), poisson}
	const saturday = monday + 5
	_, rates := Fit(w.days(saturday, MaxDays), &flat)
	want := 0.
	for s := range SlotsPerDay {
		want += w.mean(saturday, s)
	}
	if got := rates.Sum(0, 143); math.Abs(got/want-1) > 0.15 {
		t.Errorf("%v expected of a Saturday, want %v", got, want)
	}
}

// The fleet's week is found from series that are too small to show it alone.
func TestFleetSeasonIsFound(t *testing.T) {
	var pool Pool
	for seed := range uint64(30) {
		w := world{seeded(seed), office(3), poisson}
		pool.Add(w.days(monday, MaxDays))
	}
	shape := pool.Shape()
	mean := office(3)
	off := 0.
	for i, x := range shape {
		want := mean(int64(monday+i/24), i%24*6) / (3. / SlotsPerDay)
		want = 0.1 + 0.9*want
		off += (x - want) * (x - want) / 168
	}
	if off = math.Sqrt(off); off > 0.2 {
		t.Errorf("the fleet's hours are off by %.3f of the mean", off)
	}
}

// Of 30 breaks a day outside and 20 in a batch at 02:00, the batch is found in its slot alone, within 15 %, and the rest is not raised by it.
func TestBatchIsFound(t *testing.T) {
	flat := NewFleet()
	w := world{seeded(13), withBatch(office(30), 20), poisson}
	m, rates := Fit(w.days(monday, MaxDays), &flat)
	if len(rates.Batch) != 1 || rates.Batch[0].Slot != 12 {
		t.Fatalf("batches %v, want one in slot 12", rates.Batch)
	}
	if got := float64(rates.Batch[0].Breaks); math.Abs(got/20-1) > 0.15 {
		t.Errorf("%v breaks in the batch, want 20", got)
	}
	if math.Abs(m.PerDay()/30-1) > 0.15 {
		t.Errorf("%v a day outside of it, want 30", m.PerDay())
	}
}

// Nothing but a batch of 6 a day at 02:00, by pencil: share = 6/6, β = 1/(1 − .9) = 10, and with b = (1 + 10) D days the level is λ ≈ 6/11 outside of it.
// One of 5 a day is below the mean of 6 a day that batches need.
func TestBatchByPencil(t *testing.T) {
	flat := NewFleet()
	for breaks, want := range map[uint16]int{5: 0, 6: 1} {
		h := quiet(MaxDays)
		for j := range h.Days {
			h.Days[j].Counts[12] = breaks
		}
		m, rates := Fit(h, &flat)
		if len(rates.Batch) != want {
			t.Fatalf("%d a day: batches %v, want %d", breaks, rates.Batch, want)
		}
		if want == 1 && (math.Abs(m.PerDay()*11/6-1) > 0.01 || math.Abs(float64(rates.Batch[0].Breaks)/m.PerDay()-10) > 1e-5) {
			t.Errorf("%v a day and %v in the batch, want 6/11 and ten times as many", m.PerDay(), rates.Batch)
		}
	}
}

// A batch of weekdays only is not expected on Sundays, while a series that has seen two days of a weekend copies the weekdays.
func TestBatchByClass(t *testing.T) {
	flat := NewFleet()
	const sunday = monday + 6
	w := world{seeded(14), office(30), poisson}
	batch := withBatch(office(30), 20)
	w.mean = func(day int64, slot int) float64 {
		if refMonday(int(day)) >= 5 {
			return office(30)(day, slot)
		}
		return batch(day, slot)
	}
	if _, rates := Fit(w.days(sunday, MaxDays), &flat); len(rates.Batch) != 0 {
		t.Errorf("84 days: %v expected of a Sunday", rates.Batch)
	}
	if _, rates := Fit(w.days(sunday, 7), &flat); len(rates.Batch) != 1 {
		t.Errorf("7 days: %v expected of a Sunday, want the batch of the weekdays", rates.Batch)
	}
}

// Breaks in clumps of one to three: E[size²]/E[size] = (1 + 4 + 9)/(1 + 2 + 3) = 2.33. Found within .25 at 10 breaks a day, and 1 for a Poisson series.
func TestClumpingIsFound(t *testing.T) {
	flat := NewFleet()
	clumps := func(rng *rand.Rand, mean float64) (n int) {
		for range poisson(rng, mean/2) {
			n += 1 + rng.IntN(3)
		}
		return n
	}
	for _, test := range []struct {
		count func(*rand.Rand, float64) int
		want  float64
	}{{clumps, 2.33}, {poisson, 1}} {
		w := world{seeded(15), office(10), test.count}
		m, _ := Fit(w.live(monday, MaxDays, &flat), &flat)
		if math.Abs(m.Clumping-test.want) > 0.25 {
			t.Errorf("φ %v, want %v", m.Clumping, test.want)
		}
	}
}

// A rate that is drawn anew each day with a variance of .1 shows it at a day's scale within .04; one that never changes shows next to nothing.
func TestFluctuationIsFound(t *testing.T) {
	flat := NewFleet()
	for _, test := range []struct{ variance, want, tolerance float64 }{{0.1, 0.1, 0.04}, {0, 0.003, 0.01}} {
		rng := seeded(17)
		factors := map[int64]float64{}
		w := world{seeded(16), nil, poisson}
		w.mean = func(day int64, _ int) float64 {
			if _, known := factors[day]; !known {
				factors[day] = 1
				if test.variance > 0 {
					factors[day] = gamma(rng, test.variance)
				}
			}
			return 100. / SlotsPerDay * factors[day]
		}
		m, _ := Fit(w.live(monday, MaxDays, &flat), &flat)
		if got := m.Fluctuation[2]; math.Abs(got-test.want) > test.tolerance {
			t.Errorf("v at 24 h %v, want %v (%v)", got, test.want, m.Fluctuation)
		}
	}
}
