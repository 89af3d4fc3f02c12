package detect

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
)

var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// history writes events of one environment: what a test needs of a world.
type history struct {
	rng    *rand.Rand
	events []nango.Event
	next   int
}

func newHistory(seed uint64) *history { return &history{rng: rand.New(rand.NewPCG(seed, 1))} }

func (h *history) put(at time.Time, kind nango.Kind, provider, integration, connection, account string) {
	e := nango.Event{Kind: kind, Time: at, Due: at, Environment: "prod", Provider: provider, Integration: integration, Connection: connection, Account: account}
	if kind == nango.Failure {
		e.Cause, e.Reason = nango.Revoked, "invalid_grant"
	}
	h.events = append(h.events, e)
}

// life breaks perDay new connections a day at random from one time to another, and shows a row of life every 20 minutes.
func (h *history) life(provider string, perDay float64, from, to time.Time) {
	for at := from; at.Before(to); at = at.Add(20 * time.Minute) {
		h.put(at, nango.Active, provider, provider, "always", "")
	}
	at := from
	for perDay > 0 {
		at = at.Add(time.Duration(h.rng.ExpFloat64() / perDay * float64(day))).Truncate(time.Millisecond)
		if !at.Before(to) {
			return
		}
		h.breaks(provider, provider, at, 1, 0)
	}
}

// breaks breaks n new connections, one each step.
func (h *history) breaks(provider, integration string, at time.Time, n int, step time.Duration) {
	for range n {
		h.next++
		h.put(at, nango.Failure, provider, integration, fmt.Sprintf("c%d", h.next), fmt.Sprintf("customer%d", h.next))
		at = at.Add(step)
	}
}

// late makes every n-th event one that waited for its reason.
func (h *history) late(n int, by time.Duration) {
	for i := range h.events {
		if i%n == 0 && h.events[i].Kind == nango.Failure {
			h.events[i].Due = h.events[i].Due.Add(by)
		}
	}
}

func (h *history) sorted() []nango.Event {
	slices.SortStableFunc(h.events, func(a, b nango.Event) int { return cmp.Or(a.Due.Compare(b.Due), a.Time.Compare(b.Time)) })
	return h.events
}

// feed runs events through a detector as the pipeline does when it is far ahead with reading.
func feed(d *Detector, events []nango.Event, now time.Time) (told []Incident) {
	for _, e := range events {
		d.Row(e.Time)
	}
	for _, e := range events {
		told = append(told, d.Advance(e.Due, now)...)
		told = append(told, d.Observe(e, now).Incidents...)
	}
	return told
}

func statuses(told []Incident) (s []Status) {
	for _, in := range told {
		s = append(s, in.Status)
	}
	return s
}

func count(told []Incident, status Status) (n int) {
	for _, in := range told {
		if in.Status == status {
			n++
		}
	}
	return n
}

func TestMassRevocationIsOneIncident(t *testing.T) {
	h := newHistory(2)
	end := monday.Add(32 * day)
	h.life("google-mail", 2, monday, end)
	h.life("hubspot", 0.3, monday, end)
	onset := monday.Add(28*day + 14*time.Hour + 5*time.Minute)
	h.breaks("google-mail", "mail-eu", onset, 23, 2*time.Minute)
	told := feed(New(Options{}), h.sorted(), time.Time{})
	if count(told, StatusOpen) != 1 || count(told, StatusResolved) != 1 {
		t.Fatalf("told %v, want one incident that opens and resolves", statuses(told))
	}
	first, last := told[0], told[len(told)-1]
	if first.Provider != "google-mail" || first.Cause != "revoked" || first.Signal != Revocations || first.Environment != "prod" || first.Revision != 1 {
		t.Errorf("opened as %+v", first)
	}
	if late := first.Time.Sub(onset); late < 0 || late > 20*time.Minute {
		t.Errorf("opened %v after the onset", late)
	}
	if off := first.Since.Sub(onset); off < -10*time.Minute || off > 10*time.Minute {
		t.Errorf("since %v, want %v", first.Since, onset)
	}
	if first.Score < 1 || first.OncePerDays < 90 || first.Observed < 3 || float64(first.Observed) < 3*first.Expected {
		t.Errorf("score %v, once per %v days, %d observed, %v expected", first.Score, first.OncePerDays, first.Observed, first.Expected)
	}
	if last.Scope != "integration" || last.Integration != "mail-eu" || len(last.Connections) != 23 || last.ID != first.ID {
		t.Errorf("ended as %+v", last)
	}
	for i := 1; i < len(told); i++ {
		if told[i].Revision != told[i-1].Revision+1 || told[i].Milestone < told[i-1].Milestone {
			t.Errorf("revision %d, milestone %d after %d, %d", told[i].Revision, told[i].Milestone, told[i-1].Revision, told[i-1].Milestone)
		}
	}
	if after := last.Time.Sub(onset.Add(46 * time.Minute)); after > 25*time.Hour {
		t.Errorf("resolved %v after the last break", after)
	}
}

