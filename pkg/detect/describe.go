package detect

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/revwatch/revwatch/pkg/window"
)

// concentrated is the share of an incident's breaks from which one integration is named.
const concentrated = 0.8

// describe writes what the series shows now into its incident.
func (d *Detector) describe(s *series) {
	t := s.incident
	breaks := d.told(s, t.Peak)
	t.Observed, t.Expected = len(breaks), t.Peak.Expected
	t.WindowSeconds = int(t.Peak.To-t.Peak.From+1) * int(window.Slot.Seconds())
	t.Score = max(0, t.Peak.Score) / t.Line
	t.OncePerDays = min(math.Exp(t.Peak.Score), math.MaxFloat64)
	t.Active, t.Total = 0, 0
	if s.Signal == Revocations {
		t.Active, t.Total = d.alive.count(s.Environment, s.Provider), d.thereOf(s.Environment, s.Provider)
	}
	found := take(part{s, breaks})
	several := d.integrations(s, found.by[byIntegration]) > 1
	t.Scope, t.Integration, t.Environments = "provider", "", nil
	if most, n := found.top(byIntegration); float64(n) >= concentrated*float64(len(breaks)) {
		t.Integration = most
		if s.Signal == UnknownConnections || s.Cause == "misconfigured" || several {
			t.Scope = "integration" // a client secret is always one integration's
		}
	}
	past := d.compare(s, found)
	var top []over
	if s.Signal == Revocations && t.Wide == "" { // one that stands for others ranks and diagnoses them together
		top = past.rank(found, func(x dimension) bool { return x != byProvider && (x != byIntegration || several) })
	}
	t.Ranking, t.Explanation = lifts(top), explain(s, breaks, found, top)
	if p := s.promise(d.edge); !p.met {
		t.Explanation = append(t.Explanation, fmt.Sprintf("the budget is not met for this provider: unusual %.0f times in 4 weeks where %.0f are promised", p.realised, p.promised))
	}
	if t.Broad == nil { // else they are of all
		t.Connections = d.identified(s, connections(s.breaks.Since(t.Since)))
	}
	t.Recovered = nil
	if t.Status == StatusResolved && t.Signal == Revocations {
		d.byThemselves(s)
	}
	if t.Wide == "" {
		t.Diagnoses = d.diagnose(t, found, past, part{s, breaks})
	}
	t.Course = d.course(s)
	d.describeWide(t)
	d.followMembers(s)
	t.Breaks = s.total
	s.changed = true
}

// byThemselves names the connections of an incident that work again though nobody authorized them anew: in its explanation at most five of them.
func (d *Detector) byThemselves(s *series) {
	t, known := s.incident, map[connection]bool{}
	for _, b := range s.breaks.Since(t.Since) {
		id := connectionOf(&b)
		if !known[id] && d.ledger.ByItself(t.Environment, b.Integration, b.Connection) {
			t.Recovered = append(t.Recovered, b.Connection)
		}
		known[id] = true
	}
	if n := len(t.Recovered); n > 0 {
		so := ", so they were not revoked"
		if t.Cause == "misconfigured" {
			so = ""
		}
		t.Explanation = append(t.Explanation, fmt.Sprintf("%d of %d work again without a new authorization%s: %s", n, len(known), so, strings.Join(t.Recovered[:min(n, 5)], ", ")))
	}
}

// describeWide puts what an incident stands for over what its own series shows.
func (d *Detector) describeWide(t *tracked) {
	if t.Wide == "" {
		return
	}
	t.Scope, t.Integration = t.Wide, ""
	for i, line := range t.Explanation { // it is of this one series only
		t.Explanation[i] = t.Provider + ": " + line
	}
	if t.Broad != nil {
		t.Broad.over(&t.Incident)
		if t.Broad.Since.Before(t.Since) {
			t.Since = t.Broad.Since
		}
		t.Explanation = append(t.Broad.lines(t.Signal), t.Explanation...)
		return
	}
	for _, s := range d.order {
		if s.open() && s.incident.Parent == t.ID {
			t.Explanation = append(t.Explanation, fmt.Sprintf("also %s: %d broke, %s expected", s.Provider, s.incident.Observed, tenths(s.incident.Expected)))
		}
	}
	d.together(t)
}

