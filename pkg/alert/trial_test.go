package alert

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/revwatch/revwatch/internal/counterpart"
	"github.com/revwatch/revwatch/pkg/detect"
)

// bad is a fault and what is to be expected of it.
type bad struct {
	counterpart.Fault
	wait    time.Duration // nothing may be sent before
	arrived bool
	secure  bool // needs TLS
}

// everyFault is what can happen to a request whose good answer has this status.
func everyFault(good int) []bad {
	var all []bad
	add := func(name string, f counterpart.Fault, b bad) {
		f.Name = name
		b.Fault = f
		all = append(all, b)
	}
	late := bad{arrived: true}
	add("429", counterpart.Busy(37*time.Second), bad{wait: 37 * time.Second})
	add("429 until a date", counterpart.BusyUntil(90*time.Second), bad{wait: 90 * time.Second})
	add("429 in the body", counterpart.BusyInBody(5*time.Second), bad{wait: 5 * time.Second})
	add("503 for an hour", counterpart.Status(503, "", "Retry-After", "3600"), bad{wait: time.Hour})
	add("500", counterpart.Status(500, "<html>"), bad{})
	add("502", counterpart.Status(502, ""), bad{})
	add("504", counterpart.Status(504, ""), bad{})
	add("504 late", counterpart.Status(504, "").Late(), late)
	add("404", counterpart.Status(404, "no_service"), bad{})
	add("403", counterpart.Status(403, "invalid_token"), bad{})
	add("redirect", counterpart.Redirect("http://elsewhere.test/"), bad{})
	add("reset", counterpart.Reset(), bad{})
	add("cut", counterpart.Cut(), bad{})
	add("cut late", counterpart.Cut().Late(), late)
	add("hang", counterpart.Hang(), bad{})
	add("hang late", counterpart.Hang().Late(), late)
	add("slow 500", counterpart.Drip(500, time.Second), bad{})
	add("slow success", counterpart.Drip(good, time.Second).Late(), late)
	add("huge 500", counterpart.Flood(500, ""), bad{})
	add("huge success", counterpart.Flood(good, `{"ok":true,"pad":"`).Late(), late)
	add("wrong JSON", counterpart.Status(200, `{"ok":`), bad{})
	add("empty 200", counterpart.Status(200, ""), bad{})
	add("HTML 200", counterpart.Status(200, "<!doctype html><title>Sign in to the Wi-Fi</title>"), bad{})
	add("ok:false", counterpart.Status(200, `{"ok":false,"error":"is_archived"}`), bad{})
	add("bad TLS", counterpart.Untrusted(), bad{secure: true})
	return all
}

// phases of an incident: what is told in each, and which of them meets the fault.
var phases = []string{"open", "update", "resolve"}

// trial is one destination, one fault, and a witness beside them.
type trial struct {
	to      side
	fault   bad
	phase   string
	skip    int // requests of the phase before the fault
	network *counterpart.Network
	server  *counterpart.Server
	see     func(string) sight
	witness *counterpart.PagerDuty
	n       *Notifier
	log     *observer.ObservedLogs
	store   sync.Map
	end     func()
}

func (tr *trial) String() string {
	return fmt.Sprintf("%s, %s at %s+%d", tr.to.name, tr.fault.Name, tr.phase, tr.skip)
}

func (tr *trial) begin(t *testing.T) {
	tr.network = counterpart.InMemory()
	var dest Destination
	dest, tr.server, tr.see = tr.to.start(t, tr.network, tr.fault.secure)
	tr.witness = tr.network.PagerDuty("witness", pagerKey)
	other := must(NewPagerDuty(PagerDuty{Name: "witness", RoutingKey: pagerKey, URL: tr.witness.URL, HTTP: over(tr.network)}))(t)
	core, logged := observer.New(zap.DebugLevel)
	tr.log = logged
	var err error
	tr.n, err = NewNotifier(Options{Destinations: []Destination{dest, other}, Log: zap.New(core), Wording: Wording{Display: display},
		Save: func(in, key string, value []byte) error { tr.store.Store(in+" "+key, string(value)); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); tr.n.Run(ctx) }()
	tr.end = func() { cancel(); <-done; tr.network.Close() }
}

// stages are the states of one incident, told some time apart.
func stages() []detect.Incident {
	now := time.Now()
	first := revoked()
	first.Since, first.Time, first.OpenedAt = now.Add(-time.Hour), now, now
	worse := first
	worse.Revision, worse.Milestone, worse.Status, worse.Observed = 2, 2, detect.StatusUpdate, 61
	over := ended(worse)
	return []detect.Incident{first, worse, over}
}

// patience is how long a destination that refuses for good is given until it is tried again, and more.
const patience = 3 * time.Hour

// play tells the incident, with the fault in its phase, and gives it time to be delivered.
func (tr *trial) play(t *testing.T) {
	for i, in := range stages() {
		if phases[i] == tr.phase {
			tr.server.Fail(append(make([]counterpart.Fault, tr.skip), tr.fault.Fault)...)
		}
		now := time.Now()
		in.Time = now
		if in.Status == detect.StatusResolved {
			in.ResolvedAt = now
		}
		tr.n.Tell([]detect.Incident{in})
		synctest.Wait()
		if calls := tr.witness.Calls(); len(calls) != i+1 || !calls[i].At.Equal(now) {
			t.Errorf("%v: another destination was told %v at %v", tr, calls, now)
		}
		for waited := time.Duration(0); waited < patience && (waited == 0 || tr.n.Status()[0].Pending > 0); waited += time.Minute {
			time.Sleep(time.Minute)
			synctest.Wait()
		}
	}
}