// 12 series of 60 days each without an incident: the budget, 90 days a series, allows eight false alarms.
func TestOrdinaryLifeKeepsTheBudget(t *testing.T) {
	opened := 0
	for seed := range uint64(4) {
		h := newHistory(seed)
		h.life("a", 0.2, monday, monday.Add(60*day))
		h.life("b", 5, monday, monday.Add(60*day))
		h.life("c", 60, monday, monday.Add(60*day))
		opened += count(feed(New(Options{}), h.sorted(), time.Time{}), StatusOpen)
	}
	if opened > 4 {
		t.Errorf("%d false alarms", opened)
	}
}

func TestColdStart(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		n     int
		opens int
	}{
		{40 * time.Hour, 40, 0},        // nothing is judged in the first two days
		{6*day + 12*time.Hour, 40, 1},  // a large rise within a day
		{21*day + 12*time.Hour, 4, 1},  // a quiet provider
		{21*day + 12*time.Hour, 2, 0},  // fewer than three
		{3*day - 30*time.Minute, 5, 1}, // the third day is the first that is judged, when it is over
	} {
		h := newHistory(1)
		h.life("a", 0, monday, monday.Add(30*day))
		h.breaks("a", "a", monday.Add(c.after), c.n, time.Minute)
		if told := feed(New(Options{}), h.sorted(), time.Time{}); count(told, StatusOpen) != c.opens {
			t.Errorf("%d breaks after %v: %v, want %d opened", c.n, c.after, statuses(told), c.opens)
		}
	}
}

func TestAccountCap(t *testing.T) {
	leaving := func(account string) []Incident {
		h := newHistory(1)
		h.life("a", 0, monday, monday.Add(30*day))
		for i := range 12 {
			who := account
			if who == "" {
				who = fmt.Sprint(i)
			}
			connection := fmt.Sprint("x", i)
			h.put(monday.Add(20*day), nango.Reconnected, "a", "a", connection, who) // the failure itself does not say of whom
			h.put(monday.Add(21*day+time.Duration(i)*time.Minute), nango.Failure, "a", "a", connection, "")
		}
		return feed(New(Options{}), h.sorted(), time.Time{})
	}
	if told := leaving("acme"); len(told) > 0 {
		t.Errorf("one customer leaves: %v", statuses(told))
	}
	if told := leaving(""); count(told, StatusOpen) != 1 {
		t.Errorf("twelve customers: %v", statuses(told))
	}
}

// An outage alone opens nothing, however many connections it hits.
func TestTransientsNeverCount(t *testing.T) {
	h := newHistory(1)
	h.life("a", 0, monday, monday.Add(30*day))
	for i := range 200 {
		h.put(monday.Add(21*day+time.Duration(i)*time.Minute), nango.Failure, "a", "a", fmt.Sprint("x", i), "")
		h.events[len(h.events)-1].Cause = nango.Transient
	}
	d := New(Options{})
	if told := feed(d, h.sorted(), time.Time{}); len(told) > 0 || len(d.Series()) > 0 {
		t.Errorf("%v", statuses(told))
	}
}

func TestPast(t *testing.T) {
	h := newHistory(1)
	h.life("a", 0, monday, monday.Add(30*day))
	h.breaks("a", "a", monday.Add(21*day), 10, time.Minute)
	for behind, past := range map[time.Duration]bool{0: false, 5 * time.Hour: false, 7 * time.Hour: true, 14 * day: true} {
		told := feed(New(Options{}), h.sorted(), monday.Add(21*day+behind))
		if count(told, StatusOpen) != 1 || told[0].Past != past {
			t.Errorf("%v behind: %v, past %v", behind, statuses(told), told[0].Past)
		}
	}
}

