package detect

import (
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

const (
	diagnosed     = 3    // diagnoses of an incident
	clearly       = 0.8  // of the breaks show a pattern: less is no diagnosis
	agesKnown     = 0.6  // of the breaks have a known age, and
	agesLeast     = 5    // so many: fewer say nothing of a lifetime
	clientLeast   = 5    // breaks under one integration whose client is refused,
	clientChance  = 0.05 // and so seldom all of one by chance
	customerLeast = 5    // breaks of one customer who leaves
	holdsAll      = 0.9  // of the connections in use are of one customer: it is no news that the breaks are, too
	policyLeast   = 3    // breaks, or customers, of a change of policy
	renewedLeast  = 3    // breaks behind which stands a new authorization
	renewedShare  = 0.6  // of those with a known customer
	renewedWithin = day  // before the break
	eventBefore   = 2 * day
	eventAfter    = 7 * day
	outageLeast   = 5   // connections that fail for a passing reason
	outageRise    = 3   // and so many times as many as before
	backLeast     = 3   // connections that work again by themselves,
	backShare     = 0.3 // of those that broke
	faultVendors  = 3   // vendors that rise at once when the fault is on our side
)

// pattern is what the rules of diagnosis look at.
type pattern struct {
	in       *Incident
	known    nango.Provider // of its provider; zero for a rise of all
	breaks   []window.Break // of its window, one for each connection
	found    *census        // of them
	past     normal
	expected float64  // breaks that the baseline expects of it
	fleeting float64  // connections that failed for a passing reason in its window,
	usually  float64  // and how many did before, in as long a time
	broke    int      // connections since its onset
	breadth  *breadth // of a rise of all
	vendors  int      // that rise in it; 1 when one stands for nearly all

	holds   func(account string) (of, all int)     // connections in use: of a customer, and all
	under   func(integration string) (of, all int) // connections in use: of an integration, and all
	renewed func(tokens int) renewal
}

// rules are tried in this order: what is told first is surest. Each returns false unless its pattern is clear; a wrong diagnosis is worse than none.
var rules = [...]func(*pattern) (Diagnosis, bool){
	wrongPlace, nangoFault, oauthClient, policyChange, outage, lifetime, vendorEvent, oneCustomer, tokenLimit,
}

// diagnose lists the patterns that the breaks of an incident show, the surest first, at most three. An outage, which asks to wait, stands beside nothing
// that asks to act at once: what is surer.
func (p *pattern) diagnose() (list []Diagnosis) {
	for _, rule := range rules {
		x, ok := rule(p)
		if !ok || len(list) == diagnosed || x.Kind == Outage && len(list) > 0 {
			continue
		}
		list = append(list, x)
	}
	return list
}

// most reports whether n are a clear majority of so many.
func most(n, of int) bool { return of > 0 && float64(n) >= clearly*float64(of) }

// renewal is how many breaks stand behind a new authorization of the same customer, of those whose customer is known.
type renewal struct{ breaks, of int }

// diagnose lists the patterns of an incident of one series or family.
func (d *Detector) diagnose(t *tracked, found *census, past normal, parts ...part) []Diagnosis {
	p := &pattern{in: &t.Incident, found: found, past: past}
	for _, x := range parts {
		p.breaks = append(p.breaks, x.breaks...)
		p.expected += x.incident.Peak.Expected
		if x.incident == t && len(t.Recovered) > 0 {
			p.broke = distinct(x.series.breaks.Since(t.Since))
		}
	}
	if t.Signal == Revocations {
		p.known = d.opt.Provider(t.Provider)
		d.fleeting(p, parts)
	}
	p.holds = func(account string) (of, all int) { return d.holds(account, parts) }
	p.under = func(integration string) (of, all int) { return d.alive.under(t.Environment, t.Provider, integration) }
	p.renewed = func(tokens int) renewal { return d.renewals(tokens, parts) }
	return p.diagnose()
}

// diagnoseAll lists the patterns of a rise of all.
func (d *Detector) diagnoseAll(k kind, b *breadth, found *census, past normal, parts []part) []Diagnosis {
	p := &pattern{
		in:    &Incident{Signal: k.Signal, Cause: k.Cause, Scope: "all", Since: b.Since, Observed: b.Observed, Expected: b.Expected, Connections: b.Broken},
		found: found, past: past, expected: b.Expected, breadth: b, vendors: d.vendors(b.rises),
		holds: func(account string) (of, all int) { return d.holds(account, parts) }, renewed: func(int) renewal { return renewal{} },
	}
	for _, x := range parts {
		p.breaks = append(p.breaks, x.breaks...)
	}
	return p.diagnose()
}

// vendors counts the vendors of series, 1 when one stands for nearly all.
func (d *Detector) vendors(rises []*series) int {
	counts := map[string]int{}
	for _, s := range rises {
		vendor := or(d.opt.Family(s.Provider), s.Provider)
		if counts[vendor]++; most(counts[vendor], len(rises)) {
			return 1
		}
	}
	return len(counts)
}

// fleeting counts the passing failures of the providers in the windows of their incidents, and how many were usual in the days before.
func (d *Detector) fleeting(p *pattern, parts []part) {
	for _, x := range parts {
		d.noteFleeting(x.series)
		p.fleeting += x.incident.Fleeting
		p.usually += x.incident.Usually
	}
}

// noteFleeting brings up to date what is known of the passing failures around the window of an incident, as long as the days around it are kept. It
// compares what was observed.
func (d *Detector) noteFleeting(s *series) {
	t, w := s.incident, s.incident.Peak
	from := max((floorDay(d.edge)-shakyDays+1)*slotsPerDay, s.first)
	if w.From-from < slotsPerDay {
		return
	}
	x := d.shaky[place{s.Environment, s.Provider}]
	t.Fleeting, t.Usually, s.changed = x.sum(w.From, w.To), 0, true
	if before := d.rows.observed(from, w.From-1); before > 0 {
		t.Usually = x.sum(from, w.From-1) * float64(d.rows.observed(w.From, w.To)) / float64(before)
	} else {
		t.Fleeting = 0 // nothing says how many would be usual
	}
}

// holds counts the connections in use of the providers: those of a customer, and all; 0 when that is not known.
func (d *Detector) holds(account string, parts []part) (of, all int) {
	if len(d.alive.last) >= maxAlive {
		return 0, 0
	}
	d.inUse(parts, func(_ name, owner string, _ time.Time) {
		if all++; owner == account {
			of++
		}
	})
	return of, all
}

// inUse yields the connections of providers that are there by a listing of the last 24 hours; in environments without one those that were seen alive in the
// last 7 days. In no order.
func (d *Detector) inUse(parts []part, yield func(n name, account string, created time.Time)) {
	places := map[place]bool{}
	for _, x := range parts {
		places[place{x.Environment, x.Provider}] = true
	}
	for n, l := range d.directory.listed {
		if places[place{n.environment, l.Provider}] && l.Missing.IsZero() && d.isListed(n.environment) {
			c := d.over(d.ledger.Connection(n.environment, n.integration, n.connection))
			yield(n, c.Account, c.Created)
		}
	}
	for n, seen := range d.alive.last {
		if places[place{n.environment, seen.Provider}] && !d.isListed(n.environment) {
			c := d.over(d.ledger.Connection(n.environment, n.integration, n.connection))
			yield(n, c.Account, c.Created)
		}
	}
}

type customer struct{ environment, integration, account string }

// holding is what a customer has in use: how many connections, and when those of which it is known were authorized.
type holding struct {
	connections int
	grants      []grant
}

type grant struct {
	connection string
	at         time.Time
}

// renewals counts the breaks before which, within 24 h, another connection of the same customer and integration was authorized, of customers with so
// many connections in use or more.
func (d *Detector) renewals(tokens int, parts []part) (r renewal) {
	held := map[customer]*holding{}
	each := func(yield func(*window.Break, customer)) {
		for _, x := range parts {
			for i := range x.breaks {
				if b := &x.breaks[i]; b.Account != "" {
					yield(b, customer{x.Environment, b.Integration, b.Account})
				}
			}
		}
	}
	each(func(_ *window.Break, of customer) { held[of] = &holding{} })
	d.inUse(parts, func(n name, account string, created time.Time) {
		if h := held[customer{n.environment, n.integration, account}]; h != nil {
			if h.connections++; !created.IsZero() {
				h.grants = append(h.grants, grant{n.connection, created})
			}
		}
	})
	each(func(b *window.Break, of customer) {
		if r.of++; held[of].connections >= tokens && held[of].renewed(b) {
			r.breaks++
		}
	})
	return r
}

// renewed reports whether another connection was authorized in the 24 h before a break.
func (h *holding) renewed(b *window.Break) bool {
	return slices.ContainsFunc(h.grants, func(g grant) bool {
		before := b.Time.Sub(g.at)
		return g.connection != b.Connection && before >= 0 && before <= renewedWithin
	})
}
