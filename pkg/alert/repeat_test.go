package alert

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// TestWhatIsOpenIsSentAgain: every minute without a write, at once after a restart, and five minutes beyond the end.
func TestWhatIsOpenIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.begin(t, 1, alertTraits, hookTraits)
		l.tell(bookOf(opened(1)))
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		w.mu.Lock()
		writes := w.count["d0"] // and requests
		w.mu.Unlock()
		if n := len(w.seen("d0")); n != 11 || writes-n != 3 {
			t.Errorf("%d requests, %d writes in ten minutes", n, writes-n)
		}
		if st := l.notifier.Status(); st[0].Pending != 0 || st[0].Results["sent"] != 1 || st[0].Results["repeated"] != 10 || len(w.seen("d1")) != 1 {
			t.Errorf("status %+v", st)
		}
		l.end()
		l = w.begin(t, 2, alertTraits, hookTraits)
		defer l.end()
		l.tell(bookOf(opened(1)))
		synctest.Wait()
		if n := len(w.seen("d0")); n != 12 {
			t.Errorf("%d requests right after a restart", n)
		}
		over := ended(opened(1))
		over.ResolvedAt = time.Now()
		l.tell(bookOf(over))
		time.Sleep(time.Hour)
		synctest.Wait()
		all := w.seen("d0")
		if n := len(all) - 12; n != 5 || all[12].Phase != resolve || all[len(all)-1].Phase != resolve {
			t.Errorf("%d requests after the end: %v", n, all[12:])
		}
		again := reopened(opened(1))
		l.tell(bookOf(again))
		time.Sleep(90 * time.Second)
		again.Status, again.Revision, again.Milestone, again.ResolvedAt = detect.StatusResolved, 9, 9, time.Now()
		l.tell(bookOf(again))
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(w.seen("d0")) - len(all); n != 7 {
			t.Errorf("%d requests when it was open again and over: %v", n, w.seen("d0")[len(all):])
		}
		w.check(t)
	})
}

// TestARepeatThatFails keeps trying and is down when it is refused; others are told then.
func TestARepeatThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Pointer[fault]
		am, page := &texts{id: "am", t: alertTraits, fail: broken.Load}, &texts{id: "page", t: pagerTraits}
		n, end := deliverTo(t, Options{Destinations: []Destination{am, page}, Routes: []Route{{To: []string{"am"}}}, Fallback: []string{"page"}})
		defer end()
		n.Tell([]detect.Incident{revoked()})
		time.Sleep(90 * time.Second)
		broken.Store(&fault{verdict: failed, reason: "HTTP 503"})
		time.Sleep(time.Hour)
		synctest.Wait()
		if st := n.Status()[0]; st.Err != "HTTP 503" || st.Down || st.Pending != 0 || st.Results["failed"] > 30 || len(page.told()) != 0 {
			t.Errorf("failing: %+v", st)
		}
		broken.Store(&fault{verdict: refused, reason: "HTTP 401"})
		since := time.Now()
		time.Sleep(time.Hour)
		synctest.Wait()
		if st := n.Status()[0]; st.Err != "HTTP 401" || !st.Down || st.Since.Before(since) || st.Results["refused"] > 70 || len(page.told()) != 1 {
			t.Errorf("refused: %+v", st)
		}
		in := revoked()
		in.Revision = 2
		n.Tell([]detect.Incident{in})
		time.Sleep(10 * time.Minute)
		broken.Store(nil)
		before := len(am.told())
		time.Sleep(2 * backoffCap)
		synctest.Wait()
		if st := n.Status()[0]; st.Err != "" || st.Down || st.Pending != 0 || len(am.told()) < before+4 {
			t.Errorf("back: %+v", st)
		}
	})
}

