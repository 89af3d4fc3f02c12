package alert

import (
	"fmt"
	"strings"
)

// resolution is the first of the two facts of a resolve: what became normal.
func (c composer) resolution() string {
	return sentence(or(short(c.in.Resolution, maxLine), "the rate is back to normal"))
}

// remains is the second: what is still broken.
func (c composer) remains() string {
	switch {
	case c.silent():
		return "What broke meanwhile is counted as its rows come in."
	case c.strange():
		return "Nothing was broken by it: the callers asked for connections that do not exist."
	case len(c.in.Recovered) > 0:
		return c.recovery()
	case c.in.Cause == "misconfigured":
		return "What broke (" + c.broken() + ") works again only once the client is mended; a connection that Nango gave up on needs its user."
	}
	return "What broke (" + c.broken() + ") stays broken until its users re-authorize."
}

// broken is how many connections the incident broke.
func (c composer) broken() string {
	n := count(c.all(), "connection")
	if len(c.in.Connections) >= listLimit {
		n = "at least " + n
	}
	return n
}

func (c composer) all() int { return max(len(c.in.Connections), c.in.Observed) }

// recovered says that every connection works again.
func (c composer) recovered() bool { return c.phase == resolve && len(c.in.Recovered) >= c.all() }

// recovery is what remains where connections work again though nobody authorized them anew.
func (c composer) recovery() string {
	others := "the others stay broken until their users re-authorize."
	switch {
	case c.recovered():
		return fmt.Sprintf("All that broke (%s) works again, without a new authorization.", c.broken())
	case c.in.Cause == "misconfigured":
		others = "the others will once the client is mended, but for those that Nango gave up on: they need their users."
	}
	return fmt.Sprintf("%d of %s work again, without a new authorization; %s", len(c.in.Recovered), c.broken(), others)
}

// again names connections that work again.
func (c composer) again() string {
	var names []string
	for _, name := range c.in.Recovered[:min(len(c.in.Recovered), maxSamples)] {
		names = append(names, or(short(name, maxOwner), "(no id)"))
	}
	line := "Working again: " + strings.Join(names, ", ")
	if more := len(c.in.Recovered) - len(names); more > 0 {
		line += fmt.Sprintf(" and %d more", more)
	}
	return line
}
