package simulate

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

var start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

const week = 7 * 24 * time.Hour

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// story is a world with one of everything.
func story(t testing.TB, cfg Config) *World {
	w := New(cfg)
	for _, h := range []Happening{
		{Kind: Outage, At: start.Add(3 * 24 * time.Hour), For: 3 * time.Hour, Provider: "hubspot"},
		{Kind: Outage, At: start.Add(4 * 24 * time.Hour), For: 2 * time.Hour, Provider: "github"},
		{Kind: CustomerLeaving, At: start.Add(5 * 24 * time.Hour), For: time.Hour},
		{Kind: MassRevocation, At: start.Add(7 * 24 * time.Hour), For: 3 * time.Hour, Integration: "google-mail", Connections: 25},
		{Kind: ClientSecretExpired, At: start.Add(8 * 24 * time.Hour), For: 36 * time.Hour, Integration: "quickbooks"},
	} {
		must(t, w.Schedule(h))
	}
	return w
}

func rows(w *World, until time.Time) (all []Row) {
	w.Until(until, func(r Row) { all = append(all, r) })
	return all
}

// hear reads rows as the program does and returns what newly broke by them.
func hear(all []Row) (map[Series]int, nango.Stats) {
	r := nango.NewReader(nango.Options{})
	r.Open("operations", 0, -1)
	r.Open("messages", 0, -1)
	for _, row := range all {
		source := "operations"
		if row.Message {
			source = "messages"
		}
		r.Read(row.Value, nango.Meta{Source: source, Offset: 1, Key: row.Key, Time: row.Time.UnixMilli()})
	}
	r.Close("operations")
	r.Close("messages")
	ledger, broken := window.NewLedger(window.UnknownConfirm), map[Series]int{}
	for _, events := range [][]nango.Event{slices.Clone(r.Advance(time.Time{})), r.Flush()} {
		for _, e := range events {
			if v := ledger.Observe(e); v.New {
				broken[Series{e.Environment, e.Provider, string(v.Cause)}]++
			}
		}
	}
	return broken, r.Stats()
}

func TestRowsTellTheTruth(t *testing.T) {
	for seed := range uint64(2) {
		w := story(t, Config{Seed: seed, Webhooks: seed%2 == 0, Environment: `a "name"`})
		broken, stats := hear(rows(w, start.Add(3*week)))
		truth := w.Truth()
		if !maps.Equal(broken, truth.Broken) {
			t.Errorf("seed %d: heard\n%v\ntruth\n%v", seed, broken, truth.Broken)
		}
		if len(stats.Quarantined) > 0 || stats.Unjoined > 0 || stats.Unnamed > 0 || stats.Evicted > 0 || stats.Late > 0 {
			t.Errorf("seed %d: rows that are not as they should be: %+v", seed, stats)
		}
	}
}

func TestHappeningsBreakWhatTheySay(t *testing.T) {
	w := story(t, Config{Seed: 7, Quiet: true})
	all := rows(w, start.Add(3*week))
	happened := w.Truth().Happenings
	for i, want := range []struct {
		broken, most int
		delay        time.Duration
	}{{0, 0, time.Hour}, {0, 0, time.Hour}, {4, 8, 24 * time.Hour}, {25, 25, time.Hour}, {40, 40, time.Hour}} {
		h := happened[i]
		if h.Broken < want.broken || h.Broken > want.most {
			t.Errorf("%s broke %d, want %d to %d", h.Kind, h.Broken, want.broken, want.most)
		}
		if d := h.Onset.Sub(h.At); d < 0 || d > want.delay {
			t.Errorf("%s shows %s after it began, want within %s", h.Kind, d, want.delay)
		}
	}
	broken, stats := hear(all)
	sum := 0
	for s, n := range broken {
		sum += n
		if s.Provider != "google-mail" && s.Cause == revoked && n > 2 {
			t.Errorf("%v: %d, where only a customer left", s, n)
		}
	}
	if want := happened[2].Broken + 25 + 40; sum != want {
		t.Errorf("heard of %d breaks, want %d", sum, want)
	}
	if stats.Failures[nango.Transient] < 100 || stats.Failures[nango.Unknown] == 0 {
		t.Errorf("outages hardly show: %v", stats.Failures)
	}
	if stats.Events[nango.Exhausted] == 0 || stats.Events[nango.Deleted] == 0 || stats.Events[nango.Reconnected] == 0 {
		t.Errorf("a part of life does not show: %v", stats.Events)
	}
}

