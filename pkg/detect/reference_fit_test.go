package detect

import (
	"math"
	"sort"
)

// refFit is what one day of one series is judged by; x1 and x2 are what it tells the fleet's phibar of the next day.
type refFit struct {
	lambda, phi float64
	v           [4]float64 // 1, 6, 24, 72 h
	f           [168]float64
	beta        [2][144]float64 // weekday, weekend
	kappa, rho  float64
	a, b        float64
	x1, x2      float64
}

// fitDay makes the fits of the day that begins, on Mondays the fleet's shape before them.
func (r *refRun) fitDay(day int64) {
	if refWeekday(day) == 0 && day*refSlotsADay-refSlot(r.began) >= 7*refSlotsADay {
		r.pi = refFleetShape(r.tracks, day)
	}
	x1, x2 := 0., 0.
	for _, t := range r.tracks {
		x1, x2 = x1+t.fits[day-1].x1, x2+t.fits[day-1].x2
	}
	phibar := refClamp((x1+200*1.3)/(x2+200), 1, 3)
	for _, t := range r.tracks {
		if day < refDayOf(t.first) {
			continue
		}
		fit := t.fit(day, r.pi, phibar)
		t.fits[day] = fit
		for slot := day * refSlotsADay; slot < (day+1)*refSlotsADay; slot++ {
			hour := float32(fit.lambda * fit.f[refHourOfWeek(slot)] / 144)
			batch := float32(fit.lambda * fit.beta[refClass(day)][slot%refSlotsADay])
			t.mu[slot-t.base] = float64(hour) + float64(batch)
		}
	}
}

// since is the first of the last days days before day that this series has.
func (t *refTrack) since(day, days int64) int64 { return max(refDayOf(t.first), day-days) }

func (t *refTrack) fit(day int64, pi [168]float64, phibar float64) (fit refFit) {
	fit.beta = t.batches(day)
	r := t.shape(day, pi, &fit)
	t.level(day, r, &fit)
	t.clumping(day, phibar, &fit)
	t.fluctuation(day, &fit)
	t.tail(day, &fit)
	return fit
}

// count sums n over the usable slots of a day and says how many there are.
func (t *refTrack) count(day int64) (n float64, slots int) {
	for slot := day * refSlotsADay; slot < (day+1)*refSlotsADay; slot++ {
		if t.usable(slot) {
			n, slots = n+t.n[slot-t.base], slots+1
		}
	}
	return n, slots
}

// batches is A.3.1.
func (t *refTrack) batches(day int64) (beta [2][144]float64) {
	var days [2][]int64
	sum := 0.
	for d := max(refDayOf(t.first)+1, day-28); d < day; d++ {
		if n, slots := t.count(d); slots > 0 {
			days[refClass(d)] = append(days[refClass(d)], d)
			sum += n
		}
	}
	all := len(days[0]) + len(days[1])
	if all < 4 || sum/float64(all) < 6 || len(days[0]) < 3 {
		return beta
	}
	beta[0] = t.classBatches(days[0])
	beta[1] = beta[0]
	if len(days[1]) >= 3 {
		beta[1] = t.classBatches(days[1])
	}
	return beta
}

func (t *refTrack) classBatches(days []int64) (beta [144]float64) {
	var med, share [144]float64
	var daily []float64
	for _, d := range days {
		n, _ := t.count(d)
		daily = append(daily, n)
	}
	for s := range med {
		var counts []float64
		for _, d := range days {
			if slot := d*refSlotsADay + int64(s); t.usable(slot) {
				counts = append(counts, t.n[slot-t.base])
			}
		}
		med[s] = refMedian(counts)
	}
	total := 0.
	for s := range med {
		var around []float64
		for k := 1; k <= 6; k++ {
			around = append(around, med[(s+k)%144], med[(s+144-k)%144])
		}
		m0 := refMedian(around)
		if med[s] >= 2 && med[s] > 3*(m0+.3) && refMedian(daily) > 0 {
			share[s] = (med[s] - m0) / refMedian(daily)
			total += share[s]
		}
	}
	for s := range beta {
		beta[s] = share[s] / (1 - math.Min(.9, total))
	}
	return beta
}

