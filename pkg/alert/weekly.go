package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

const (
	maxWeekly       = 600
	weeklyPlaces    = 3
	weeklyIncidents = 4
	weeklyName      = 40
)

// week is the message of the weekly line, which is the first of the incident's explanation.
func (c composer) week(m message) message {
	m.line, m.environment, m.severity = true, "", warning
	m.headline = "Last week"
	if len(c.in.Explanation) > 0 {
		m.headline = or(short(c.in.Explanation[0], maxWeekly), m.headline)
	}
	m.summary = m.headline
	return m
}

// WeeklyLine says in one line of at most 600 characters what the seven UTC days before a midnight brought: per environment what newly broke and was
// expected, what was reconnected and what is still broken, and of the incidents those of these days. display gives the name of a provider; nil means its
// key.
func WeeklyLine(end time.Time, weeks []detect.Week, incidents []detect.Incident, display func(provider string) string) string {
	if display == nil {
		display = func(provider string) string { return provider }
	}
	lately := slices.DeleteFunc(slices.Clone(incidents), func(in detect.Incident) bool {
		return in.Parent != "" || in.Signal == detect.Weekly || !cmp.Or(in.FirstOpened, in.OpenedAt).Before(end) || !in.ResolvedAt.IsZero() && in.ResolvedAt.Before(end.AddDate(0, 0, -7))
	})
	last := end.UTC().AddDate(0, 0, -1)
	return short("Week to "+last.Format("Mon 2 Jan")+": "+weekPlaces(weeks)+"; "+weekIncidents(lately, display), maxWeekly)
}

// weekPlaces tells of the environments with most breaks, and of the sum of the others.
func weekPlaces(weeks []detect.Week) string {
	if len(weeks) == 0 {
		return "no connection broke"
	}
	weeks = slices.Clone(weeks)
	slices.SortStableFunc(weeks, func(a, b detect.Week) int {
		return cmp.Or(cmp.Compare(b.Broken+b.StillBroken, a.Broken+a.StillBroken), cmp.Compare(a.Environment, b.Environment))
	})
	var parts []string
	rest := detect.Week{}
	for i, w := range weeks {
		if i < weeklyPlaces || len(weeks) == weeklyPlaces+1 {
			parts = append(parts, or(short(w.Environment, weeklyName), "unknown environment")+" "+weekCounts(w))
			continue
		}
		rest.Broken, rest.Expected = rest.Broken+w.Broken, rest.Expected+w.Expected
		rest.Reconnected, rest.StillBroken = rest.Reconnected+w.Reconnected, rest.StillBroken+w.StillBroken
	}
	if n := len(weeks) - len(parts); n > 0 {
		parts = append(parts, "and "+count(n, "more environment")+": "+weekCounts(rest))
	}
	return strings.Join(parts, "; ")
}

func weekCounts(w detect.Week) string {
	return fmt.Sprintf("%d newly broken (%s expected), %d reconnected, %d still broken", w.Broken, number(w.Expected), w.Reconnected, w.StillBroken)
}

// weekIncidents names incidents, the first to begin first.
func weekIncidents(own []detect.Incident, display func(string) string) string {
	if len(own) == 0 {
		return "nothing unusual"
	}
	slices.SortFunc(own, func(a, b detect.Incident) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.ID, b.ID))
	})
	var names []string
	for i := range own[:min(len(own), weeklyIncidents)] {
		names = append(names, weekIncident(&own[i], display))
	}
	s := count(len(own), "incident") + ": " + strings.Join(names, ", ")
	if more := len(own) - len(names); more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// weekIncident is "Gmail (prod, 5 Oct, resolved)".
func weekIncident(in *detect.Incident, display func(string) string) string {
	name, state := or(short(display(in.Provider), weeklyName), "unknown provider"), "open"
	switch {
	case in.Signal == detect.Silence:
		name = "no log rows"
	case in.Scope == "all" && in.Signal == detect.UnknownConnections:
		name = "many integrations"
	case in.Scope == "all":
		name = "many providers"
	}
	if in.Status == detect.StatusResolved {
		state = "resolved"
	}
	details := []string{in.Since.UTC().Format("2 Jan"), state}
	if env := short(in.Environment, weeklyName); env != "" {
		details = slices.Insert(details, 0, env)
	}
	return name + " (" + strings.Join(details, ", ") + ")"
}
