package alert

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/revwatch/revwatch/pkg/detect"
)

// The words that a Match may have of an incident, weaker severities first. They must not be changed.
var (
	Scopes     = []string{"integration", "provider", "family", "all"}
	Causes     = []string{"revoked", "misconfigured", "unknown"}
	Signals    = []string{detect.Revocations, detect.UnknownConnections, detect.Silence, detect.Weekly}
	Severities = []string{string(warning), string(critical)}
)

// Match says which incidents are meant. An empty field matches every incident; of a list one entry has to match, letter by letter. Entries of
// Provider, Integration and Environment may hold * for any characters. An incident of scope all is of no single provider or integration: only *
// matches it there.
type Match struct {
	Provider    []string `json:"provider,omitempty"`
	Integration []string `json:"integration,omitempty"`
	Environment []string `json:"environment,omitempty"`
	Cause       []string `json:"cause,omitempty"`
	Signal      []string `json:"signal,omitempty"`
	Scope       []string `json:"scope,omitempty"`
	Severity    string   `json:"severity,omitempty"` // this severity or a higher one: warning, critical
}

// Route names who is told of the incidents that it matches.
type Route struct {
	Match
	To []string // names of destinations; none: nobody is told
}

const (
	maxEntries = 100 // of a list of a Match
	maxPattern = 256 // characters of an entry
)

// matches says that an incident is meant in one of its environments.
func (m *Match) matches(in *detect.Incident, environment string, s severity) bool {
	provider, integration := in.Provider, in.Integration
	if in.Scope == "all" {
		provider, integration = "", ""
	}
	return some(m.Provider, provider) && some(m.Integration, integration) && some(m.Environment, environment) &&
		one(m.Cause, in.Cause) && one(m.Signal, in.Signal) && one(m.Scope, in.Scope) &&
		(m.Severity != string(critical) || s == critical)
}

// covers says that an incident is meant wherever it rises.
func (m *Match) covers(in *detect.Incident, s severity) bool {
	return !slices.ContainsFunc(environments(in), func(name string) bool { return !m.matches(in, name, s) })
}

// environments are where an incident rises; there is one at least.
func environments(in *detect.Incident) []string {
	if len(in.Environments) > 0 {
		return in.Environments
	}
	return []string{in.Environment}
}

func one(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }

func some(patterns []string, name string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return Glob(p, name) })
}

// Glob says that a name is like a pattern, in which * stands for any characters. A name that is a pattern itself is like it when all that the name
// takes is: a * of it is a character of its own, which only a * takes.
func Glob(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return name == pattern
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, part)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name, rest = name[i+len(part):], more
	}
}

// lists are the lists of a Match with their names and, where not any text will do, what may stand in them.
func (m *Match) lists() []matchList {
	return []matchList{
		{"provider", m.Provider, nil}, {"integration", m.Integration, nil}, {"environment", m.Environment, nil}, {"cause", m.Cause, Causes},
		{"signal", m.Signal, Signals}, {"scope", m.Scope, Scopes},
	}
}

type matchList struct {
	name    string
	entries []string
	known   []string
}

// check finds what could never match.
func (m *Match) check() error {
	for _, l := range m.lists() {
		if len(l.entries) > maxEntries {
			return fmt.Errorf("%s: at most %d entries", l.name, maxEntries)
		}
		for _, e := range l.entries {
			switch {
			case e == "" || e != clean(e) || len([]rune(e)) > maxPattern:
				return fmt.Errorf("%s: an entry is a name of 1 to %d characters", l.name, maxPattern)
			case l.known != nil && !slices.Contains(l.known, e):
				return fmt.Errorf("%s: want one of %s", l.name, strings.Join(l.known, ", "))
			}
		}
	}
	if m.Severity != "" && !slices.Contains(Severities, m.Severity) {
		return errors.New("severity: want " + strings.Join(Severities, " or "))
	}
	return nil
}

// empty says that every incident matches.
func (m *Match) empty() bool {
	return m.Severity == "" && !slices.ContainsFunc(m.lists(), func(l matchList) bool { return len(l.entries) > 0 })
}

// recipients are the destinations that the routes name for an incident, of one in several environments those named for each of them; everybody says
// that all are meant: without routes, and for what is said of the pipeline as a whole when no route matches it.
func recipients(routes []Route, in *detect.Incident, s severity) (names []string, everybody bool) {
	for _, environment := range environments(in) {
		i := slices.IndexFunc(routes, func(r Route) bool { return r.matches(in, environment, s) })
		if i < 0 {
			everybody = everybody || len(routes) == 0 || in.Signal == detect.Silence || in.Signal == detect.Weekly
			continue
		}
		for _, name := range routes[i].To {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, everybody
}

// checkNames finds destinations that are named and not there.
func checkNames(o *Options, known map[string]bool) error {
	for i := range o.Routes {
		if err := o.Routes[i].check(); err != nil {
			return fmt.Errorf("alert: route %d: %w", i+1, err)
		}
		for _, name := range o.Routes[i].To {
			if !known[name] {
				return fmt.Errorf("alert: route %d: no destination is named %q", i+1, name)
			}
		}
	}
	for _, name := range o.Fallback {
		if !known[name] {
			return fmt.Errorf("alert: fallback: no destination is named %q", name)
		}
	}
	return nil
}
