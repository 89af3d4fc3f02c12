package window

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// step is one sign at an hour of the story; counts says whether it newly breaks.
type step struct {
	hour   float64
	kind   nango.Kind
	cause  nango.Cause
	counts bool
}

func failed(hour float64, cause nango.Cause, counts bool) step {
	return step{hour, nango.Failure, cause, counts}
}

func sign(hour float64, kind nango.Kind) step { return step{hour, kind, "", false} }

func (s step) event(connection string) nango.Event {
	return nango.Event{Kind: s.kind, Cause: s.cause, Environment: "prod", Provider: "mail", Integration: "mail", Connection: connection,
		Time: start.Add(time.Duration(s.hour * float64(time.Hour)))}
}

func TestNewlyBroken(t *testing.T) {
	const revoked, misconfigured, transient, other, unknown = nango.Revoked, nango.Misconfigured, nango.Transient, nango.Other, nango.Unknown
	for name, story := range map[string][]step{
		"retries of one dead connection":          {failed(0, revoked, true), failed(1, revoked, false), failed(71, revoked, false)},
		"a week is a repeat":                      {failed(0, revoked, true), failed(168, revoked, false)},
		"more than a week is new":                 {failed(0, revoked, true), failed(168.1, revoked, true)},
		"exhaustion prolongs the week":            {failed(0, revoked, true), sign(100, nango.Exhausted), failed(200, revoked, false)},
		"reconnected, then broken again":          {failed(0, revoked, true), sign(1, nango.Reconnected), failed(2, revoked, true)},
		"a proxy call worked since":               {failed(0, revoked, true), sign(1, nango.Active), failed(2, revoked, true)},
		"a script that swallows refusals":         {failed(0, revoked, true), sign(1, nango.Seen), failed(2, revoked, false)},
		"an old success comes late":               {failed(5, revoked, true), sign(1, nango.Active), failed(6, revoked, false)},
		"an old failure comes late":               {failed(5, revoked, true), sign(6, nango.Reconnected), failed(4, revoked, false)},
		"each cause on its own":                   {failed(0, misconfigured, true), failed(1, revoked, true), failed(2, misconfigured, false)},
		"outages never count":                     {failed(0, transient, false), failed(1, other, false), failed(2, revoked, true)},
		"exhausted at first sight":                {sign(0, nango.Exhausted), failed(1, revoked, false), sign(2, nango.Reconnected), failed(3, revoked, true)},
		"deleted":                                 {failed(0, revoked, true), sign(1, nango.Deleted), failed(2, revoked, true)},
		"unknown for six hours":                   {failed(0, unknown, false), failed(3, unknown, false), failed(6, unknown, true), failed(7, unknown, false), failed(8, revoked, false)},
		"unknown, then an outage says so":         {failed(0, unknown, false), failed(3, transient, false), failed(6, unknown, false)},
		"unknown, then it works":                  {failed(0, unknown, false), sign(3, nango.Active), failed(7, unknown, false)},
		"unknown with a gap, two days":            {failed(0, unknown, false), failed(13, unknown, false), failed(24, unknown, false)},
		"unknown with a gap, three days":          {failed(0, unknown, false), failed(24, unknown, false), failed(48, unknown, true)},
		"unknown, exhausted":                      {failed(0, unknown, false), {1, nango.Exhausted, "", true}, failed(2, unknown, false)},
		"unknown, then the reason":                {failed(0, unknown, false), failed(1, revoked, true), failed(9, unknown, false)},
		"unknown runs a week apart are two":       {failed(0, unknown, false), failed(200, unknown, false)},
		"a success overtook the first failure":    {sign(5, nango.Active), failed(4, revoked, false), failed(6, revoked, true)},
		"a deletion overtook a failure":           {failed(0, revoked, true), sign(5, nango.Deleted), failed(4, revoked, false)},
		"deleted, read again":                     {failed(0, revoked, true), sign(5, nango.Deleted), failed(0, revoked, false), sign(5, nango.Deleted)},
		"a script says nothing of what came late": {sign(5, nango.Seen), failed(4, revoked, true)},
		"misconfigured, then confirmed unknown":   {failed(0, misconfigured, true), failed(1, unknown, false), failed(8, unknown, true)},
		"worked, then exhausted unseen":           {sign(0, nango.Active), sign(9, nango.Exhausted), failed(10, revoked, true)},
		"reconnected, then exhausted unseen":      {sign(0, nango.Reconnected), sign(9, nango.Exhausted), failed(10, revoked, true)},
		"seen, exhausted at first sight":          {sign(0, nango.Seen), sign(1, nango.Exhausted), failed(2, revoked, false), sign(3, nango.Reconnected), failed(4, revoked, true)},
		"exhausted at first sight, seen later":    {sign(1, nango.Exhausted), sign(2, nango.Seen), sign(3, nango.Exhausted), failed(4, revoked, false)},
		"seen, it worked, then exhausted":         {sign(0, nango.Seen), sign(1, nango.Active), sign(2, nango.Exhausted), failed(3, revoked, true)},
		"an outage, then exhausted":               {failed(0, transient, false), sign(1, nango.Exhausted), failed(2, revoked, true)},
		"refused when it was first asked":         {sign(0, nango.Refused), failed(1, revoked, false), failed(400, revoked, false), sign(401, nango.Reconnected), failed(402, revoked, true)},
		"refused, its failure comes late":         {sign(5, nango.Refused), failed(4, revoked, true), failed(6, revoked, false)},
		"refused in the moment it failed":         {sign(5, nango.Refused), failed(5, revoked, true)},
		"refused, then an outage says so":         {sign(0, nango.Refused), failed(1, transient, false), failed(2, revoked, true)},
		"refused after a failure that is known":   {failed(0, revoked, true), sign(1, nango.Refused), failed(169, revoked, true)},
		"worked, then refused":                    {sign(0, nango.Active), sign(1, nango.Refused), failed(2, revoked, false)},
		"refused, a success had overtaken it":     {sign(5, nango.Reconnected), sign(1, nango.Refused), failed(6, revoked, true)},
		"refused, a call from before":             {sign(5, nango.Refused), sign(4, nango.Active), failed(6, revoked, false)},
		"refused, a call since":                   {sign(5, nango.Refused), sign(6, nango.Active), failed(7, revoked, true)},
		"refused, confirmed unknown":              {sign(0, nango.Refused), failed(1, unknown, false), failed(8, unknown, false)},
		"refused, exhausted":                      {sign(0, nango.Refused), sign(1, nango.Exhausted), failed(2, revoked, false)},
		"refused, deleted and made again":         {sign(0, nango.Refused), sign(1, nango.Deleted), failed(2, revoked, true)},
		"refused, late misconfigured":             {sign(5, nango.Refused), failed(4, misconfigured, true)},
		"gone, made anew, exhausted":              {sign(0, nango.Deleted), sign(1, nango.Exhausted), failed(2, revoked, true)},
		"exhausted at first, unknown for hours":   {sign(0, nango.Exhausted), failed(1, unknown, false), failed(8, unknown, false)},
		"exhausted at first, a week of rest":      {sign(0, nango.Exhausted), failed(169, revoked, true)},
		"a policy in between is no outage":        {failed(0, unknown, false), failed(3, other, false), failed(7, unknown, false), failed(13, unknown, true)},
		"twice in one moment":                     {failed(0, revoked, true), failed(0, revoked, false)},
		"a repeat of unknown cause is no new one": {failed(0, revoked, true), failed(10, unknown, false), failed(20, unknown, false), failed(160, revoked, false)},
	} {
		l := NewLedger(UnknownConfirm)
		for i, s := range story {
			e := s.event("c")
			if s.kind == nango.Seen {
				e.Tags = acme // others are not kept
			}
			if got := l.Observe(e); got.New != s.counts {
				t.Errorf("%s: step %d at hour %v: new %v, want %v", name, i, s.hour, got.New, s.counts)
			}
		}
	}
}

