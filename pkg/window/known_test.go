package window

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
)

// anew is a new authorization by the user.
func anew(hour float64) step { return step{hour, authorizedAnew, "", false} }

// authorizedAnew stands for Reconnected with Authorized.
const authorizedAnew nango.Kind = 100

// noSuch stands for a failure because there is no such connection.
const noSuch nango.Kind = 101

func (s step) plain(connection string) nango.Event {
	e := s.event(connection)
	switch s.kind {
	case authorizedAnew:
		e.Kind, e.Authorized = nango.Reconnected, true
	case noSuch:
		e.Kind, e.Cause, e.Reason = nango.Failure, nango.Other, "connection_deleted"
	}
	return e
}

// The state of a connection follows its signs, and Turned says when it is another.
func TestState(t *testing.T) {
	const b, d, r, w = Broken, Deleted, Reconnected, Working
	type at struct {
		s    step
		want State
	}
	revoked, transient := func(h float64) step { return failed(h, nango.Revoked, false) }, func(h float64) step { return failed(h, nango.Transient, false) }
	for name, story := range map[string][]at{
		"never broken":                        {{anew(0), w}, {sign(1, nango.Active), w}, {transient(2), w}, {failed(3, nango.Unknown, false), w}},
		"broken and mended":                   {{revoked(0), b}, {revoked(1), b}, {anew(2), r}, {sign(3, nango.Active), r}, {transient(4), r}},
		"works again by itself":               {{revoked(0), b}, {sign(1, nango.Active), r}, {revoked(2), b}},
		"exhausted before anybody looked":     {{sign(0, nango.Exhausted), b}, {sign(1, nango.Reconnected), r}},
		"a late success mends nothing":        {{revoked(5), b}, {sign(4, nango.Reconnected), b}},
		"deleted":                             {{revoked(0), b}, {sign(1, nango.Deleted), d}, {sign(2, nango.Deleted), d}},
		"deleted, and a script names it":      {{revoked(0), b}, {sign(1, nango.Deleted), d}, {sign(2, nango.Seen), d}},
		"deleted, and a refresh stumbles":     {{revoked(0), b}, {sign(1, nango.Deleted), d}, {transient(2), d}, {failed(3, nango.Other, false), d}},
		"deleted, and refused":                {{sign(1, nango.Deleted), d}, {revoked(2), b}, {sign(3, nango.Deleted), d}},
		"deleted, and an older failure comes": {{sign(5, nango.Deleted), d}, {revoked(4), d}},
		"deleted, and authorized again":       {{revoked(0), b}, {sign(1, nango.Deleted), d}, {anew(2), w}},
		"a failure says it is gone":           {{revoked(0), b}, {sign(1, noSuch), d}, {sign(2, noSuch), d}, {failed(3, nango.Other, false), d}, {anew(4), w}},
		"an older failure says it was gone":   {{revoked(5), b}, {sign(4, noSuch), b}},
		"mended, then deleted":                {{revoked(0), b}, {anew(1), r}, {sign(2, nango.Deleted), d}},
	} {
		l, was := NewLedger(UnknownConfirm), State("")
		for i, c := range story {
			e := c.s.plain("c")
			if e.Kind == nango.Seen {
				e.Tags = acme
			}
			v := l.Observe(e)
			if got := l.State("prod", "mail", "c"); got != c.want || v.Turned != (got != was && (was != "" || got != w)) {
				t.Errorf("%s, step %d: %s, turned %v, want %s after %q", name, i, got, v.Turned, c.want, was)
			}
			was = c.want
		}
	}
	if got := NewLedger(UnknownConfirm).State("prod", "mail", "c"); got != "" {
		t.Errorf("%q of nobody", got)
	}
}