func refMedian(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := append([]float64(nil), values...)
	sort.Float64s(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// refFleetShape is A.3.2.
func refFleetShape(tracks []*refTrack, day int64) (pi [168]float64) {
	var up, down [168]float64
	weights, noise := 0., 0.
	for _, t := range tracks {
		var c, b [168]float64
		sum, bins := 0., 0.
		for d := t.since(day, 56); d < day; d++ {
			beta := t.fits[d].beta[refClass(d)]
			for slot := d * refSlotsADay; slot < (d+1)*refSlotsADay; slot++ {
				if t.usable(slot) && beta[slot%refSlotsADay] == 0 {
					b[refHourOfWeek(slot)]++
					bins++
				}
			}
		}
		for d := t.since(day, 56); d < day; d++ {
			for hour := int64(0); hour < 24; hour++ {
				n := t.habit(t.since(day, 56), day, d, hour, func(d, slot int64) bool { return t.fits[d].beta[refClass(d)][slot%refSlotsADay] != 0 })
				c[refWeekday(d)*24+hour] += n
				sum += n
			}
		}
		if sum <= 10 {
			continue
		}
		weight := math.Min(math.Sqrt(sum), 30)
		weights, noise = weights+weight, noise+weight*weight/sum
		for i := range c {
			up[i] += weight * c[i] / (sum / bins) * 168 / bins
			down[i] += weight * b[i] * 168 / bins
		}
	}
	worth := 0.
	if noise > 0 {
		worth = weights * weights / noise / 168
	}
	for i := range pi {
		ratio := 1.
		if down[i] > 0 {
			ratio = up[i] / down[i]
		}
		pi[i] = .1 + .9*(3+worth*ratio)/(3+worth)
	}
	return refMeanOne(pi)
}

// habit is what hour of day d teaches of the week: at most 2, and 1.5 times the second largest of the same hours of the week in [from, to); of the same
// hours of the day where fewer than two weeks are known of it.
func (t *refTrack) habit(from, to, d, hour int64, batch func(d, slot int64) bool) float64 {
	count := func(d int64) (n float64) {
		for slot := d*refSlotsADay + hour*6; slot < d*refSlotsADay+hour*6+6; slot++ {
			if t.usable(slot) && !batch(d, slot) {
				n += t.n[slot-t.base]
			}
		}
		return n
	}
	n := count(d)
	if n <= 2 {
		return n
	}
	var all, daily []float64
	weeks := 0
	for x := from; x < to; x++ {
		daily = append(daily, count(x))
		if refWeekday(x) != refWeekday(d) {
			continue
		}
		all = append(all, count(x))
		for slot := x*refSlotsADay + hour*6; slot < x*refSlotsADay+hour*6+6; slot++ {
			if t.usable(slot) && !batch(x, slot) {
				weeks++
				break
			}
		}
	}
	if weeks < 2 {
		all = daily
	}
	sort.Float64s(all)
	second := 0.
	if len(all) > 1 {
		second = all[len(all)-2]
	}
	return math.Min(n, 2+1.5*second)
}

func refMeanOne(f [168]float64) [168]float64 {
	sum := 0.
	for _, x := range f {
		sum += x
	}
	for i := range f {
		f[i] *= 168 / sum
	}
	return f
}

// refWeight is 2^(-age/H) for the middle of day d, seen at the 00:00 that begins day.
func refWeight(day, d int64, halfLife float64) float64 {
	return math.Exp2(-(float64(day-d) - .5) / halfLife)
}

// refClass48 is the class k of an hour of week: 0-23 the hours of weekdays, 24-47 of weekends.
func refClass48(i int) int {
	if i >= 5*24 {
		return 24 + i%24
	}
	return i % 24
}

// shape is A.3.3: it sets f and returns r, events an hour.
func (t *refTrack) shape(day int64, pi [168]float64, fit *refFit) (r float64) {
	var n, e [168]float64
	for d := t.since(day, 84); d < day; d++ {
		w := refWeight(day, d, 42)
		for slot := d * refSlotsADay; slot < (d+1)*refSlotsADay; slot++ {
			if t.usable(slot) && fit.beta[refClass(d)][slot%refSlotsADay] == 0 {
				e[refHourOfWeek(slot)] += w / 6
			}
		}
		for hour := int64(0); hour < 24; hour++ {
			n[refWeekday(d)*24+hour] += w * t.habit(t.since(day, 84), day, d, hour, func(d, slot int64) bool { return fit.beta[refClass(d)][slot%refSlotsADay] != 0 })
		}
	}
	sumN, sumE := 0., 0.
	var nk, ek [48]float64
	for i := range n {
		sumN, sumE = sumN+n[i], sumE+pi[i]*e[i]
		nk[refClass48(i)] += n[i]
		ek[refClass48(i)] += pi[i] * e[i]
	}
	if sumE > 0 {
		r = sumN / sumE
	}
	for i := range fit.f {
		k := refClass48(i)
		c48 := (100./48 + nk[k]) / (100./48 + r*ek[k])
		fit.f[i] = math.Max(.02, pi[i]*c48*(400./168+n[i])/(400./168+r*pi[i]*c48*e[i]))
	}
	fit.f = refMeanOne(fit.f)
	return r
}

// level is A.3.4: a events in b days, lambda a day.
func (t *refTrack) level(day int64, r float64, fit *refFit) {
	halfLife := 60.
	if r > 0 {
		halfLife = refClamp(30/(24*r), 14, 60)
	}
	from, to := t.since(day, 84), day
	if to-from > 10 {
		to -= 2
	}
	for d := max(from, t.levelFrom); d < to; d++ {
		w := refWeight(day, d, halfLife)
		for slot := d * refSlotsADay; slot < (d+1)*refSlotsADay; slot++ {
			if t.usable(slot) {
				fit.a += w * t.n[slot-t.base]
				fit.b += w * (fit.f[refHourOfWeek(slot)]/144 + fit.beta[refClass(d)][slot%refSlotsADay])
			}
		}
	}
	fit.lambda = (fit.a + .5) / (fit.b + .5)
}

// blocks sums n and the then predicted mu over the usable slots of the last 56 days, by block; only blocks with an expectation are returned, in order.
func (t *refTrack) blocks(day int64, block func(slot int64) int64) (ns, ms []float64) {
	last := int64(-1)
	for slot := max(t.since(day, 56), t.adopted+1) * refSlotsADay; slot < day*refSlotsADay; slot++ {
		if !t.usable(slot) {
			continue
		}
		if len(ns) == 0 || block(slot) != last {
			ns, ms, last = append(ns, 0), append(ms, 0), block(slot)
		}
		ns[len(ns)-1] += t.n[slot-t.base]
		ms[len(ms)-1] += t.mu[slot-t.base]
	}
	return ns, ms
}

// clumping is A.3.6.
func (t *refTrack) clumping(day int64, phibar float64, fit *refFit) {
	ns, ms := t.blocks(day, func(slot int64) int64 { return slot / 18 })
	for i, m := range ms {
		if m > 0 && m < 4 {
			fit.x1 += math.Min((ns[i]-m)*(ns[i]-m)-.03*m*m, 25*m+9)
			fit.x2 += m
		}
	}
	fit.phi = refClamp((fit.x1+30*phibar)/(fit.x2+30), 1, 4)
}

// fluctuation is A.3.7.
func (t *refTrack) fluctuation(day int64, fit *refFit) {
	prior := .04
	for scale, slots := range []int64{6, 36, 144, 432} { // 432: days with the same floor(day/3)
		ns, ms := t.blocks(day, func(slot int64) int64 { return slot / slots })
		s2, s0, count := 0., 0., 0.
		for i, m := range ms {
			if m > 0 {
				s2 += math.Min((ns[i]-m)*(ns[i]-m), 14*(fit.phi*m+.06*m*m)+1) - fit.phi*m
				s0 += m * m
				count++
			}
		}
		fit.v[scale] = prior
		if count > 0 {
			k := 10 * math.Max(s0/count, 1)
			fit.v[scale] = math.Max((s2+k*prior)/(s0+k), .003)
		}
		prior = .8 * fit.v[scale]
	}
}

// tail is the daily part of A.5.
func (t *refTrack) tail(day int64, fit *refFit) {
	days := min(84, day-refDayOf(t.first))
	var e, clearly []float64
	for _, x := range t.excursions {
		switch {
		case !x.ended || x.slot < (day-84)*refSlotsADay:
		case x.clear:
			clearly = append(clearly, x.excess)
		default:
			e = append(e, x.excess)
		}
	}
	sort.Float64s(clearly)
	e = append(e, clearly[:max(0, len(clearly)-2)]...)
	sort.Float64s(e)
	e = e[:max(0, len(e)-int(days/45))]
	sum, k := 0., float64(len(e))
	for _, x := range e {
		sum += math.Min(x, 8)
	}
	fit.kappa = math.Min(1, (k+25)/(sum+25))
	fit.rho = math.Max(1, (k+12)/(.8*float64(days)*math.Exp(-refU)+12))
}
