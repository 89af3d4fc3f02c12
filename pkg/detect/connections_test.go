package detect

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// peopled is a detector that knows connections of every state, of two environments, and an incident of crm.
func peopled() *Detector {
	h := running(80 * time.Hour)
	put := func(at time.Time, kind nango.Kind, environment, connection string, change func(*nango.Event)) {
		h.put(at, kind, "crm", "crm", connection, "")
		e := &h.events[len(h.events)-1]
		if e.Environment = environment; change != nil {
			change(e)
		}
	}
	tags := nango.TagsOf(map[string]string{"organization_id": "acme"})
	h.breaks("crm", "crm", onset, 8, time.Second)
	put(monday, nango.Active, "prod", "c1", nil) // the provider is old
	put(onset.Add(-day), nango.Reconnected, "prod", "c1", func(e *nango.Event) { e.Authorized, e.AuthMode, e.Account, e.Tags = true, "OAUTH2", "acme", tags })
	put(onset.Add(time.Hour), nango.Reconnected, "prod", "c2", nil)
	put(onset.Add(time.Hour), nango.Deleted, "prod", "c3", nil)
	put(onset.Add(2*time.Hour), nango.Exhausted, "prod", "c4", nil)
	put(onset, nango.Failure, "dev", "d1", func(e *nango.Event) {
		e.Integration, e.Cause, e.Reason = "another", nango.Misconfigured, "invalid_client"
	})
	put(onset, nango.Exhausted, "dev", "d2", nil)
	put(onset, nango.Reconnected, "dev", "d0", func(e *nango.Event) { e.Authorized = true })
	h.put(onset, nango.Failure, "mail", "mail", "m1", "acme")
	d := New(Options{})
	feed(d, h.sorted(), time.Time{})
	return d
}

func ids(list []Connection) (names []string) {
	for _, c := range list {
		names = append(names, c.Connection)
	}
	return names
}

func TestConnections(t *testing.T) {
	d := peopled()
	incident := d.Incidents()[0].ID
	for name, c := range map[string]struct {
		f    Filter
		want []string
	}{
		"all":            {Filter{}, []string{"d1", "d0", "d2", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "m1", "always"}},
		"an environment": {Filter{Environment: "dev"}, []string{"d1", "d0", "d2"}},
		"a provider":     {Filter{Provider: "mail"}, []string{"m1"}},
		"an integration": {Filter{Integration: "another"}, []string{"d1"}},
		"an account":     {Filter{Account: "acme"}, []string{"m1"}}, // a newer row says another of c1
		"broken":         {Filter{Broken: true, Environment: "prod"}, []string{"c1", "c4", "c5", "c6", "c7", "c8", "m1"}},
		"of an incident": {Filter{Incident: incident}, []string{"c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"}},
		"still of it":    {Filter{Incident: incident, Broken: true}, []string{"c1", "c4", "c5", "c6", "c7", "c8"}},
		"of none":        {Filter{Incident: "nothing"}, nil},
		"not like it":    {Filter{Provider: "CRM"}, nil},
	} {
		if got := d.Connections(c.f); !slices.Equal(ids(got), c.want) {
			t.Errorf("%s: %v, want %v", name, ids(got), c.want)
		}
	}
	states := map[string]string{}
	for _, c := range d.Connections(Filter{}) {
		states[c.Connection] = c.State
		if (c.Incident == incident) != slices.Contains([]string{"c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"}, c.Connection) {
			t.Errorf("%s is of incident %q", c.Connection, c.Incident)
		}
	}
	if want := map[string]string{"c1": "broken", "c2": "reconnected", "c3": "deleted", "c4": "broken", "c5": "broken", "c6": "broken", "c7": "broken", "c8": "broken",
		"d0": "working", "d1": "broken", "d2": "broken", "m1": "broken", "always": "working"}; !reflect.DeepEqual(states, want) {
		t.Errorf("%v", states)
	}
	if list := New(Options{}).Connections(Filter{}); list == nil || len(list) > 0 {
		t.Errorf("%v of nothing: an empty list has a JSON form of its own", list)
	}
}

