package alert

import (
	"fmt"
	"math"
	"slices"
	"strconv"
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
	if !c.going() {
		fs = append(fs, fact{"Peak", c.observed()}, fact{"Began", moment(c.in.Since)})
	}
	switch c.phase {
	case fold:
		return fs
	case resolve:
		if c.in.Affected > c.in.Observed && !c.strange() {
			fs = append(fs, fact{"In all", c.affected()})
		}
		return append(fs, fact{"Ended", c.ending()})
	}
	fs = append(fs, fact{"Observed", c.observed()}, fact{"How rare", rarity(c.in.OncePerDays)}, fact{"Since", moment(c.in.Since) + c.sofar()})
	switch {
	case c.in.Total > 0 && !c.strange():
		fs = append(fs, fact{"Of all", c.of()})
	case !c.strange() && !c.wide():
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

// affected is what newly broke since the onset, and whose: "31 connections of 19 customers".
func (c composer) affected() string {
	thing := " connections"
	if c.all() == 1 {
		thing = " connection"
	}
	return c.total() + thing + c.customers()
}

// total is how many connections broke in all, "at least" so many where no more of them are known.
func (c composer) total() string {
	if c.in.Beyond || c.in.Affected >= detect.MaxMembers || c.in.Affected <= 0 && len(c.in.Connections) >= listLimit {
		return "at least " + strconv.Itoa(c.all())
	}
	return strconv.Itoa(c.all())
}

// customers are those of what newly broke since the onset, "" when they are not known.
func (c composer) customers() string {
	if c.in.Customers <= 0 {
		return ""
	}
	return " of " + count(c.in.Customers, "customer")
}

// sofar is what the incident has brought in all, where that is more than the window shows, and what became of it. What broke before the incident ended
// and was opened again is part of it.
func (c composer) sofar() string {
	if c.strange() || c.in.Affected <= 0 {
		return ""
	}
	var parts []string
	if c.in.Affected > c.in.Observed || c.in.Scope == "family" {
		parts = append(parts, "in all "+c.affected())
	}
	if n := c.in.Remaining.Reconnected; n > 0 {
		parts = append(parts, fmt.Sprintf("%d reconnected", n))
	}
	if n := c.in.Remaining.Deleted; n > 0 {
		parts = append(parts, fmt.Sprintf("%d deleted", n))
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, ", ")
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

// of is the share of all connections there are, as Nango's API listed them: of the provider, of its family, or of the environments.
func (c composer) of() string {
	n, whose := c.in.Observed, ""
	switch c.in.Scope {
	case "integration":
		whose = " of " + c.provider
	case "family":
		n, whose = c.all(), " of "+c.provider+" and sisters"
	case "all":
		whose = " of all providers"
	}
	if n > c.in.Total {
		return count(c.in.Total, "connection") + whose
	}
	return fmt.Sprintf("%d of %s%s", n, count(c.in.Total, "connection"), whose)
}

// active is the share of the provider's connections in use; where it is not known it is not made up.
func (c composer) active() string {
	of := ""
	if c.in.Scope == "integration" {
		of = " of " + c.provider
	}
	switch {
	case c.in.Active <= 0:
		return "not known"
	case c.in.Observed > c.in.Active:
		return count(c.in.Active, "connection") + of + " seen active in 7 days"
	}
	return fmt.Sprintf("%d of %d connections%s seen active in 7 days", c.in.Observed, c.in.Active, of)
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