// told are the breaks of a window as people are told of them: of each connection the first, and whose it is by what is known now. In the score the cap
// of an account stays as it was decided when each broke.
func (d *Detector) told(s *series, p peak) (breaks []window.Break) {
	known := map[connection]bool{}
	for _, b := range s.within(p) {
		if id := connectionOf(&b); !known[id] {
			known[id] = true
			d.knownOwner(s, &b)
			breaks = append(breaks, b)
		}
	}
	return breaks
}

func (d *Detector) knownOwner(s *series, b *window.Break) {
	if b.Account == "" && s.Signal == Revocations {
		b.Account, _ = d.owner(name{s.Environment, b.Integration, b.Connection})
	}
}

// own adds what is known of whose a connection is.
func (d *Detector) own(environment string, b *Broken) {
	account, tags := d.owner(name{environment, b.Integration, b.Connection})
	b.Account, b.Tags = or(b.Account, account), tags
}

// integrations counts the live integrations of a provider: with a connection seen alive, one that failed within 90 days, or one of those that
// broke.
func (d *Detector) integrations(s *series, broke map[string]*holders) int {
	found := map[string]struct{}{}
	note := func(name string) { found[name] = struct{}{} }
	for name := range broke {
		note(name)
	}
	d.alive.integrations(s.Environment, s.Provider, note)
	d.ledger.Integrations(s.Environment, s.Provider, note)
	return len(found)
}

// explain says what is over-represented among the breaks of an incident, and in at most four lines what else they have in common.
func explain(s *series, breaks []window.Break, found *census, top []over) []string {
	lines := rankedLines(top, found.all)
	plain := func(x dimension) {
		if value, n := found.top(x); n > 0 && !slices.ContainsFunc(top, func(l over) bool { return l.Dimension == x.String() }) {
			lines = append(lines, fmt.Sprintf("%d of %d %s", n, found.all, said(x.String(), value)))
		}
	}
	if s.Signal == UnknownConnections {
		integration, _ := found.top(byIntegration)
		return append(lines, fmt.Sprintf("%d different connection ids were asked for under integration %s", found.all, integration))
	}
	plain(byReason)
	plain(byIntegration)
	if line := found.customers(top); line != "" {
		lines = append(lines, line)
	}
	if beyond := found.all - int(counted(breaks)); beyond > 0 {
		lines = append(lines, fmt.Sprintf("%d of %d do not count in how rare this is: of one customer at most two within a day do", beyond, found.all))
	}
	return lines
}

// customers says of how many customers the breaks are, and which has the most, unless that is told.
func (c *census) customers(top []over) string {
	accounts := len(c.by[byAccount])
	most, n := c.top(byAccount)
	told := slices.ContainsFunc(top, func(l over) bool { return l.Dimension == byAccount.String() })
	switch {
	case accounts == 0:
		return "customer accounts are not in the rows"
	case n == c.all && told:
		return ""
	case n == c.all:
		return "all of one customer account: " + most
	case accounts == 1:
		return fmt.Sprintf("%d of %d of customer account %s, whose the others are is not known", n, c.all, most)
	case n > 1 && !told:
		return fmt.Sprintf("%d customer accounts, %d of %d of %s", accounts, n, c.all, most)
	}
	return strconv.Itoa(accounts) + " customer accounts"
}

func rankedLines(top []over, all int) []string {
	lines := []string{}
	for _, l := range top {
		lines = append(lines, l.words(all))
	}
	return lines
}

func counted(breaks []window.Break) (n float64) {
	for _, b := range breaks {
		if b.Counted {
			n++
		}
	}
	return n
}

// connections lists the first breaks of each connection.
func connections(breaks []window.Break) []Broken {
	list := []Broken{}
	known := map[connection]bool{}
	for _, b := range breaks {
		id := connectionOf(&b)
		if len(list) == shown {
			break
		}
		if known[id] {
			continue
		}
		known[id] = true
		list = append(list, Broken{Integration: b.Integration, Connection: b.Connection, Account: b.Account, Reason: b.Reason, Time: b.Time, Created: created(&b)})
	}
	return list
}