// The JSON form of a connection is what scripts rely on.
func TestConnectionForm(t *testing.T) {
	d := peopled()
	incident := d.Incidents()[0].ID
	for _, c := range []struct {
		id   string
		want map[string]any
	}{
		{"c1", map[string]any{"environment": "prod", "provider": "crm", "integration": "crm", "connection": "c1", "account": "customer1",
			"tags": map[string]any{"organization_id": "acme"}, "auth_mode": "OAUTH2", "created": "2026-03-29T12:00:00Z", "state": "broken", "cause": "revoked",
			"reason": "invalid_grant", "since": "2026-03-30T12:00:00Z", "last_failure": "2026-03-30T12:00:00Z", "exhausted": false, "before_start": false, "incident": incident}},
		{"d2", map[string]any{"environment": "dev", "provider": "crm", "integration": "crm", "connection": "d2", "account": "", "auth_mode": "", "state": "broken",
			"cause": "", "reason": "", "last_failure": "2026-03-30T12:00:00Z", "exhausted": true, "before_start": true, "incident": ""}},
	} {
		list := d.Connections(Filter{})
		i := slices.IndexFunc(list, func(x Connection) bool { return x.Connection == c.id })
		line, err := json.Marshal(list[i])
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s\nwant %v", line, c.want)
		}
	}
}

// Of several incidents a connection names the one that people are told of: the whole and not its part, the newest.
func TestIncidentOfAConnection(t *testing.T) {
	h := running(9 * day)
	h.breaks("google-mail", "m", onset, 8, time.Second)
	h.breaks("google-calendar", "c", onset.Add(20*time.Minute), 6, time.Second)
	d := New(Options{Family: vendor})
	feed(d, h.sorted()[:len(h.events)-6*72], time.Time{})
	whole := one(t, d, "google-mail").ID
	for _, c := range d.Connections(Filter{Broken: true}) {
		if c.Incident != whole {
			t.Errorf("%s of %s is of incident %q, want %q", c.Connection, c.Provider, c.Incident, whole)
		}
	}
	if got := ids(d.Connections(Filter{Incident: one(t, d, "google-calendar").ID})); len(got) != 6 {
		t.Errorf("of the part: %v", got)
	}
	later := running(9 * day)
	for i := range 7 {
		at := onset.Add(5 * day)
		later.put(at, nango.Active, "google-mail", "m", fmt.Sprint("c", i+1), "")
		later.put(at.Add(time.Hour), nango.Failure, "google-mail", "m", fmt.Sprint("c", i+1), fmt.Sprint(i))
	}
	later.events = slices.DeleteFunc(later.events, func(e nango.Event) bool { return e.Time.Before(onset.Add(4 * day)) })
	d2 := New(Options{Family: vendor})
	feed(d2, h.sorted()[:slices.IndexFunc(h.sorted(), func(e nango.Event) bool { return e.Time.After(onset.Add(4 * day)) })], time.Time{})
	feed(d2, later.sorted(), time.Time{})
	newest := one(t, d2, "google-mail").ID
	for _, c := range d2.Connections(Filter{Provider: "google-mail", Broken: true}) {
		if want := c.Connection != "c8"; (c.Incident == newest) != want {
			t.Errorf("%s is of incident %q, the newest is %q", c.Connection, c.Incident, newest)
		}
	}
}

// A list of many connections is bounded by the ledger and takes no longer than it is long.
func BenchmarkConnections(b *testing.B) {
	d := New(Options{})
	for i := range 100_000 {
		d.ledger.Observe(nango.Event{Kind: nango.Failure, Cause: nango.Revoked, Time: onset, Environment: "prod", Provider: "crm", Integration: "crm", Connection: fmt.Sprint(i)})
	}
	for b.Loop() {
		if len(d.Connections(Filter{Broken: true})) != 100_000 {
			b.Fatal("too few")
		}
	}
}
