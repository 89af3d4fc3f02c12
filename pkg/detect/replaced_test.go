package detect

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// An incident that resolved is listed for its seven days also when the next one of its series opens before: whoever could not be told of its end can be
// still. It says on what becomes of its connections, over a restart too.
func TestReplacedIsStillTold(t *testing.T) {
	h := running(12 * day)
	h.breaks("crm", "crm", onset, 8, time.Second)            // c1 to c8
	h.breaks("crm", "crm", onset.Add(5*day), 5, time.Second) // c9 to c13
	h.again(onset.Add(6*day), 1, nango.Reconnected, true)
	events := h.sorted()
	until := func(at time.Time) int {
		return slices.IndexFunc(events, func(e nango.Event) bool { return e.Time.After(at) })
	}
	d, stored := New(Options{}), map[string]map[string][]byte{}
	first := last(lives(feed(d, events[:until(onset.Add(4*day))], time.Time{}))["crm"])
	if first.Status != StatusResolved {
		t.Fatal(first.Status)
	}
	d.Changes(keep(stored))
	second := last(lives(feed(d, events[until(onset.Add(4*day)):until(onset.Add(5*day+time.Hour))], time.Time{}))["crm"])
	if second.ID == first.ID {
		t.Fatal("it was opened again")
	}
	d.Changes(keep(stored))
	again := restored(t, stored)
	for name, d := range map[string]*Detector{"running": d, "restarted": again} {
		got := d.Incidents()
		if len(got) != 2 || got[0].ID != first.ID || got[0].Status != StatusResolved || !got[0].ResolvedAt.Equal(first.ResolvedAt) || got[0].Milestone != first.Milestone || got[1].ID != second.ID {
			t.Fatalf("%s: %+v", name, got)
		}
		if n, m := len(d.Connections(Filter{Incident: first.ID})), len(d.Connections(Filter{Incident: second.ID})); n != 8 || m != 5 {
			t.Errorf("%s: %d connections of the first, %d of the second", name, n, m)
		}
		feed(d, events[until(onset.Add(5*day+time.Hour)):until(onset.Add(7*day))], time.Time{})
		if now := d.Incidents()[0]; now.ID != first.ID || now.Proof != first.Proof+1 || now.Revision != first.Revision || now.Remaining != (Remaining{Reconnected: 1, Broken: 7}) {
			t.Errorf("%s: proof %d, revision %d, %+v", name, now.Proof, now.Revision, now.Remaining)
		}
	}
	if !reflect.DeepEqual(again.Incidents(), d.Incidents()) {
		t.Errorf("%+v\nwithout a restart %+v", again.Incidents(), d.Incidents())
	}
	feed(d, events[until(onset.Add(7*day)):], time.Time{})
	d.Changes(keep(stored))
	if got := d.Incidents(); len(got) != 1 || got[0].ID != second.ID || len(stored[bucketReplaced]) != 0 || len(d.members) != 1 {
		t.Errorf("after seven days: %d incidents, %d stored, %d with members", len(got), len(stored[bucketReplaced]), len(d.members))
	}
}

// No more are kept than the bound: those that ended first go.
func TestReplacedAreBounded(t *testing.T) {
	d, stored := New(Options{}), map[string]map[string][]byte{}
	for i := range maxReplaced + 2 {
		x := &tracked{}
		x.ID, x.ResolvedAt = fmt.Sprint(i), monday.Add(-time.Duration(i)*time.Second)
		d.addMember(x.ID, name{"prod", "crm", x.ID}, "", true)
		d.replace(x)
	}
	d.Changes(keep(stored))
	left := d.Incidents()
	if len(left) != maxReplaced || len(d.members) != maxReplaced || len(stored[bucketReplaced]) != maxReplaced || slices.Contains(slices.Collect(maps.Keys(d.members)), fmt.Sprint(maxReplaced)) {
		t.Errorf("%d incidents, %d with members, %d stored", len(left), len(d.members), len(stored[bucketReplaced]))
	}
}

// What is followed of incidents that others replaced gives way to what breaks now.
func TestReplacedGiveWay(t *testing.T) {
	d := New(Options{})
	for i := range maxFollowed {
		d.addMember(fmt.Sprint(i/MaxMembers), name{"prod", "crm", fmt.Sprint(i)}, "", true)
	}
	for i := range 2 {
		x := &tracked{}
		x.ID, x.ResolvedAt = fmt.Sprint(i), monday.Add(time.Duration(i)*time.Second)
		d.replace(x)
	}
	if !d.addMember("new", name{"prod", "crm", "one more"}, "", true) {
		t.Error("it is not followed")
	}
	if d.members["0"] != nil || d.members["1"] == nil || len(d.Incidents()) != 2 || d.followed != maxFollowed-MaxMembers+1 {
		t.Errorf("%d are followed of %d incidents, %d are listed", d.followed, len(d.members), len(d.Incidents()))
	}
}
