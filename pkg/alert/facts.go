package alert

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

func (c composer) facts() []fact {
	if c.silent() {
		return c.silenceFacts()
	}
	fs := []fact{{"Environment", c.environment()}}
	if c.strange() {
		fs = append(fs, fact{"Integration", c.place()})
	} else if fs = append(fs, fact{"Provider", c.place()}); !c.wide() {
		fs = append(fs, fact{"Integration", c.integration()})
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
	if !c.strange() && !c.wide() {
		fs = append(fs, fact{"In use", c.active()})
	}
	return append(fs, fact{"Severity", string(c.words.Severity.of(c.in))})
}

// place is the provider; of a rise of several series the one in which it was found first.
func (c composer) place() string {
	switch {
	case c.in.Scope == "all" && c.in.Provider == "":
		return "several"
	case c.in.Scope == "all":
		return "several, first " + c.provider
	case c.in.Scope == "family":
		return c.provider + " and sisters"
	}
	return c.provider
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
		lines := []string{c.resolution(), c.remains()}
		if len(c.in.Recovered) > 0 {
			lines = append(lines, c.again())
		}
		return lines
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
		owners := owners(b)
		if len(owners) > 0 {
			line = strings.Join(owners, " / ") + " · " + line
		}
		if s := short(b.Integration, maxName); s != "" && s != clean(c.in.Integration) {
			line += " of " + s
		}
		if s := short(b.Account, maxName); s != "" && !slices.Contains(owners, s) {
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

// owners are the tags of a connection that say whose it is, the organization first.
func owners(b *detect.Broken) (names []string) {
	for key, value := range b.Tags.All() {
		value = short(value, maxOwner)
		switch {
		case value == "" || slices.Contains(names, value):
		case key == "organization_id":
			names = slices.Insert(names, 0, value)
		default:
			names = append(names, value)
		}
	}
	return names[:min(len(names), maxOwners)]
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
