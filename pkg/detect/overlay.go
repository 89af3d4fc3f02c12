package detect

import (
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// owner is whose a connection is: as its rows say, else as Nango's API listed it.
func (d *Detector) owner(n name) (account string, tags nango.Tags) {
	account, tags = d.ledger.Owner(n.environment, n.integration, n.connection)
	if l := d.directory.listed[n]; l != nil {
		account, tags = or(account, l.Account), tags.Over(l.Tags)
	}
	return account, tags
}

// accountOf is the listed account of a connection, "" when there is none.
func (d *Detector) accountOf(n name) string {
	if l := d.directory.listed[n]; l != nil {
		return l.Account
	}
	return ""
}

// createdBefore is when the user of a connection had last authorized it by a time: as its rows say; or when it was made, where they do not say so or that
// is later. A list does not tell of later authorizations.
func (d *Detector) createdBefore(n name, t time.Time) time.Time {
	_, created := d.ledger.Origin(n.environment, n.integration, n.connection)
	if l := d.directory.listed[n]; l != nil && l.Created.After(created) && !l.Created.After(t) {
		return l.Created
	}
	return created
}

// over adds to what the rows say of a connection what Nango's API listed. Of a deleted one nothing is known any more.
func (d *Detector) over(c window.Connection) window.Connection {
	n := name{c.Environment, c.Integration, c.Connection}
	l := d.directory.listed[n]
	if l == nil || c.State == window.Deleted {
		return c
	}
	c.Provider, c.Account, c.Tags = or(c.Provider, l.Provider), or(c.Account, l.Account), c.Tags.Over(l.Tags)
	if l.Created.After(c.Created) {
		c.Created = l.Created
	}
	return c
}

// there counts the connections of a provider, or of all for which fits is true, that Nango's API listed in the last 24 hours; 0: not known.
func (d *Detector) there(fits func(environment, provider string) bool) int {
	return d.directory.of(window.SlotTime(d.edge), fits)
}

// isListed reports whether an environment was listed in the last 24 hours.
func (d *Detector) isListed(environment string) bool {
	return d.directory.fresh(environment, window.SlotTime(d.edge))
}

func (d *Detector) thereOf(environment, provider string) int {
	return d.there(func(e, p string) bool { return e == environment && p == provider })
}

// thereIn counts the connections of environments; 0: of one of them it is not known.
func (d *Detector) thereIn(environments []string) int {
	for _, e := range environments {
		if !d.isListed(e) {
			return 0
		}
	}
	return d.there(func(e, _ string) bool { return slices.Contains(environments, e) })
}

// Listed is how many connections of a provider Nango's API listed, by the newest listing of the environment.
type Listed struct {
	Environment, Provider string
	Connections           int
}

// Directory returns how many connections there are of each provider, in no order, and when each environment was last listed; of one that was never listed
// nothing.
func (d *Detector) Directory() (all []Listed, at map[string]time.Time) {
	at = map[string]time.Time{}
	for place, n := range d.directory.counts {
		all = append(all, Listed{place.environment, place.provider, n})
	}
	for environment, l := range d.directory.latest {
		if !l.Time.IsZero() {
			at[environment] = l.Time
		}
	}
	return all, at
}

// Unlist forgets the listings of environments that are not asked about any more.
func (d *Detector) Unlist(asked func(environment string) bool) {
	x := &d.directory
	for n, l := range x.listed {
		if asked(n.environment) {
			continue
		}
		x.put(n, nil)
		if l.Account != "" {
			d.turned(n)
		}
	}
	for environment := range x.latest {
		if !asked(environment) {
			delete(x.latest, environment)
			x.renewed[environment] = struct{}{}
		}
	}
}

// needed reports whether a connection is not forgotten, however long nothing was heard of it: what became of it is told, or Nango's API still lists it with
// the error that it had before anybody watched.
func (d *Detector) needed(environment, integration, connection string) bool {
	l := d.directory.listed[name{environment, integration, connection}]
	return d.isFollowed(environment, integration, connection) || l != nil && l.Refused
}
