package main

import (
	"math"
	"time"
)

var sizes = []string{"small", "medium", "large"}

// excess is how many breaks an incident adds within so many days, before its size: what an observer who knew the rate to 15 % and the clumping
// (variance 1.5 times the mean) would see at five standard deviations above a rise of 30 %. Small incidents have this excess, medium ones twice,
// large ones five times; within each size uniform in ± 20 %.
func (g *generator) excess(days float64, size string) float64 {
	m := g.t.perDay * days
	x := .3*m + 5*math.Sqrt(1.5*m+.0225*m*m+1)
	return x * uniform(g.r, .8, 1.2) * map[string]float64{"small": 1, "medium": 2, "large": 5}[size]
}

// incident makes one of the five kinds from a moment on. Its end is the last break it caused.
func (g *generator) incident(kind, size string, at time.Time) Label {
	l := Label{Kind: kind, Size: size, Start: at, End: at, Incident: true}
	switch kind {
	case burst:
		g.burst(&l)
	case integration:
		g.breakIntegration(&l)
	case cohort:
		g.cohort(&l)
	case step:
		g.rise(&l, uniform(g.r, 1, 5), false)
	case ramp:
		g.rise(&l, uniform(g.r, 3, 7), true)
	}
	return l
}

// reach notes one break of a label.
func (l *Label) reach(at time.Time) {
	if at.After(l.End) {
		l.End = at
	}
}

// found adds a break whose token died at a moment: it is found out at the next refresh.
func (g *generator) found(died time.Time, b raw) time.Time {
	wait := time.Duration(g.r.Float64() * float64(g.t.life))
	if g.t.onUse {
		wait = min(time.Duration(g.r.ExpFloat64()*float64(g.t.life)/2), day)
	}
	b.at = died.Add(wait).Truncate(time.Millisecond)
	return g.put(b)
}

// few holds a number of breaks to what a provider can lose at once.
func (g *generator) few(n float64) int { return max(3, min(int(math.Round(n)), g.t.connections*2/3)) }

// burst: all tokens die at the start.
func (g *generator) burst(l *Label) {
	l.Extra = g.few(g.excess(g.t.life.Hours()/24, l.Size))
	for range l.Extra {
		l.reach(g.found(l.Start, raw{integration: g.integration(), account: g.account()}))
	}
}

// breakIntegration: tokens of one integration die over half an hour to 3 hours.
func (g *generator) breakIntegration(l *Label) {
	over := time.Duration(uniform(g.r, .5, 3) * float64(time.Hour))
	l.Extra = g.few(g.excess((over+g.t.life).Hours()/24, l.Size))
	one := g.integration()
	for range l.Extra {
		l.reach(g.found(within(g.r, l.Start, over), raw{integration: one, account: g.account()}))
	}
}

// cohort: tokens die at a time that is the sum of two uniform ones, over 6 to 48 hours.
func (g *generator) cohort(l *Label) {
	over := time.Duration(uniform(g.r, 6, 48) * float64(time.Hour))
	l.Extra = g.few(g.excess(over.Hours()/24, l.Size))
	for range l.Extra {
		died := within(g.r, within(g.r, l.Start, over/2), over/2)
		l.reach(g.found(died, raw{integration: g.integration(), account: g.account()}))
	}
}

// rise: the rate is higher for some days, by the season too: evenly (a step), or from nothing to the most (a ramp). The excess is that of the last
// 3 days, or of all of it when it is shorter.
func (g *generator) rise(l *Label, days float64, ramp bool) {
	seen := min(days, 3)
	part := seen / days
	if ramp {
		part = 1 - (1-part)*(1-part)
	}
	l.Extra = g.few(g.excess(seen, l.Size) / part)
	most := 0.0
	for _, f := range g.t.shape {
		most = max(most, f)
	}
	over := time.Duration(days * float64(day))
	for n := 0; n < l.Extra; {
		x := g.r.Float64()
		if ramp {
			x = math.Sqrt(x)
		}
		at := l.Start.Add(time.Duration(x * float64(over))).Truncate(time.Millisecond)
		if g.r.Float64()*most > g.t.shape[hourOfWeek(at)] {
			continue
		}
		n++
		l.reach(g.add(at, g.account()))
	}
}
