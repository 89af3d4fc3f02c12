package alert

import (
	"fmt"
	"strings"

	"github.com/revwatch/revwatch/pkg/detect"
)

// phase is what a destination has to tell of an incident.
type phase string

const (
	none    phase = ""
	open    phase = "open"
	resolve phase = "resolve" // it is over
	fold    phase = "fold"    // it went on as part of a wider incident
	hush    phase = "hush"    // somebody silenced it
)

// over says that nobody has to act on this incident any more.
func (p phase) over() bool { return p == resolve || p == fold }

// message is what a person is told of an incident, for every destination the same. All its texts are clean lines
// without control characters; no destination's markup is in them and none is escaped.
type message struct {
	id       string
	phase    phase
	severity severity

	environment string // what the incident is about, each one name or empty
	component   string
	class       string

	test bool // it is a test: every destination shows that first
	line bool // it is one line and no incident: headline alone is shown

	headline  string   // one plain sentence without its full stop
	summary   string   // what matters most, in one line
	facts     []fact   // at most 8
	spark     string   // the course of the counts as bars, with its legend; "" without one
	diagnoses []string // what it looks like, at most 3 lines
	why       []string // at most 10 lines
	samples   []string // at most 6 lines, the last one may be "and N more"
	todo      []string // at most 8 lines of our own words: nothing from outside is in them
	links     []link   // at most 8, with addresses of together at most 4,000 characters
}

// link is an address that is safe to show: https or http, percent-encoded, of a configured template or of the table of providers. Its text may come
// from outside.
type link struct{ text, url string }

type fact struct{ name, value string }

const (
	maxWhy     = 8 // five ranked lines, and notes
	maxTodo    = 8
	maxSamples = 5
	maxLine    = 300
	maxName    = 80
	maxOwner   = 48
	maxOwners  = 3
	listLimit  = 50 // connections of an incident that are handed on
)

// compose builds the message of one incident in one phase. parent is the wider incident it became part of, or nil.
func compose(in, parent *detect.Incident, p phase, w Wording) message {
	c := composer{in: in, parent: parent, phase: p, words: w, provider: w.provider(in)}
	m := message{id: short(in.ID, maxName), phase: p, severity: w.Severity.of(in)}
	m.environment, m.component = c.environment(), short(in.Provider, maxName)
	m.class = short(strings.Trim(in.Signal+" "+in.Cause, " "), maxName)
	if in.Signal == detect.Weekly {
		return c.week(m)
	}
	m.headline = c.headline()
	m.summary = short(m.headline+". "+c.gist(), 2*maxLine)
	if !c.silent() || in.Environment != "" {
		m.summary = short(m.environment+": "+m.summary, 2*maxLine)
	}
	m.facts, m.why, m.todo, m.links = c.facts(), c.why(), c.todo(), c.links()
	if p != fold && !c.silent() {
		m.spark = c.course()
	}
	if c.going() {
		m.samples, m.diagnoses = c.samples(), c.looks()
	}
	return m
}

// course are the bars of the counts; those of a family are of the provider that rose first.
func (c composer) course() string {
	s := spark(c.in.Course)
	if s != "" && c.in.Scope == "family" {
		s += "; the first provider only"
	}
	return s
}

type composer struct {
	in, parent *detect.Incident
	phase      phase
	words      Wording
	provider   string
}

// going says that somebody has to act on the incident.
func (c composer) going() bool { return !c.phase.over() }

func (c composer) strange() bool { return c.in.Signal == detect.UnknownConnections }

// wide says that the incident stands for several series.
func (c composer) wide() bool { return c.in.Scope == "all" || c.in.Scope == "family" }

// environment is where it happens: of a rise of all, wherever it rises.
func (c composer) environment() string {
	if n := len(c.in.Environments); n > 1 {
		var names []string
		for _, name := range c.in.Environments[:min(n, maxOwners)] {
			names = append(names, or(short(name, maxOwner), "(no name)"))
		}
		if n > maxOwners {
			return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", n-maxOwners)
		}
		return strings.Join(names, ", ")
	}
	if c.in.Scope == "all" && c.in.Environment == "" {
		return "several environments"
	}
	return or(short(c.in.Environment, maxName), "unknown environment")
}

// subject is who the headline speaks of.
func (c composer) subject() string {
	integration := short(c.in.Integration, maxName)
	switch {
	case c.in.Scope == "all" && c.strange():
		return "Many integrations"
	case c.in.Scope == "all":
		return "Many providers"
	case c.in.Scope == "family":
		return c.provider + " and its sister providers"
	case c.in.Scope == "integration" && integration != "" && integration != c.provider:
		return c.provider + " (" + integration + ")"
	}
	return c.provider
}

func (c composer) headline() string {
	if c.silent() {
		return c.silenceHeadline()
	}
	who, again := c.subject(), ""
	if c.in.Status == detect.StatusReopened {
		again = "again "
	}
	switch {
	case c.phase == fold:
		return who + ": now part of a wider incident"
	case c.phase == resolve:
		return who + ": the incident is over"
	case c.strange():
		return who + ": " + again + "unusually many requests for connections that do not exist"
	case c.in.Cause == "misconfigured" && c.wide():
		return who + ": our OAuth clients are " + again + "refused unusually often"
	case c.in.Cause == "misconfigured":
		return who + ": our OAuth client is " + again + "refused unusually often"
	case c.wide():
		return who + " are " + again + "losing connections faster than usual"
	}
	return who + " is " + again + "losing connections faster than usual"
}

// observed is the count against what was expected: "23 connections newly broken in 1 h, 0.4 expected".
func (c composer) observed() string {
	what, verb, whose := "connection", " newly broken in ", ""
	switch {
	case c.strange():
		what, verb = "unknown connection", " asked for in "
	case c.in.Scope == "family": // what the others show stands in the explanation
		whose = " of " + c.provider
	case c.in.Affected == c.in.Observed:
		whose = c.customers()
	}
	return count(c.in.Observed, what) + whose + verb + window(c.in.WindowSeconds) + ", " + number(c.in.Expected) + " expected"
}

// gist is the one fact after the headline, and what it looks like.
func (c composer) gist() string {
	if c.silent() {
		return c.silenceGist()
	}
	switch c.phase {
	case fold:
		return c.wider()
	case resolve:
		return c.resolution() + " " + c.remains()
	}
	s := sentence(c.observed()) + c.surest()
	if c.in.Cause == "misconfigured" {
		s += " Do not ask users to re-authorize: mend the client."
	}
	return s
}

func (c composer) wider() string {
	if c.parent == nil {
		return "It goes on as part of a wider incident."
	}
	p := composer{in: c.parent, phase: open, words: c.words, provider: c.words.provider(c.parent)}
	return sentence("It goes on as: " + p.headline() + " (incident " + short(c.parent.ID, maxName) + ")")
}
