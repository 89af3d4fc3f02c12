package web

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/revwatch/revwatch/pkg/nango"
)

const (
	metricsPage = "../../docs/metrics.md"
	rulesFile   = "../../deploy/prometheus/revwatch.rules.yaml"
	prefix      = "revwatch_"

	beginMark = "<!-- from here written by: go test ./pkg/web -run Metrics -update -->"
	endMark   = "<!-- to here -->"
)

// TestMetricsPage: the tables of docs/metrics.md are what the program shows, with what the catalogue says of it and the alarms that use it.
// -update writes them anew. What is not in the catalogue has to be put there.
func TestMetricsPage(t *testing.T) {
	raw, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(raw), beginMark)
	_, tail, ended := strings.Cut(rest, endMark)
	if !found || !ended {
		t.Fatalf("%s has lost its marks: %q and %q", metricsPage, beginMark, endMark)
	}
	want := head + beginMark + "\n" + tables(t, scrape(t, full()), alarms(t)) + endMark + tail
	if *update {
		if err := os.WriteFile(metricsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(raw) {
		t.Errorf("%s is not what the program shows; go test ./pkg/web -run Metrics -update writes it", metricsPage)
	}
}

// tables writes every metric and every label.
func tables(t *testing.T, all map[string]*parsed, alarms map[string][]string) string {
	var b strings.Builder
	told, labels := map[string]bool{}, map[string]bool{}
	for _, s := range catalogue {
		fmt.Fprintf(&b, "\n## %s\n\n| metric | type, unit | labels | says | look at it for | alarm |\n|---|---|---|---|---|---|\n", s.title)
		for _, e := range s.entries {
			f := all[prefix+e.name]
			if f == nil || told[e.name] {
				t.Errorf("the catalogue has %s, which is not shown, or twice", e.name)
				continue
			}
			told[e.name] = true
			names := labelsOf(f)
			for _, l := range names {
				labels[l] = true
				if !described(l, e.name) {
					t.Errorf("nothing is said of the label %s of %s", l, e.name)
				}
			}
			fmt.Fprintf(&b, "| `%s%s` | %s, %s | %s | %s | %s | %s |\n", prefix, e.name, f.kind, e.unit, ticked(names), f.help, e.look, linked(alarms[prefix+e.name]))
		}
	}
	for name := range all {
		if short, ours := strings.CutPrefix(name, prefix); ours && !told[short] {
			t.Errorf("%s is shown and not in the catalogue (catalogue_test.go)", name)
		}
	}
	b.WriteString("\n## Labels\n\n| label | of | values |\n|---|---|---|\n")
	for _, l := range labelled {
		of := "all"
		switch {
		case l.of != "":
			of = "`" + prefix + l.of + "`"
		case elsewhere(l.label):
			of = "all others"
		}
		for _, name := range strings.Split(l.label, ", ") {
			if !labels[name] {
				t.Errorf("the label %s is described, and nothing has it", name)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", ticked(strings.Split(l.label, ", ")), of, l.values)
	}
	return b.String()
}

func labelsOf(f *parsed) (names []string) {
	for _, l := range f.labels {
		for name := range maps.Keys(l) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// described reports whether the values of a label are told, for all metrics or for this one.
func described(label, metric string) bool {
	for _, l := range labelled {
		if slices.Contains(strings.Split(l.label, ", "), label) && (l.of == "" || l.of == metric) {
			return true
		}
	}
	return false
}

// elsewhere reports whether a label means another thing in some metric.
func elsewhere(label string) bool {
	for _, l := range labelled {
		if l.label == label && l.of != "" {
			return true
		}
	}
	return false
}

func ticked(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "`" + strings.Join(names, "`, `") + "`"
}

func linked(alarms []string) string {
	var links []string
	for _, a := range alarms {
		links = append(links, fmt.Sprintf("[%s](operations.md#%s)", strings.TrimPrefix(a, "Revwatch"), strings.ToLower(a)))
	}
	return strings.Join(links, ", ")
}

func listed(causes []nango.Cause) string {
	var names []string
	for _, c := range causes {
		names = append(names, string(c))
	}
	return ticked(names)
}

var metricName = regexp.MustCompile(`\b` + prefix + `[a-z0-9_]+`)

// alarms are the rules that ask for each metric, by its name. That they ask who the owner is says nothing of the alarm.
func alarms(t *testing.T) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile(rulesFile)
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
	of := map[string][]string{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			for _, name := range metricName.FindAllString(strings.ReplaceAll(r.Expr, "and on (job, instance) revwatch_owner == 1", ""), -1) {
				if name = strings.TrimSuffix(name, "_bucket"); !slices.Contains(of[name], r.Alert) {
					of[name] = append(of[name], r.Alert)
				}
			}
		}
	}
	if len(of) == 0 {
		t.Fatalf("%s has no rules", rulesFile)
	}
	return of
}

// TestMetricsConventions: names say kind and unit as everybody's do, in base units.
func TestMetricsConventions(t *testing.T) {
	kinds := map[string]string{}
	for name, f := range scrape(t, full()) {
		kinds[name] = f.kind
	}
	for _, s := range catalogue {
		for _, e := range s.entries {
			if problem := unconventional(e.name, kinds[prefix+e.name], e.unit); problem != "" {
				t.Errorf("%s: %s", e.name, problem)
			}
			if strings.HasSuffix(e.look, ".") || e.look == "" || strings.Contains(e.look, "|") {
				t.Errorf("%s: %q is no cell of a table", e.name, e.look)
			}
		}
	}
	for _, bad := range [][3]string{{"x", "counter", "rows"}, {"x_total", "gauge", "rows"}, {"lag", "gauge", "seconds"}, {"lag_ms", "gauge", "milliseconds"},
		{"at_seconds", "gauge", "Unix time"}, {"X_total", "counter", "rows"}, {"lag_timestamp_seconds", "gauge", "seconds"}} {
		if unconventional(bad[0], bad[1], bad[2]) == "" {
			t.Errorf("%v is taken for good", bad)
		}
	}
}

// unconventional says what is wrong with a name; "" when nothing is.
func unconventional(name, kind, unit string) string {
	ends := func(s string) bool { return strings.HasSuffix(name, s) }
	base := strings.TrimSuffix(name, "_total")
	switch {
	case !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(name):
		return "not in lower case with underscores"
	case (kind == counter) != ends("_total"):
		return "a counter ends in _total, and nothing else does"
	case (unit == "Unix time") != ends("_timestamp_seconds"):
		return "a time ends in _timestamp_seconds, and nothing else does"
	case unit == "seconds" && !ends("_seconds"), unit == "bytes" && !strings.HasSuffix(base, "_bytes"), unit == "days" && !ends("_days"), unit == "always 1" && !ends("_info"):
		return "the unit is not in the name"
	case strings.Contains(unit, "milli"), unit == "minutes", unit == "hours", unit == "percent":
		return "not in base units"
	}
	return ""
}

// TestProcessMetrics: the page tells of metrics of the process by names that there are.
func TestProcessMetrics(t *testing.T) {
	raw, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(raw), "\n## The process\n")
	named := regexp.MustCompile("(?m)^\\| `((?:go|process)_[a-z_]+)`").FindAllStringSubmatch(part, -1)
	if !found || len(named) < 5 {
		t.Fatalf("%s names %d metrics of the process", metricsPage, len(named))
	}
	all := scrape(t, New(Options{}))
	for _, m := range named {
		if all[m[1]] == nil && (runtime.GOOS == "linux" || strings.HasPrefix(m[1], "go_")) {
			t.Errorf("there is no %s", m[1])
		}
	}
}
