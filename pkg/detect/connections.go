package detect

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// Filter chooses connections. What is empty chooses all.
type Filter struct {
	Environment, Provider, Integration, Account string

	Incident string // id of an open or kept incident: those that newly broke in it, or in what is part of it
	Broken   bool   // those that are broken now
}

// Connection is what is known of one connection. Its JSON form is that of the API and of `detector connections --output json`.
type Connection struct {
	Environment string     `json:"environment"`
	Provider    string     `json:"provider"`
	Integration string     `json:"integration"`
	Connection  string     `json:"connection"`
	Account     string     `json:"account"`
	Tags        nango.Tags `json:"tags,omitempty"`
	AuthMode    string     `json:"auth_mode"`
	Created     time.Time  `json:"created,omitzero"` // when its user last authorized it
	State       string     `json:"state"`            // broken, reconnected, deleted, or working: nothing that counts says that it is broken
	Cause       string     `json:"cause"`            // of its last failure that counts, also when it works again
	Reason      string     `json:"reason"`
	Since       time.Time  `json:"since,omitzero"`        // first failure since it last worked
	LastFailure time.Time  `json:"last_failure,omitzero"` // of any cause, or sign that Nango gave up on it
	Exhausted   bool       `json:"exhausted"`             // Nango does not refresh it any more
	BeforeStart bool       `json:"before_start"`          // it was broken before anybody watched
	Incident    string     `json:"incident"`              // the newest open or kept incident that it newly broke in, the widest of these; "" for none
}

// Connections returns the connections that a filter chooses, sorted by environment, provider, integration and connection. Known are those with a
// sign in the last 90 days that ever failed, or of which the rows say the account, the tags or when it was authorized; of others those with a sign in the
// last four days; and those of an incident that is open or kept. A deleted one is listed as long when it had failed, without what was known of whose it was. Of an incident with MaxMembers the
// connections beyond are not chosen. What was asked for and does not exist is no connection.
func (d *Detector) Connections(f Filter) []Connection {
	list, incidents := []Connection{}, d.toldOf()
	for c := range d.ledger.All {
		c = d.over(c)
		n := name{c.Environment, c.Integration, c.Connection}
		if f.chooses(&c) && (f.Incident == "" || d.isMember(f.Incident, n)) {
			list = append(list, connectionForm(&c, d.newestOf(n, incidents)))
		}
	}
	slices.SortFunc(list, func(a, b Connection) int {
		return cmp.Or(strings.Compare(a.Environment, b.Environment), strings.Compare(a.Provider, b.Provider), strings.Compare(a.Integration, b.Integration), strings.Compare(a.Connection, b.Connection))
	})
	return list
}

func (f *Filter) chooses(c *window.Connection) bool {
	fits := func(want, is string) bool { return want == "" || want == is }
	return fits(f.Environment, c.Environment) && fits(f.Provider, c.Provider) && fits(f.Integration, c.Integration) && fits(f.Account, c.Account) &&
		(!f.Broken || c.State == window.Broken)
}

func connectionForm(c *window.Connection, incident string) Connection {
	return Connection{
		Environment: c.Environment, Provider: c.Provider, Integration: c.Integration, Connection: c.Connection, Account: c.Account, Tags: c.Tags,
		AuthMode: c.AuthMode, Created: c.Created, State: string(c.State), Cause: string(c.Cause), Reason: c.Reason, Since: c.First, LastFailure: c.Failed,
		Exhausted: c.Exhausted, BeforeStart: c.BeforeStart, Incident: incident,
	}
}

func (d *Detector) isMember(incident string, n name) bool {
	m := d.members[incident]
	if m == nil {
		return false
	}
	_, known := m.names[n]
	return known
}

// toldOf are the incidents of revocations that are open or kept.
func (d *Detector) toldOf() map[string]*tracked {
	all := map[string]*tracked{}
	note := func(t *tracked) {
		if t != nil && t.Signal == Revocations {
			all[t.ID] = t
		}
	}
	for _, s := range d.order {
		note(s.incident)
	}
	for _, f := range d.fleets {
		note(f.Own)
	}
	for _, t := range d.replaced {
		note(t)
	}
	return all
}

// newestOf is the incident of a connection that people are told of.
func (d *Detector) newestOf(n name, incidents map[string]*tracked) string {
	var best *tracked
	for _, id := range d.memberOf[n] {
		if t := incidents[id]; t != nil && (best == nil || newer(t, best)) {
			best = t
		}
	}
	if best == nil {
		return ""
	}
	return best.ID
}

// newer prefers what is part of nothing, then what opened later.
func newer(a, b *tracked) bool {
	if part := a.Parent != ""; part != (b.Parent != "") {
		return !part
	}
	return cmp.Or(a.OpenedAt.Compare(b.OpenedAt), strings.Compare(b.ID, a.ID)) > 0
}
