package detect

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/simulate"
)

// driver reads the rows of a made-up Nango as the pipeline does: whatever was read is released, judged, and the edges pass.
type driver struct {
	reader   *nango.Reader
	detector *Detector
	offset   int64
	told     []Incident
}

func newDriver() *driver {
	g := &driver{detector: New(Options{})}
	g.reader = nango.NewReader(nango.Options{Row: g.detector.Row})
	g.reader.Open("operations", 0, 0)
	g.reader.Open("messages", 0, 0)
	return g
}

func (g *driver) read(r simulate.Row) {
	source := "operations"
	if r.Message {
		source = "messages"
	}
	g.offset++
	g.reader.Read(r.Value, nango.Meta{Source: source, Offset: g.offset, Key: r.Key, Time: r.Time.UnixMilli()})
}

func (g *driver) advance() {
	for _, e := range g.reader.Advance(time.Time{}) {
		g.told = append(g.told, g.detector.Advance(e.Due, time.Time{})...)
		g.told = append(g.told, g.detector.Observe(e, time.Time{}).Incidents...)
	}
	g.told = append(g.told, g.detector.Advance(g.reader.Watermark(), time.Time{})...)
}

// A mass revocation of one integration opens one incident within the hour, which names the integration and resolves; an outage and a customer
// who leaves open none. It does not matter in how large batches the rows come.
func TestWorld(t *testing.T) {
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	w := simulate.New(simulate.Config{Seed: 2, Calls: 0.1})
	onset := start.Add(20*day + 10*time.Hour)
	for _, h := range []simulate.Happening{
		{Kind: simulate.Outage, At: start.Add(16*day + 9*time.Hour), For: 3 * time.Hour, Provider: "hubspot"},
		{Kind: simulate.CustomerLeaving, At: start.Add(17*day + 9*time.Hour), For: time.Hour},
		{Kind: simulate.MassRevocation, At: onset, For: time.Hour, Integration: "google-mail-eu", Connections: 40},
	} {
		if err := w.Schedule(h); err != nil {
			t.Fatal(err)
		}
	}
	var rows []simulate.Row
	w.Until(start.Add(23*day), func(r simulate.Row) { rows = append(rows, r) })

	var first *driver
	for _, batch := range []int{1, 3000} {
		g := newDriver()
		for i, r := range rows {
			if g.read(r); i%batch == batch-1 || i == len(rows)-1 {
				g.advance()
			}
		}
		if first == nil {
			first = g
		} else if !reflect.DeepEqual(g.told, first.told) || !reflect.DeepEqual(g.detector.Series(), first.detector.Series()) {
			t.Fatalf("batches of %d: %v\nsingle rows: %v", batch, statuses(g.told), statuses(first.told))
		}
	}
	if count(first.told, StatusOpen) != 1 || count(first.told, StatusResolved) != 1 {
		t.Fatalf("told %v", statuses(first.told))
	}
	opened, last := first.told[0], first.told[len(first.told)-1]
	if opened.Provider != "google-mail" || opened.Cause != "revoked" {
		t.Errorf("opened %s, %s", opened.Provider, opened.Cause)
	}
	if late := opened.Time.Sub(onset); late < 0 || late > time.Hour {
		t.Errorf("opened %v after the revocation", late)
	}
	if last.Scope != "integration" || last.Integration != "google-mail-eu" || last.Observed < 20 {
		t.Errorf("ended with scope %s, integration %q, %d observed", last.Scope, last.Integration, last.Observed)
	}
	truth := 0
	for _, n := range w.Truth().Broken {
		truth += n
	}
	if got := first.detector.Stats(); got.Broken != int64(truth) || got.Dropped != 0 || got.Unseen != 0 {
		t.Errorf("%+v, %d are true", got, truth)
	}
}

// Names and times that make no sense stop nothing and hide nothing.
func TestStrangeEvents(t *testing.T) {
	d := New(Options{})
	d.Row(monday)
	d.Advance(monday, time.Time{})
	for i, at := range []time.Time{{}, time.Unix(0, 0), time.Unix(-1, 0), monday.Add(-100 * day), monday.Add(-time.Hour), monday, monday.AddDate(1000, 0, 0)} {
		d.Observe(nango.Event{Kind: nango.Failure, Cause: nango.Revoked, Time: at, Connection: fmt.Sprint(i)}, time.Time{})
		d.Observe(nango.Event{Kind: nango.UnknownConnection, Time: at, Connection: fmt.Sprint(i)}, time.Time{})
		d.Advance(at, time.Time{})
	}
	if got := d.Stats(); got.Dropped != 10 || got.Broken != 5 {
		t.Errorf("%+v", got)
	}
	if got := d.Series(); len(got) != 2 || got[0].Total != 2 || got[1].Total != 2 {
		t.Errorf("%+v", got)
	}
	d.Changes(func(string, string, []byte) {})
}

func TestSeriesAreBounded(t *testing.T) {
	d := New(Options{})
	d.begin(0)
	for i := range maxSeries {
		d.series[key{Provider: fmt.Sprint(i)}] = &series{}
	}
	for i := range 3 {
		d.Observe(nango.Event{Kind: nango.Failure, Cause: nango.Revoked, Time: time.Unix(0, 0), Provider: "one more", Connection: fmt.Sprint(i)}, time.Time{})
	}
	if got := d.Stats(); got.Dropped != 3 || got.Broken != 3 || len(d.series) != maxSeries {
		t.Errorf("%+v, %d series", got, len(d.series))
	}
}

// After longer than the ring holds everything is learned anew: a burst on the first day says nothing.
func TestBeginsAnewAfterAGap(t *testing.T) {
	h := newHistory(1)
	h.life("a", 5, monday, monday.Add(30*day))
	again := monday.Add(400 * day)
	h.life("a", 0, again, again.Add(20*day))
	h.breaks("a", "a", again.Add(day), 30, time.Minute)
	h.breaks("a", "a", again.Add(15*day), 8, time.Minute)
	told := feed(New(Options{}), h.sorted(), time.Time{})
	if count(told, StatusOpen) != 1 || told[0].Time.Before(again.Add(15*day)) {
		t.Errorf("%v", statuses(told))
	}
}
