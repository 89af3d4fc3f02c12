package main

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/revwatch/revwatch/pkg/alert"
)

// route is one entry of alerts.routes.
type route struct {
	alert.Route
	line int
}

// matchSettings are those of what an incident has to be.
func matchSettings(m *alert.Match) []setting {
	return []setting{
		{name: "provider", target: &m.Provider, check: pattern, most: 100}, {name: "integration", target: &m.Integration, check: pattern, most: 100},
		{name: "environment", target: &m.Environment, check: pattern, most: 100}, {name: "cause", target: &m.Cause, check: oneOf(alert.Causes...)},
		{name: "signal", target: &m.Signal, check: oneOf(alert.Signals...)}, {name: "scope", target: &m.Scope, check: oneOf(alert.Scopes...)},
		{name: "severity", target: &m.Severity, allowed: alert.Severities},
	}
}

func readRoute(file string, n *yaml.Node) (route, error) {
	r := route{line: n.Line}
	_, err := applyEntry(file, n, append(matchSettings(&r.Match), setting{name: "to", target: &r.To}))
	if err == nil && r.To == nil {
		err = fault{file, n.Line, "alerts.routes: to is needed: the names of destinations, or [] for nobody"}
	}
	return r, err
}

// matchWords says in words which incidents are meant.
func matchWords(m alert.Match) string {
	var parts []string
	say := func(before string, list []string) {
		if len(list) > 0 {
			parts = append(parts, before+strings.Join(list, " or "))
		}
	}
	say("signal ", m.Signal)
	say("cause ", m.Cause)
	say("provider ", m.Provider)
	say("integration ", m.Integration)
	say("environment ", m.Environment)
	say("scope ", m.Scope)
	if m.Severity == "critical" {
		say("severity ", []string{m.Severity})
	}
	if len(parts) == 0 {
		return "every incident"
	}
	return "incidents of " + strings.Join(parts, ", ")
}

// routesAll says that some route matches every incident.
func (a *alertSettings) routesAll() bool {
	return slices.ContainsFunc(a.routes, func(r route) bool { return covers(r.Match, alert.Match{}) })
}

// toWords names who is told.
func toWords(to []string) string {
	if len(to) == 0 {
		return "nobody"
	}
	return strings.Join(to, ", ")
}

// covers says that whatever b matches a matches too; false where it is not sure.
func covers(a, b alert.Match) bool {
	list := func(a, b []string) bool {
		return len(a) == 0 || slices.Contains(a, "*") || len(b) > 0 && !slices.ContainsFunc(b, func(y string) bool {
			return !slices.ContainsFunc(a, func(x string) bool { return alert.Glob(x, y) })
		})
	}
	return list(a.Provider, b.Provider) && list(a.Integration, b.Integration) && list(a.Environment, b.Environment) && list(a.Cause, b.Cause) &&
		list(a.Signal, b.Signal) && list(a.Scope, b.Scope) && (a.Severity != "critical" || b.Severity == "critical")
}

// doubts are what of the routes and destinations is probably not meant, each in a sentence.
func (c *config) doubts() (all []string) {
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	told := c.told()
	if len(told) == 0 {
		say("nobody is told of incidents")
		return all
	}
	routes := c.alerts.routes
	named := slices.Clone(c.alerts.fallback)
	if len(told) == 1 && len(named) > 0 {
		say("alerts.fallback names the one destination there is: nobody is told what it refuses")
	}
	for i, d := range told {
		for _, other := range told[:i] {
			if strings.EqualFold(d.name, other.name) {
				say("the destinations %s and %s are told apart by capital letters alone", other.name, d.name)
			}
		}
	}
	for i, r := range routes {
		named = append(named, r.To...)
		for n, before := range routes[:i] {
			if covers(before.Match, r.Match) {
				say("route %d (line %d) is never used: route %d (line %d) comes first and matches all that it matches", i+1, r.line, n+1, before.line)
				break
			}
		}
	}
	if len(routes) == 0 {
		return all
	}
	if !c.alerts.routesAll() {
		say("nobody is told of incidents that no route matches: a last route with only to: [%s] would tell of them", told[0].name)
	}
	for _, d := range told {
		if !slices.Contains(named, d.name) {
			say("%s is never told: no route names it", d.name)
		}
	}
	return all
}
