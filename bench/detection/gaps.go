package main

import (
	"math/rand/v2"
	"time"
)

// gapEvery is how often the pipeline, or Nango with it, is down: once in every 50 days, at a uniform time of the first 45, for 2 to 8 hours (uniform).
const gapEvery = 50 * day

// gap is a time without rows, the same for all providers.
type gap struct{ from, to time.Time }

func (g gap) holds(t time.Time) bool { return !t.Before(g.from) && t.Before(g.to) }

// gaps are functions of the seed alone.
func (w World) gaps() (out []gap) {
	r := rand.New(rand.NewPCG(w.Seed, 1<<32))
	for at := epoch; at.Before(w.end()); at = at.Add(gapEvery) {
		from := within(r, at, 45*day).Truncate(time.Hour)
		out = append(out, gap{from, from.Add(time.Duration(uniform(r, 2, 8) * float64(time.Hour))).Truncate(10 * time.Minute)})
	}
	return out
}

// missed moves a break that nobody could see to the next refresh after the gap, within the token life.
func (g *generator) missed(at time.Time) time.Time {
	for _, x := range g.gaps {
		if x.holds(at) {
			return within(g.r, x.to, g.t.life)
		}
	}
	return at
}

// after moves what ended in a gap to its end.
func (g *generator) after(at time.Time) time.Time {
	for _, x := range g.gaps {
		if x.holds(at) {
			return x.to
		}
	}
	return at
}
