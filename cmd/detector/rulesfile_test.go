package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const (
	rulesFile = "../../deploy/prometheus/revwatch.rules.yaml"
	runbooks  = "https://github.com/revwatch/revwatch/blob/main/docs/operations.md#"
)

// rule is an alarm of the rules file.
type rule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

// rulesOf are the rules of a file of rules.
func rulesOf(t *testing.T, text string) (all []rule) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []rule
		}
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// withOptional takes the comment signs from the rules that are off.
func withOptional(t *testing.T, text string) string {
	t.Helper()
	head, off, found := strings.Cut(text, "\n  # - name: ")
	if !found {
		t.Fatal("the rules that are off are gone")
	}
	return head + "\n  - name: " + strings.ReplaceAll(off, "\n  # ", "\n  ")
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// shippedRules are all that the file holds, those that are off too.
func shippedRules(t *testing.T) []rule {
	t.Helper()
	text := readFile(t, rulesFile)
	on, all := rulesOf(t, text), rulesOf(t, withOptional(t, text))
	if len(on) < 20 || len(all) != len(on)+1 {
		t.Fatalf("%d rules, %d with those that are off", len(on), len(all))
	}
	return all
}

// Every rule says what a person needs, and leads to its section of operations.md.
func TestRulesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range shippedRules(t) {
		if seen[r.Alert] || !strings.HasPrefix(r.Alert, "Revwatch") {
			t.Errorf("%s is there twice, or not one of ours by its name", r.Alert)
		}
		seen[r.Alert] = true
		switch r.Labels["severity"] {
		case "critical", "warning", "info":
		default:
			t.Errorf("%s has severity %q", r.Alert, r.Labels["severity"])
		}
		for _, name := range []string{"summary", "description"} {
			if text := r.Annotations[name]; !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
				t.Errorf("%s: the %s is no sentence: %q", r.Alert, name, text)
			}
		}
		if want := runbooks + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
			t.Errorf("%s leads to %q, want %q", r.Alert, r.Annotations["runbook_url"], want)
		}
	}
}

// Every rule has a unit test in which it fires, and one in which it does not.
func TestRulesHaveTests(t *testing.T) {
	alert := regexp.MustCompile(`^ALERTS\{alertname="(\w+)",alertstate="firing"\}$`)
	fires, holds := map[string]bool{}, map[string]bool{}
	for _, name := range []string{"revwatch.rules.test.yaml", "revwatch.rules.days.test.yaml"} {
		var file struct {
			Tests []struct {
				Tests []struct {
					Expr    string
					Samples []any `yaml:"exp_samples"`
				} `yaml:"promql_expr_test"`
			}
		}
		if err := yaml.Unmarshal([]byte(readFile(t, "../../deploy/prometheus/"+name)), &file); err != nil {
			t.Fatal(err)
		}
		for _, c := range file.Tests {
			for _, e := range c.Tests {
				switch m := alert.FindStringSubmatch(e.Expr); {
				case m == nil:
				case len(e.Samples) > 0:
					fires[m[1]] = true
				default:
					holds[m[1]] = true
				}
			}
		}
	}
	for _, r := range rulesOf(t, readFile(t, rulesFile)) {
		if !fires[r.Alert] || !holds[r.Alert] {
			t.Errorf("%s: fires in a test: %v; does not in one: %v", r.Alert, fires[r.Alert], holds[r.Alert])
		}
	}
}
