package window

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
)

var acme = nango.TagsOf(map[string]string{"organization_id": "acme"})

// A webhook that repeats a failure comes a moment after it, or before it when the failure waits for its reason: its tags reach the entry, and it
// never decides anything.
func TestTagsReachTheEntry(t *testing.T) {
	tagged := func(s step, tags nango.Tags) nango.Event {
		e := s.event("c")
		e.Tags, e.Account = tags, "acme"
		return e
	}
	plain := failed(1, nango.Revoked, true).event("c")
	for name, events := range map[string][]nango.Event{
		"after":                          {plain, tagged(sign(1.001, nango.Seen), acme)},
		"before":                         {tagged(sign(1.001, nango.Seen), acme), plain},
		"of an older time":               {plain, tagged(sign(0.5, nango.Seen), acme)},
		"with the failure":               {tagged(failed(1, nango.Revoked, true), acme)},
		"with a success, kept":           {tagged(sign(0, nango.Reconnected), acme), plain},
		"with an old failure":            {plain, tagged(failed(0, nango.Revoked, false), acme)},
		"before a restart, and repeated": {plain, tagged(sign(1.1, nango.Seen), acme), tagged(sign(1.1, nango.Seen), "")},
	} {
		t.Run(name, func(t *testing.T) {
			l, breaks := NewLedger(UnknownConfirm), 0
			for _, e := range events {
				if l.Observe(e).New {
					breaks++
				}
			}
			if account, tags := l.Owner("prod", "mail", "c"); account != "acme" || tags != acme || breaks != 1 {
				t.Errorf("account %q, tags %q, %d breaks", account, tags, breaks)
			}
		})
	}
	l := NewLedger(UnknownConfirm)
	if account, tags := l.Owner("prod", "mail", "c"); account != "" || tags != "" {
		t.Errorf("%q %q of nobody", account, tags)
	}
}

// Newer tags go over older ones, key by key, whatever order they come in at different times.
func TestNewerTagsWin(t *testing.T) {
	of := func(kv ...string) nango.Tags {
		m := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return nango.TagsOf(m)
	}
	l := NewLedger(UnknownConfirm)
	for _, s := range []struct {
		hour float64
		tags nango.Tags
	}{{2, of("org", "b")}, {1, of("org", "a", "user", "u1")}, {3, of("user", "u2")}} {
		e := failed(s.hour, nango.Revoked, false).event("c")
		e.Tags = s.tags
		l.Observe(e)
	}
	if _, tags := l.Owner("prod", "mail", "c"); tags != of("org", "b", "user", "u2") {
		t.Errorf("%q", tags)
	}
}

// An exhausted call does not name its provider. It is broken before start all the same, and counted with the others of its integration.
func TestExhaustedWithoutProvider(t *testing.T) {
	stored := map[string]map[string][]byte{}
	rapid.Check(t, func(t *rapid.T) {
		clear(stored)
		l := NewLedger(UnknownConfirm)
		l.Observe(sign(0, nango.Active).event("other"))
		e := sign(1, nango.Exhausted).event("c")
		e.Provider = ""
		if l.Observe(e).New || l.Broken("prod", "mail") != 1 || !l.entries[ledgerKey{"prod", "mail", "c"}].BeforeStart {
			t.Fatalf("broken %d, %+v", l.Broken("prod", "mail"), l.entries)
		}
		if rapid.Bool().Draw(t, "restart") {
			l = restart(t, l, stored)
		}
		late := failed(2, nango.Unknown, false).event("d")
		late.Provider = ""
		l.Observe(late)
		e = sign(3, nango.Exhausted).event("d")
		e.Provider = ""
		if v := l.Observe(e); !v.New || v.Provider != "mail" || l.Broken("prod", "mail") != 2 {
			t.Fatalf("%+v, broken %d", v, l.Broken("prod", "mail"))
		}
	})
}

// What only says that a connection is there keeps its entry, and does not stand in the way of what was before it.
func TestSeenKeepsAnEntry(t *testing.T) {
	l := NewLedger(UnknownConfirm)
	for i := range 3 {
		e := sign(0, nango.Seen).event(fmt.Sprint(i))
		if e.Tags = acme; i == 0 {
			l.Observe(e)
			continue
		}
		l.Observe(failed(0, nango.Revoked, true).event(fmt.Sprint(i)))
		if e.Time = start.Add(80 * 24 * time.Hour); i == 2 {
			l.Observe(e)
		}
	}
	l.Sweep(start.Add(100*24*time.Hour), nil)
	if _, ok := l.entries[ledgerKey{"prod", "mail", "2"}]; !ok || len(l.entries) != 1 {
		t.Errorf("%+v", l.entries)
	}
}
