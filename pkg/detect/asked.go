package detect

import (
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

const (
	askedFor = 7 * day // an unknown connection asked for again within this is no new one
	maxAsked = 200_000 // remembered; of more, the repeats count again
)

// name is how a connection is told apart.
type name struct{ environment, integration, connection string }

// asked remembers which connections that do not exist were asked for.
type asked struct {
	last    map[name]time.Time
	changed map[name]struct{}
}

func newAsked() asked { return asked{map[name]time.Time{}, map[name]struct{}{}} }

// add reports whether this one was not asked for within 7 days.
func (a *asked) add(e nango.Event) bool {
	n := name{e.Environment, e.Integration, e.Connection}
	last, known := a.last[n]
	if known && !e.Time.After(last) {
		return false
	}
	if known || len(a.last) < maxAsked {
		a.last[n] = e.Time
		a.changed[n] = struct{}{}
	}
	return !known || e.Time.Sub(last) > askedFor
}

func (a *asked) sweep(now time.Time) {
	for n, last := range a.last {
		if now.Sub(last) > askedFor {
			delete(a.last, n)
			a.changed[n] = struct{}{}
		}
	}
}

const (
	aliveDays = 7
	maxAlive  = 200_000 // connections remembered; when there are more, how many are active is not known
)

// alive knows which connections gave a sign that they exist and work, by UTC day.
type alive struct {
	last    map[name]seen
	counts  map[place]map[string]int // by integration
	changed map[name]struct{}
}

type seen struct {
	Provider string
	Day      int64 // days since 1970
}

func newAlive() alive { return alive{map[name]seen{}, map[place]map[string]int{}, map[name]struct{}{}} }

// see notes a sign of life.
func (a *alive) see(e nango.Event) {
	switch {
	case window.Gone(e):
		a.drop(name{e.Environment, e.Integration, e.Connection})
		return
	case e.Kind != nango.Reconnected && e.Kind != nango.Active || e.Connection == "" || e.Provider == "":
		return
	}
	n := name{e.Environment, e.Integration, e.Connection}
	today := e.Time.Unix() / 86400
	was, known := a.last[n]
	if known && was.Day >= today || !known && len(a.last) >= maxAlive {
		return
	}
	if !known {
		was.Provider = e.Provider
		a.tally(n, was, 1)
	}
	was.Day = today
	a.last[n] = was
	a.changed[n] = struct{}{}
}

func (a *alive) drop(n name) {
	if s, ok := a.last[n]; ok {
		a.tally(n, s, -1)
		delete(a.last, n)
		a.changed[n] = struct{}{}
	}
}

// sweep forgets who gave no sign for 7 days.
func (a *alive) sweep(today int64) {
	for n, s := range a.last {
		if today-s.Day > aliveDays {
			a.drop(n)
		}
	}
}

func (a *alive) tally(n name, s seen, by int) {
	at := place{n.environment, s.Provider}
	if a.counts[at] == nil {
		a.counts[at] = map[string]int{}
	}
	if a.counts[at][n.integration] += by; a.counts[at][n.integration] == 0 {
		delete(a.counts[at], n.integration)
	}
	if len(a.counts[at]) == 0 {
		delete(a.counts, at)
	}
}

// count is how many connections of a provider were seen alive in the last 7 days; 0: not known.
func (a *alive) count(environment, provider string) (n int) {
	if len(a.last) >= maxAlive {
		return 0
	}
	for _, of := range a.counts[place{environment, provider}] {
		n += of
	}
	return n
}

// under counts the connections of a provider that were seen alive: those of an integration, and all.
func (a *alive) under(environment, provider, integration string) (of, all int) {
	for name, n := range a.counts[place{environment, provider}] {
		if all += n; name == integration {
			of = n
		}
	}
	return of, all
}

// integrations calls yield with the integrations of a provider with a connection seen alive.
func (a *alive) integrations(environment, provider string, yield func(string)) {
	for name := range a.counts[place{environment, provider}] {
		yield(name)
	}
}
