package alert

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/revwatch/revwatch/pkg/detect"
)

// why gives the incident's own explanation, or the share of the leading reason where there is none.
func (c composer) why() []string {
	var lines []string
	switch {
	case c.phase == fold:
		return []string{c.wider()}
	case c.phase == resolve:
		return c.outcome()
	case c.strange():
		lines = c.found()
	case len(c.in.Explanation) == 0:
		lines = c.reasons()
	}
	for _, s := range c.in.Explanation {
		if s = short(s, maxLine); s == "" || len(lines) == maxWhy || c.told(s) {
			continue
		}
		lines = append(lines, clip(worded(s), maxLine, runes))
	}
	return lines
}

// bare are lines of the explanation that compare with nothing: "22 of 23 with reason invalid_grant".
var bare = regexp.MustCompile(`^(\d+) of (\d+) (with reason|under integration) (\S+)$`)

// told says that a line of the explanation is no news beside the facts, the diagnoses and the other lines.
func (c composer) told(line string) bool {
	if c.wide() {
		line = strings.TrimPrefix(line, c.in.Provider+": ")
	}
	if account, all := strings.CutPrefix(line, "all of one customer account: "); all {
		return c.says("of customer account " + account)
	}
	if n, ids := strings.CutSuffix(line, " customer accounts"); ids {
		return n == strconv.Itoa(c.in.Customers) && strings.Contains(c.observed()+c.sofar(), c.customers())
	}
	m := bare.FindStringSubmatch(line)
	switch {
	case m == nil:
		return c.strange() && strings.HasPrefix(line, strconv.Itoa(c.in.Observed)+" different connection ids ")
	case m[3] == "with reason":
		return c.says("with reason "+m[4]) || c.has(detect.Outage) && slices.Contains(unsaid, m[4])
	case c.wide():
		return m[1] == m[2] && m[4] == c.in.Provider
	}
	return m[1] == m[2] && m[4] == c.integration()
}

// says reports whether a diagnosis, or a line that compares with what is usual, holds a text.
func (c composer) says(s string) bool {
	holds := func(line string) bool {
		return strings.Contains(line+" ", s+" ") || strings.Contains(line, s+",") || strings.Contains(line, s+":")
	}
	return slices.ContainsFunc(c.diagnosed(), func(d detect.Diagnosis) bool { return holds(d.Evidence) }) ||
		slices.ContainsFunc(c.in.Explanation, func(line string) bool { return strings.Contains(line, "(") && holds(line) })
}

// outcome is what a resolve says, two things apart: that the rate is normal, and what became of the connections.
func (c composer) outcome() []string {
	lines := []string{c.resolution(), c.remains()}
	if len(c.in.Recovered) > 0 && !c.strange() {
		lines = append(lines, c.again())
	}
	if !c.silent() && !c.strange() && c.in.Affected > 0 && c.remaining().Broken > 0 && ownID.MatchString(c.in.ID) {
		lines = append(lines, "Which ones: "+c.listing("--broken "))
	}
	return lines
}

// ownID is how our incidents are named.
var ownID = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// listing is the command that lists the connections of the incident.
func (c composer) listing(filter string) string {
	return "detector connections " + filter + "--incident " + c.in.ID
}

// reasons says which reason leads among the listed connections: "22 of 23 say the grant is gone [invalid_grant]".
func (c composer) reasons() []string {
	counts := map[string]int{}
	for i := range c.in.Connections {
		counts[reason(c.in.Connections[i].Reason)]++
	}
	best, n := leading(counts)
	if n == 0 {
		return nil
	}
	listed, what := "", ": "+best
	if c.in.Observed > len(c.in.Connections) {
		listed = " listed"
	}
	if meanings[best] != "" {
		what = saying(best)
	}
	return []string{fmt.Sprintf("%d of %d%s%s", n, len(c.in.Connections), listed, what)}
}

// leading is the most frequent name, of equal ones the first in the alphabet.
func leading(counts map[string]int) (name string, n int) {
	for x, c := range counts {
		if c > n || c == n && x < name {
			name, n = x, c
		}
	}
	return name, n
}

const maxPlaces = 2

// found answers from what the rows know where the unknown connections exist: "3 of 5 ids exist in environment dev", "2 of 5 ids were never seen in
// these rows".
func (c composer) found() []string {
	counts, all := map[string]int{}, len(c.in.Connections)
	for i := range c.in.Connections {
		counts[place(c.in.Connections[i].Elsewhere)]++
	}
	never := counts[""]
	delete(counts, "")
	var lines []string
	say := func(n int, one, many string) {
		what := " ids "
		if c.in.Observed > all {
			what = " listed ids "
		}
		if n == 1 {
			many = one
		}
		lines = append(lines, fmt.Sprintf("%d of %d%s%s", n, all, what, many))
	}
	for left := all - never; left > 0; {
		name, n := leading(counts)
		if len(lines) == maxPlaces {
			say(left, "exists elsewhere", "exist elsewhere")
			break
		}
		say(n, "exists "+name, "exist "+name)
		delete(counts, name)
		left -= n
	}
	if never > 0 {
		say(never, "was never seen in these rows", "were never seen in these rows")
	}
	return lines
}

// place is where a connection exists, "" for nowhere.
func place(elsewhere string) string {
	return strings.TrimPrefix(strings.TrimPrefix(short(elsewhere, maxLine/2), "exists "), "exist ")
}

func (c composer) samples() []string {
	var lines []string
	for i := range c.in.Connections[:min(maxSamples, len(c.in.Connections))] {
		lines = append(lines, c.sample(i))
	}
	if more := c.all() - len(lines); more > 0 && len(lines) > 0 {
		line := fmt.Sprintf("and %d more", more)
		if !c.strange() && ownID.MatchString(c.in.ID) {
			line += ": " + c.listing("")
		}
		lines = append(lines, line)
	}
	return lines
}

// sample says of one connection whose it is, which, why and when it broke.
func (c composer) sample(i int) string {
	b := &c.in.Connections[i]
	line := or(short(b.Connection, maxName), "(no id)")
	owners := owners(b)
	if len(owners) > 0 {
		line = strings.Join(owners, " / ") + " · " + line
	}
	if s := short(b.Integration, maxName); s != "" && s != short(c.in.Integration, maxName) {
		line += " of " + s
	}
	if s := short(b.Account, maxName); s != "" && !slices.Contains(owners, s) {
		line += ", customer " + s
	}
	if s := place(b.Elsewhere); s != "" && c.strange() {
		line += ", exists " + s
	}
	if !c.strange() {
		line += ", " + reason(b.Reason)
	}
	if !b.Time.IsZero() {
		line += ", " + c.hour(b.Time)
	}
	return line
}
