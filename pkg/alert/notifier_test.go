package alert

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/revwatch/revwatch/internal/counterpart"
	"github.com/revwatch/revwatch/pkg/detect"
)

// TestOverHTTP tells an incident from its opening to its end to servers that fail at first, over a restart.
func TestOverHTTP(t *testing.T) {
	t.Parallel()
	hooks, slack := newSlack(t)
	bots, edited := newSlack(t)
	pagers, pager := newPager(t)
	slack.Gap, edited.Gap = 950*time.Millisecond, 950*time.Millisecond
	to := func() []Destination {
		b := botTo(t, bots, edited).(*slackBot)
		b.id = "bot"
		return []Destination{webhookTo(t, hooks, slack), b, pagerTo(t, pagers, pager)}
	}
	pager.Fail(counterpart.Status(500, ""), counterpart.Cut())
	slack.Fail(counterpart.Busy(time.Second))
	var store sync.Map
	log, logged := observer.New(zap.DebugLevel)
	begin := func(to ...Destination) (*Notifier, func()) {
		n, err := NewNotifier(Options{Destinations: to, Log: zap.New(log), Wording: Wording{Display: display}, Save: func(_, key string, value []byte) error {
			store.Store(key, value)
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		store.Range(func(key, value any) bool {
			if v := value.([]byte); v != nil {
				if err := n.Restore(bucket, key.(string), v); err != nil {
					t.Error(err)
				}
			}
			return true
		})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); n.Run(ctx) }()
		return n, func() { cancel(); <-done }
	}
	n, end := begin(to()...)
	n.Tell([]detect.Incident{revoked()})
	told(t, n)
	end()
	n, end = begin(to()...)
	n.Tell([]detect.Incident{revoked()})
	told(t, n)
	n.Tell([]detect.Incident{ended(revoked())})
	told(t, n)
	end()
	if pages := pager.Pages(); len(pages) != 1 || pages[0].State != "resolved" || len(pager.Calls()) != 4 {
		t.Errorf("%+v, %d calls: %v", pages, len(pager.Calls()), pager.Events())
	}
	if len(edited.Posts()) != 1 || len(edited.Notes()) != 1 || len(edited.Edits()) != 1 || len(edited.Calls()) != 4 { // the first looks for a post of an earlier process
		t.Errorf("a bot made %d posts, %d edits, %d calls", len(edited.Posts()), len(edited.Edits()), len(edited.Calls()))
	}
	if len(slack.Posts()) != 2 || len(slack.Calls()) != 3 {
		t.Errorf("%d posts, %d calls", len(slack.Posts()), len(slack.Calls()))
	}
	for _, e := range logged.All() {
		for _, f := range e.Context {
			if holdsSecret(f.String, pager.URL) || holdsSecret(f.String, slack.URL) {
				t.Errorf("logged %v", f)
			}
		}
	}
}

// told waits until nothing is owed.
func told(t *testing.T, n *Notifier) {
	t.Helper()
	deadline, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		if err := n.Settled(deadline); err != nil {
			t.Fatalf("%v: %+v", err, n.Status())
		}
		pending := 0
		for _, s := range n.Status() {
			pending += s.Pending
			if holdsSecret(s.Err, "127.0.0.1") {
				t.Errorf("status %+v", s)
			}
		}
		if pending == 0 {
			return
		}
		select { // a back-off is under way
		case <-n.changed.wait():
		case <-deadline.Done():
		}
	}
}
