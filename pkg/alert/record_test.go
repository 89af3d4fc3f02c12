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

func TestRefusedIsDownUntilItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.faults["d0"] = []outcome{{Verdict: refused}}
		l := w.begin(t, 1, webhook)
		l.tell(bookOf(opened(1)))
		time.Sleep(refusedFor / 2)
		synctest.Wait()
		l.end()
		l = w.begin(t, 2, webhook)
		defer l.end()
		l.tell(bookOf(opened(1)))
		synctest.Wait()
		if st := l.notifier.Status()[0]; !st.Down || st.Err != "refused" || st.Pending != 1 || len(w.seen("d0")) != 1 {
			t.Errorf("after a restart: %+v", st)
		}
		time.Sleep(refusedFor)
		synctest.Wait()
		if st := l.notifier.Status()[0]; st.Down || st.Err != "" || st.Pending != 0 || len(w.seen("d0")) != 2 {
			t.Errorf("later: %+v", st)
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