func TestUnknownWhereTheReasonIsNeverSaid(t *testing.T) {
	row := func(s step, connection string) nango.Event { // an operation and its message rows
		e := s.event(connection)
		e.OperationID, e.Type = connection, "refresh_token_external_error"
		return e
	}
	l := NewLedger(UnknownAuto)
	if !l.Observe(failed(0, nango.Unknown, true).event("a")).New {
		t.Error("webhooks only: the failure waits to be confirmed")
	}
	for i := range 5 {
		l.Observe(row(failed(float64(i), nango.Revoked, true), string(rune('b'+i))))
	}
	for i := range 50 { // deliveries of the same news, some of them repeated, do not vote
		l.Observe(failed(5, nango.Unknown, false).event(fmt.Sprint("b", i)))
	}
	if l.Observe(failed(6, nango.Unknown, false).event("z")).New {
		t.Error("rows say why: a webhook that does not counted at once")
	}
	if !l.Observe(failed(6+8*24, nango.Unknown, true).event("y")).New {
		t.Error("reasons of more than a week ago still speak for the source")
	}
	if !NewLedger(UnknownCount).Observe(failed(0, nango.Unknown, true).event("a")).New {
		t.Error("count: the failure waits to be confirmed")
	}
	// An outage behind an error page: the rows are there, the reason in them is not.
	l = NewLedger(UnknownAuto)
	for i := range 40 {
		if l.Observe(row(failed(0, nango.Unknown, false), fmt.Sprint(i))).New {
			t.Fatalf("failure %d of an outage counted at once", i)
		}
	}
	// Operations without their messages never say why.
	l = NewLedger(UnknownAuto)
	bare := failed(0, nango.Unknown, true).event("a")
	bare.OperationID = "a"
	if !l.Observe(bare).New {
		t.Error("operations only: the failure waits to be confirmed")
	}
}

