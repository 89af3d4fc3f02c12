//go:build integration

package grafana

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// checkStory: the tiles tell what happens in the demo, where one provider has an incident, which began while it was looked at.
func checkStory(t *testing.T, s store, from, to time.Time) {
	tell := func(job, uid, title string) (now, before series) {
		for path, d := range files(t) {
			p := probe{T: t, path: path, d: d, job: job, choice: choice{"prod", "google-mail", "revoked", "1h"}, from: from, to: to}
			for _, e := range d.expressions() {
				if d.UID == uid && e.of == title {
					now, _ = s.instant(p.fill(e.expr), to)
					before, _ = s.over(p.fill(e.expr), from, to)
				}
			}
		}
		return now, before
	}
	for _, tile := range []struct {
		job, uid, title string
		good            func(float64) bool
	}{
		{"alone", "revwatch-overview", "Unusual now A", func(v float64) bool { return v == 1 }},
		{"alone", "revwatch-overview", "Highest score A", func(v float64) bool { return v >= 1 }},
		{"alone", "revwatch-overview", "Broken now A", func(v float64) bool { return v > 3 }},
		{"alone", "revwatch-overview", "Pipeline, check by check A", func(v float64) bool { return v == 0 }},
		{"alone", "revwatch-overview", "Pipeline faults A", func(v float64) bool { return v <= 1 }}, // a busy machine may not keep up with an hour a second
		{"gone", "revwatch-overview", "Pipeline faults A", func(v float64) bool { return v == 1 }},  // nobody is there to say so
		{"alone", "revwatch-provider", "Score A", func(v float64) bool { return v >= 1 }},
		{"alone", "revwatch-provider", "Incident A", func(v float64) bool { return v == 1 }},
		{"alone", "revwatch-provider", "Windows judged A", func(v float64) bool { return v == 5 }},
	} {
		if v, _ := tell(tile.job, tile.uid, tile.title); len(v["{}"]) != 1 || !tile.good(v["{}"][0]) {
			t.Errorf("%s, %s, %s, %q shows %v", s.name, tile.job, tile.uid, tile.title, v)
		}
	}
	for _, uid := range []string{"revwatch-overview", "revwatch-provider"} {
		_, marks := tell("alone", uid, "annotation Incidents")
		begun := 0
		for _, v := range marks {
			if v[0] == 0 && v[len(v)-1] == 1 {
				begun++
			}
		}
		if begun != 1 {
			t.Errorf("%s, %s marks %v, want one incident that begins", s.name, uid, marks)
		}
	}
}

// compareHistograms: both read the buckets, and take the same quantiles out of them.
func compareHistograms(t *testing.T, stores []store, at time.Time) {
	for _, name := range []string{"revwatch_state_commit_seconds_bucket", "revwatch_detection_delay_seconds_bucket"} {
		for _, q := range []string{"0.5", "0.9", "0.99"} {
			expr := fmt.Sprintf(`histogram_quantile(%s, sum by (le) (%s{job="alone"}))`, q, name)
			a, err := stores[0].instant(expr, at)
			b, wrong := stores[1].instant(expr, at)
			if err != nil || wrong != nil || len(a) != 1 || a.differs(b) != "" || !(a["{}"][0] > 0) {
				t.Errorf("%s: %v %v (%v %v)", expr, a, b, err, wrong)
			}
		}
	}
}

// compareLearning: the bound of a series that is not judged is infinite in both, and no line of the dashboards is.
func compareLearning(t *testing.T, stores []store, at time.Time) {
	const learning = `revwatch_upper_bound{job="full", cause="misconfigured"}`
	for _, s := range stores {
		all, err := s.instant(learning, at)
		finite, wrong := s.instant(learning+" < Inf", at)
		if err != nil || wrong != nil || len(all) != 5 || len(finite) != 0 {
			t.Errorf("%s: %d windows, %d finite (%v %v)", s.name, len(all), len(finite), err, wrong)
		}
	}
}

// compareRules: both understand the alarms about ourselves, and hold the same ones to be due.
func compareRules(t *testing.T, stores []store, at time.Time) {
	raw, err := os.ReadFile("../prometheus/revwatch.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			asked++
			a, err := stores[0].instant(r.Expr, at)
			b, wrong := stores[1].instant(r.Expr, at)
			if err != nil || wrong != nil {
				t.Errorf("%s: %v, %v", r.Alert, err, wrong)
			} else if d := a.differs(b); d != "" && !counts.MatchString(r.Expr) {
				t.Errorf("%s: %s", r.Alert, d)
			}
		}
	}
	if asked < 15 {
		t.Errorf("%d rules", asked)
	}
}

// The shipped configuration is one that Prometheus takes, rules too, and VictoriaMetrics' scraper.
func TestIntegrationScrapeConfig(t *testing.T) {
	const config = "../prometheus/prometheus.yml"
	tool := program(t, "REVWATCH_PROMTOOL", "promtool")
	if out, err := exec.Command(tool, "check", "config", config).CombinedOutput(); err != nil || !strings.Contains(string(out), "rule files found") {
		t.Errorf("%v: %s", err, out)
	}
	vm := program(t, "REVWATCH_VICTORIAMETRICS", "victoria-metrics")
	out, err := exec.Command(vm, "-promscrape.config="+config, "-promscrape.config.dryRun", "-promscrape.config.strictParse=false", "-storageDataPath="+filepath.Join(t.TempDir(), "data")).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
