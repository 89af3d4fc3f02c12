//go:build integration

// Package prometheus holds the alarms about Revwatch itself by Prometheus' own tools, and by a real Prometheus that scrapes real daemons.
package prometheus

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const rulesFile = "revwatch.rules.yaml"

// program finds one that these tests need. Where they have to run, as in continuous integration, it must be there.
func program(t *testing.T, variable, name string) string {
	t.Helper()
	must := os.Getenv("CI") != "" || os.Getenv("REVWATCH_PROMETHEUS") != ""
	if of := os.Getenv(variable); of != "" {
		name = of
	}
	path, err := exec.LookPath(name)
	switch {
	case err != nil && must:
		t.Fatalf("%s is missing (Debian's package prometheus)", name)
	case err != nil:
		t.Skipf("%s is missing (Debian's package prometheus)", name)
	}
	return path
}

// promtool runs a check, and returns what it said.
func promtool(t *testing.T, stdin []byte, args ...string) (string, error) {
	t.Helper()
	c := exec.Command(program(t, "REVWATCH_PROMTOOL", "promtool"), args...)
	c.Stdin = bytes.NewReader(stdin)
	out, err := c.CombinedOutput()
	return string(out), err
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// withOptional takes the comment signs from the rules that are off.
func withOptional(t *testing.T) string {
	t.Helper()
	head, off, found := strings.Cut(read(t, rulesFile), "\n  # - name: ")
	if !found {
		t.Fatal("the rules that are off are gone")
	}
	return head + "\n  - name: " + strings.ReplaceAll(off, "\n  # ", "\n  ")
}

// Prometheus takes the rules, with those that are off and without them.
func TestIntegrationRulesAreTaken(t *testing.T) {
	for _, file := range []string{rulesFile, write(t, "all.yaml", withOptional(t))} {
		if out, err := promtool(t, nil, "check", "rules", file); err != nil || strings.Contains(out, "duplicate") {
			t.Errorf("%v: %s", err, out)
		}
	}
	broken := strings.Replace(read(t, rulesFile), "absent(", "absentt(", 1)
	if _, err := promtool(t, nil, "check", "rules", write(t, "broken.yaml", broken)); err == nil {
		t.Error("a broken rule was taken: this test finds nothing")
	}
}

// Every rule fires when it should and does not beside it; cmd/detector holds that every rule has such tests.
func TestIntegrationRulesFire(t *testing.T) {
	if out, err := promtool(t, nil, "test", "rules", "revwatch.rules.test.yaml", "revwatch.rules.days.test.yaml"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// What the program shows is named as everybody's metrics are, but for the budget: people set it in days, and so they read it.
func TestIntegrationMetricsAreConventional(t *testing.T) {
	out, _ := promtool(t, []byte(read(t, "../../pkg/web/testdata/metrics.golden")), "check", "metrics")
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line != "" && line != `revwatch_budget_days use base unit "seconds" instead of "days"` {
			t.Error(line)
		}
	}
	if bad, err := promtool(t, []byte("# TYPE x_ms counter\nx_ms 1\n"), "check", "metrics"); err == nil || !strings.Contains(bad, "x_ms") {
		t.Errorf("a bad name was taken: this test finds nothing: %s", bad)
	}
}
