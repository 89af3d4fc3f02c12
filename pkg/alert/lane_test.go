package alert

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

var webhook, bot, pager = habits[0], habits[1], habits[2]

// incident n is open.
func opened(n int) detect.Incident {
	in := revoked()
	in.ID = fmt.Sprintf("incident-%d", n)
	return in
}

func bookOf(all ...detect.Incident) map[string]detect.Incident {
	book := map[string]detect.Incident{}
	for _, in := range all {
		book[in.ID] = in
	}
	return book
}

func (w *world) check(t *testing.T) {
	t.Helper()
	if len(w.wrong) > 0 {
		t.Fatalf("%q", w.wrong)
	}
}

func TestHungDestinationDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.faults["d0"] = []outcome{{Verdict: doubtful, Hang: true}}
		l := w.begin(t, 1, webhook, pager)
		defer l.end()
		began := time.Now()
		l.tell(bookOf(opened(1)))
		synctest.Wait()
		if got := w.seen("d1"); len(got) != 1 || !got[0].at.Equal(began) {
			t.Errorf("the other destination was told %v late", got)
		}
		if st := l.notifier.Status(); st[0].Pending != 1 || st[1].Pending != 0 || st[1].Results["sent"] != 1 {
			t.Errorf("status %+v", st)
		}
		time.Sleep(requestTimeout)
		synctest.Wait()
		if st := l.notifier.Status()[0]; st.Results["doubtful"] != 1 || st.Err == "" || !st.Oldest.Equal(began) {
			t.Errorf("status %+v", st)
		}
		w.check(t)
	})
}

func TestEndFinishesTheRequestUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.faults["d0"] = []outcome{{Verdict: doubtful, Hang: true}}
		l := w.begin(t, 1, webhook)
		l.tell(bookOf(opened(1), opened(2)))
		synctest.Wait()
		began := time.Now()
		l.end()
		if took := time.Since(began); took != lastRequest {
			t.Errorf("ended after %v", took)
		}
		if len(w.seen("d0")) != 1 {
			t.Errorf("a request was begun after the end was asked for: %v", w.seen("d0"))
		}
		r, err := parseRecord([]byte(w.kept(recordKey("d0", w.seen("d0")[0].incident))))
		if err != nil || r.Trying != nil || r.Doubts != 1 {
			t.Errorf("the end of the request was not saved: %+v, %v", r, err)
		}
	})
}

func TestADayAwayOwesOneMessageAnIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for range 10000 {
			w.faults["d0"] = append(w.faults["d0"], outcome{Verdict: failed})
		}
		l := w.begin(t, 1, bot)
		defer l.end()
		began := time.Now()
		book := map[string]detect.Incident{}
		for hour := range 24 {
			for n := range 30 {
				in := opened(n)
				in.Revision, in.Milestone = hour+1, hour/5+1
				if n == 7 && hour > 3 {
					in.Status, in.ResolvedAt = detect.StatusResolved, began.Add(4*time.Hour)
				}
				book[in.ID] = in
			}
			l.tell(book)
			time.Sleep(time.Hour)
		}
		if st := l.notifier.Status()[0]; st.Pending != 30 || !st.Oldest.Equal(began) || st.Err != "failed" {
			t.Errorf("status %+v", st)
		}
		tried := len(w.seen("d0"))
		if tried > 600 {
			t.Errorf("%d requests to a destination that was away for a day", tried)
		}
		w.mu.Lock()
		w.faults["d0"] = nil
		w.mu.Unlock()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := len(w.seen("d0")) - tried; got != 30 {
			t.Errorf("%d messages after it came back, want one of each incident", got)
		}
		w.checkEnd("d0", bot, book)
		w.check(t)
	})
}

func TestOneThatAlwaysFailsKeepsNoneWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := map[string]int{}
		n, err := NewNotifier(Options{Save: func(string, string, []byte) error { return nil }, Destinations: []Destination{&picky{told: told}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); n.Run(ctx) }()
		n.Tell([]detect.Incident{opened(0), opened(1), opened(2), opened(3)})
		time.Sleep(time.Minute)
		cancel()
		<-done
		if told["incident-1"] != 1 || told["incident-2"] != 1 || told["incident-3"] != 1 {
			t.Errorf("told %v", told)
		}
	})
}

// picky fails for one incident only, in a way that looks as if it might pass.
type picky struct{ told map[string]int }

func (p *picky) name() string   { return "picky" }
func (p *picky) traits() traits { return pager }
func (p *picky) send(_ context.Context, d delivery) (receipt, error) {
	if d.incident == "incident-0" {
		return receipt{}, errors.New("something that is no fault")
	}
	p.told[d.incident]++
	return receipt{}, nil
}

func TestNothingIsSentThatCannotBeSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var broken atomic.Bool
		broken.Store(true)
		l := &life{world: w, number: 1}
		save := func(in, key string, value []byte) error {
			if broken.Load() {
				return errors.New("no space left on device")
			}
			return l.save(in, key, value)
		}
		n, err := NewNotifier(Options{Save: save, Destinations: []Destination{&mock{life: l, id: "d0", t: webhook}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); n.Run(ctx) }()
		n.Tell([]detect.Incident{opened(1)})
		time.Sleep(time.Hour)
		synctest.Wait()
		if st := n.Status()[0]; len(w.seen("d0")) != 0 || st.Err == "" || st.Pending != 1 {
			t.Errorf("sent %v, status %+v", w.attempts, st)
		}
		if err := n.Settled(ctx); err != nil {
			t.Error(err)
		}
		broken.Store(false)
		time.Sleep(backoffCap)
		synctest.Wait()
		if st := n.Status()[0]; len(w.seen("d0")) != 1 || st.Err != "" || st.Pending != 0 {
			t.Errorf("sent %v, status %+v", w.attempts, st)
		}
		cancel()
		<-done
	})
}

// TestNothingIsSentThatCannotBeWritten: by a clock of a year that no record can hold.
func TestNothingIsSentThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &texts{id: "d0", t: webhook}
		var kept sync.Map
		n, end := deliverTo(t, Options{Destinations: []Destination{to}, Now: func() time.Time { return time.Now().AddDate(9000, 0, 0) },
			Save: func(_, key string, value []byte) error { kept.Store(key, string(value)); return nil }})
		defer end()
		n.Tell([]detect.Incident{opened(1)})
		time.Sleep(time.Hour)
		synctest.Wait()
		kept.Range(func(key, value any) bool { t.Errorf("%q is kept as %q", key, value); return true })
		if st := n.Status()[0]; len(to.told()) != 0 || st.Err == "" {
			t.Errorf("told %d, %+v", len(to.told()), st)
		}
	})
}

func TestWhoMayNotSpeakIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := &life{world: w, number: 1}
		var count atomic.Int64
		may := func() bool { asked := count.Add(1); return asked%2 == 1 && asked < 20 || asked > 40 } // taken away between the check and the request, at first
		n, err := NewNotifier(Options{Save: l.save, May: may, Destinations: []Destination{&mock{life: l, id: "d0", t: webhook}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); n.Run(ctx) }()
		n.Tell([]detect.Incident{opened(1)})
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if len(w.seen("d0")) != 0 {
			t.Errorf("sent %v", w.seen("d0"))
		}
		if r, err := parseRecord([]byte(w.kept(recordKey("d0", "incident-1")))); err != nil || r.Trying != nil {
			t.Errorf("a request that was not made is on record: %+v, %v", r, err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(w.seen("d0")) != 1 {
			t.Errorf("sent %v", w.seen("d0"))
		}
		cancel()
		<-done
	})
}

func TestRevisionsOfOneMinuteAreOneEdit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.begin(t, 1, bot, webhook)
		defer l.end()
		for i := range 200 { // a revision every 0.7 s, a milestone at 70 s
			in := opened(1)
			in.Revision, in.Milestone = i+1, 1+i/100
			l.tell(bookOf(in))
			time.Sleep(700 * time.Millisecond)
			synctest.Wait()
		}
		var revisions []int
		for _, a := range w.seen("d0") {
			revisions = append(revisions, a.Revision)
		}
		if got := fmt.Sprint(revisions); got != "[1 86 101 186]" {
			t.Errorf("the bot told %v", got)
		}
		if len(w.seen("d1")) != 2 {
			t.Errorf("the webhook told %v", w.seen("d1"))
		}
	})
}

func TestWhatEndedBeforeADestinationWasThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		old, late := ended(opened(1)), ended(opened(2))
		old.ResolvedAt, late.ResolvedAt = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		l := w.begin(t, 1, webhook, pager)
		synctest.Wait()
		l.tell(bookOf(old, late))
		time.Sleep(time.Hour)
		l.end()
		l = w.begin(t, 2, webhook, pager)
		defer l.end()
		l.tell(bookOf(old, late))
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := w.seen("d0"); len(got) != 1 || got[0].incident != late.ID {
			t.Errorf("told %v", got)
		}
		if got := w.seen("d1"); len(got) != 0 {
			t.Errorf("an end was told without a beginning: %v", got)
		}
	})
}

func TestAWiderIncidentTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.begin(t, 1, pager)
		defer l.end()
		wide, first, second := opened(0), opened(1), opened(2)
		wide.Scope = "all"
		l.tell(bookOf(first))
		time.Sleep(time.Minute)
		first.Parent, first.Revision, first.Milestone, second.Parent = wide.ID, 2, 2, wide.ID
		l.tell(bookOf(wide, first, second))
		time.Sleep(time.Minute)
		synctest.Wait()
		got := ""
		for _, a := range w.seen("d0") {
			got += a.incident + " " + string(a.Phase) + ", "
		}
		if got != "incident-1 open, incident-0 open, incident-1 fold, " {
			t.Error(got)
		}
	})
}

