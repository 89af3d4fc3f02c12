package web

import (
	"flag"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// small is a snapshot that holds something of everything.
func small() Snapshot {
	return Snapshot{
		At: noon,
		Reader: nango.Stats{
			Records: 1_234_567, Skipped: 1_200_000, Understood: 34_000, Ignored: 550, Quarantined: map[string]int64{"json": 15, "too_deep": 2},
			Rows: map[string]int64{"operation": 30_000}, Events: map[nango.Kind]int64{nango.Failure: 40, nango.Active: 900},
			Failures: map[nango.Cause]int64{nango.Revoked: 30, nango.Transient: 10}, Late: 1, Unjoined: 2, Held: 3,
			Envelopes: map[string]int64{"elasticsearch": 33_000, "webhook": 1000}, Echoes: 8, Refreshes: 50, Reasons: 45, Accounts: 1,
			Sources: 2, Behind: 1,
		},
		Detector: detect.Stats{Broken: 12, Dropped: 1},
		Series: []detect.Series{
			{Signal: detect.Revocations, Environment: "prod", Provider: "github", Cause: "misconfigured", State: detect.StateLearning,
				Windows: windows(0, .25, math.Inf(1), 0), BudgetDays: 90, Total: 2, Broken: 9, Active: 410, BudgetMet: true, Promised: 4},
			{Signal: detect.Revocations, Environment: "prod", Provider: "github", Cause: "revoked", State: detect.StateOpen,
				Windows: windows(7, .5, 4, 1.75), Score: 1.75, BudgetDays: 90, Total: 10, Broken: 9, Active: 410, Incident: "i1", Realised: 13, Promised: 4},
			{Signal: detect.UnknownConnections, Environment: "dev", Provider: "git\"hub\n", Cause: "unknown", State: detect.StateQuiet,
				Windows: windows(0, .1, 3, 0), BudgetDays: 180, Total: 1, Realised: 1, Promised: 4, BudgetMet: true},
		},
		Incidents: []detect.Incident{
			{ID: "i1", Signal: detect.Revocations, Environment: "prod", Provider: "github", Cause: "revoked", Status: detect.StatusUpdate},
			{ID: "i0", Signal: detect.Revocations, Environment: "prod", Provider: "slack", Cause: "revoked", Status: detect.StatusResolved},
			{ID: "i2", Signal: detect.UnknownConnections, Environment: "dev", Provider: "git\"hub\n", Cause: "unknown", Status: detect.StatusOpen, Past: true},
			{ID: "i3", Parent: "i1", Signal: detect.Revocations, Environment: "prod", Provider: "github", Cause: "misconfigured", Status: detect.StatusOpen},
			{ID: "i4", Signal: detect.Silence, Scope: "all", Status: detect.StatusOpen},
		},
		Learning: detect.Learning{Series: 1, Until: noon.Add(3 * 24 * time.Hour)},
		Drift:    map[string]bool{"no_nango_rows": false, "no_causes": true},
		Directory: Directory{
			Connections: []detect.Listed{{Environment: "prod", Provider: "github", Connections: 410}, {Environment: "dev", Provider: "git\"hub\n", Connections: 3}},
			Environments: []Listed{{Environment: "prod", Success: noon.Add(-5 * time.Minute), Connections: 410, Requests: map[string]int64{"ok": 7, "rate_limited": 1}},
				{Environment: "dev", Requests: map[string]int64{"unauthorized": 2}}},
		},
		Errors:    map[Integration]int64{{"prod", "github", "github-main"}: 120, {"prod", "", ""}: 1},
		Refused:   map[Refusal]int64{{"prod", "github", nango.Revoked}: 30, {"prod", "slack", nango.Transient}: 10},
		Watermark: noon.Add(-90 * time.Second), Newest: noon.Add(-30 * time.Second), Committed: noon.Add(-time.Second),
		Input: Input{
			Joined: true, Owner: true, Partitions: []Partition{{Name: "nango/0", Lag: 5, Position: 100}, {Name: "nango/1", Gap: 7, GapAt: noon.Add(-time.Hour), Position: 50}},
			Stalled: 1, Bytes: 1 << 20, Skipped: map[string]int64{"control": 4},
		},
	}
}

func windows(observed, expected, upper, score float64) (w [5]detect.Window) {
	for i, seconds := range []int{600, 3600, 6 * 3600, 24 * 3600, 72 * 3600} {
		w[i] = detect.Window{Seconds: seconds, Observed: observed, Expected: expected, Upper: upper, Score: score}
	}
	return w
}

func full() *Server {
	s := New(Options{Version: "v1.2.3", ConfigHash: "abc123", Now: func() time.Time { return noon }})
	s.Publish(small())
	s.Check("config", true, "")
	s.Check("kafka", false, "connection refused")
	s.CommitTook(3 * time.Millisecond)
	s.Detected(70 * time.Second)
	s.Tells(teller{
		[]alert.Status{
			{Name: "slack", Pending: 2, Oldest: noon.Add(-2 * time.Minute), Results: map[string]int64{"sent": 5, "failed": 1}, Err: "status 500"},
			{Name: "pagerduty", Pending: 1, Oldest: noon.Add(-time.Hour), Down: true, Err: "HTTP 404 no_service"},
		},
		[]alert.Silence{{From: noon.Add(-time.Hour), Until: noon.Add(time.Hour)}, {From: noon.Add(time.Hour), Until: noon.Add(2 * time.Hour)}},
	})
	return s
}

// teller says what it was made of.
type teller struct {
	status   []alert.Status
	silences []alert.Silence
}

func (t teller) Status() []alert.Status    { return t.status }
func (t teller) Silences() []alert.Silence { return t.silences }

// scrape reads what a request of the address is answered.
func scrape(t testing.TB, s *Server) map[string]*parsed {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != expositionType {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	all, err := parse(w.Body.String())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestGolden(t *testing.T) {
	var b strings.Builder
	full().writeMetrics(&b)
	got := strings.ReplaceAll(b.String(), runtime.Version(), "GO")
	const path = "testdata/metrics.golden"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s; got:\n%s", path, got)
	}
}

// TestEveryMetric holds the names that dashboards and alarm rules are written against, and their kinds.
func TestEveryMetric(t *testing.T) {
	declared := map[string]string{
		"counter": `records_total quarantined_total late_records_total unjoined_total refresh_token_external_errors_total failures_total
			broken_connections_total notifications_total offset_gap_records_total skipped_batches_total fetched_bytes_total stalls_total rows_total
			events_total damaged_records_total bad_utf8_records_total clock_ahead_rows_total duplicate_rows_total unnamed_failures_total evicted_total
			merged_events_total dropped_breaks_total envelopes_total echoes_total refreshes_total reasons_total refresh_failures_total
			directory_requests_total`,
		"gauge": `held revoked_connections expected upper_bound score connections_broken connections_active budget_days incidents_open
			incidents_muted outbox_depth outbox_oldest_seconds destination_down shadow silences event_lag_seconds watermark_timestamp_seconds
			newest_row_timestamp_seconds source_silent learning_until_timestamp_seconds partition_lag_records partition_position owner group_joined input_failing
			state_last_commit_timestamp_seconds snapshot_timestamp_seconds build_info config_hash_info expected_false_alarms_per_week series sources
			series_excursions series_excursions_promised budget_met
			ready check_ok schema_drift accounts incident offset_gap_timestamp_seconds state_set_aside
			connections directory_connections directory_last_success_timestamp_seconds`,
		"histogram": "state_commit_seconds detection_delay_seconds",
	}
	all := scrape(t, full())
	names := 0
	for kind, list := range declared {
		for _, name := range strings.Fields(list) {
			names++
			f := all["revwatch_"+name]
			if f == nil || f.kind != kind || f.help == "" || len(f.samples) == 0 {
				t.Errorf("%s %s: %+v", kind, name, f)
			}
		}
	}
	for name := range all {
		if strings.HasPrefix(name, "revwatch_") {
			names--
		}
	}
	if names != 0 {
		t.Errorf("%d metrics are not declared here", -names)
	}
	for _, process := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if all[process] == nil && (runtime.GOOS == "linux" || strings.HasPrefix(process, "go_")) {
			t.Errorf("no %s", process)
		}
	}
}

// TestNothingPublished says only what is known: no time of 1970, no series.
func TestNothingPublished(t *testing.T) {
	s := New(Options{})
	for name, f := range scrape(t, s) {
		if strings.Contains(name, "timestamp") && strings.HasPrefix(name, "revwatch_") {
			t.Errorf("%s %v", name, f.samples)
		}
	}
	s.Publish(Snapshot{})
	all := scrape(t, s)
	for _, name := range []string{"watermark_timestamp_seconds", "event_lag_seconds", "connections_active", "config_hash_info"} {
		if f := all["revwatch_"+name]; f != nil {
			t.Errorf("%s %v", name, f.samples)
		}
	}
	if v, ok := all["revwatch_expected_false_alarms_per_week"].samples["revwatch_expected_false_alarms_per_week{}"]; !ok || v != 0 {
		t.Error(v, ok)
	}
}

// TestLagGrowsByItself: a core that publishes no more is seen to fall behind.
func TestLagGrowsByItself(t *testing.T) {
	now := noon
	s := New(Options{Now: func() time.Time { return now }})
	s.Publish(Snapshot{Watermark: noon})
	now = now.Add(time.Hour)
	if v := scrape(t, s)["revwatch_event_lag_seconds"].samples["revwatch_event_lag_seconds{}"]; v != 3600 {
		t.Error(v)
	}
}

// TestMayBeCalledTogether is for the race detector.
func TestMayBeCalledTogether(t *testing.T) {
	s := full()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				s.Publish(small())
				s.Check("kafka", true, "")
				s.CommitTook(time.Second)
				s.Detected(time.Second)
				s.Tells(teller{})
				scrape(t, s)
				s.readiness()
			}
		})
	}
	wg.Wait()
	if v := scrape(t, s)["revwatch_state_commit_seconds"].samples["revwatch_state_commit_seconds_count{}"]; v != 21 {
		t.Error(v)
	}
}
