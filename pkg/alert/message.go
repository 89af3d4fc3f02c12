package alert

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// phase is what a destination has to tell of an incident.
type phase string

const (
	none    phase = ""
	open    phase = "open"
	resolve phase = "resolve" // it is over
	fold    phase = "fold"    // it went on as part of a wider incident
)

// over says that nobody has to act on this incident any more.
func (p phase) over() bool { return p == resolve || p == fold }

// severity of an incident: how soon a person should look.
type severity string

const (
	warning  severity = "warning"
	critical severity = "critical"
)

// severityOf is critical when more than one provider is hit, when 50 connections or more broke, or when 10 or more
// broke at twice the alarm line (a score is logarithmic: 2 is the square of the rarity that alarms). Otherwise warning.
func severityOf(in *detect.Incident) severity {
	wide := in.Scope == "family" || in.Scope == "all"
	if wide || in.Observed >= 50 || in.Observed >= 10 && in.Score >= 2 {
		return critical
	}
	return warning
}

// message is what a person is told of an incident, for every destination the same. All its texts are clean lines
// without control characters; no destination's markup is in them and none is escaped.
type message struct {
	id       string
	phase    phase
	severity severity

	environment string // what the incident is about, each one name or empty
	component   string
	class       string

	headline string   // one plain sentence without its full stop
	summary  string   // what matters most, in one line
	facts    []fact   // at most 8
	why      []string // at most 6 lines
	samples  []string // at most 6 lines, the last one may be "and N more"
	todo     []string // our own words only: nothing from outside is in them
}

type fact struct{ name, value string }

const (
	maxWhy     = 5
	maxSamples = 5
	maxLine    = 300
	maxName    = 80
	listLimit  = 50 // connections of an incident that are handed on
)

// compose builds the message of one incident in one phase. parent is the wider incident it became part of, or nil.
func compose(in, parent *detect.Incident, p phase, display func(string) string) message {
	c := composer{in: in, parent: parent, phase: p, provider: or(short(display(in.Provider), maxName), "unknown provider")}
	m := message{id: short(in.ID, maxName), phase: p, severity: severityOf(in), headline: c.headline()}
	m.environment, m.component = c.environment(), short(in.Provider, maxName)
	m.class = short(strings.Trim(in.Signal+" "+in.Cause, " "), maxName)
	m.summary = short(m.headline+". "+c.gist(), 2*maxLine)
	if !c.silent() || in.Environment != "" {
		m.summary = short(m.environment+": "+m.summary, 2*maxLine)
	}
	m.facts, m.why, m.todo = c.facts(), c.why(), c.todo()
	if p == open {
		m.samples = c.samples()
	}
	return m
}

type composer struct {
	in, parent *detect.Incident
	phase      phase
	provider   string
}

func (c composer) strange() bool { return c.in.Signal == detect.UnknownConnections }

func (c composer) environment() string {
	return or(short(c.in.Environment, maxName), "unknown environment")
}

// subject is who the headline speaks of.
func (c composer) subject() string {
	integration := short(c.in.Integration, maxName)
	switch {
	case c.in.Scope == "all" && c.strange():
		return "All integrations"
	case c.in.Scope == "all":
		return "All providers"
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
	case c.in.Cause == "misconfigured":
		return who + ": our OAuth client is " + again + "refused unusually often"
	case c.in.Scope == "all" || c.in.Scope == "family":
		return who + " are " + again + "losing connections faster than usual"
	}
	return who + " is " + again + "losing connections faster than usual"
}

// observed is the count against what was expected: "23 connections newly broken in 1 h, 0.4 expected".
func (c composer) observed() string {
	what := "connection"
	verb := " newly broken in "
	if c.strange() {
		what, verb = "unknown connection", " asked for in "
	}
	return count(c.in.Observed, what) + verb + window(c.in.WindowSeconds) + ", " + number(c.in.Expected) + " expected"
}

// gist is the one fact after the headline.
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
	return sentence(c.observed())
}

func (c composer) wider() string {
	if c.parent == nil {
		return "It goes on as part of a wider incident."
	}
	p := composer{in: c.parent, phase: open, provider: c.provider}
	return sentence("It goes on as: " + p.headline() + " (incident " + short(c.parent.ID, maxName) + ")")
}

// resolution is the first of the two facts of a resolve: what became normal.
func (c composer) resolution() string {
	return sentence(or(short(c.in.Resolution, maxLine), "the rate is back to normal"))
}

// remains is the second: what is still broken.
func (c composer) remains() string {
	n := count(max(len(c.in.Connections), c.in.Observed), "connection")
	if len(c.in.Connections) >= listLimit {
		n = "at least " + n
	}
	switch {
	case c.silent():
		return "What broke meanwhile is counted as its rows come in."
	case c.strange():
		return "Nothing was broken by it: the callers asked for connections that do not exist."
	case c.in.Cause == "misconfigured":
		return "What broke (" + n + ") works again only once the client is mended; a connection that Nango gave up on needs its user."
	}
	return "What broke (" + n + ") stays broken until its users re-authorize."
}

