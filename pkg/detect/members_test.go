package detect

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// again lets a connection of crm work again, anew by its user, or be deleted.
func (h *history) again(at time.Time, connection int, kind nango.Kind, anew bool) {
	h.put(at, kind, "crm", "crm", fmt.Sprint("c", connection), "")
	h.events[len(h.events)-1].Authorized = anew
}

// one is the newest incident of a provider as it is now.
func one(t *testing.T, d *Detector, provider string) Incident {
	t.Helper()
	for _, in := range slices.Backward(d.Incidents()) {
		if in.Provider == provider {
			return in
		}
	}
	t.Fatalf("no incident of %q", provider)
	return Incident{}
}

// What becomes of the connections that broke is an update at the edge of the slot while the incident is open, and the end says it. Afterwards the incident
// says what is so by then, of the same revision, and nothing is told.
func TestProof(t *testing.T) {
	h := running(80 * time.Hour)
	h.breaks("crm", "crm", onset, 8, time.Second) // c1 to c8
	h.breaks("mail", "m", onset, 1, time.Second)  // c9, of none
	h.again(onset.Add(65*time.Minute), 1, nango.Active, false)
	h.again(onset.Add(66*time.Minute), 2, nango.Reconnected, true)
	h.again(onset.Add(2*time.Hour), 3, nango.Deleted, false)
	h.again(onset.Add(2*time.Hour+time.Minute), 1, nango.Active, false) // no news
	h.again(onset.Add(40*time.Hour), 4, nango.Reconnected, false)
	h.again(onset.Add(41*time.Hour), 3, nango.Reconnected, true) // deleted, and made again
	h.again(onset.Add(42*time.Hour), 5, nango.Deleted, false)
	h.again(onset.Add(43*time.Hour), 6, nango.Failure, false) // there is none of this name any more
	h.events[len(h.events)-1].Cause, h.events[len(h.events)-1].Reason = nango.Other, "connection_deleted"
	d := New(Options{})
	told := lives(feed(d, h.sorted(), time.Time{}))["crm"]
	var got []string
	for _, in := range told {
		got = append(got, fmt.Sprintf("%s m%d r%d %d/%d: %d %d %d after %v", in.Status, in.Milestone, in.Revision, in.Affected, in.Customers,
			in.Remaining.Reconnected, in.Remaining.Deleted, in.Remaining.Broken, in.Time.Sub(onset).Truncate(time.Minute)))
	}
	want := []string{"open m1 r1 3/3: 0 0 3 after 0s", "update m1 r2 8/8: 0 0 8 after 10m0s", "update m1 r3 8/8: 2 0 6 after 1h10m0s",
		"update m1 r4 8/8: 2 1 5 after 2h10m0s", "resolved m2 r5 8/8: 2 1 5 after 24h10m0s"}
	if !slices.Equal(got, want) {
		t.Errorf("told\n%q, want\n%q", got, want)
	}
	now := one(t, d, "crm")
	if now.Revision != 5 || now.Milestone != 2 || now.Proof != 4 || now.Remaining != (Remaining{Reconnected: 4, Deleted: 2, Broken: 2}) || now.Status != StatusResolved {
		t.Errorf("%s, revision %d, proof %d, %+v", now.Status, now.Revision, now.Proof, now.Remaining)
	}
	if now.Time != last(told).Time {
		t.Errorf("the end was moved to %v", now.Time)
	}
}

// What is observed in the window of an incident is among what became of its connections, also what broke before the rise began within it.
func TestProofIsOfWhatWasObserved(t *testing.T) {
	later := 0
	for seed := range uint64(6) {
		h := newHistory(seed)
		h.life("crm", 4, monday, onset.Add(5*day))
		h.breaks("crm", "crm", onset, 25, 2*time.Hour)
		for _, in := range lives(feed(New(Options{}), h.sorted(), time.Time{}))["crm"] {
			if in.Affected < in.Observed || in.Remaining != (Remaining{Broken: in.Affected}) {
				t.Errorf("%s: %d observed of %d, %+v", in.Status, in.Observed, in.Affected, in.Remaining)
			}
			if in.Connections[0].Time.After(in.Time.Add(-time.Duration(in.WindowSeconds) * time.Second)) {
				later++
			}
		}
	}
	if later == 0 {
		t.Error("no rise began within its window")
	}
}