// TestAWiderIncidentThatIsNotHeardOfTakesNothingOver: where the wider incident is none of a destination's business, or silenced, what was told goes on.
func TestAWiderIncidentThatIsNotHeardOfTakesNothingOver(t *testing.T) {
	for _, c := range []struct {
		name     string
		routes   []worldRoute
		silenced time.Duration
		want     string
	}{
		{"routed away", []worldRoute{{Provider: "hubspot", To: []string{"d0"}}, {}}, 0, "incident-1 open, incident-1 open, incident-1 resolve, "},
		{"silenced", nil, 24 * time.Hour, "incident-1 open, incident-1 open, incident-1 resolve, "},
		{"silenced for a while", nil, 30 * time.Minute, "incident-1 open, incident-1 open, incident-0 open, incident-1 fold, incident-0 resolve, "},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.routes = c.routes
			l := w.begin(t, 1, pager)
			defer l.end()
			wide, part := opened(0), opened(1)
			wide.Provider, part.Provider = "google-mail", "hubspot"
			if c.silenced > 0 {
				l.hush(wide.Provider, c.silenced)
			}
			l.tell(bookOf(wide, part))
			time.Sleep(time.Minute)
			wide.Scope, wide.Revision, wide.Milestone = "family", 2, 2
			part.Parent, part.Status, part.Revision, part.Milestone = wide.ID, detect.StatusUpdate, 2, 2
			l.tell(bookOf(wide, part))
			time.Sleep(time.Hour)
			for _, in := range []*detect.Incident{&wide, &part} {
				in.Status, in.Revision, in.Milestone, in.ResolvedAt = detect.StatusResolved, 3, 3, time.Now()
			}
			l.tell(bookOf(wide, part))
			time.Sleep(time.Hour)
			synctest.Wait()
			got := ""
			for _, a := range w.seen("d0") {
				got += a.incident + " " + string(a.Phase) + ", "
			}
			if got != c.want {
				t.Errorf("%s: %s", c.name, got)
			}
			w.check(t)
		})
	}
}

func TestRecordsOfOthersAreSweptWithTheirIncidents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		gone, kept := recordKey("gone", "incident-9"), recordKey("gone", "incident-1")
		w.store[gone], w.store[kept] = "{}", "{}"
		l := w.begin(t, 1, webhook)
		defer l.end()
		l.tell(bookOf(opened(1)))
		synctest.Wait()
		if w.kept(gone) != "" {
			t.Error("a record of a forgotten incident is left")
		}
		if w.kept(kept) == "" {
			t.Error("a record of a told incident is gone")
		}
	})
}

func TestClockSetBackDoesNotSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		future := time.Now().AddDate(1, 0, 0)
		w.store[recordKey("d0", "incident-1")] = string(encode(record{Hold: future, Next: future, Tried: future}))
		l := w.begin(t, 1, webhook)
		defer l.end()
		l.tell(bookOf(opened(1)))
		synctest.Wait()
		if len(w.seen("d0")) != 1 {
			t.Errorf("told %v", w.seen("d0"))
		}
	})
}

func TestBadOptionsAndRecords(t *testing.T) {
	save := func(string, string, []byte) error { return nil }
	for name, o := range map[string]Options{
		"no save":   {Destinations: []Destination{&picky{}}},
		"one name":  {Save: save, Destinations: []Destination{&picky{}, &picky{}}},
		"no name":   {Save: save, Destinations: []Destination{&mock{}}},
		"zero byte": {Save: save, Destinations: []Destination{&mock{id: "a\x00b"}}},
	} {
		if _, err := NewNotifier(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	n, err := NewNotifier(Options{})
	if err != nil {
		t.Fatal(err)
	}
	n.Tell([]detect.Incident{opened(1)})
	ctx, cancel := context.WithCancel(context.Background())
	if err := n.Settled(ctx); err != nil {
		t.Error(err)
	}
	cancel()
	n.Run(ctx)
	if n.Restore("another", "room", []byte("x")) != nil {
		t.Error("a value of another room is an error")
	}
	if n.Restore(bucket, "no zero byte", []byte("{}")) == nil || n.Restore(bucket, recordKey("a", "b"), []byte("{")) == nil {
		t.Error("a broken record is no error")
	}
}

func TestSettledEndsWithItsContext(t *testing.T) {
	n, err := NewNotifier(Options{Save: func(string, string, []byte) error { return nil }, Destinations: []Destination{&picky{}}})
	if err != nil {
		t.Fatal(err)
	}
	n.Tell([]detect.Incident{opened(1)}) // nobody runs
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.Settled(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