func TestUntilMayBeCut(t *testing.T) {
	cfg := Config{Seed: 3, Filler: 2, Webhooks: true}
	end := start.Add(2 * 24 * time.Hour)
	world := func() *World {
		w := New(cfg)
		must(t, w.Schedule(Happening{Kind: MassRevocation, At: start.Add(30 * time.Hour), For: time.Hour, Integration: "slack", Connections: 20}))
		must(t, w.Schedule(Happening{Kind: Outage, At: start.Add(20 * time.Hour), For: time.Hour, Provider: "jira"}))
		return w
	}
	whole := rows(world(), end)
	few(t, 10)
	rapid.Check(t, func(t *rapid.T) {
		w := world()
		n := 0
		for at := start; at.Before(end); {
			at = at.Add(time.Duration(rapid.Int64Range(0, int64(16*time.Hour)).Draw(t, "step"))).Truncate(time.Millisecond)
			if at.After(end) {
				at = end
			}
			w.Until(at, func(r Row) {
				if n >= len(whole) || !same(r, whole[n]) {
					t.Fatalf("row %d differs", n)
				}
				if !r.Time.Before(at) || n > 0 && r.Time.Before(whole[n-1].Time) {
					t.Fatalf("row %d is out of order", n)
				}
				n++
			})
			if n < len(whole) && whole[n].Time.Before(at) {
				t.Fatalf("row %d is missing at %s", n, at)
			}
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
	must(t, f.Value.Set(strconv.Itoa(checks)))
	t.Cleanup(func() { must(t, f.Value.Set(was)) })
}

func same(a, b Row) bool {
	return a.Time.Equal(b.Time) && a.Message == b.Message && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
}

func TestFillerChangesNothingAndIsSkipped(t *testing.T) {
	until := start.Add(week)
	bare, full := rows(New(Config{Seed: 5}), until), rows(New(Config{Seed: 5, Filler: 3}), until)
	filler := len(full) - len(bare)
	if filler < 3*len(bare)*98/100 || filler > 3*len(bare) {
		t.Errorf("%d filler rows for %d others, want three for each", filler, len(bare))
	}
	// besides filler, requests that were answered 200 (GitHub's refusals) log rows that say nothing
	idle := 0
	for _, r := range bare {
		if r.Message && bytes.Contains(r.Value, []byte(`"level":"info"`)) && !bytes.Contains(r.Value, []byte("manual refresh")) {
			idle++
		}
	}
	if _, stats := hear(full); stats.Skipped != int64(filler+idle) || idle > len(bare)/50 {
		t.Errorf("%d rows skipped, of %d filler rows and %d that say nothing", stats.Skipped, filler, idle)
	}
	i := 0
	for _, r := range full {
		if i < len(bare) && same(r, bare[i]) {
			i++
		}
	}
	if i != len(bare) {
		t.Errorf("row %d is not the same with filler", i)
	}
}

func TestSeedDecides(t *testing.T) {
	until := start.Add(3 * 24 * time.Hour)
	a, b := rows(New(Config{Seed: 1}), until), rows(New(Config{Seed: 2}), until)
	if len(a) == len(b) && same(a[0], b[0]) {
		t.Error("two seeds, one world")
	}
}

// Four weeks must load in seconds, and every provider must have something to learn from.
func TestSizeOfFourWeeks(t *testing.T) {
	w := New(Config{Seed: 1, Webhooks: true})
	all := rows(w, start.Add(4*week))
	t.Logf("%d rows", len(all))
	if len(all) > 120_000 {
		t.Errorf("%d rows", len(all))
	}
	for _, p := range providers() {
		n := w.Truth().Broken[Series{"prod", p.name, revoked}]
		t.Logf("%s: %d", p.name, n)
		if n < 1 || float64(n) > 28*p.perDay*1.5+5 {
			t.Errorf("%s: %d breaks in four weeks", p.name, n)
		}
	}
}

func TestRowsAreNangos(t *testing.T) {
	versions := map[string]string{}
	for _, r := range rows(story(t, Config{Seed: 2, Filler: .2, Webhooks: true}), start.Add(9*24*time.Hour)) {
		var row struct {
			ID, ParentID, Type, State string
			CreatedAt                 time.Time
		}
		if err := json.Unmarshal(r.Value, &row); err != nil {
			t.Fatalf("%v: %s", err, r.Value)
		}
		operation := row.ID
		if r.Message {
			operation = row.ParentID
		}
		if operation != string(r.Key) || r.Message == (row.Type == "operation") {
			t.Fatalf("%s under key %s", r.Value, r.Key)
		}
		if d := r.Time.Sub(row.CreatedAt); d < 0 || d > time.Minute {
			t.Fatalf("written %s after it was created: %s", d, r.Value)
		}
		if strings.Contains(string(r.Value), "refresh_token\"}") && !r.Message {
			versions[row.ID] += row.State + " "
		}
	}
	for id, v := range versions {
		if v != "running failed " && v != "running success " && v != "running " {
			t.Fatalf("%s lived %q", id, v)
		}
	}
	if len(versions) < 100 {
		t.Errorf("%d refreshes", len(versions))
	}
}

func TestScheduleRefuses(t *testing.T) {
	w := New(Config{})
	for _, h := range []Happening{
		{}, {Kind: "party"}, {Kind: MassRevocation, Integration: "nobody", Connections: 3}, {Kind: MassRevocation, Integration: "slack"},
		{Kind: MassRevocation, Integration: "slack", Connections: 1000}, {Kind: Outage, Provider: "slack"}, {Kind: Outage, Provider: "x", For: time.Hour},
		{Kind: CustomerLeaving, Account: "acme-999"}, {Kind: ClientSecretExpired, Integration: "slack", For: -1},
	} {
		if w.Schedule(h) == nil {
			t.Errorf("accepted %+v", h)
		}
	}
	if n := len(w.Truth().Happenings); n != 0 {
		t.Errorf("%d of them are remembered", n)
	}
}

func TestCorpus(t *testing.T) {
	for _, relevant := range []float64{0, .01, .3, 1} {
		var all []Row
		Corpus(20_000, relevant, 1, func(r Row) { all = append(all, r) })
		_, stats := hear(all)
		share := 1 - float64(stats.Skipped)/float64(len(all))
		if len(all) != 20_000 || share < relevant*.9 || share > relevant*1.1 {
			t.Errorf("%d rows, a share of %.4f not skipped, want %.2f", len(all), share, relevant)
		}
	}
}

func BenchmarkCorpus(b *testing.B) {
	for name, relevant := range map[string]float64{"all": 1, "one_percent": .01} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			size := int64(0)
			Corpus(b.N, relevant, 1, func(r Row) { size += int64(len(r.Value)) })
			b.SetBytes(size / int64(b.N))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