// A connection that works again and breaks once more needs somebody again, and is one connection.
func TestBreaksTwiceIsOneMember(t *testing.T) {
	h := running(40 * time.Hour)
	h.breaks("crm", "crm", onset, 8, time.Second)
	h.again(onset.Add(time.Hour), 1, nango.Active, false)
	h.put(onset.Add(2*time.Hour), nango.Failure, "crm", "crm", "c1", "customer1")
	told := lives(feed(New(Options{}), h.sorted(), time.Time{}))["crm"]
	if end := last(told); end.Status != StatusResolved || end.Affected != 8 || end.Remaining != (Remaining{Broken: 8}) {
		t.Errorf("%s: %d, %+v", end.Status, end.Affected, end.Remaining)
	}
	for _, c := range []struct {
		at   time.Time
		want int
	}{{onset.Add(70 * time.Minute), 7}, {onset.Add(130 * time.Minute), 8}} {
		if !slices.ContainsFunc(told, func(in Incident) bool { return in.Time.Equal(c.at) && in.Remaining.Broken == c.want }) {
			t.Errorf("at %v it is not told that %d are broken: %v", c.at, c.want, statuses(told))
		}
	}
}

// Members are counted over the whole life of an incident, re-openings too; a new incident of the series begins with none.
func TestReopenedGoesOnCounting(t *testing.T) {
	h := running(12 * day)
	h.breaks("crm", "crm", onset, 8, time.Second)
	h.again(onset.Add(time.Hour), 1, nango.Active, false)
	h.breaks("crm", "crm", onset.Add(31*time.Hour), 12, time.Second)
	h.breaks("crm", "crm", onset.Add(6*day), 5, time.Second)
	d := New(Options{})
	byID := map[string]Incident{}
	for _, in := range lives(feed(d, h.sorted(), time.Time{}))["crm"] {
		byID[in.ID] = in
	}
	got := map[int]Remaining{}
	for _, in := range byID {
		got[in.Affected] = in.Remaining
	}
	if want := map[int]Remaining{20: {Reconnected: 1, Broken: 19}, 5: {Broken: 5}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if len(d.members) != 1 || d.followed != 5 || len(d.memberOf) != 5 {
		t.Errorf("%d incidents have members, %d, %d", len(d.members), d.followed, len(d.memberOf))
	}
}

// An incident that is opened again and again knows what became of its first connections also when nothing was heard of them for longer than others are
// remembered; with the incident they are forgotten.
func TestMembersAreRemembered(t *testing.T) {
	const rises = 31
	h := running(120 * day)
	for i := range rises {
		h.breaks("crm", "crm", onset.Add(time.Duration(i)*80*time.Hour), 8, time.Second)
	}
	h.again(onset.Add(time.Hour), 1, nango.Reconnected, true)
	h.again(onset.Add(time.Hour), 2, nango.Deleted, false)
	d := New(Options{})
	end := last(lives(feed(d, h.sorted(), time.Time{}))["crm"])
	if end.Since.Sub(onset) < 95*day || end.Affected != 8*rises || end.Remaining != (Remaining{Reconnected: 1, Deleted: 1, Broken: 8*rises - 2}) {
		t.Errorf("since %v: %d, %+v", end.Since, end.Affected, end.Remaining)
	}
	if d.followed != 0 || d.ledger.State("prod", "crm", "c1") != "" || d.ledger.State("prod", "crm", fmt.Sprint("c", 8*rises)) != window.Broken {
		t.Errorf("%d are followed, c1 is %q", d.followed, d.ledger.State("prod", "crm", "c1"))
	}
}

// The age of a connection is that at which it broke, also when its user authorized it anew since; one that broke again was authorized since.
func TestCreatedIsBeforeTheBreak(t *testing.T) {
	h := running(30 * time.Hour)
	made := onset.Add(-7 * day)
	for i := range 4 {
		h.again(made.Add(time.Duration(i)*time.Second), i+1, nango.Reconnected, i < 3)
	}
	h.breaks("crm", "crm", onset, 8, time.Second)
	h.again(onset.Add(time.Hour), 1, nango.Reconnected, true)
	h.again(onset.Add(time.Hour), 2, nango.Reconnected, true)
	h.put(onset.Add(2*time.Hour), nango.Failure, "crm", "crm", "c2", "customer2")
	end := last(lives(feed(New(Options{}), h.sorted(), time.Time{}))["crm"])
	if end.Status != StatusResolved || len(end.Connections) != 8 {
		t.Fatalf("%+v", end)
	}
	for i, b := range end.Connections {
		want := time.Time{}
		if i < 3 {
			want = made.Add(time.Duration(i) * time.Second)
		}
		if !b.Created.Equal(want) {
			t.Errorf("%s: made at %v, want %v", b.Connection, b.Created, want)
		}
	}
}

// Customers are those whose account the rows say; where they say none the number is not known.
func TestCustomers(t *testing.T) {
	for name, c := range map[string]struct {
		account func(int) string
		want    int
	}{
		"each its own": {func(i int) string { return fmt.Sprint("a", i) }, 9},
		"two each":     {func(i int) string { return fmt.Sprint("a", i/2) }, 5},
		"not known":    {func(int) string { return "" }, 0},
		"some":         {func(i int) string { return []string{"", "", "", "x", "y"}[i%5] }, 2},
	} {
		h := running(time.Hour)
		for i := range 9 {
			h.put(onset.Add(time.Duration(i)*time.Second), nango.Failure, "crm", "crm", fmt.Sprint(i), c.account(i))
		}
		if got := last(lives(feed(New(Options{}), h.sorted(), time.Time{}))["crm"]); got.Affected != 9 || got.Customers != c.want {
			t.Errorf("%s: %d of %d customers, want %d", name, got.Affected, got.Customers, c.want)
		}
	}
}

// Nothing becomes of connections that never were.
func TestUnknownConnectionsHaveNoProof(t *testing.T) {
	h := running(time.Hour)
	for i := range 12 {
		h.put(onset.Add(time.Duration(i)*time.Minute), nango.UnknownConnection, "", "mail", fmt.Sprint("ghost", i), "")
	}
	h.put(onset.Add(30*time.Minute), nango.Reconnected, "mail", "mail", "ghost3", "")
	h.put(onset.Add(31*time.Minute), nango.Failure, "mail", "mail", "ghost3", "")
	h.put(onset.Add(45*time.Minute), nango.Deleted, "mail", "mail", "ghost3", "")
	d := New(Options{})
	feed(d, h.sorted(), time.Time{})
	got := one(t, d, "mail")
	if got.Signal != UnknownConnections || got.Affected != 12 || got.Remaining != (Remaining{}) {
		t.Errorf("%s: %d, %+v", got.Signal, got.Affected, got.Remaining)
	}
}

// The connections of the parts are those of the whole, each once, and what becomes of them is told of both.
func TestPartsAddUp(t *testing.T) {
	h := running(40 * time.Hour)
	h.breaks("google-mail", "m", onset, 8, time.Second)
	h.breaks("google-calendar", "c", onset.Add(20*time.Minute), 6, time.Second)
	h.breaks("google-drive", "d", onset.Add(40*time.Minute), 4, time.Second)
	h.put(onset.Add(2*time.Hour), nango.Active, "google-calendar", "c", "c9", "")
	of := lives(feed(New(Options{Family: vendor}), h.sorted(), time.Time{}))
	for name, want := range map[string]Incident{
		"google-mail":     {Affected: 18, Customers: 18, Remaining: Remaining{Reconnected: 1, Broken: 17}},
		"google-calendar": {Affected: 6, Customers: 6, Remaining: Remaining{Reconnected: 1, Broken: 5}},
		"google-drive":    {Affected: 4, Customers: 4, Remaining: Remaining{Broken: 4}},
	} {
		if got := last(of[name]); got.Affected != want.Affected || got.Customers != want.Customers || got.Remaining != want.Remaining || got.Status != StatusResolved {
			t.Errorf("%s: %s, %d of %d customers, %+v, want %+v", name, got.Status, got.Affected, got.Customers, got.Remaining, want)
		}
	}
	at := onset.Add(2*time.Hour + 10*time.Minute)
	if !slices.ContainsFunc(of["google-mail"], func(in Incident) bool { return in.Time.Equal(at) && in.Remaining.Reconnected == 1 }) {
		t.Errorf("the whole does not say at %v that one of a part works again", at)
	}
}

// A rise of all counts what broke in each, also where no incident of its own opened, and what broke later in its parts.
func TestAllAddUp(t *testing.T) {
	h := running(60 * time.Hour)
	h.everybody(onset.Add(time.Minute), 10, 2)
	h.breaks("p03", "p03", onset.Add(2*time.Hour), 10, time.Minute)
	h.put(onset.Add(4*time.Hour), nango.Active, "p01", "p01", "c3", "")
	h.put(onset.Add(50*time.Hour), nango.Deleted, "p01", "p01", "c4", "")
	d := New(Options{})
	told := lives(feed(d, h.sorted(), time.Time{}))[""]
	for _, in := range told {
		if in.Affected < in.Observed || in.Remaining.Reconnected+in.Remaining.Deleted+in.Remaining.Broken != in.Affected {
			t.Errorf("%s: %d observed of %d, %+v", in.Status, in.Observed, in.Affected, in.Remaining)
		}
	}
	if end := last(told); end.Status != StatusResolved || end.Affected != 30 || end.Remaining != (Remaining{Reconnected: 1, Broken: 29}) {
		t.Errorf("%s: %d, %+v", end.Status, end.Affected, end.Remaining)
	}
	if now := one(t, d, ""); now.Proof != 1 || now.Remaining.Deleted != 1 {
		t.Errorf("afterwards: proof %d, %+v", now.Proof, now.Remaining)
	}
}

// What happened in the slot in which the rise of all ends is in what its end says.
func TestAllEndWithWhatIsSo(t *testing.T) {
	h := running(9 * time.Hour)
	h.everybody(onset, 8, 1)
	h.put(onset.Add(7*time.Hour-time.Minute), nango.Active, "p01", "p01", "c2", "")
	d := New(Options{})
	end := last(lives(feed(d, h.sorted(), time.Time{}))[""])
	if end.Status != StatusResolved || end.Remaining != (Remaining{Reconnected: 1, Broken: 7}) || one(t, d, "").Proof != 0 {
		t.Errorf("%s, %+v, proof %d", end.Status, end.Remaining, one(t, d, "").Proof)
	}
}

// What a part broke stays known of the whole when the part is replaced by a newer incident of its series.
func TestWholeOutlivesItsParts(t *testing.T) {
	h := running(6 * day)
	h.breaks("google-mail", "m", onset, 8, time.Second)
	h.breaks("google-calendar", "c", onset.Add(20*time.Minute), 6, time.Second)
	h.breaks("google-calendar", "c", onset.Add(5*day), 9, time.Second)
	d := New(Options{Family: vendor})
	feed(d, h.sorted(), time.Time{})
	if got := one(t, d, "google-calendar"); got.Affected != 9 {
		t.Fatalf("%d broke in the newer incident", got.Affected)
	}
	if got := one(t, d, "google-mail"); got.Affected != 14 || got.Remaining.Broken != 14 {
		t.Errorf("%d, %+v", got.Affected, got.Remaining)
	}
}

// Ten thousand connections of an incident are followed, whatever breaks, each is stored once, and people are told that there are more.
func TestMembersAreBounded(t *testing.T) {
	h := running(30 * time.Hour)
	h.breaks("crm", "crm", onset, 4, time.Second)
	h.breaks("crm", "crm", onset.Add(time.Hour), 9, time.Minute)
	d, puts, size := New(Options{}), 0, 0
	for i, e := range h.sorted() {
		feed(d, []nango.Event{e}, time.Time{})
		if len(d.members) == 1 && d.followed < MaxMembers-9 {
			for i := d.followed; i < MaxMembers-5; i++ {
				d.addMember(one(t, d, "crm").ID, name{"prod", "google-calendar-eu", fmt.Sprintf("4fa00000-0000-4000-8000-%012d", i)}, "customer-account", true)
			}
		}
		if i%50 == 0 || e.Kind == nango.Failure {
			d.Changes(func(bucket, key string, value []byte) {
				if bucket == bucketMembers {
					puts, size = puts+1, size+len(key)+len(value)
				}
			})
		}
	}
	got := one(t, d, "crm")
	if !got.Beyond || got.Affected != MaxMembers || got.Remaining.Broken != MaxMembers || !slices.Contains(got.Explanation, beyondNote) {
		t.Errorf("%d, %+v, %q", got.Affected, got.Remaining, got.Explanation)
	}
	if t.Logf("%d bytes are stored in all", size); puts != MaxMembers || size > 150*MaxMembers {
		t.Errorf("stored %d times, %d bytes", puts, size)
	}
}

// What an edge costs when one of ten thousand connections works again.
func BenchmarkProof(b *testing.B) {
	h := running(time.Hour)
	h.breaks("crm", "crm", onset, 8, time.Second)
	d := New(Options{})
	feed(d, h.sorted(), time.Time{})
	s := d.series[key{Revocations, "prod", "crm", "revoked"}]
	for i := d.followed; i < MaxMembers; i++ {
		n := name{"prod", "crm", fmt.Sprintf("4fa00000-0000-4000-8000-%012d", i)}
		d.addMember(s.incident.ID, n, "a", true)
		d.ledger.Observe(nango.Event{Kind: nango.Failure, Cause: nango.Revoked, Time: onset, Environment: "prod", Provider: "crm", Integration: "crm", Connection: n.connection})
	}
	for b.Loop() {
		d.turned(name{"prod", "crm", "c1"})
		d.recount(s.incident)
	}
}

// All incidents together follow a hundred thousand.
func TestAllMembersAreBounded(t *testing.T) {
	d := New(Options{})
	for i := range 20 * MaxMembers {
		if id := i / MaxMembers; d.addMember(fmt.Sprint(id), name{"prod", "crm", fmt.Sprint(i)}, "", true) != (i < maxFollowed) {
			t.Fatalf("number %d", i)
		}
	}
	if d.followed != maxFollowed || len(d.memberOf) != maxFollowed {
		t.Errorf("%d, %d", d.followed, len(d.memberOf))
	}
	for i := range 20 {
		d.forgetMembers(fmt.Sprint(i))
	}
	if d.followed != 0 || len(d.memberOf) != 0 || !d.addMember("new", name{"prod", "crm", "x"}, "", true) {
		t.Errorf("%d, %d are left", d.followed, len(d.memberOf))
	}
}

// With the incident its members are forgotten, in the state too.
func TestMembersLeaveWithTheIncident(t *testing.T) {
	h := running(10 * day)
	h.breaks("crm", "crm", onset, 8, time.Second)
	h.everybody(onset.Add(time.Hour), 12, 2)
	d, stored := New(Options{}), map[string]map[string][]byte{}
	most := 0
	for _, e := range h.sorted() {
		feed(d, []nango.Event{e}, time.Time{})
		d.Changes(keep(stored))
		most = max(most, len(stored[bucketMembers]))
	}
	if most < 32 || len(stored[bucketMembers])+len(d.members)+len(d.memberOf)+d.followed != 0 {
		t.Errorf("%d were stored, %d are, %d in %d incidents", most, len(stored[bucketMembers]), d.followed, len(d.members))
	}
}

// What became of the connections is what the plain list of events says of each that newly broke from the first onset of the incident to its end, wherever
// the process is stopped.
func TestProofIsThePlainRule(t *testing.T) {
	few(t, 10)
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(rapid.Uint64().Draw(t, "seed"))
		end := monday.Add(30 * day)
		h.life("rows", 0, monday, end)
		at := monday.Add(21*day + 12*time.Hour)
		broke := rapid.IntRange(8, 30).Draw(t, "broke")
		h.breaks("crm", "crm", at, broke, time.Duration(rapid.IntRange(1, 400).Draw(t, "step"))*time.Second)
		kinds := []nango.Kind{nango.Active, nango.Reconnected, nango.Deleted, nango.Failure, nango.Seen}
		for range rapid.IntRange(0, 40).Draw(t, "signs") {
			kind := rapid.SampledFrom(kinds).Draw(t, "kind")
			after := time.Duration(rapid.IntRange(4*60, 4*24*60).Draw(t, "minutes")) * time.Minute
			h.again(at.Add(after).Add(time.Duration(len(h.events))*time.Millisecond), rapid.IntRange(1, broke).Draw(t, "connection"), kind, kind == nango.Reconnected)
		}
		d, stored := New(Options{}), map[string]map[string][]byte{}
		straight := New(Options{})
		events := h.sorted()
		want := feed(straight, events, time.Time{})
		var told []Incident
		stop := rapid.IntRange(5, 400).Draw(t, "stop every")
		for i, e := range events {
			told = append(told, feed(d, []nango.Event{e}, time.Time{})...)
			if i%stop == 0 {
				d.Changes(keep(stored))
				d = restored(t, stored)
			}
		}
		if !reflect.DeepEqual(told, want) || !reflect.DeepEqual(d.Incidents(), straight.Incidents()) {
			t.Fatalf("stopped every %d: %+v\nwant %+v\nnow %+v\nwant %+v", stop, told, want, d.Incidents(), straight.Incidents())
		}
		if c, s := d.Connections(Filter{}), straight.Connections(Filter{}); !reflect.DeepEqual(c, s) || !reflect.DeepEqual(d.Week(time.Time{}), straight.Week(time.Time{})) {
			t.Fatalf("stopped every %d: %+v\nwant %+v", stop, c, s)
		}
		for _, in := range d.Incidents() {
			if got := plainProof(events, in, told); in.Remaining != got {
				t.Fatalf("%+v, the events say %+v", in.Remaining, got)
			}
		}
	})
}