// A flood of rows that are hours late is judged when it comes: the rows that would close the next slot may be long in coming.
func TestLateBreaksAreJudgedAtOnce(t *testing.T) {
	h := newHistory(2)
	h.life("a", 1, monday, monday.Add(30*day))
	d := New(Options{})
	feed(d, h.sorted(), time.Time{})
	late := newHistory(3)
	late.next = 1000
	late.breaks("a", "a", monday.Add(30*day-5*time.Hour), 12, time.Minute)
	told := []Incident{}
	for _, e := range late.events {
		told = append(told, d.Observe(e, time.Time{}).Incidents...)
	}
	if count(told, StatusOpen) != 1 {
		t.Errorf("told %v, want an incident", statuses(told))
	}
}

func TestReopen(t *testing.T) {
	h := newHistory(1)
	h.life("a", 0, monday, monday.Add(60*day))
	h.breaks("a", "a", monday.Add(21*day), 8, time.Minute)
	h.breaks("a", "a", monday.Add(23*day), 8, time.Minute)  // resolved about a day ago
	h.breaks("a", "a", monday.Add(25*day), 30, time.Minute) // and worse
	h.breaks("a", "a", monday.Add(40*day), 8, time.Minute)
	told := feed(New(Options{}), h.sorted(), time.Time{})
	ids, milestone := map[string]bool{}, map[Status][]int{}
	for _, in := range told {
		ids[in.ID] = true
		milestone[in.Status] = append(milestone[in.Status], in.Milestone)
	}
	if len(ids) != 2 || count(told, StatusOpen) != 2 || count(told, StatusReopened) != 2 || count(told, StatusResolved) != 4 {
		t.Fatalf("%d incidents: %v", len(ids), statuses(told))
	}
	if r, end := milestone[StatusReopened], milestone[StatusResolved]; r[0] != end[0] || r[1] <= end[1]-1 {
		t.Errorf("milestones at re-opening %v, at resolve %v: the first is quiet, the second loud", r, end)
	}
}

func TestSilenceIsNotRecovery(t *testing.T) {
	h := newHistory(1)
	h.life("a", 0, monday, monday.Add(21*day))
	h.breaks("a", "a", monday.Add(21*day), 10, time.Minute)
	after := monday.Add(41 * day)
	h.life("a", 0, after, after.Add(40*time.Hour)) // after twenty days without a row
	d := New(Options{})
	for _, e := range h.sorted() {
		for _, in := range feed(d, []nango.Event{e}, time.Time{}) {
			// a level of about one in three weeks, so only a day without a break ends it
			if awake := in.Time.Sub(after); in.Status == StatusResolved && (awake < 23*time.Hour || awake > 25*time.Hour) {
				t.Errorf("%q %v after the silence", in.Resolution, awake)
			}
		}
	}
	if d.Series()[0].State != StateQuiet {
		t.Error("a day with rows and without breaks did not resolve it")
	}
}

func TestLostOffsetsTeachNothing(t *testing.T) {
	h := newHistory(3)
	h.life("a", 10, monday, monday.Add(21*day))
	h.life("a", 10, monday.Add(24*day), monday.Add(40*day))
	d := New(Options{})
	d.Unobserved(monday.Add(21*day), monday.Add(24*day))
	feed(d, h.sorted(), time.Time{})
	if got := d.Series()[0].PerDay; got < 8 || got > 12 {
		t.Errorf("%.1f a day expected after three lost days, 10 are true", got)
	}
}

func TestNewNormalIsAccepted(t *testing.T) {
	h := newHistory(1)
	h.life("a", 1, monday, monday.Add(30*day))
	h.life("a", 12, monday.Add(30*day), monday.Add(60*day))
	d := New(Options{})
	events := h.sorted()
	var before, after float64
	for i := range events {
		for _, in := range feed(d, events[i:i+1], time.Time{}) {
			if in.Status != StatusResolved || before != 0 {
				continue
			}
			if age := in.Time.Sub(in.OpenedAt); age <= 11*day || age > 14*day { // from the begin of the window that showed it
				t.Errorf("%q after %v", in.Resolution, age)
			}
			before = d.Series()[0].PerDay
		}
		if before != 0 && after == 0 && d.Series()[0].PerDay != before {
			after = d.Series()[0].PerDay // of the next day
		}
	}
	if before > 2 || after < 5 {
		t.Errorf("%.1f a day expected while it was masked, %.1f after it was accepted; 1 and 12 are true", before, after)
	}
}

