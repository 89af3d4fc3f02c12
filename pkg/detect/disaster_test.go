package detect

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// disaster adds to a history a burst of one provider or of many, of breaks of any cause or of requests for what does not exist, and what then becomes of
// the connections.
func (h *history) disaster(t *rapid.T) {
	names := []string{"google-mail", "google-drive", "google-calendar", "salesforce", "slack", "crm", "hubspot"}
	at, from := onset.Add(time.Duration(rapid.IntRange(0, 3*24*60).Draw(t, "at"))*time.Minute), len(h.events)
	name, n, step := rapid.SampledFrom(names).Draw(t, "name"), rapid.IntRange(2, 30).Draw(t, "breaks"), time.Duration(rapid.IntRange(1, 900).Draw(t, "step"))*time.Second
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0, 1:
		h.breaks(name, name, at, n, step)
	case 2:
		h.everybody(at, rapid.IntRange(4, 9).Draw(t, "providers"), rapid.IntRange(1, 4).Draw(t, "each"))
	case 3:
		for i := range n {
			h.put(at.Add(time.Duration(i)*step), nango.UnknownConnection, "", name, fmt.Sprint("c", i), "")
		}
	case 4:
		for i := range 3 * len(names) {
			h.put(at.Add(time.Duration(i)*time.Minute), nango.UnknownConnection, "", names[i%len(names)], fmt.Sprint("C", i), "")
		}
	}
	environment, account := rapid.SampledFrom([]string{"prod", "dev", ""}).Draw(t, "environment"), rapid.SampledFrom([]string{"own", "one", ""}).Draw(t, "account")
	cause := rapid.SampledFrom([]nango.Cause{nango.Revoked, nango.Misconfigured, nango.Transient, nango.Unknown}).Draw(t, "cause")
	for i := range h.events[from:] {
		e := &h.events[from+i]
		if e.Environment = environment; e.Kind == nango.Failure {
			e.Cause = cause
		}
		if account != "own" {
			e.Account = account
		}
	}
	for range rapid.IntRange(0, 20).Draw(t, "signs") {
		e := rapid.SampledFrom(h.events[from:]).Draw(t, "of")
		e.Time = e.Time.Add(time.Duration(rapid.IntRange(1, 3*24*60).Draw(t, "after")) * time.Minute)
		e.Kind, e.Due, e.Cause, e.Reason = rapid.SampledFrom([]nango.Kind{nango.Active, nango.Reconnected, nango.Deleted}).Draw(t, "sign"), e.Time, "", ""
		e.Authorized = e.Kind == nango.Reconnected
		h.events = append(h.events, e)
	}
}

// Whatever happens to several providers at once: each telling has something new, what became of the connections adds up, and where the process is stopped
// does not matter.
func TestDisasters(t *testing.T) {
	few(t, 5)
	opt := Options{Provider: table(t).Provider, Unknown: window.UnknownCount}
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(rapid.Uint64().Draw(t, "seed"))
		h.life("google-mail", 3, monday, onset.Add(5*day))
		for range rapid.IntRange(1, 8).Draw(t, "disasters") {
			h.disaster(t)
		}
		straight, d, stored := New(opt), New(opt), map[string]map[string][]byte{}
		var told, want []Incident
		stop := rapid.IntRange(5, 400).Draw(t, "stop every")
		for i, e := range h.sorted() {
			want = append(want, feed(straight, []nango.Event{e}, time.Time{})...)
			told = append(told, feed(d, []nango.Event{e}, time.Time{})...)
			if i%stop == 0 {
				d.Changes(keep(stored))
				d = restoredWith(t, opt, stored)
			}
		}
		if !reflect.DeepEqual(told, want) || !reflect.DeepEqual(d.Incidents(), straight.Incidents()) {
			t.Fatalf("stopped every %d:\n%+v, want\n%+v", stop, told, want)
		}
		if !reflect.DeepEqual(d.Connections(Filter{}), straight.Connections(Filter{})) || !reflect.DeepEqual(d.Week(time.Time{}), straight.Week(time.Time{})) {
			t.Fatalf("stopped every %d: other connections, or another week", stop)
		}
		newest := map[string]Incident{}
		for _, in := range want {
			if was, known := newest[in.ID]; known && (in.Revision != was.Revision+1 || in.Milestone < was.Milestone || in.tellsNothing(was)) {
				t.Fatalf("%+v\nafter\n%+v", in, was)
			}
			all := in.Affected
			if in.Signal == UnknownConnections {
				all = 0
			}
			if r := in.Remaining; r.Broken+r.Deleted+r.Reconnected != all || in.Affected < in.Observed || in.Observed == 0 {
				t.Fatalf("%d observed of %d, %+v", in.Observed, in.Affected, r)
			}
			newest[in.ID] = in
		}
	})
}

// tellsNothing reports whether an update differs from the one before in its time and course only.
func (in Incident) tellsNothing(was Incident) bool {
	was.Revision, was.Time, was.Course = in.Revision, in.Time, in.Course
	return in.Status == StatusUpdate && reflect.DeepEqual(in, was)
}