// plainProof reads the events of crm from the first onset on, up to the newest closed slot.
func plainProof(events []nango.Event, in Incident, told []Incident) (r Remaining) {
	first := in.Since
	for _, x := range told {
		if x.ID == in.ID && x.Since.Before(first) {
			first = x.Since
		}
	}
	member, state, failed := map[string]bool{}, map[string]window.State{}, map[string]time.Time{}
	closed := window.SlotTime(window.SlotOf(events[len(events)-1].Time))
	for _, e := range events {
		if e.Provider != "crm" || !e.Time.Before(closed) {
			continue
		}
		switch e.Kind {
		case nango.Failure:
			forgotten := e.Time.Sub(failed[e.Connection]) > 7*day
			if isNew := state[e.Connection] != window.Broken || forgotten; isNew && !e.Time.Before(first) && (in.ResolvedAt.IsZero() || e.Time.Before(in.ResolvedAt)) {
				member[e.Connection] = true
			}
			state[e.Connection], failed[e.Connection] = window.Broken, e.Time
		case nango.Active, nango.Reconnected:
			state[e.Connection] = window.Working
		case nango.Deleted:
			state[e.Connection] = window.Deleted
		}
	}
	for name := range member {
		switch state[name] {
		case window.Broken:
			r.Broken++
		case window.Deleted:
			r.Deleted++
		default:
			r.Reconnected++
		}
	}
	return r
}