func TestSweepAndBroken(t *testing.T) {
	l := NewLedger(UnknownConfirm)
	l.Observe(failed(0, nango.Revoked, true).event("a"))
	l.Observe(failed(0, nango.Transient, false).event("b"))
	l.Observe(sign(0, nango.Active).event("c"))
	l.Observe(sign(0, nango.Seen).event("d"))
	if l.Broken("prod", "mail") != 1 || len(l.entries) != 3 {
		t.Errorf("%d broken of %d entries, want 1 of 3", l.Broken("prod", "mail"), len(l.entries))
	}
	for _, c := range []struct {
		after  time.Duration
		broken int
		left   int
	}{{4 * 24 * time.Hour, 1, 3}, {4*24*time.Hour + 1, 1, 2}, {90 * 24 * time.Hour, 1, 2}, {90*24*time.Hour + 1, 0, 0}} {
		l.Sweep(start.Add(c.after), nil)
		if l.Broken("prod", "mail") != c.broken || len(l.entries) != c.left {
			t.Errorf("after %v: %d broken of %d, want %d of %d", c.after, l.Broken("prod", "mail"), len(l.entries), c.broken, c.left)
		}
	}
	if len(l.places) != 0 || l.standing != 0 {
		t.Errorf("sums stay behind: %v, %d", l.places, l.standing)
	}
}

func TestRecovered(t *testing.T) {
	l := NewLedger(UnknownConfirm)
	for i, c := range []struct {
		s         step
		recovered bool
		broken    int
	}{
		{sign(0, nango.Active), false, 0}, {failed(1, nango.Transient, false), false, 0}, {sign(2, nango.Active), false, 0},
		{failed(3, nango.Revoked, true), false, 1}, {sign(4, nango.Reconnected), true, 0}, {sign(5, nango.Reconnected), false, 0},
		{failed(6, nango.Misconfigured, true), false, 1}, {sign(5.5, nango.Active), false, 1}, {sign(7, nango.Active), true, 0},
		{sign(8, nango.Exhausted), false, 1}, {sign(9, nango.Active), true, 0},
	} {
		if got := l.Observe(c.s.event("c")); got.Recovered != c.recovered || l.Broken("prod", "mail") != c.broken {
			t.Errorf("step %d: recovered %v, %d broken, want %v, %d", i, got.Recovered, l.Broken("prod", "mail"), c.recovered, c.broken)
		}
	}
}

func TestAccountByEarlierSigns(t *testing.T) {
	l := NewLedger(UnknownConfirm)
	made := sign(0, nango.Reconnected).event("c")
	made.Account = "acme"
	l.Observe(made)
	l.Sweep(start.Add(30*24*time.Hour), nil)
	if v := l.Observe(failed(700, nango.Revoked, true).event("c")); !v.New || v.Account != "acme" {
		t.Errorf("%+v: the account was known from its creation", v)
	}
	if v := l.Observe(failed(0, nango.Revoked, true).event("other")); v.Account != "" {
		t.Errorf("%+v: nobody said the account", v)
	}
}

func TestIntegrations(t *testing.T) {
	l := NewLedger(UnknownConfirm)
	for _, in := range []string{"eu", "us", "us"} {
		e := failed(0, nango.Revoked, true).event(in)
		e.Integration = in
		l.Observe(e)
	}
	got := map[string]bool{}
	l.Integrations("prod", "mail", func(name string) { got[name] = true })
	if len(got) != 2 || !got["eu"] || !got["us"] {
		t.Errorf("%v", got)
	}
	l.Integrations("prod", "nobody", func(string) { t.Error("an integration of nobody") })
}

// What is new can be said over the plain list of signs: no proof of work lies between this failure and one of its cause, and some failure lies
// within 7 days before. Signs that come out of order do nothing, and it does not matter where the ledger is stored and restored.
func TestNewIsThePlainRule(t *testing.T) {
	kinds := []step{failed(0, nango.Revoked, false), failed(0, nango.Misconfigured, false), failed(0, nango.Transient, false), sign(0, nango.Active)}
	rapid.Check(t, func(t *rapid.T) {
		l, stored := NewLedger(UnknownConfirm), map[string]map[string][]byte{}
		var signs []nango.Event
		newest, at := time.Duration(-1), time.Duration(0)
		for range rapid.IntRange(1, 30).Draw(t, "signs") {
			at = newest + rapid.SampledFrom([]time.Duration{-time.Hour, 0, 1, time.Hour, 30 * time.Hour, forgetFailure - 1, forgetFailure, forgetFailure + 1}).Draw(t, "later")
			e := rapid.SampledFrom(kinds).Draw(t, "kind").event("c")
			e.Time = start.Add(at)
			takes := len(signs) == 0 || at >= newest
			want := takes && plainlyNew(signs, e)
			if got := l.Observe(e).New; got != want {
				t.Fatalf("%v after %v: new %v, want %v", e, signs, got, want)
			}
			if takes {
				newest, signs = at, append(signs, e)
			}
			if rapid.Bool().Draw(t, "restart") {
				l = restart(t, l, stored)
			}
		}
	})
}

