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
		return "all integrations"
	case c.in.Scope == "all":
		return "all providers"
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
	who := c.subject()
	capital := sentence(who)
	capital = strings.TrimSuffix(capital, ".")
	switch {
	case c.phase == fold:
		return capital + ": now part of a wider incident"
	case c.phase == resolve && c.strange():
		return capital + ": requests for unknown connections are back to normal"
	case c.phase == resolve:
		return capital + ": connections break at the usual rate again"
	}
	again := ""
	if c.in.Status == detect.StatusReopened {
		again = " again"
	}
	switch {
	case c.strange():
		return capital + again + ": unusually many requests for connections that do not exist"
	case c.in.Cause == "misconfigured":
		return capital + again + ": our OAuth client is refused unusually often"
	case c.in.Scope == "all" || c.in.Scope == "family":
		return capital + " are losing connections faster than usual" + again
	}
	return capital + " is losing connections faster than usual" + again
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
	n := count(len(c.in.Connections), "connection")
	if c.in.Observed > len(c.in.Connections) {
		n = count(c.in.Observed, "connection")
	}
	switch {
	case c.silent():
		return "What broke meanwhile is counted as its rows come in."
	case c.strange():
		return "Nothing was broken by it: the callers asked for connections that do not exist."
	case c.in.Cause == "misconfigured":
		return "Its " + n + " work again only once the client is mended; one that Nango gave up on needs a new authorization."
	}
	return "Its " + n + " stay broken until each is re-authorized."
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
	fs = append(fs, fact{"Observed", c.observed()})
	if c.phase != open {
		return append(fs, fact{"Began", moment(c.in.Since)}, fact{"Ended", moment(c.ended())})
	}
	return append(fs,
		fact{"How rare", rarity(c.in.OncePerDays)},
		fact{"Since", moment(c.in.Since)},
		fact{"Connections", c.active()},
		fact{"Severity", string(severityOf(c.in))})
}

func (c composer) ended() time.Time {
	if c.in.ResolvedAt.IsZero() {
		return c.in.Time
	}
	return c.in.ResolvedAt
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

func (c composer) active() string {
	if c.in.Active <= 0 || c.strange() {
		return "how many are in use is not known"
	}
	return fmt.Sprintf("%d of %d seen active in 7 days", c.in.Observed, c.in.Active)
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
			line += ", " + b.Time.UTC().Format("15:04")
		}
		lines = append(lines, line)
	}
	if more := max(c.in.Observed, len(c.in.Connections)) - len(lines); more > 0 && len(lines) > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}

// rarity says how often chance alone makes such a window.
func rarity(days float64) string {
	switch {
	case math.IsNaN(days) || days <= 0:
		return "not known"
	case days > 36500:
		return "a window like this is expected less than once in 100 years"
	case days >= 730:
		return "a window like this is expected about once in " + number(days/365.25) + " years"
	case days < 1.5:
		return "a window like this is expected about once a day"
	}
	return "a window like this is expected about once in " + number(days) + " days"
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
