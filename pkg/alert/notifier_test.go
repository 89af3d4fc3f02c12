package alert

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/revwatch/revwatch/pkg/detect"
)

// TestOverHTTP tells an incident from its opening to its end to servers that fail at first, over a restart.
func TestOverHTTP(t *testing.T) {
	t.Parallel()
	slack, edited, pager := newFakeSlack(t), newFakeSlack(t), newFakePager(t)
	to := func() []Destination {
		b := edited.botTo(t).(*slackBot)
		b.id = "bot"
		return []Destination{slack.webhookTo(t), b, pager.to(t)}
	}
	pager.before = []http.HandlerFunc{answerWith(500, ""), cut}
	slack.before = []http.HandlerFunc{answerWith(429, "", "Retry-After", "1")}
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
	if len(pager.pages) != 1 || pager.ends != 1 || pager.calls != 4 {
		t.Errorf("%d pages, %d ends, %d calls: %v", len(pager.pages), pager.ends, pager.calls, pager.events)
	}
	if edited.top() != 1 || len(edited.posts) != 2 || edited.edits != 1 || edited.calls != 4 { // the first looks for a post of an earlier process
		t.Errorf("a bot made %d posts, %d edits, %d calls", len(edited.posts), edited.edits, edited.calls)
	}
	if slack.top() != 2 || slack.calls != 3 {
		t.Errorf("%d posts, %d calls", slack.top(), slack.calls)
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
