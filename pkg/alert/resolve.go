package alert

import (
	"fmt"
	"strings"

	"github.com/revwatch/revwatch/pkg/detect"
)

// resolution is the first of the two facts of a resolve: what became normal.
func (c composer) resolution() string {
	return sentence(or(short(c.in.Resolution, maxLine), "the rate is back to normal"))
}

// remains is the second: what became of what broke.
func (c composer) remains() string {
	switch {
	case c.silent():
		return "What broke meanwhile is counted as its rows come in."
	case c.strange():
		return "Nothing was broken by it: the callers asked for connections that do not exist."
	}
	if c.in.Affected <= 0 {
		return c.unproven()
	}
	return c.proof()
}

// all is how many connections the incident broke.
func (c composer) all() int {
	if c.in.Affected > 0 {
		return c.in.Affected
	}
	return max(len(c.in.Connections), c.in.Observed)
}

// remaining is what became of these. Where nobody followed them, all are taken for broken but those that recovered by themselves.
func (c composer) remaining() detect.Remaining {
	r := c.in.Remaining
	if c.in.Affected > 0 {
		return detect.Remaining{Reconnected: max(0, r.Reconnected), Deleted: max(0, r.Deleted), Broken: max(0, r.Broken)}
	}
	back := min(len(c.in.Recovered), c.all())
	return detect.Remaining{Reconnected: back, Broken: c.all() - back}
}

// proof says what became of the connections: "18 of 23 reconnected, 3 deleted, 2 still need re-authorization." Which of them were not authorized anew is
// known of the moment of the end alone.
func (c composer) proof() string {
	r, client := c.remaining(), c.in.Cause == "misconfigured"
	alone := min(len(c.in.Recovered), r.Reconnected)
	back := "reconnected"
	if client || alone > 0 {
		back = "working again"
	}
	if c.in.Proof > 0 {
		alone = 0
	}
	s := fmt.Sprintf("%d of %s %s%s", r.Reconnected, c.total(), back, byThemselves(alone, r.Reconnected))
	if r.Deleted > 0 {
		s += fmt.Sprintf(", %d deleted", r.Deleted)
	}
	return s + stillBroken(r.Broken, client) + "."
}

// unproven is what is said of connections that nobody followed.
func (c composer) unproven() string {
	if n := c.remaining().Reconnected; n > 0 {
		return fmt.Sprintf("%d of %s working again without a new authorization; what became of the others is not known.", n, c.total())
	}
	return "What became of what broke (" + c.affected() + ") is not known."
}

// byThemselves says how many of those that work again were not authorized anew.
func byThemselves(n, of int) string {
	switch {
	case n <= 0:
		return ""
	case n == of:
		return " without a new authorization"
	}
	return fmt.Sprintf(" (%d without a new authorization)", n)
}

func stillBroken(n int, client bool) string {
	switch {
	case n <= 0:
		return ""
	case client:
		return fmt.Sprintf(", %d not yet: they work again at their next refresh once the client is mended; a connection that Nango gave up on needs its user", n)
	case n == 1:
		return ", 1 still needs re-authorization"
	}
	return fmt.Sprintf(", %d still need re-authorization", n)
}

// again names connections that work again.
func (c composer) again() string {
	var names []string
	for _, name := range c.in.Recovered[:min(len(c.in.Recovered), maxSamples)] {
		names = append(names, or(short(name, maxOwner), "(no id)"))
	}
	line := "Without a new authorization: " + strings.Join(names, ", ")
	if more := len(c.in.Recovered) - len(names); more > 0 {
		line += fmt.Sprintf(" and %d more", more)
	}
	return line
}