func TestUnknownConnections(t *testing.T) {
	h := newHistory(1)
	h.life("a", 0, monday, monday.Add(30*day))
	for i := range 60 {
		at := monday.Add(21*day + time.Duration(i)*time.Minute)
		h.put(at, nango.UnknownConnection, "", "mail", fmt.Sprint("ghost", i%15), "")
	}
	d := New(Options{})
	told := feed(d, h.sorted(), time.Time{})
	if count(told, StatusOpen) != 1 || told[0].Signal != UnknownConnections || told[0].Integration != "mail" || told[0].Scope != "integration" {
		t.Fatalf("%v", told)
	}
	if got := d.Series()[0].Total; got != 15 {
		t.Errorf("%d counted, 15 distinct were asked for", got)
	}
}

func TestBudget(t *testing.T) {
	for _, c := range []struct {
		o    Options
		live int
		days float64
	}{
		{Options{}, 1, 90}, {Options{}, 10, 140}, {Options{}, 1000, 3000},
		{Options{FalseAlarmsEvery: 30 * day}, 10, 300},
		{Options{Budget: 20 * day}, 1000, 20},
		{Options{Budget: 20 * day, Overrides: map[string]time.Duration{"a": 30 * day}}, 1, 30},
		{Options{FalseAlarmsEvery: 200 * 365 * day}, 1 << 30, 3000},
	} {
		d := New(c.o)
		d.live[Revocations] = c.live
		if got := d.budget(newSeries(key{Signal: Revocations, Provider: "a"}, 0)).Hours() / 24; got != c.days {
			t.Errorf("%+v with %d series: %v days, want %v", c.o, c.live, got, c.days)
		}
	}
}

// story is a history with everything that changes state, for the properties below.
func story(seed uint64) []nango.Event {
	h := newHistory(seed)
	end := monday.Add(34 * day)
	h.life("a", 3, monday, monday.Add(25*day))
	h.life("a", 3, monday.Add(27*day), end)
	h.life("b", 20, monday, monday.Add(25*day))
	h.life("b", 20, monday.Add(26*day), end)
	h.breaks("a", "a2", monday.Add(20*day), 15, 7*time.Minute)
	h.breaks("a", "a", monday.Add(22*day), 9, 3*time.Minute)
	h.breaks("b", "b", monday.Add(28*day), 40, 30*time.Minute)
	h.late(5, 3*time.Hour)
	for i := range 40 {
		h.put(monday.Add(30*day+time.Duration(i)*time.Minute), nango.UnknownConnection, "", "a", fmt.Sprint(i), "")
	}
	return h.sorted()
}

// However far ahead rows are read, whatever moments Advance is called with besides, and wherever the process is stopped and started: the
// incidents are the same.
func TestSameIncidentsHoweverItRuns(t *testing.T) {
	few(t, 8)
	events := story(7)
	var rows []time.Time
	for _, e := range events {
		rows = append(rows, e.Time)
	}
	slices.SortFunc(rows, time.Time.Compare)
	whole := New(Options{})
	want := feed(whole, events, time.Time{})
	if count(want, StatusOpen) < 3 || count(want, StatusResolved) < 3 {
		t.Fatalf("the story holds too little: %v", statuses(want))
	}
	rapid.Check(t, func(t *rapid.T) {
		d, stored := New(Options{}), map[string]map[string][]byte{}
		var told []Incident
		read := 0
		lookahead := rapid.SampledFrom([]time.Duration{0, time.Minute, time.Hour, 2 * day, 100 * day}).Draw(t, "lookahead")
		stops := rapid.SliceOfN(rapid.IntRange(1, len(events)-1), 0, 4).Draw(t, "stops")
		for i, e := range events {
			for ; read < len(rows) && !rows[read].After(e.Due.Add(lookahead)); read++ {
				d.Row(rows[read])
			}
			if slices.Contains(stops, i) {
				d.Changes(keep(stored))
				d = restored(t, stored)
				if i > 0 { // a watermark that the clock moved
					told = append(told, d.Advance(events[i-1].Due.Add(e.Due.Sub(events[i-1].Due)/2), time.Time{})...)
				}
			}
			told = append(told, d.Advance(e.Due, time.Time{})...)
			told = append(told, d.Observe(e, time.Time{}).Incidents...)
		}
		d.Changes(keep(stored))
		d = restored(t, stored)
		for i, in := range told {
			if i >= len(want) || !reflect.DeepEqual(in, want[i]) {
				t.Fatalf("told %d %+v\nwant %+v\n%v", i, in, want[min(i, len(want)-1)], statuses(told))
			}
		}
		for i, got := range d.Series() {
			if want := whole.Series()[i]; !reflect.DeepEqual(got, want) {
				t.Fatalf("series %+v\nwant %+v", got, want)
			}
		}
		if got, want := d.Incidents(), whole.Incidents(); !reflect.DeepEqual(got, want) || d.Stats() != whole.Stats() {
			t.Fatalf("incidents %+v\nwant %+v\n%+v, %+v", got, want, d.Stats(), whole.Stats())
		}
	})
}

