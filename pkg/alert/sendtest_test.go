package alert

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSendTest(t *testing.T) {
	fails := func(all ...*fault) func() *fault {
		return func() *fault {
			if len(all) == 0 {
				return nil
			}
			f := all[0]
			if len(all) > 1 {
				all = all[1:]
			}
			return f
		}
	}
	bad, busy, lost := &fault{verdict: refused, reason: "HTTP 404 no_service"}, &fault{verdict: failed, reason: "HTTP 503"}, &fault{verdict: doubtful, reason: "connection lost"}
	for _, c := range []struct {
		name  string
		t     traits
		fail  func() *fault
		err   string // "" for none
		told  int
		least time.Duration
		most  time.Duration
	}{
		{"works", hookTraits, nil, "", 2, 0, time.Second},
		{"works, repeating", alertTraits, nil, "", 2, 0, time.Second},
		{"refused", hookTraits, fails(bad), "refused: HTTP 404 no_service", 0, 0, time.Second},
		{"comes back", pagerTraits, fails(busy, busy, nil), "", 2, time.Second, 10 * time.Second},
		{"says when", pagerTraits, fails(&fault{verdict: failed, reason: "HTTP 429", after: 20 * time.Second}, nil), "", 2, 20 * time.Second, 30 * time.Second},
		{"says: later", pagerTraits, fails(&fault{verdict: failed, reason: "HTTP 429", after: time.Hour}), "not delivered: HTTP 429", 0, 0, time.Second},
		{"never works", pagerTraits, fails(busy), "not delivered: HTTP 503", 0, 10 * time.Second, testOpening + time.Second},
		{"the end is refused", pagerTraits, fails(nil, bad), "told, but its end was not: refused: HTTP 404 no_service", 1, 0, time.Second},
		{"perhaps told, told again", pagerTraits, fails(lost, nil), "", 2, 0, 2 * time.Second},
		{"perhaps told", hookTraits, fails(lost), "perhaps delivered: connection lost", 0, 0, testWhole + time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			to := &texts{id: "to", t: c.t, fail: c.fail}
			began := time.Now()
			err := SendTest(context.Background(), to, Wording{}, ended(revoked()))
			if took := time.Since(began); took < c.least || took > c.most {
				t.Errorf("%s took %v", c.name, took)
			}
			if got := ""; err != nil {
				if got = err.Error(); got != c.err {
					t.Errorf("%s: %q", c.name, got)
				}
			} else if c.err != "" {
				t.Errorf("%s: no error", c.name)
			}
			got := to.told()
			if len(got) != c.told {
				t.Fatalf("%s: told %d times", c.name, len(got))
			}
			for i, d := range got {
				if d.message.phase != []phase{open, resolve}[i] || !d.message.test || !strings.HasPrefix(d.message.headline, "[TEST] ") {
					t.Errorf("%s: told %+v", c.name, d.message)
				}
			}
		})
	}
}

// TestSendTestEndsWhatMayHaveBegun though the opening was refused afterwards.
func TestSendTestEndsWhatMayHaveBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := []*fault{{verdict: doubtful, reason: "connection lost"}, {verdict: refused, reason: "HTTP 403"}, nil}
		to := &texts{id: "to", t: pagerTraits}
		to.fail = func() *fault {
			f := all[0]
			all = all[1:]
			return f
		}
		err := SendTest(context.Background(), to, Wording{}, revoked())
		if got := to.told(); err == nil || err.Error() != "refused: HTTP 403" || len(got) != 1 || got[0].message.phase != resolve {
			t.Errorf("%v, told %+v", err, got)
		}
	})
}

// TestSendTestThatHangs ends soon after it is told to.
func TestSendTestThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.faults["d0"] = []outcome{{Verdict: doubtful, Hang: true}}
		in := revoked()
		in.ID = ""
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		began := time.Now()
		err := SendTest(ctx, &mock{life: &life{world: w}, id: "d0", t: pager}, Wording{}, in)
		if err == nil || errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Second+lastRequest {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
