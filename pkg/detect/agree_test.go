package detect

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
)

// The streaming detector agrees with the naive reference on random worlds: every score at every break and every slot edge, every fit, every incident, with
// holes in the rows, capped accounts, outages, incidents and new levels, wherever it is stopped and started again.
func TestAgreesWithReference(t *testing.T) {
	few(t, 10)
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		steps, incidents, fits := w.run()
		stops := rapid.SliceOfN(rapid.IntRange(0, len(steps)), 0, 3).Draw(t, "stops")
		g := &pair{T: t, world: w, steps: steps, stops: stops, d: New(w.options()), stored: map[string]map[string][]byte{}}
		g.run()
		g.compareFits(fits)
		g.compareIncidents(incidents)
	})
}

// pair runs the detector beside the steps of the reference.
type pair struct {
	*rapid.T
	world  refWorld
	steps  []refStep
	next   int
	stops  []int
	d      *Detector
	stored map[string]map[string][]byte
	told   []Incident
}

func (w refWorld) options() Options {
	return Options{Budget: time.Duration(w.budgetDays * float64(day)), MinConnections: w.minConnections, Silence: slot}
}

func (g *pair) run() {
	events := g.world.events()
	for slot := refSlot(g.world.began); refEdge(slot).Before(g.world.end); slot++ {
		if g.world.observed(slot) {
			g.row(refEdge(slot))
		}
		for len(events) > 0 && refSlot(events[0].Time) == slot {
			e := events[0]
			events = events[1:]
			g.row(e.Time)
			g.told = append(g.told, g.d.Observe(e, time.Time{}).Incidents...)
			if e.Cause == nango.Revoked {
				g.step(e.Provider, slot, true)
			}
		}
		for range g.d.order {
			if g.next < len(g.steps) && g.steps[g.next].slot == slot && !g.steps[g.next].atBreak {
				g.step(g.steps[g.next].series, slot, false)
			}
		}
	}
	g.row(g.world.end.Add(time.Second)) // closes the last slot
	g.d.Changes(keep(g.stored))
	g.d = g.restored()
}

func (g *pair) row(at time.Time) {
	g.d.Row(at)
	g.told = append(g.told, g.d.Advance(at, time.Time{})...)
	if slices.Contains(g.stops, g.next) {
		g.stops = slices.DeleteFunc(g.stops, func(i int) bool { return i == g.next })
		g.d.Changes(keep(g.stored))
		g.d = g.restored()
	}
}

func (g *pair) restored() *Detector {
	d := New(g.world.options())
	for bucket, values := range g.stored {
		for key, value := range values {
			if err := d.Restore(bucket, key, value); err != nil {
				g.Fatal(err)
			}
		}
	}
	return d
}

func (g *pair) series(name string) *series {
	for _, s := range g.d.order {
		if s.Provider == name {
			return s
		}
	}
	g.Fatalf("no series %s", name)
	return nil
}

// step compares the scan of a series as it is now with the next step of the reference.
func (g *pair) step(name string, slot int64, atBreak bool) {
	want := g.steps[g.next]
	g.next++
	if want.series != name || want.slot != slot || want.atBreak != atBreak {
		g.Fatalf("step %d of %s at %d (break %v), the reference is at %s, %d (%v)", g.next, name, slot, atBreak, want.series, want.slot, want.atBreak)
	}
	s := g.series(name)
	for i, e := range g.d.evidence(s, slot) {
		if e.count != want.n[i] || !alike(e.expected, want.lambda[i]) || !alike(e.expected+e.transient, want.lambdaX[i]) {
			g.Fatalf("%s, slot %d, window %d: %v of %v (%v), the reference says %v of %v (%v)", name, slot, e.slots, e.count, e.expected, e.expected+e.transient,
				want.n[i], want.lambda[i], want.lambdaX[i])
		}
	}
	guard, alert := g.d.scan(s, slot)
	// At u the correction of the tail guard leaps down, so that of windows about u either may be the most extreme; no alarm line is so low.
	about := alert.Score <= refU && want.adjusted <= refU
	if !alike(guard.Score, want.s) || !alike(alert.Score, want.adjusted) && !about {
		g.Fatalf("%s, slot %d of its life (break %v): s %v, s' %v, the reference says %+v; guard %+v, restart %d; %+v", name, slot-s.first, atBreak, guard.Score, alert.Score, want, s.guard, s.restart(slot+1)-s.first, g.d.evidence(s, slot))
	}
}

func alike(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-6*(1+math.Abs(b))
}

func (g *pair) compareFits(fits map[string]map[int64]refFit) {
	for _, s := range g.d.order {
		for _, x := range s.daily {
			want, known := fits[s.Provider][x.Day]
			if !known {
				continue
			}
			m := x.Model
			got := []float64{m.PerDay(), m.Clumping, m.Fluctuation[0], m.Fluctuation[1], m.Fluctuation[2], m.Fluctuation[3], x.Tail.Kappa, x.Tail.Rho}
			for i, v := range []float64{want.lambda, want.phi, want.v[0], want.v[1], want.v[2], want.v[3], want.kappa, want.rho} {
				if !alike(got[i], v) {
					g.Fatalf("%s, day %d: fit %v, the reference says %+v", s.Provider, x.Day, got, want)
				}
			}
		}
	}
}