// few makes the checks of a property few, where each is long.
func few(t *testing.T, checks int) {
	f := flag.Lookup("rapid.checks")
	was := f.Value.String()
	if was != f.DefValue {
		return // somebody asks for more
	}
	f.Value.Set(strconv.Itoa(checks))
	t.Cleanup(func() { f.Value.Set(was) })
}

// What is read again is late, and seen before: no count changes.
func TestReadTwiceCountsOnce(t *testing.T) {
	h := newHistory(3)
	h.life("a", 12, monday, monday.Add(20*day))
	for i := range 30 { // connections that are gone, or work again
		kind := []nango.Kind{nango.Deleted, nango.Reconnected, nango.Active}[i%3]
		h.put(monday.Add(18*day+time.Duration(i)*time.Hour), nango.Failure, "a", "a", fmt.Sprint("x", i), "")
		h.put(monday.Add(18*day+time.Duration(i)*time.Hour+time.Minute), kind, "a", "a", fmt.Sprint("x", i), "")
	}
	events := h.sorted()
	d := New(Options{})
	feed(d, events, time.Time{})
	stats, series, ring := d.Stats(), d.Series(), d.order[0].ring
	end := events[len(events)-1].Time
	for _, e := range events {
		d.Row(e.Time)
		if end.Sub(e.Time) > 72*time.Hour {
			continue // the reader counts it as late
		}
		d.Advance(end, time.Time{})
		if o := d.Observe(e, time.Time{}); o.New || len(o.Incidents) > 0 {
			t.Fatalf("%v is news", e)
		}
	}
	if d.Stats() != stats || !reflect.DeepEqual(d.Series(), series) || d.order[0].ring != ring {
		t.Errorf("%+v, then %+v\n%+v, then %+v", stats, d.Stats(), series, d.Series())
	}
	if got := d.Series()[0].PerDay; got < 8 || got > 16 {
		t.Errorf("%.1f a day expected, 12 and the last days' 10 are true", got)
	}
}

func keep(stored map[string]map[string][]byte) func(bucket, key string, value []byte) {
	return func(bucket, key string, value []byte) {
		if stored[bucket] == nil {
			stored[bucket] = map[string][]byte{}
		}
		if value == nil {
			delete(stored[bucket], key)
			return
		}
		stored[bucket][key] = value
	}
}

func restored(t rapid.TB, stored map[string]map[string][]byte) *Detector {
	return restoredWith(t, Options{}, stored)
}

func restoredWith(t rapid.TB, o Options, stored map[string]map[string][]byte) *Detector {
	d := New(o)
	for bucket, values := range stored {
		for key, value := range values {
			if err := d.Restore(bucket, key, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return d
}

func TestDamagedStateIsAnError(t *testing.T) {
	for _, bucket := range []string{bucketHeader, bucketRows, bucketAhead, bucketStarts, bucketSeries, bucketRing, bucketBreaks, bucketAsked, bucketAlive, bucketMembers, bucketReplaced, bucketWeek, "window.ledger", "window.reasons"} {
		if New(Options{}).Restore(bucket, `["x"`, []byte("{")) == nil {
			t.Errorf("%s: damage was not noticed", bucket)
		}
	}
	if err := New(Options{}).Restore("someone.else", "k", []byte("{")); err != nil {
		t.Error(err)
	}
}

func TestFarApart(t *testing.T) {
	h := newHistory(1)
	h.put(time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), nango.Active, "a", "a", "x", "")
	h.life("a", 0, monday, monday.Add(30*day))
	h.breaks("a", "a", monday.Add(21*day), 8, time.Minute)
	if told := feed(New(Options{}), h.sorted(), time.Time{}); count(told, StatusOpen) != 1 {
		t.Errorf("%v", statuses(told))
	}
}

func BenchmarkSlot(b *testing.B) {
	d := New(Options{})
	h := newHistory(1)
	const providers = 100
	for i := range providers {
		h.life(fmt.Sprint("p", i), 3, monday, monday.Add(10*day))
	}
	feed(d, h.sorted(), time.Time{})
	at := monday.Add(10 * day)
	for b.Loop() {
		at = at.Add(10 * time.Minute)
		d.Row(at)
		for _, s := range d.order {
			s.newest = d.edge // each is judged
		}
		d.Advance(at, time.Time{})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/providers, "ns/series")
}