// TestRetryAfterOutlastsARestart: of a repetition too, and the longest that is obeyed.
func TestRetryAfterOutlastsARestart(t *testing.T) {
	for _, wait := range []time.Duration{time.Hour, maxRetryAfter} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			l := w.begin(t, 1, alertTraits)
			l.tell(bookOf(opened(1)))
			time.Sleep(30 * time.Second)
			w.mu.Lock()
			w.faults["d0"] = []outcome{{Verdict: failed, After: wait}}
			w.mu.Unlock()
			time.Sleep(time.Minute) // the state is sent again, and refused for so long
			l.end()
			before := len(w.seen("d0"))
			l = w.begin(t, 2, alertTraits)
			defer l.end()
			l.tell(bookOf(opened(1)))
			time.Sleep(wait - time.Minute)
			synctest.Wait()
			early := len(w.seen("d0")) - before
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			if before != 2 || early != 0 || len(w.seen("d0")) == before {
				t.Errorf("to wait %v: %d before, %d too early, %d in all", wait, before, early, len(w.seen("d0")))
			}
		})
	}
}

// TestNewerProofIsShown: in the post that says that it is over, at most once a minute.
func TestNewerProofIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.begin(t, 1, bot, webhook, pager)
		defer l.end()
		l.tell(bookOf(opened(1)))
		time.Sleep(time.Minute)
		in := ended(opened(1))
		in.ResolvedAt = time.Now()
		l.tell(bookOf(in))
		for range 150 {
			time.Sleep(time.Second)
			in.Proof++
			l.tell(bookOf(in))
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		var proofs []int
		for _, a := range w.seen("d0")[1:] {
			if proofs = append(proofs, a.Proof); a.Phase != resolve || a.Milestone != 2 {
				t.Errorf("told %+v", a)
			}
		}
		if len(proofs) != 4 || proofs[0] != 0 || proofs[3] != 150 || len(w.seen("d1")) != 2 || len(w.seen("d2")) != 2 {
			t.Errorf("proofs %v, %v", proofs, w.seen("d1"))
		}
		w.check(t)
	})
}

// TestAWeekIsToldOnce to those that take reports.
func TestAWeekIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.begin(t, 1, hookTraits, bot, pager, alertTraits)
		synctest.Wait()
		time.Sleep(time.Minute)
		week := opened(1)
		week.Signal, week.Time = detect.Weekly, time.Now()
		l.tell(bookOf(week))
		time.Sleep(time.Hour)
		l.end()
		l = w.begin(t, 2, hookTraits, bot, pager, alertTraits)
		defer l.end()
		week = ended(week)
		l.tell(bookOf(week))
		time.Sleep(time.Hour)
		synctest.Wait()
		if a, b, c, d := w.saw("d0"), w.saw("d1"), w.saw("d2"), w.saw("d3"); a != "1 open 1" || b != a || c+d != "" {
			t.Errorf("%q, %q, %q, %q", a, b, c, d)
		}
	})
}

// TestShadow: nothing is sent and nothing is owed; afterwards only what is still open is told, and the end of what was told before.
func TestShadow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.begin(t, 1, webhook, bot, alertTraits)
		before := opened(1)
		l.tell(bookOf(before))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		l.end()
		w.shadow = true
		l = w.begin(t, 2, webhook, bot, alertTraits)
		over, still := opened(2), opened(3)
		l.tell(bookOf(before, over, still))
		time.Sleep(time.Hour)
		before, over = ended(before), ended(over)
		before.ResolvedAt, over.ResolvedAt = time.Now(), time.Now()
		l.tell(bookOf(before, over, still))
		time.Sleep(time.Hour)
		synctest.Wait()
		for i, st := range l.notifier.Status() {
			if got := w.seen(st.Name); !st.Shadow || st.Pending != 0 || st.Down || len(got) != 1 {
				t.Errorf("destination %d: %+v, told %v", i, st, got)
			}
		}
		l.end()
		w.shadow = false
		l = w.begin(t, 3, webhook, bot, traits{revisions: true, paired: true})
		defer l.end()
		l.tell(bookOf(before, over, still))
		time.Sleep(time.Minute)
		synctest.Wait()
		for i := range 3 {
			got := w.saw([]string{"d0", "d1", "d2"}[i])
			if got != "1 open 1, 3 open 1, 1 resolve 2" && got != "1 open 1, 1 resolve 2, 3 open 1" || l.notifier.Status()[i].Shadow {
				t.Errorf("destination %d saw %q", i, got)
			}
		}
	})
}