func (g *pair) compareIncidents(want []refIncident) {
	type life struct {
		opened, resolved time.Time
		reopened         int
	}
	got := map[string]*life{}
	var order []string
	for _, in := range g.told {
		l := got[in.ID]
		if l == nil {
			l = &life{opened: in.Time}
			got[in.ID] = l
			order = append(order, in.Provider+" "+in.ID)
		}
		switch in.Status {
		case StatusResolved:
			l.resolved = in.Time
		case StatusReopened:
			l.reopened++
			l.resolved = time.Time{}
		}
	}
	if len(order) != len(want) {
		g.Fatalf("%d incidents, the reference has %d: %+v", len(order), len(want), want)
	}
	for i, w := range want {
		name, id, _ := strings.Cut(order[i], " ")
		if l := got[id]; name != w.series || !l.opened.Equal(w.opened) || !l.resolved.Equal(w.resolved) || l.reopened != w.reopened {
			g.Fatalf("incident %d of %s: %+v, the reference says %+v", i, name, *l, w)
		}
	}
}

// events are what the reference's world looks like to the detector.
func (w refWorld) events() (events []nango.Event) {
	for i, s := range w.series {
		put := func(at time.Time, cause nango.Cause, integration, connection, account string) {
			events = append(events, nango.Event{Kind: nango.Failure, Cause: cause, Reason: "r", Time: at, Due: at, Environment: "prod", Provider: s.name, Integration: integration, Connection: connection, Account: account})
		}
		for _, b := range s.breaks {
			put(b.at, nango.Revoked, b.integration, b.connection, b.account)
		}
		for j, at := range s.transients {
			put(at, nango.Transient, s.name, fmt.Sprintf("outage%d.%d", i, j), "")
		}
	}
	slices.SortStableFunc(events, func(a, b nango.Event) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Cause, b.Cause))
	})
	return events
}

// drawWorld draws up to three series that all break within the first minutes: a series that nobody heard of has no past forecasts.
func drawWorld(t *rapid.T) refWorld {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 9))
	began := monday.Add(time.Duration(rapid.IntRange(0, 6).Draw(t, "weekday")) * day)
	days := rapid.SampledFrom([]int{9, 20, 40, 60}).Draw(t, "days")
	w := refWorld{began: began, end: began.Add(time.Duration(days) * day), budgetDays: rapid.SampledFrom([]float64{3, 30, 90}).Draw(t, "budget"), minConnections: 3}
	blind := map[int64]bool{}
	for range rapid.IntRange(0, 3).Draw(t, "holes") {
		from := refSlot(began) + 300 + rng.Int64N(int64(days)*144-300)
		for i := range 3 + rng.Int64N(700) {
			blind[from+i] = true
		}
	}
	w.observed = func(slot int64) bool { return !blind[slot] }
	for i := range rapid.IntRange(1, 3).Draw(t, "series") {
		s := refSeries{name: fmt.Sprintf("s%d", i), first: began}
		perDay := math.Exp(rapid.Float64Range(math.Log(.1), math.Log(80)).Draw(t, "log rate"))
		accounts := rapid.SampledFrom([]int{0, 2, 30}).Draw(t, "accounts")
		add := func(at time.Time) {
			if at = at.Truncate(time.Millisecond); blind[refSlot(at)] || !at.Before(w.end) {
				return
			}
			b := refBreak{at: at, connection: fmt.Sprintf("c%d", len(s.breaks)), integration: s.name}
			if accounts > 0 {
				b.account = fmt.Sprintf("a%d", rng.IntN(accounts))
			}
			s.breaks = append(s.breaks, b)
		}
		add(began.Add(time.Duration(i+1) * time.Second))
		changed := began.Add(time.Duration(rapid.IntRange(10, 80).Draw(t, "new level")) * day)
		for at := began.Add(time.Minute); at.Before(w.end); {
			rate := perDay * (1 + .9*math.Sin(float64(at.Hour())/24*2*math.Pi))
			if at.After(changed) {
				rate *= 10
			}
			at = at.Add(time.Duration(rng.ExpFloat64() / rate * float64(day)))
			add(at)
		}
		for range rapid.IntRange(0, 3).Draw(t, "bursts") {
			at := began.Add(time.Duration(rng.Float64() * float64(days) * float64(day)))
			for range 3 + rng.IntN(30) {
				at = at.Add(time.Duration(rng.ExpFloat64() * float64(10*time.Minute)))
				add(at)
			}
		}
		for range rapid.IntRange(0, 2).Draw(t, "outages") {
			at := began.Add(time.Duration(rng.Float64() * float64(days) * float64(day)))
			for range 50 {
				if at = at.Add(time.Duration(rng.ExpFloat64() * float64(time.Minute))).Truncate(time.Millisecond); !blind[refSlot(at)] && at.Before(w.end) {
					s.transients = append(s.transients, at)
				}
			}
		}
		slices.SortFunc(s.breaks, func(a, b refBreak) int { return a.at.Compare(b.at) })
		slices.SortFunc(s.transients, time.Time.Compare)
		w.series = append(w.series, s)
	}
	return w
}
