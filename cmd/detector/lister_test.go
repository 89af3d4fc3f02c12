package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/revwatch/revwatch/internal/counterpart"
	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/directory"
)

const nangoKey32 = "5ecre7a0-1111-4222-8333-444455556666"

// asks is a lister of one environment, and what came of it.
type asks struct {
	*lister
	nango *counterpart.Nango
	logs  *observer.ObservedLogs
	owner atomic.Bool
	mu    sync.Mutex
	lists []int // connections of each listing that was handed on
}

func withLister(t *testing.T, test func(*asks)) {
	synctest.Test(t, func(t *testing.T) {
		n := counterpart.InMemory()
		defer n.Close()
		core, logs := observer.New(zapcore.InfoLevel)
		a := &asks{nango: n.Nango("nango", nangoKey32), logs: logs}
		a.owner.Store(true)
		c, err := directory.New(directory.Options{URL: a.nango.URL, Key: nangoKey32, Environment: "prod", HTTP: n.Over(&http.Transport{DisableKeepAlives: true})})
		if err != nil {
			t.Fatal(err)
		}
		a.lister = &lister{every: 15 * time.Minute, turns: []*listing{{Client: c}}, may: a.owner.Load, log: zap.New(core),
			hand: func(_ context.Context, x detect.Listing) (bool, error) {
				a.mu.Lock()
				defer a.mu.Unlock()
				a.lists = append(a.lists, len(x.Connections))
				if x.Environment != "prod" || x.Time.IsZero() || x.End.Before(x.Time) {
					t.Errorf("handed on as %s of %v to %v", x.Environment, x.Time, x.End)
				}
				return true, nil
			}}
		a.nango.Add(counterpart.Connection{Connection: "c1", Integration: "crm", Provider: "hubspot"})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { a.run(ctx); close(ended) }()
		test(a)
		cancel()
		<-ended
	})
}

// taken are the connections of each listing so far.
func (a *asks) taken() []int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.lists)
}

// after lets so much time pass.
func after(d time.Duration) { time.Sleep(d); synctest.Wait() }

// A Nango that is away is asked again, ever more seldom, and said to be away once; when it is back there are listings again.
func TestListerWhileNangoIsAway(t *testing.T) {
	withLister(t, func(a *asks) {
		fails := func(n int) {
			for range n {
				a.nango.Fail(counterpart.Status(http.StatusServiceUnavailable, ""))
			}
		}
		fails(1000)
		after(3 * time.Hour)
		calls := len(a.nango.Calls())
		if got := a.logs.FilterMessageSnippet("no list of connections").Len(); got != 1 || len(a.taken()) != 0 || calls < 6*10 || calls > 6*20 {
			t.Errorf("said %d times, %d listings, %d requests in 3 hours", got, len(a.taken()), calls)
		}
		a.nango.Heal()
		after(20 * time.Minute)
		if got := a.taken(); len(got) == 0 || got[0] != 1 || a.logs.FilterMessageSnippet("lists the connections").Len() != 1 {
			t.Errorf("%v, %v", got, a.logs.All())
		}
		taken := len(a.taken())
		after(5 * time.Hour)
		if n := len(a.taken()) - taken; n < 18 || n > 23 || a.logs.Len() != 2 {
			t.Errorf("%d listings in 5 hours, logged %v", n, a.logs.All())
		}
	})
}

// A key that is not accepted is said in plain words, never shown, and not asked with in a hurry.
func TestListerWithAWrongKey(t *testing.T) {
	withLister(t, func(a *asks) {
		for range 100 {
			a.nango.Fail(counterpart.Echo(http.StatusUnauthorized))
		}
		after(2 * time.Hour)
		said := fmt.Sprint(a.logs.All())
		if n := len(a.nango.Calls()); n > 15 || !strings.Contains(said, "does not accept the secret key") || strings.Contains(said, nangoKey32) || a.logs.Len() != 1 {
			t.Errorf("%d requests, said %s", n, said)
		}
	})
}

// Who stands by asks nothing, until it reads.
func TestListerStandsBy(t *testing.T) {
	withLister(t, func(a *asks) {
		after(time.Hour) // as the owner
		a.owner.Store(false)
		after(30 * time.Second)
		before := len(a.nango.Calls())
		if after(3 * time.Hour); len(a.nango.Calls()) != before {
			t.Error("asked while standing by")
		}
		a.owner.Store(true)
		if after(time.Minute); len(a.nango.Calls()) == before {
			t.Error("does not ask after taking over")
		}
	})
}

// Who is asked to wait for long is not asked before.
func TestListerWaitsAsAsked(t *testing.T) {
	withLister(t, func(a *asks) {
		a.nango.Fail(counterpart.Status(http.StatusOK, `{"connections":[]}`), counterpart.Busy(4*time.Hour))
		after(20 * time.Minute)
		before := len(a.nango.Calls())
		if after(3*time.Hour + 50*time.Minute); before != 2 || len(a.nango.Calls()) != before {
			t.Errorf("%d requests before, %d after", before, len(a.nango.Calls()))
		}
		if after(20 * time.Minute); len(a.nango.Calls()) == before {
			t.Error("not asked when the time is over")
		}
	})
}
