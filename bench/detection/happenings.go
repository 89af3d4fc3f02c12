package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// cell is a stretch of judged time in which at most one thing happens: it starts in the first 4 days, and has ended, with the days after it that
// are not scored, when the next cell begins.
const cell = 14 * day

// settled is how old a provider must be before labelled things happen to it.
const settled = 10 * day

// happenings draws, for every cell of judged time, an incident (9 of 100), a customer who leaves (3), or an outage (2.5). Kinds and sizes of
// incidents are all as likely.
func (g *generator) happenings() {
	begin := g.w.judged()
	if young := g.from().Add(settled); young.After(begin) {
		begin = young
	}
	for at := begin; !at.Add(cell).After(g.w.end()); at = at.Add(cell) {
		x, when := g.r.Float64(), within(g.r, at, 4*day)
		switch {
		case x < .09:
			g.labels = append(g.labels, g.incident(incidentKinds[g.r.IntN(len(incidentKinds))], sizes[g.r.IntN(len(sizes))], when))
		case x < .12:
			g.labels = append(g.labels, g.leave(when))
		case x < .145:
			g.labels = append(g.labels, g.fail(when))
		}
	}
}

// contaminate puts up to two incidents that nobody labelled into the history, each with a chance of one in five, over before the judged time.
func (g *generator) contaminate() {
	for range 2 {
		room := g.w.judged().Sub(g.from()) - 10*day
		chance, part := g.r.Float64(), g.r.Float64()
		if chance < .2 && room > 0 {
			at := g.from().Add(time.Duration(part * float64(room))).Truncate(time.Minute)
			g.incident(incidentKinds[g.r.IntN(len(incidentKinds))], sizes[g.r.IntN(len(sizes))], at)
		}
	}
}

// leave is one customer whose connections are all revoked over half an hour to 8 hours, and found out as their tokens are refreshed: as many as
// a Pareto number from 4 with exponent 1.2, at most 80 and half of the connections.
func (g *generator) leave(at time.Time) Label {
	n := min(int(4*math.Pow(g.r.Float64(), -1/1.2)), 80, max(4, g.t.connections/2))
	over := time.Duration(uniform(g.r, .5, 8) * float64(time.Hour))
	account := ""
	if g.t.accounts > 0 {
		account = fmt.Sprintf("left%d", len(g.labels))
	}
	l := Label{Kind: leaving, Start: at, End: at, Extra: n}
	for range n {
		l.reach(g.found(within(g.r, at, over), raw{integration: g.integration(), account: account}))
	}
	return l
}

// misread is the part of an outage's failures that read as revocations.
const misread = .02

// fail is an outage of half an hour to 8 hours (log-uniform) that refuses 30 to 100 % of the refreshes made during it; each connection is refreshed
// once in a token life. Of the connections that fail, 2 % are misread as revoked; all work again within 12 h.
func (g *generator) fail(at time.Time) Label {
	over := time.Duration(logUniform(g.r, .5, 8) * float64(time.Hour))
	part := uniform(g.r, .3, 1) * min(1, over.Hours()/g.t.life.Hours())
	l := Label{Kind: outage, Start: at, End: at.Add(over)}
	for i := range int(part * float64(g.t.connections)) {
		when, account, of := within(g.r, at, over), g.account(), g.integration()
		if g.r.Float64() < misread {
			l.reach(g.put(raw{at: when, integration: of, account: account, soon: true}))
			l.Extra++
			continue
		}
		g.down = append(g.down, Break{when, fmt.Sprintf("%s-%d", g.name, of), fmt.Sprintf("t%d", i), account})
	}
	return l
}

// together is what hits every provider at the same times: over 1 to 4 hours, 2 to 20 % of the refreshes are refused as if revoked, all repaired
// within 12 h. Times and parts are of the World, not of the provider.
func (g *generator) together() {
	r := rand.New(rand.NewPCG(g.w.Seed, 0))
	for i := range g.w.Together {
		at, over := g.w.moment(i), time.Duration(uniform(r, 1, 4)*float64(time.Hour))
		part := uniform(r, .02, .2) * min(1, over.Hours()/g.t.life.Hours())
		n := poisson(g.r, part*float64(g.t.connections))
		if at.Before(g.from()) || n == 0 {
			continue
		}
		l := Label{Kind: everything, Start: at, End: at.Add(over), Extra: n}
		for range n {
			l.reach(g.put(raw{at: within(g.r, at, over), integration: g.integration(), account: g.account(), soon: true}))
		}
		g.labels = append(g.labels, l)
	}
}

// moment is when the i-th event of all providers begins.
func (w World) moment(i int) time.Time {
	judged := w.end().Sub(w.judged())
	return w.judged().Add(judged * time.Duration(2*i+1) / time.Duration(2*w.Together)).Truncate(time.Hour).Add(17 * time.Minute)
}
