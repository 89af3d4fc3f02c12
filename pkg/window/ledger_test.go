package window

import (
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
	return nango.Event{Kind: s.kind, Cause: s.cause, Environment: "prod", Integration: "mail", Connection: connection,
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
		"a repeat of unknown cause is no new one": {failed(0, revoked, true), failed(10, unknown, false), failed(20, unknown, false), failed(160, revoked, false)},
	} {
		l := NewLedger(UnknownConfirm)
		for i, s := range story {
			if got := l.Observe(s.event("c")); got.New != s.counts {
				t.Errorf("%s: step %d at hour %v: new %v, want %v", name, i, s.hour, got.New, s.counts)
			}
		}
	}
}

func TestUnknownWhereTheReasonIsNeverSaid(t *testing.T) {
	l := NewLedger(UnknownAuto)
	if !l.Observe(failed(0, nango.Unknown, true).event("a")).New {
		t.Error("webhooks only: the failure waits to be confirmed")
	}
	for i := range 5 {
		l.Observe(failed(float64(i), nango.Revoked, true).event(string(rune('b' + i))))
	}
	if l.Observe(failed(6, nango.Unknown, false).event("z")).New {
		t.Error("most failures say why: one that does not counted at once")
	}
	if !l.Observe(failed(6+8*24, nango.Unknown, true).event("y")).New {
		t.Error("reasons of more than a week ago still speak for the source")
	}
	if !NewLedger(UnknownCount).Observe(failed(0, nango.Unknown, true).event("a")).New {
		t.Error("count: the failure waits to be confirmed")
	}
}

func TestSweepAndBroken(t *testing.T) {
	l := NewLedger(UnknownConfirm)
	l.Observe(failed(0, nango.Revoked, true).event("a"))
	l.Observe(failed(0, nango.Transient, false).event("b"))
	l.Observe(sign(0, nango.Active).event("c"))
	if l.Broken() != 1 || len(l.entries) != 2 {
		t.Errorf("%d broken of %d entries, want 1 of 2", l.Broken(), len(l.entries))
	}
	l.Sweep(start.Add(90 * 24 * time.Hour))
	if l.Broken() != 1 {
		t.Error("left before its time")
	}
	l.Sweep(start.Add(90*24*time.Hour + 1))
	if len(l.entries) != 0 {
		t.Error("stayed longer than 90 days")
	}
}

// For revocations alone the rule can be said in one line over the whole history: new unless the signs between it and a failure at most 7 days
// before hold no proof of work.
func TestNewIsThePlainRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := NewLedger(UnknownConfirm)
		const week, never = 7 * 24 * time.Hour, -1000 * time.Hour
		now, last, worked := time.Duration(0), never, never
		for range rapid.IntRange(1, 30).Draw(t, "signs") {
			now += rapid.SampledFrom([]time.Duration{1, time.Hour, 30 * time.Hour, week - 1, week, week + 1}).Draw(t, "later")
			e := failed(0, nango.Revoked, false).event("c")
			if rapid.Bool().Draw(t, "works") {
				e = sign(0, nango.Active).event("c")
			}
			e.Time = start.Add(now)
			want := e.Kind == nango.Failure && (now-last > week || worked > last)
			if got := l.Observe(e).New; got != want {
				t.Fatalf("at %v: new %v, want %v (failed %v, worked %v)", now, got, want, last, worked)
			}
			if e.Kind == nango.Failure {
				last = now
			} else {
				worked = now
			}
		}
	})
}
