package baseline

import (
	"fmt"
	"math"
	"slices"
)

// This file is the fit a second time: straight from the formulas, over plain slots, with numbers in place of names and nothing of the package but its types.

type refSlot struct {
	day, slot, hour int // hour of week
	weekend         bool
	n, mu, age      float64 // mu is then expected; −1 without rates
	usable, batch   bool    // batch: a batch was then expected
}

type refFit struct {
	lambda, a, b, phi, x1, x2 float64
	v                         [4]float64
	shape                     [168]float64
	beta                      map[string]map[int]float64
	mu                        [144]float64
	c, bins                   [168]float64 // for the pool
}

func refMonday(day int) int { return (((day - 4) % 7) + 7) % 7 } // 5 January 1970 was a Monday

func refSlots(h *History) (all []refSlot) {
	for j, d := range h.Days {
		day := int(h.Today) - len(h.Days) + j
		for s := range 144 {
			x := refSlot{day: day, slot: s, hour: refMonday(day)*24 + s/6, weekend: refMonday(day) >= 5, n: float64(d.Counts[s]), mu: -1,
				age: float64(int(h.Today)-day) - .5, usable: d.Unusable[s/8]&(1<<(s%8)) == 0}
			if d.Rates != nil {
				x.mu = float64(d.Rates.Hour[s/6])
				for _, b := range d.Rates.Batch {
					if int(b.Slot) == s {
						x.mu += float64(b.Breaks)
						x.batch = true
					}
				}
			}
			all = append(all, x)
		}
	}
	return all
}

func refMedian(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	if len(x)%2 == 1 {
		return x[len(x)/2]
	}
	return (x[len(x)/2-1] + x[len(x)/2]) / 2
}

func refBatches(h *History, all []refSlot) map[string]map[int]float64 {
	today := int(h.Today)
	totals := map[string]map[int]float64{"weekday": {}, "weekend": {}}
	values := map[string]map[int][]float64{"weekday": {}, "weekend": {}}
	for _, x := range all {
		if x.day < today-28 || !x.usable || h.First && x.day == today-len(h.Days) {
			continue
		}
		c := refClass(x.weekend)
		totals[c][x.day] += x.n
		values[c][x.slot] = append(values[c][x.slot], x.n)
	}
	sum, days := 0., 0.
	for _, c := range totals {
		for _, n := range c {
			sum += n
			days++
		}
	}
	beta := map[string]map[int]float64{}
	if days < 4 || sum/days < 6 || len(totals["weekday"]) < 3 {
		return beta
	}
	for c := range totals {
		var med [144]float64
		for s := range med {
			med[s] = refMedian(values[c][s])
		}
		var daily []float64
		for _, n := range totals[c] {
			daily = append(daily, n)
		}
		share, shares := map[int]float64{}, 0.
		for s := range 144 {
			var near []float64
			for k := -6; k <= 6; k++ {
				if k != 0 {
					near = append(near, med[(s+k+144)%144])
				}
			}
			m0 := refMedian(near)
			if med[s] >= 2 && med[s] > 3*(m0+.3) && refMedian(daily) > 0 {
				share[s] = (med[s] - m0) / refMedian(daily)
				shares += share[s]
			}
		}
		beta[c] = map[int]float64{}
		for s, x := range share {
			beta[c][s] = x / (1 - math.Min(.9, shares))
		}
	}
	if len(totals["weekend"]) < 3 {
		beta["weekend"] = beta["weekday"]
	}
	return beta
}

func refClass(weekend bool) string {
	if weekend {
		return "weekend"
	}
	return "weekday"
}

