package alert

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// TestWhatOneRefusesAnotherIsTold: at once, over a restart, until it is taken again; what was told then goes on to its end.
func TestWhatOneRefusesAnotherIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.routes, w.fallback = []worldRoute{{To: []string{"d0"}}}, []string{"d1", "d0"}
		for range 3 {
			w.faults["d0"] = append(w.faults["d0"], outcome{Verdict: refused})
		}
		w.faults["d1"] = []outcome{{Verdict: failed, After: time.Minute}}
		l := w.begin(t, 1, webhook, pager)
		began := time.Now()
		l.tell(bookOf(opened(1)))
		synctest.Wait()
		if got := w.seen("d1"); len(got) != 1 || !got[0].at.Equal(began) {
			t.Errorf("the fallback was told late: %v", got)
		}
		l.end() // before the fallback took it
		l = w.begin(t, 2, webhook, pager)
		defer l.end()
		l.tell(bookOf(opened(1)))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := w.saw("d1"); got != "1 open 1, 1 open 1" {
			t.Errorf("the fallback saw %q", got)
		}
		st := l.notifier.Status()
		if !st[0].Down || !st[0].Since.Equal(began) || st[0].Err != "refused" || st[1].Down || st[1].Pending != 0 {
			t.Errorf("status %+v", st)
		}
		time.Sleep(3 * refusedFor) // it works again
		l.tell(bookOf(opened(1), opened(2)))
		time.Sleep(time.Minute)
		l.tell(bookOf(ended(opened(1)), opened(2)))
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := w.saw("d1"); got != "1 open 1, 1 open 1, 1 resolve 2" {
			t.Errorf("the fallback saw %q", got)
		}
		if got := w.saw("d0"); !strings.HasSuffix(got, "1 open 1, 2 open 1, 1 resolve 2") || l.notifier.Status()[0].Down {
			t.Errorf("the first saw %q", got)
		}
		w.check(t)
	})
}

// TestNobodyStandsInForWhoIsNotAskedAnyMore: after a restart with other routes.
func TestNobodyStandsInForWhoIsNotAskedAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.routes, w.fallback = []worldRoute{{To: []string{"d1"}}}, []string{"d0"}
		w.faults["d1"] = []outcome{{Verdict: refused}}
		w.faults["d0"] = []outcome{{Verdict: failed, After: time.Hour}}
		l := w.begin(t, 1, hookTraits, hookTraits)
		l.tell(bookOf(opened(1)))
		time.Sleep(time.Minute)
		l.end()
		w.routes = []worldRoute{{}}
		l = w.begin(t, 2, hookTraits, hookTraits)
		defer l.end()
		l.tell(bookOf(opened(1)))
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if a, b := w.saw("d0"), w.saw("d1"); a != "1 open 1" || b != "1 open 1" || l.notifier.Status()[1].Down {
			t.Errorf("%q, %q, %+v", a, b, l.notifier.Status())
		}
		w.check(t)
	})
}

// texts is a destination that keeps what it is told.
type texts struct {
	id   string
	t    traits
	fail func() *fault

	mu  sync.Mutex
	got []delivery
}

func (d *texts) name() string   { return d.id }
func (d *texts) traits() traits { return d.t }
func (d *texts) send(_ context.Context, got delivery) (receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		if f := d.fail(); f != nil {
			return receipt{}, f
		}
	}
	d.got = append(d.got, got)
	return receipt{remote: "there"}, nil
}

func (d *texts) told() []delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.got)
}

// deliverTo runs a notifier, without a store unless it has one.
func deliverTo(t *testing.T, o Options) (*Notifier, func()) {
	t.Helper()
	if o.Save == nil {
		o.Save = func(string, string, []byte) error { return nil }
	}
	n, err := NewNotifier(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); n.Run(ctx) }()
	return n, func() { cancel(); <-done }
}

// TestNewerProofIsNoNewsElsewhere: an end that was told is not told again to others because its newest proof is refused.
func TestNewerProofIsNoNewsElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Pointer[fault]
		a, b := &texts{id: "a", t: botTraits, fail: broken.Load}, &texts{id: "b", t: hookTraits}
		n, end := deliverTo(t, Options{Destinations: []Destination{a, b}, Routes: []Route{{To: []string{"a"}}}, Fallback: []string{"b"}})
		defer end()
		in := opened(1)
		n.Tell([]detect.Incident{in})
		time.Sleep(time.Minute)
		in = ended(in)
		in.Time, in.ResolvedAt = time.Now(), time.Now()
		n.Tell([]detect.Incident{in})
		time.Sleep(2 * time.Minute)
		broken.Store(&fault{verdict: refused, reason: "token_revoked"})
		in.Proof++
		n.Tell([]detect.Incident{in})
		time.Sleep(time.Hour / 2)
		synctest.Wait()
		if st := n.Status()[0]; !st.Down || st.Err != "token_revoked" || len(a.told()) != 2 || len(b.told()) != 0 {
			t.Errorf("%+v; %d and %d are told", st, len(a.told()), len(b.told()))
		}
	})
}

// TestTheFallbackSaysWhy: and who is routed as well says nothing of it.
func TestTheFallbackSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slack := &texts{id: "slack", t: hookTraits, fail: func() *fault { return &fault{verdict: refused, reason: "channel_not_found"} }}
		page, mail := &texts{id: "page", t: pagerTraits}, &texts{id: "mail", t: hookTraits}
		began := time.Now()
		mail.fail = func() *fault {
			if time.Since(began) < 10*time.Second {
				return &fault{verdict: failed, reason: "later"}
			}
			return nil
		}
		n, end := deliverTo(t, Options{
			Destinations: []Destination{slack, page, mail}, Fallback: []string{"page", "mail"}, Routes: []Route{{To: []string{"slack", "mail"}}},
		})
		defer end()
		n.Tell([]detect.Incident{revoked()})
		time.Sleep(time.Minute)
		const line = "slack refuses what it is told (channel_not_found): told here instead"
		if got := page.told(); len(got) != 1 || got[0].message.why[0] != line {
			t.Errorf("told %+v", got)
		}
		if got := mail.told(); len(got) != 1 || slices.Contains(got[0].message.why, line) {
			t.Errorf("told %+v", got)
		}
	})
}

func TestBoard(t *testing.T) {
	woken := 0
	b := &board{refused: map[string][]refuser{}, wake: func() { woken++ }}
	b.note("1", "slack", "")
	b.note("1", "slack", "gone")
	b.note("1", "mail", "full")
	b.note("1", "slack", "archived")
	b.note("1", "zulip", "x")
	if woken != 3 {
		t.Errorf("woken %d times", woken)
	}
	if r, ok := b.standIn("1", "page"); !ok || r != (refuser{"mail", "full"}) {
		t.Errorf("%+v", r)
	}
	if r, ok := b.standIn("1", "mail"); !ok || r != (refuser{"slack", "archived"}) {
		t.Errorf("%+v", r)
	}
	for _, name := range []string{"mail", "slack"} {
		b.note("1", name, "")
	}
	if _, ok := b.standIn("1", "zulip"); ok {
		t.Error("it stands in for itself")
	}
	b.note("1", "zulip", "")
	if len(b.refused) != 0 || woken != 6 {
		t.Errorf("%v, woken %d times", b.refused, woken)
	}
}
