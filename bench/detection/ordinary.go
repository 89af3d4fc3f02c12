package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

const slotsPerDay = 144

// generator makes one provider.
type generator struct {
	w      World
	r      *rand.Rand
	t      traits
	name   string
	mean   float64 // ordinary breaks expected over its life, the wandering of the rate left out
	breaks []raw
	labels []Label
	down   []Break // transient failures
	gaps   []gap
}

// raw is a break before its connection has a name.
type raw struct {
	at          time.Time
	integration int
	account     string
	soon        bool // it recovers by itself within 12 h
}

func (g *generator) from() time.Time { return g.t.start }

// ordinary makes the breaks that happen anyway, hour by hour: a Poisson number with the mean of season, trend, holiday and the wandering rate.
func (g *generator) ordinary() {
	x := g.t.wander * g.r.NormFloat64()
	keep := math.Exp(-float64(time.Hour) / float64(g.t.tau))
	holiday := 1.0
	for at := g.from(); at.Before(g.w.end()); at = at.Add(time.Hour) {
		if at.Hour() == 0 {
			holiday = 1
			if g.r.Float64() < g.t.holidays {
				holiday = .4
			}
		}
		rate := g.t.perDay * g.t.trend(at) * holiday
		g.hour(at, rate, math.Exp(x-g.t.wander*g.t.wander/2))
		x = keep*x + g.t.wander*math.Sqrt(1-keep*keep)*g.r.NormFloat64()
	}
}

func (g *generator) hour(at time.Time, rate, wander float64) {
	spread, job := rate, 0.0
	if g.t.batch >= 0 {
		spread, job = rate*(1-g.t.batchPart), rate*g.t.batchPart
	}
	mean := spread * g.t.shape[hourOfWeek(at)] / 24
	g.mean += mean
	const clusterMean = 3
	events := poisson(g.r, mean*wander/(1+(clusterMean-1)*g.t.clusters))
	for range events {
		g.event(within(g.r, at, time.Hour))
	}
	weekend := hourOfWeek(at) >= 120
	if at.Hour() == g.t.batch/6 && job > 0 && !(weekend && g.t.batchWeekdays) {
		g.mean += job
		begin := at.Truncate(day).Add(time.Duration(g.t.batch) * 10 * time.Minute)
		for range poisson(g.r, job*wander) {
			g.add(within(g.r, begin, 5*time.Minute), g.account())
		}
	}
}

// hourOfWeek is 0 for Monday 00-01 UTC.
func hourOfWeek(at time.Time) int {
	return int(at.Sub(epoch)/time.Hour) % 168
}

// event is one break, or a cluster of one customer's.
func (g *generator) event(at time.Time) {
	account := g.account()
	g.add(at, account)
	if g.r.Float64() < g.t.clusters {
		for range min(1+geometric(g.r), 11) {
			g.add(within(g.r, at, 6*time.Hour), account)
		}
	}
}

func (g *generator) account() string {
	if g.t.accounts == 0 {
		return ""
	}
	return "a" + strconv.Itoa(int(float64(g.t.accounts)*math.Pow(g.r.Float64(), g.t.tail)))
}

func (g *generator) integration() int {
	return int(float64(g.t.integrations) * math.Pow(g.r.Float64(), 1.5))
}

// add puts in an ordinary break and says when it is seen.
func (g *generator) add(at time.Time, account string) time.Time {
	return g.put(raw{at: at, integration: g.integration(), account: account})
}

// put puts in a break, and says when it is seen: after a gap when it falls into one.
func (g *generator) put(b raw) time.Time {
	b.at = g.missed(b.at)
	g.breaks = append(g.breaks, b)
	return b.at
}

// provider names the connections, and lets the broken ones end: 4 of 10 are authorized again after an exponential time of 2 days, at most 6.5; the
// others are deleted after 7 days. A name is used again a day after that, as connections come and go.
func (g *generator) provider() Provider {
	p := Provider{
		Name: g.name, Accounts: g.t.accounts > 0, Start: g.from(), End: g.w.end(), Judged: g.w.judged(), Labels: g.labels, Transient: g.down, Gaps: g.gaps,
	}
	if p.Start.After(p.Judged) {
		p.Judged = p.Start
	}
	p.PerDay = g.mean / (p.End.Sub(p.Start).Hours() / 24)
	slices.SortFunc(g.breaks, func(a, b raw) int { return a.at.Compare(b.at) })
	g.connect(&p)
	p.Transient = slices.DeleteFunc(p.Transient, func(b Break) bool { return inGap(g.gaps, b.Time) })
	slices.SortFunc(p.Endings, func(a, b Ending) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Integration, b.Integration), cmp.Compare(a.Connection, b.Connection))
	})
	slices.SortFunc(p.Transient, func(a, b Break) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Connection, b.Connection)) })
	slices.SortFunc(p.Labels, func(a, b Label) int { return a.Start.Compare(b.Start) })
	return p
}

// connect gives the breaks their connections, and the connections their ends.
func (g *generator) connect(p *Provider) {
	n := names{provider: g.name}
	for _, b := range g.breaks {
		if !b.at.Before(p.End) {
			break
		}
		x := Break{Time: b.at, Integration: n.integration(b.integration), Account: b.account}
		x.Connection = n.take(b.integration, b.at)
		n.give(b.integration, x.Connection, b.at.Add(8*day))
		p.Breaks = append(p.Breaks, x)
		if end := g.ending(b); end.Time.Before(p.End) {
			end.Integration, end.Connection, end.Time = x.Integration, x.Connection, g.after(end.Time)
			p.Endings = append(p.Endings, end)
		}
	}
}

func (g *generator) ending(b raw) Ending {
	switch repaired := g.r.Float64() < .4; {
	case b.soon:
		return Ending{Time: within(g.r, b.at.Add(time.Hour), 11*time.Hour)}
	case repaired:
		days := min(.05+2*g.r.ExpFloat64(), 6.5)
		return Ending{Time: b.at.Add(time.Duration(days * float64(day))).Truncate(time.Millisecond)}
	}
	return Ending{Time: b.at.Add(7 * day), Deleted: true}
}