func reference(h *History, fleet *Fleet) (f refFit) {
	all := refSlots(h)
	f.beta = refBatches(h, all)
	beta := func(x refSlot) float64 { return f.beta[refClass(x.weekend)][x.slot] }
	pi := fleet.Shape

	// Step 3.
	var n, e [168]float64
	for _, x := range all {
		if w := math.Pow(2, -x.age/42); x.usable && beta(x) == 0 {
			e[x.hour] += w / 6
		}
	}
	for _, x := range refHabits(all, func(x refSlot) bool { return x.usable && beta(x) == 0 }) {
		n[x.hour] += math.Pow(2, -x.age/42) * x.n
	}
	num, den := 0., 0.
	for i := range 168 {
		num += n[i]
		den += pi[i] * e[i]
	}
	r := 0.
	if den > 0 {
		r = num / den
	}
	mean := 0.
	for i := range 168 {
		nk, ek := 0., 0.
		for j := range 168 {
			if j%24 == i%24 && (j >= 120) == (i >= 120) {
				nk += n[j]
				ek += pi[j] * e[j]
			}
		}
		c48 := (100./48 + nk) / (100./48 + r*ek)
		f.shape[i] = math.Max(.02, pi[i]*c48*(400./168+n[i])/(400./168+r*pi[i]*c48*e[i]))
		mean += f.shape[i] / 168
	}
	for i := range f.shape {
		f.shape[i] /= mean
	}

	// Step 4.
	half := 60.
	if r > 0 {
		half = math.Min(60, math.Max(14, 30/(24*r)))
	}
	for _, x := range all {
		if len(h.Days) > 10 && x.age < 2 || !x.usable || int64(x.day) < h.Level {
			continue
		}
		w := math.Pow(2, -x.age/half)
		f.a += w * x.n
		f.b += w * (f.shape[x.hour]/144 + beta(x))
	}
	f.lambda = (f.a + .5) / (f.b + .5)

	// Step 5.
	today := refMonday(int(h.Today))
	for s := range f.mu {
		f.mu[s] = float64(float32(f.lambda * f.shape[today*24+s/6] / 144))
		if b := f.beta[refClass(today >= 5)][s]; b > 0 {
			f.mu[s] += float64(float32(f.lambda * b))
		}
	}

	// Steps 6 and 7.
	var recent []refSlot
	for days, j := map[int]bool{}, len(all)-1; j >= 0; j-- {
		if x := all[j]; x.mu >= 0 && int64(x.day) > h.Proven {
			if days[x.day] = true; len(days) > 56 {
				break
			}
			recent = append(recent, x)
		}
	}
	type sums struct{ n, m float64 }
	blocks := func(of func(refSlot) string) map[string]sums {
		b := map[string]sums{}
		for _, x := range recent {
			if x.usable {
				s := b[of(x)]
				b[of(x)] = sums{s.n + x.n, s.m + x.mu}
			}
		}
		return b
	}
	for _, b := range blocks(func(x refSlot) string { return fmt.Sprint(x.day, x.slot/18) }) {
		if b.m > 0 && b.m < 4 {
			f.x1 += math.Min((b.n-b.m)*(b.n-b.m)-.03*b.m*b.m, 25*b.m+9)
			f.x2 += b.m
		}
	}
	f.phi = math.Min(4, math.Max(1, (f.x1+30*fleet.Clumping)/(f.x2+30)))
	prior := .04
	for i, of := range []func(refSlot) string{
		func(x refSlot) string { return fmt.Sprint(x.day, x.slot/6) },
		func(x refSlot) string { return fmt.Sprint(x.day, x.slot/36) },
		func(x refSlot) string { return fmt.Sprint(x.day) },
		func(x refSlot) string { return fmt.Sprint(math.Floor(float64(x.day) / 3)) },
	} {
		s2, s0, count := 0., 0., 0.
		for _, b := range blocks(of) {
			if b.m > 0 {
				s2 += math.Min((b.n-b.m)*(b.n-b.m), 14*(f.phi*b.m+.06*b.m*b.m)+1) - f.phi*b.m
				s0 += b.m * b.m
				count++
			}
		}
		f.v[i] = math.Max(.003, prior)
		if count > 0 {
			k := 10 * math.Max(s0/count, 1)
			f.v[i] = math.Max(.003, (s2+k*prior)/(s0+k))
		}
		prior = .8 * f.v[i]
	}

	// Step 2, for the pool.
	for _, x := range all {
		if x.age < 56 && x.usable && !x.batch {
			f.bins[x.hour]++
		}
	}
	recent = slices.DeleteFunc(slices.Clone(all), func(x refSlot) bool { return x.age >= 56 })
	for _, x := range refHabits(recent, func(x refSlot) bool { return x.usable && !x.batch }) {
		f.c[x.hour] += x.n
	}
	return f
}

func refPool(fits []refFit) (shape [168]float64) {
	num, den := [168]float64{}, [168]float64{}
	weight, noise := 0., 0.
	for _, f := range fits {
		c, t := 0., 0.
		for i := range 168 {
			c += f.c[i]
			t += f.bins[i]
		}
		if c <= 10 {
			continue
		}
		w := math.Min(math.Sqrt(c), 30)
		for i := range 168 {
			num[i] += w * (f.c[i] / (c / t)) * 168 / t
			den[i] += w * f.bins[i] * 168 / t
		}
		weight += w
		noise += w * w / c
	}
	mean, worth := 0., 0.
	if noise > 0 {
		worth = weight * weight / noise / 168
	}
	for i := range shape {
		ratio := 1.
		if den[i] > 0 {
			ratio = num[i] / den[i]
		}
		shape[i] = .1 + .9*(3+worth*ratio)/(3+worth)
		mean += shape[i] / 168
	}
	for i := range shape {
		shape[i] /= mean
	}
	return shape
}

// refHabits sums the slots to hours of days, each at most 2 and 1.5 times the second largest of the same hour of the week, or of the day where fewer than
// two weeks are known.
func refHabits(all []refSlot, takes func(refSlot) bool) (hours []refSlot) {
	at := map[string]int{}
	for _, x := range all {
		id := fmt.Sprint(x.day, x.hour)
		if _, known := at[id]; !known {
			at[id] = len(hours)
			hours = append(hours, refSlot{day: x.day, hour: x.hour, age: x.age})
		}
		if takes(x) {
			hours[at[id]].n += x.n
		}
	}
	counts, daily, weeks := map[int][]float64{}, map[int][]float64{}, map[int]map[int]bool{}
	for _, x := range all {
		if takes(x) {
			if weeks[x.hour] == nil {
				weeks[x.hour] = map[int]bool{}
			}
			weeks[x.hour][x.day] = true
		}
	}
	for _, x := range hours {
		counts[x.hour] = append(counts[x.hour], x.n)
		daily[x.hour%24] = append(daily[x.hour%24], x.n)
	}
	for i := range hours {
		c := slices.Sorted(slices.Values(counts[hours[i].hour]))
		if len(weeks[hours[i].hour]) < 2 {
			c = slices.Sorted(slices.Values(daily[hours[i].hour%24]))
		}
		second := 0.
		if len(c) > 1 {
			second = c[len(c)-2]
		}
		hours[i].n = math.Min(hours[i].n, 2+1.5*second)
	}
	return hours
}
