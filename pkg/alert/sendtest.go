package alert

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

const (
	testOpening = 45 * time.Second // within which the test incident has to be told
	testWhole   = time.Minute      // and its end
)

// SendTest tells a destination of a made-up incident and of its end, by the real path, both marked as a test. It returns nil when both were
// accepted and otherwise says why not, without any secret. It takes about a minute at most: it gives up at once when the destination asks to
// wait longer. Where the opening may have arrived, the end is told nevertheless. Without an ID the incident gets one of its own.
func SendTest(ctx context.Context, d Destination, w Wording, in detect.Incident) error {
	discard := func(string, string, []byte) error { return nil } // nothing outlives the test
	n, err := NewNotifier(Options{Destinations: []Destination{d}, Save: discard, Wording: w, test: true})
	if err != nil {
		return err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() { defer close(done); n.Run(run) }()
	defer func() { stop(); <-done }()

	whole, cancel := context.WithTimeout(ctx, testWhole)
	defer cancel()
	opening, cancelOpening := context.WithTimeout(whole, testOpening)
	defer cancelOpening()
	in = testIncident(in)
	err = n.bring(opening, in)
	if err != nil && !n.lanes[0].hasTold(in.ID) {
		return err
	}
	in.Status, in.Revision, in.Milestone = detect.StatusResolved, 2, 2
	in.Time = time.Now()
	in.ResolvedAt, in.Resolution = in.Time, "the test is over"
	if ended := n.bring(whole, in); err == nil && ended != nil {
		err = fmt.Errorf("told, but its end was not: %w", ended)
	}
	return err
}

// testIncident makes an incident one that is told.
func testIncident(in detect.Incident) detect.Incident {
	if in.ID == "" {
		id := make([]byte, 6)
		_, _ = rand.Read(id) // never fails
		in.ID = "test-" + hex.EncodeToString(id)
	}
	if in.Signal == "" || in.Signal == detect.Weekly {
		in.Signal = detect.Revocations
	}
	in.Status, in.Revision, in.Milestone, in.Parent, in.Past = detect.StatusOpen, 1, 1, "", false
	return in
}

// bring tells the only destination of the only incident, and waits until it took it, refused it, or cannot take it before ctx ends.
func (n *Notifier) bring(ctx context.Context, in detect.Incident) error {
	n.Tell([]detect.Incident{in})
	for {
		next := n.changed.wait()
		if err, done := n.lanes[0].outcome(ctx, in.ID); done {
			return err
		}
		select {
		case <-next:
		case <-ctx.Done():
		}
	}
}

// outcome says what came of telling an incident, once that is certain.
func (l *lane) outcome(ctx context.Context, id string) (err error, done bool) {
	now := l.opt.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	j, at := l.job(id, now)
	at = later(at, l.hold)
	until, _ := ctx.Deadline()
	switch {
	case j.again || j.mark.Phase == none:
		return nil, !l.busy
	case !l.busy && l.record(id).refuses(j.mark):
		return errors.New("refused: " + l.record(id).Refusal.Reason), true
	case ctx.Err() != nil, !l.busy && l.err != "" && at.After(until):
		return l.undelivered(id), true
	}
	return nil, false
}

// undelivered says why an incident is not known to be delivered.
func (l *lane) undelivered(id string) error {
	what, reason := "not delivered: ", l.err
	if !l.record(id).Doubt.IsZero() {
		what = "perhaps delivered: "
	}
	if reason == "" {
		reason = "no answer in time"
	}
	return errors.New(what + reason)
}

// hasTold says that the destination knows of an incident, or may know.
func (l *lane) hasTold(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.record(id).told()
}
