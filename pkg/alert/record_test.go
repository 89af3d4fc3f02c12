package alert

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatWouldShowTwiceIsRepeatedSlowly: a webhook cannot know whether it posted; a pager may be asked again at once.
func TestWhatWouldShowTwiceIsRepeatedSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for range 5 {
			w.faults["d0"] = append(w.faults["d0"], outcome{Verdict: doubtful})
			w.faults["d1"] = append(w.faults["d1"], outcome{Verdict: doubtful})
		}
		l := w.begin(t, 1, webhook, pager)
		defer l.end()
		l.tell(bookOf(opened(1)))
		time.Sleep(doubtBase/2 - time.Second)
		synctest.Wait()
		if n, m := len(w.seen("d0")), len(w.seen("d1")); n != 1 || m < 4 {
			t.Errorf("%d and %d requests in half a minute", n, m)
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if n := len(w.seen("d0")); n != 6 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestRestartObeysRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.faults["d0"] = []outcome{{Verdict: failed, After: time.Hour}}
		l := w.begin(t, 1, webhook)
		l.tell(bookOf(opened(1)))
		synctest.Wait()
		l.end()
		l = w.begin(t, 2, webhook)
		defer l.end()
		l.tell(bookOf(opened(1), opened(2)))
		time.Sleep(time.Hour - time.Second)
		synctest.Wait()
		if n := len(w.seen("d0")); n != 1 {
			t.Errorf("%d requests before the hour was over", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(w.seen("d0")); n != 3 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestRefusedIsDownUntilItWorks: it is tried after an hour, after a restart, and when something else is taken some minutes later.
func TestRefusedIsDownUntilItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for range 3 {
			w.faults["d0"] = append(w.faults["d0"], outcome{Verdict: refused})
		}
		l := w.begin(t, 1, webhook)
		down := func(when string, requests int) {
			t.Helper()
			synctest.Wait()
			if st := l.notifier.Status()[0]; !st.Down || st.Err != "refused" || st.Pending != 1 || len(w.seen("d0")) != requests {
				t.Errorf("%s: %+v after %d requests", when, st, len(w.seen("d0")))
			}
		}
		l.tell(bookOf(opened(1)))
		time.Sleep(refusedFor - time.Minute)
		down("at first", 1)
		time.Sleep(2 * time.Minute)
		down("after an hour", 2)
		l.end()
		l = w.begin(t, 2, webhook)
		defer l.end()
		l.tell(bookOf(opened(1)))
		time.Sleep(time.Minute)
		down("after a restart", 3)
		l.tell(bookOf(opened(1), opened(2)))
		time.Sleep(time.Minute)
		down("another one was taken at once", 4)
		time.Sleep(askedAgain)
		l.tell(bookOf(opened(1), opened(2), opened(3)))
		time.Sleep(time.Minute)
		synctest.Wait()
		if st := l.notifier.Status()[0]; st.Down || st.Err != "" || st.Pending != 0 || len(w.seen("d0")) != 6 {
			t.Errorf("in the end: %+v after %d requests", st, len(w.seen("d0")))
		}
	})
}

// TestWhoAsksForADayIsDown: it is waited for, and others are told meanwhile.
func TestWhoAsksForADayIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.routes, w.fallback = []worldRoute{{To: []string{"d0"}}}, []string{"d1"}
		w.faults["d0"] = []outcome{{Verdict: failed, After: 24 * time.Hour}}
		l := w.begin(t, 1, webhook, pager)
		defer l.end()
		l.tell(bookOf(opened(1)))
		time.Sleep(23 * time.Hour)
		synctest.Wait()
		if st := l.notifier.Status()[0]; !st.Down || st.Err != "failed, and asks to wait for 24 h" || len(w.seen("d0")) != 1 || w.saw("d1") != "1 open 1" {
			t.Errorf("%+v, and the fallback saw %q", st, w.saw("d1"))
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if st := l.notifier.Status()[0]; st.Down || len(w.seen("d0")) != 2 {
			t.Errorf("a day later: %+v", st)
		}
	})
}

func TestOldestIsSinceItIsOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.faults["d0"] = []outcome{{Verdict: failed, After: 24 * time.Hour}}
		l := w.begin(t, 1, pager)
		defer l.end()
		l.tell(bookOf(opened(1)))
		time.Sleep(time.Hour)
		l.tell(bookOf(ended(opened(1)))) // it was never told: nothing is owed
		if st := l.notifier.Status()[0]; st.Pending != 0 || !st.Oldest.IsZero() || st.Err != "" {
			t.Errorf("status %+v", st)
		}
		time.Sleep(time.Hour)
		again := time.Now()
		l.tell(bookOf(reopened(opened(1))))
		if st := l.notifier.Status()[0]; st.Pending != 1 || !st.Oldest.Equal(again) {
			t.Errorf("status %+v", st)
		}
	})
}
