package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/revwatch/revwatch/pkg/alert"
)

// alertSettings is what the configuration says of telling, beside the destinations that have a section of their own.
type alertSettings struct {
	maxAge          time.Duration
	shadow          bool
	weekly          string // "monday 09:00" in UTC, or off
	allow, fallback []string

	routeNodes, moreNodes *yaml.Node // as they stand in the file; nil: not there
	routes                []route
	more                  []*destination
}

func (c *config) alertSettings() []setting {
	a := &c.alerts
	all := []setting{
		{name: "alerts.max_age", target: &a.maxAge, min: int64(time.Minute)},
		{name: "alerts.shadow", target: &a.shadow},
		{name: "alerts.weekly", target: &a.weekly, check: weeklyMoment},
		{name: "alerts.allow", target: &a.allow, check: reachable},
		{name: "alerts.fallback", target: &a.fallback},
		{name: "alerts.routes", target: &a.routeNodes},
		{name: "severity.connections", target: &c.severity.Connections},
		{name: "severity.share", target: &c.severity.Share, check: share},
		{name: "severity.score", target: &c.severity.Score, check: alarmLines},
		{name: "severity.scopes", target: &c.severity.Scopes, check: oneOf(alert.Scopes...)},
		{name: "links.dashboard", target: &c.links.Dashboard},
		{name: "links.connection", target: &c.links.Connection},
		{name: "links.runbook", target: &c.links.Runbook},
	}
	return append(append(all, c.channels.settings()...), setting{name: "destinations", target: &a.moreNodes})
}

// readLists reads the settings that are lists of settings.
func (a *alertSettings) readLists(where places) error {
	var faults []error
	for _, n := range entries(a.routeNodes) {
		r, err := readRoute(where.file, n)
		a.routes, faults = append(a.routes, r), append(faults, err)
	}
	for _, n := range entries(a.moreNodes) {
		d, err := readDestination(where.file, n)
		a.more, faults = append(a.more, d), append(faults, err)
	}
	return errors.Join(faults...)
}

func entries(n *yaml.Node) []*yaml.Node {
	if n == nil {
		return nil
	}
	return n.Content
}

// validateAlerts holds the rules that concern more than one setting of telling.
func (c *config) validateAlerts(where places) error {
	var faults []error
	bad := func(line int, format string, args ...any) {
		faults = append(faults, fault{where.file, line, fmt.Sprintf(format, args...)})
	}
	c.channels.validate(where, bad)
	for _, d := range c.alerts.more {
		d.validate(d.at, bad)
	}
	c.validateNames(where, bad)
	for _, l := range []struct {
		target *string
		link   alert.Links
	}{
		{&c.links.Dashboard, alert.Links{Dashboard: c.links.Dashboard}},
		{&c.links.Connection, alert.Links{Connection: c.links.Connection}},
		{&c.links.Runbook, alert.Links{Runbook: c.links.Runbook}},
	} {
		if err := l.link.Check(); err != nil {
			bad(where.line(l.target), "%v", err)
		}
	}
	if len(faults) == 0 {
		c.tryDestinations(where, bad)
	}
	return errors.Join(faults...)
}

// validateNames says that every name of a destination is one, and of one only.
func (c *config) validateNames(where places, bad func(line int, format string, args ...any)) {
	known := map[string]bool{}
	var names []string
	for _, d := range c.told() {
		if known[d.name] {
			bad(d.at.line(), "destinations: two destinations are named %q", d.name)
		}
		known[d.name] = true
		names = append(names, d.name)
	}
	unknown := func(line int, setting, name string) {
		if !known[name] {
			there := "there is none"
			if len(names) > 0 {
				there = "there is " + strings.Join(names, ", ")
			}
			bad(line, "%s: no destination is named %q: %s", setting, name, there)
		}
	}
	for _, name := range c.alerts.fallback {
		unknown(where.line(&c.alerts.fallback), "alerts.fallback", name)
	}
	for _, r := range c.alerts.routes {
		for _, name := range r.To {
			unknown(r.line, "alerts.routes", name)
		}
	}
}

// weeklyMoment allows a day of the week and a time of that day, or off.
func weeklyMoment(text string) string {
	if _, err := parseWeekly(text); err != nil {
		return "a day of the week and a time in UTC, such as monday 09:00, or off"
	}
	return ""
}
