package detect

import (
	"math"
	"sort"
	"time"
)

// step judges a series at a break, or, without one, at the closing of slot.
func (r *refRun) step(t *refTrack, slot int64, b *refBreak) {
	now := refEdge(slot + 1)
	if b != nil {
		now = b.at
		t.take(*b)
	}
	t.x[slot-t.base] = 0
	k := sort.Search(len(t.transients), func(k int) bool { return refSlot(t.transients[k]) >= slot })
	for ; k < len(t.transients) && refSlot(t.transients[k]) == slot && (b == nil || !t.transients[k].After(now)); k++ {
		t.x[slot-t.base]++
	}
	fit, sums := t.fits[refDayOf(slot)], t.sums(slot)
	line := math.Log(r.budgetDays)
	guard := t.best(slot, t.guardFrom, &sums, 0, &fit, func(refWindow) bool { return true })
	alert := t.best(slot, t.alertFrom, &sums, refX, &fit, func(w refWindow) bool {
		return fit.adjust(w.s) < line || t.connections(w.from, slot) >= r.minConnections && t.withoutLeaver(w, slot, &fit) >= line
	})
	adjusted := fit.adjust(alert.s)
	step := refStep{series: t.name, slot: slot, atBreak: b != nil, s: guard.s, sAlert: alert.s, adjusted: adjusted, n: sums.n, lambda: sums.lambda}
	for i := range refWindows {
		step.lambdaX[i] = sums.lambda[i] + refX*sums.x[i]
	}
	r.steps = append(r.steps, step)
	t.followExcursion(guard.s, slot, b == nil)
	t.followStretch(guard, slot, b == nil, &fit)
	r.followIncident(t, alert, adjusted, slot, now, b == nil, &fit)
}

// take adds a break and decides whether it counts: fewer than two counted ones of its account within 24 h.
func (t *refTrack) take(b refBreak) {
	near := 0
	for i := len(t.past) - 1; i >= 0 && b.at.Sub(t.past[i].at) <= 24*time.Hour; i-- { // breaks come in order of time
		if t.counted[i] && t.past[i].account == b.account {
			near++
		}
	}
	counts := b.account == "" || near < 2
	t.past, t.counted = append(t.past, b), append(t.counted, counts)
	if counts {
		t.n[refSlot(b.at)-t.base]++
	}
}

// refSums are n, Lambda (mu and gaps) and X of the five windows that end with one slot.
type refSums struct{ n, lambda, x [5]float64 }

func (t *refTrack) sums(slot int64) (sums refSums) {
	last := slot - t.base
	n, lambda, x := 0., 0., 0.
	i := 0
	for back := int64(0); back < 432; back++ {
		if k := last - back; k >= 0 {
			n += t.n[k]
			if t.seen[k] {
				lambda, x = lambda+t.mu[k], x+t.x[k]
			}
		}
		if back+1 == refWindows[i] {
			sums.n[i], sums.lambda[i], sums.x[i] = n, lambda+t.ofGaps(slot-back, slot), x
			i++
		}
	}
	return sums
}

// ofGaps is what a window [from, to] expects on top because of gaps before it or in it.
func (t *refTrack) ofGaps(from, to int64) (m float64) {
	for _, gap := range t.gaps {
		if to >= gap.g && from < gap.g+144 {
			m += gap.m * (1 - math.Max(0, float64(from-gap.g))/144)
		}
	}
	return m
}

// best is the most extreme of the windows that may be judged, with rho of each X expected on top; its s is -Inf if there is none.
func (t *refTrack) best(slot, restart int64, sums *refSums, rho float64, fit *refFit, admits func(refWindow) bool) refWindow {
	best := refWindow{s: math.Inf(-1)}
	for i, bins := range refWindows {
		from := slot - bins + 1
		if from < max(t.first+2*refSlotsADay, restart) || bins < 144 && slot < t.first+7*refSlotsADay {
			continue
		}
		n, lambda := sums.n[i], sums.lambda[i]+rho*sums.x[i]
		tau2 := fit.v[max(0, i-1)] + fit.phi/(fit.a+.5)
		if _, s := refScore(n, lambda, fit.phi, tau2, float64(bins), refC(fit.lambda)); s > best.s {
			if w := (refWindow{s: s, n: n, lambda: lambda, from: from}); admits(w) {
				best = w
			}
		}
	}
	return best
}

// refScore is A.4 for one window: l and s, or -Inf where there is no excess.
func refScore(n, lambda, phi, tau2, bins, c float64) (l, s float64) {
	m := 1.3 * lambda
	if n < 3 || n <= m {
		return 0, math.Inf(-1)
	}
	x, y, r := (n-.5)/phi, m/phi, 1/tau2
	if x <= y { // within the half that is taken off there is no excess
		return 0, math.Inf(-1)
	}
	l = x*math.Log(x/y) - (x+r)*math.Log((x+r)/(y+r))
	z := math.Sqrt(2 * l)
	q := z*z/2 + math.Log(z) + .919
	if z < 30 {
		q = -math.Log(math.Erfc(z/math.Sqrt2) / 2)
	}
	return l, q - math.Log(144/bins) - c
}

// refC is the calibration for five windows at a rate of events a day.
func refC(rate float64) float64 {
	return -.35 + refLine(math.Log(rate), [][2]float64{{.07, -1.35}, {.25, -.55}, {1, .1}, {4, .65}, {16, -.05}, {80, -.75}, {400, -1.9}})
}

// refLine is piecewise linear through points (rate, y) in the logarithm of the rate, flat outside.
func refLine(x float64, points [][2]float64) float64 {
	for i, p := range points {
		right := math.Log(p[0])
		if x > right {
			continue
		}
		if i == 0 {
			return p[1]
		}
		left := math.Log(points[i-1][0])
		return points[i-1][1] + (p[1]-points[i-1][1])*(x-left)/(right-left)
	}
	return points[len(points)-1][1]
}

// adjust is the tail guard of A.5.
func (f *refFit) adjust(s float64) float64 {
	if s <= refU {
		return s
	}
	return refU + f.kappa*(s-refU) - math.Log(f.rho)
}
