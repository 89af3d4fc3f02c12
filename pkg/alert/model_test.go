package alert

import (
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// quietTime is a silence as the world knows it: of one provider.
type quietTime struct {
	id, provider string
	from, until  time.Time
}

// worldRoute is a route as the world knows it.
type worldRoute struct {
	Provider string // "" for all
	Critical bool   // only what is critical
	To       []string
}

func (r worldRoute) takes(in detect.Incident) bool {
	return (r.Provider == "" || r.Provider == in.Provider) && (!r.Critical || in.Observed >= DefaultSeverity.Connections)
}

// names says that the routes name a destination for an incident as it is.
func (w *world) names(name string, in detect.Incident) bool {
	for _, r := range w.routes {
		if r.takes(in) {
			return slices.Contains(r.To, name)
		}
	}
	return len(w.routes) == 0
}

// silencing is the silence that covers an incident, "" for none.
func (w *world) silencing(in detect.Incident) (id string) {
	at, last := time.Now(), time.Time{}
	if in.Status == detect.StatusResolved {
		at = in.ResolvedAt
	}
	for _, q := range w.quiet {
		if q.provider == in.Provider && !at.Before(q.from) && at.Before(q.until) && (q.until.After(last) || q.until.Equal(last) && q.id < id) {
			id, last = q.id, q.until
		}
	}
	return id
}

// turning says that a silence of the incident begins or ends at this very instant.
func (w *world) turning(in detect.Incident) bool {
	now := time.Now()
	return slices.ContainsFunc(w.quiet, func(q quietTime) bool {
		return q.provider == in.Provider && (q.until.Equal(now) || now.Sub(q.from).Abs() < time.Millisecond)
	})
}

func (w *world) realRoutes() (all []Route) {
	for _, r := range w.routes {
		real := Route{To: r.To}
		if r.Provider != "" {
			real.Provider = []string{r.Provider}
		}
		if r.Critical {
			real.Severity = string(critical)
		}
		all = append(all, real)
	}
	return all
}

// hush silences a provider for a time.
func (l *life) hush(provider string, wait time.Duration) {
	now := time.Now()
	l.mu.Lock()
	l.quiet = append(l.quiet, quietTime{"new", provider, now.Truncate(time.Millisecond), now.Add(wait)})
	q := &l.quiet[len(l.quiet)-1]
	l.mu.Unlock()
	s, err := l.notifier.Silence(Silence{Match: Match{Provider: []string{provider}}, Author: "a", Reason: "r", Until: now.Add(wait)})
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.errorf("no silence: %v", err)
	}
	*q = quietTime{s.ID, provider, s.From, s.Until}
}

// speak ends the silences of a provider.
func (l *life) speak(provider string) {
	now := time.Now()
	l.mu.Lock()
	var ended []string
	for i, q := range l.quiet {
		if q.provider == provider && q.until.After(now) {
			l.quiet[i].until = now
			ended = append(ended, q.id)
		}
	}
	l.mu.Unlock()
	for _, id := range ended {
		if err := l.notifier.EndSilence(id); err != nil {
			l.mu.Lock()
			l.errorf("%v", err)
			l.mu.Unlock()
		}
	}
}

// hears says that a destination surely hears of the wider incident that another is part of, or surely does not. Where it depends on what came of
// a request, neither.
func (w *world) hears(name string, parent detect.Incident) (yes, no bool) {
	if w.turning(parent) {
		return false, false
	}
	if parent.ID == "" || w.silencing(parent) != "" {
		return false, true
	}
	tried := w.doubted[recordKey(name, parent.ID)]
	for _, a := range w.attempts[name] {
		tried, yes = tried || a.incident == parent.ID, yes || a.incident == parent.ID && a.arrived
	}
	return yes, !yes && !tried && !w.names(name, parent) && !slices.Contains(w.fallback, name)
}

// checkWithin says what is wrong with telling a destination this of an incident that is part of another: who hears of that is told that it goes on
// there, and who does not and knows of this one, how this one goes on.
func (w *world) checkWithin(name string, parent detect.Incident, a attempt) {
	known := w.doubted[recordKey(name, a.incident)]
	for _, before := range w.attempts[name] {
		known = known || before.incident == a.incident && (before.arrived || before.doubt)
	}
	switch yes, no := w.hears(name, parent); {
	case !known, a.Phase == fold && no, a.Phase != fold && yes:
		w.errorf("%s was asked to tell of a part %+v", name, a)
	}
}

// checkRight says what is wrong with telling a destination this now: nobody named it, or somebody silenced the incident.
func (w *world) checkRight(name string, tr traits, in detect.Incident, a attempt) {
	known := w.doubted[recordKey(name, a.incident)]
	for _, before := range w.attempts[name] {
		known = known || before.incident == a.incident && (before.arrived || before.doubt)
	}
	named := w.names(name, in)
	for _, other := range []string{"d0", "d1", "d2"} {
		until, refuses := w.refusing[a.incident+other]
		refuses = refuses && (until.IsZero() || until.Equal(a.at))
		named = named || other != name && slices.Contains(w.fallback, name) && refuses
	}
	if !known && !named {
		w.errorf("%s is told what is none of its business: %+v", name, a)
	}
	if w.turning(in) {
		return
	}
	switch {
	case a.silence == "" && a.Phase == hush, a.Phase == hush && (!known || !tr.silences):
		w.errorf("%s is hushed: %+v", name, a)
	case a.silence != "" && a.Phase == open, a.silence != "" && !known && !a.Phase.over():
		w.errorf("%s is told what is silenced: %+v", name, a)
	case !known && a.silence != "":
		w.errorf("%s is told the end of what was silenced: %+v", name, a)
	}
}