func (c composer) facts() []fact {
	if c.silent() {
		return c.silenceFacts()
	}
	fs := []fact{{"Environment", c.environment()}}
	if c.strange() {
		fs = append(fs, fact{"Integration", c.provider})
	} else {
		fs = append(fs, fact{"Provider", c.provider}, fact{"Integration", c.integration()})
	}
	if c.phase != open {
		fs = append(fs, fact{"Peak", c.observed()}, fact{"Began", moment(c.in.Since)})
	}
	switch c.phase {
	case fold:
		return fs
	case resolve:
		return append(fs, fact{"Ended", c.ending()})
	}
	fs = append(fs, fact{"Observed", c.observed()}, fact{"How rare", rarity(c.in.OncePerDays)}, fact{"Since", moment(c.in.Since)})
	if !c.strange() {
		fs = append(fs, fact{"In use", c.active()})
	}
	return append(fs, fact{"Severity", string(severityOf(c.in))})
}

func (c composer) ended() time.Time {
	if c.in.ResolvedAt.IsZero() {
		return c.in.Time
	}
	return c.in.ResolvedAt
}

// ending says when it ended and how long it went on.
func (c composer) ending() string {
	end := moment(c.ended())
	if d := c.ended().Sub(c.in.Since); !c.in.Since.IsZero() && d > 0 {
		end += ", after " + span(d)
	}
	return end
}

// integration names the one that holds most breaks, or says over how many the listed ones are spread.
func (c composer) integration() string {
	if s := short(c.in.Integration, maxName); s != "" {
		return s
	}
	seen := map[string]bool{}
	for i := range c.in.Connections {
		seen[c.in.Connections[i].Integration] = true
	}
	if len(seen) == 1 {
		return or(short(c.in.Connections[0].Integration, maxName), "not known")
	}
	if len(seen) == 0 {
		return "not known"
	}
	return fmt.Sprintf("spread over %d integrations", len(seen))
}

// active is the share of the connections in use; where it is not known it is not made up.
func (c composer) active() string {
	switch {
	case c.in.Active <= 0:
		return "how many connections are in use is not known"
	case c.in.Observed > c.in.Active:
		return count(c.in.Active, "connection") + " seen active in 7 days"
	}
	return fmt.Sprintf("%d of %d connections seen active in 7 days", c.in.Observed, c.in.Active)
}

// why gives the incident's own explanation, or the share of the leading reason where there is none.
func (c composer) why() []string {
	switch c.phase {
	case fold:
		return []string{c.wider()}
	case resolve:
		return []string{c.resolution(), c.remains()}
	}
	var lines []string
	if s := c.reasons(); s != "" && len(c.in.Explanation) == 0 && !c.strange() {
		lines = append(lines, s)
	}
	for _, s := range c.in.Explanation {
		if s = short(s, maxLine); s != "" && len(lines) <= maxWhy {
			lines = append(lines, s)
		}
	}
	return lines
}

// reasons says which reason leads among the listed connections: "22 of 23 say invalid_grant".
func (c composer) reasons() string {
	counts := map[string]int{}
	for i := range c.in.Connections {
		counts[reason(c.in.Connections[i].Reason)]++
	}
	best := ""
	for r, n := range counts {
		if best == "" || n > counts[best] || n == counts[best] && r < best {
			best = r
		}
	}
	if best == "" {
		return ""
	}
	listed := ""
	if c.in.Observed > len(c.in.Connections) {
		listed = " listed"
	}
	return fmt.Sprintf("%d of %d%s: %s", counts[best], len(c.in.Connections), listed, best)
}

// unsaid are the reasons that mean: the rows do not hold one.
var unsaid = []string{"", "unknown", "no_reason", "null_body", "unreadable_body", "broken_json", "no_response"}

func reason(s string) string {
	if s = short(s, maxName); slices.Contains(unsaid, s) {
		return "reason not in the rows"
	}
	return s
}

func (c composer) samples() []string {
	var lines []string
	for i := range c.in.Connections[:min(maxSamples, len(c.in.Connections))] {
		b := &c.in.Connections[i]
		line := or(short(b.Connection, maxName), "(no id)")
		if s := short(b.Integration, maxName); s != "" && s != clean(c.in.Integration) {
			line += " of " + s
		}
		if s := short(b.Account, maxName); s != "" {
			line += ", customer " + s
		}
		if !c.strange() {
			line += ", " + reason(b.Reason)
		}
		if !b.Time.IsZero() {
			line += ", " + c.hour(b.Time)
		}
		lines = append(lines, line)
	}
	if more := max(c.in.Observed, len(c.in.Connections)) - len(lines); more > 0 && len(lines) > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}

// hour is a time of the day, with the day when it is another one than that of the message.
func (c composer) hour(t time.Time) string {
	t = t.UTC()
	if t.Format(time.DateOnly) == c.in.Time.UTC().Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2 Jan 15:04")
}

// rarity says how often chance alone makes such a window.
func rarity(days float64) string {
	switch {
	case math.IsNaN(days) || days <= 0:
		return "not known"
	case days > 36500:
		return "at the usual rate less than once in 100 years"
	case days >= 730:
		return "at the usual rate about once in " + number(days/365.25) + " years"
	case days < 1.5:
		return "at the usual rate about once a day"
	}
	return "at the usual rate about once in " + number(days) + " days"
}

func window(seconds int) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d <= 0:
		return "its window"
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return d.String()
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.UTC().Format("15:04 UTC, 2 Jan 2006")
}