// When its user authorized a connection is known whatever came since: refreshes and failures do not move it, a late row of it does not, and it is forgotten
// with the connection.
func TestCreated(t *testing.T) {
	for name, c := range map[string]struct {
		story []step
		want  float64 // hour, -1: not known
	}{
		"nobody said":                    {[]step{sign(1, nango.Reconnected), failed(2, nango.Revoked, false)}, -1},
		"made":                           {[]step{anew(1)}, 1},
		"refreshed since":                {[]step{anew(1), sign(2, nango.Reconnected), sign(3, nango.Active)}, 1},
		"broken since":                   {[]step{anew(1), failed(2, nango.Revoked, false), sign(3, nango.Exhausted)}, 1},
		"authorized anew":                {[]step{anew(1), failed(2, nango.Revoked, false), anew(3), failed(4, nango.Revoked, false)}, 3},
		"the row comes late":             {[]step{failed(5, nango.Revoked, false), anew(1)}, 1},
		"an older row comes late":        {[]step{anew(3), failed(5, nango.Revoked, false), anew(1)}, 3},
		"deleted":                        {[]step{anew(1), sign(2, nango.Deleted)}, -1},
		"deleted, and the row comes now": {[]step{sign(2, nango.Deleted), anew(1)}, -1},
		"made again":                     {[]step{anew(1), sign(2, nango.Deleted), anew(3)}, 3},
	} {
		l := NewLedger(UnknownConfirm)
		for _, s := range c.story {
			l.Observe(s.plain("c"))
		}
		want := time.Time{}
		if c.want >= 0 {
			want = start.Add(time.Duration(c.want * float64(time.Hour)))
		}
		if _, got := l.Origin("prod", "mail", "c"); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// Google ends the tokens of apps in testing after seven days, others after months: the age of a connection that shows no sign for 90 days is known, and of
// one with signs for as long as they come.
func TestCreatedOutlivesTheRest(t *testing.T) {
	const days = 24.
	l := NewLedger(UnknownConfirm)
	for _, name := range []string{"silent", "alive"} {
		l.Observe(anew(0).plain(name))
	}
	l.Observe(sign(0, nango.Active).plain("plain"))
	for day := range 400 {
		l.Observe(sign(float64(day)*days, nango.Active).plain("alive"))
		l.Sweep(start.Add(time.Duration(day)*24*time.Hour), nil)
		for name, until := range map[string]int{"silent": 90, "alive": 400, "plain": 4} {
			if known := l.State("prod", "mail", name) != ""; known != (day <= until) {
				t.Fatalf("day %d: %s is known: %v", day, name, known)
			}
		}
	}
	if _, got := l.Origin("prod", "mail", "alive"); !got.Equal(start) {
		t.Errorf("made at %v", got)
	}
}

// What was broken and is deleted is known so for 90 days; of what never failed the deletion is forgotten after four.
func TestDeletedIsKnown(t *testing.T) {
	l := NewLedger(UnknownConfirm)
	made := anew(0).plain("broken")
	made.Account, made.Tags = "acme", acme
	for _, e := range []nango.Event{made, failed(1, nango.Revoked, false).plain("broken"), sign(2, nango.Deleted).plain("broken"), anew(0).plain("whole"), sign(2, nango.Deleted).plain("whole")} {
		l.Observe(e)
	}
	if account, tags := l.Owner("prod", "mail", "broken"); account != "" || tags != "" {
		t.Errorf("whose it was is still known: %q %q", account, tags)
	}
	l.Integrations("prod", "mail", func(name string) { t.Errorf("a deleted connection makes %s a live integration", name) })
	for days, want := range map[int][2]State{4: {Deleted, Deleted}, 6: {Deleted, ""}, 90: {Deleted, ""}, 91: {"", ""}} {
		l, stored := restored(t, l), days
		l.Sweep(start.Add(2*time.Hour+time.Duration(stored)*24*time.Hour), nil)
		if got := [2]State{l.State("prod", "mail", "broken"), l.State("prod", "mail", "whole")}; got != want {
			t.Errorf("after %d days %q, want %q", days, got, want)
		}
	}
}

// restored copies a ledger through its stored form.
func restored(t *testing.T, l *Ledger) *Ledger {
	back := NewLedger(l.unknown)
	for key, n := range l.entries {
		if err := back.Restore(bucketLedger, string(encode([3]string{key.Environment, key.Integration, key.Connection})), encode(n)); err != nil {
			t.Fatal(err)
		}
	}
	return back
}

func TestAuthModeByEarlierSigns(t *testing.T) {
	l := NewLedger(UnknownConfirm)
	for _, s := range []struct {
		s    step
		mode string
		want string
	}{
		{anew(1), "OAUTH2", "OAUTH2"}, {sign(2, nango.Active), "", "OAUTH2"}, {failed(3, nango.Revoked, false), "", "OAUTH2"}, {sign(2.5, nango.Seen), "TBA", "OAUTH2"},
		{sign(4, nango.Seen), "TBA", "TBA"}, {sign(5, nango.Deleted), "", ""},
	} {
		e := s.s.plain("c")
		e.AuthMode = s.mode
		l.Observe(e)
		if got, _ := l.Origin("prod", "mail", "c"); got != s.want {
			t.Errorf("at hour %v: %q, want %q", s.s.hour, got, s.want)
		}
	}
}

// The sums over an environment, and what is known of each connection, are those of the plain list of entries, whatever comes, with restarts.
func TestKnownIsThePlainList(t *testing.T) {
	kinds := []step{failed(0, nango.Revoked, false), failed(0, nango.Transient, false), sign(0, nango.Active), sign(0, nango.Exhausted), sign(0, nango.Deleted), sign(0, nango.Seen), anew(0)}
	rapid.Check(t, func(t *rapid.T) {
		l, stored := NewLedger(UnknownConfirm), map[string]map[string][]byte{}
		for hour := range rapid.IntRange(1, 40).Draw(t, "signs") {
			s := rapid.SampledFrom(kinds).Draw(t, "kind")
			s.hour = float64(hour) - rapid.SampledFrom([]float64{0, 0, 3}).Draw(t, "late")
			e := s.plain(rapid.StringMatching("[a-c]").Draw(t, "connection"))
			e.Environment, e.Tags = rapid.StringMatching("[xy]").Draw(t, "environment"), acme
			if l.Observe(e); rapid.IntRange(0, 5).Draw(t, "restart") == 0 {
				l = restart(t, l, stored)
			}
		}
		broken, known, there := map[string]int{}, 0, 0
		l.All(func(c Connection) bool {
			if known++; c.State == Broken {
				broken[c.Environment]++
			}
			if c.State != Deleted {
				there++
			}
			if got := l.State(c.Environment, c.Integration, c.Connection); got != c.State {
				t.Fatalf("%+v is %s", c, got)
			}
			return true
		})
		l.Names(func(_, _, _ string) { there-- })
		seen := map[string]int{}
		l.Environments(func(name string) { seen[name] = l.BrokenIn(name) })
		if fmt.Sprint(seen) != fmt.Sprint(broken) || known != len(l.entries) || there != 0 {
			t.Fatalf("%v of %v, %d of %d, %d more named", seen, broken, known, len(l.entries), there)
		}
	})
}