func plainlyNew(before []nango.Event, e nango.Event) bool {
	if e.Kind != nango.Failure || e.Cause == nango.Transient {
		return false
	}
	same, recent, proof := false, false, false
	for i, s := range slices.Backward(before) {
		failedThen := func(o nango.Event) bool { return o.Kind == nango.Failure && o.Time.Equal(s.Time) }
		proof = proof || s.Kind == nango.Active && !slices.ContainsFunc(before[:i], failedThen)
		same = same || !proof && s.Cause == e.Cause
		recent = recent || s.Kind == nango.Failure && e.Time.Sub(s.Time) <= forgetFailure
	}
	return !(same && recent)
}

// A run of failures of unknown cause is confirmed by the plain list of their times.
func TestConfirmedIsThePlainRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, stored := NewLedger(UnknownConfirm), map[string]map[string][]byte{}
		var run []time.Time
		at, counted := start, false
		for range rapid.IntRange(1, 12).Draw(t, "failures") {
			at = at.Add(rapid.SampledFrom([]time.Duration{time.Minute, 3 * time.Hour, confirmAfter - 1, confirmGap, confirmGap + 1, 20 * time.Hour}).Draw(t, "later"))
			e := failed(0, nango.Unknown, false).event("c")
			if e.Time = at; rapid.IntRange(0, 5).Draw(t, "says why") == 0 {
				e.Cause = nango.Transient
			}
			if run = append(run, at); e.Cause == nango.Transient {
				run = nil
			}
			want := !counted && plainlyConfirmed(run)
			counted = counted || want
			if got := l.Observe(e).New; got != want {
				t.Fatalf("%v: new %v, want %v", run, got, want)
			}
			l = restart(t, l, stored)
		}
	})
}

func plainlyConfirmed(run []time.Time) bool {
	if len(run) == 0 || run[len(run)-1].Sub(run[0]) < confirmAfter {
		return false
	}
	days, gap := map[int64]bool{}, false
	for i, at := range run {
		days[at.Unix()/86400] = true
		gap = gap || i > 0 && at.Sub(run[i-1]) > confirmGap
	}
	return !gap || len(days) >= confirmDays
}

// restart returns a ledger that was made from what was stored of l until now.
func restart(t *rapid.T, l *Ledger, stored map[string]map[string][]byte) *Ledger {
	l.Changes(func(bucket, key string, value []byte) {
		if stored[bucket] == nil {
			stored[bucket] = map[string][]byte{}
		}
		stored[bucket][key] = value
		if value == nil {
			delete(stored[bucket], key)
		}
	})
	back := NewLedger(l.unknown)
	for bucket, values := range stored {
		for key, value := range values {
			if err := back.Restore(bucket, key, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !reflect.DeepEqual(back.entries, l.entries) || !reflect.DeepEqual(back.places, l.places) || back.standing != l.standing || !reflect.DeepEqual(back.reasons, l.reasons) {
		t.Fatalf("restored %+v, want %+v", back, l)
	}
	return back
}

// What works again is told apart by who mended it: nobody, or its user.
func TestByItself(t *testing.T) {
	anew := func(hour float64) nango.Event {
		e := sign(hour, nango.Reconnected).event("c")
		e.Authorized = true
		return e
	}
	plain := func(s step) nango.Event { return s.event("c") }
	l := NewLedger(UnknownConfirm)
	for i, c := range []struct {
		e    nango.Event
		want bool
	}{
		{plain(sign(0, nango.Active)), false}, {plain(failed(1, nango.Revoked, true)), false}, {plain(sign(2, nango.Active)), true}, {plain(sign(3, nango.Active)), true},
		{plain(failed(4, nango.Revoked, true)), false}, {plain(sign(5, nango.Reconnected)), true}, {anew(6), false},
		{plain(failed(7, nango.Revoked, true)), false}, {anew(8), false}, {plain(sign(9, nango.Active)), false},
		{plain(failed(10, nango.Transient, false)), false}, {plain(sign(11, nango.Active)), false},
	} {
		l.Observe(c.e)
		if got := l.ByItself("prod", "mail", "c"); got != c.want {
			t.Errorf("step %d: %v, want %v", i, got, c.want)
		}
	}
}
