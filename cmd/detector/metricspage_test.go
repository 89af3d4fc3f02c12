package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// open are labels whose values come from rows, from the configuration or from the build; of all others the page has every value.
var open = []string{"environment", "provider", "integration", "partition", "destination", "envelope", "version", "go", "hash", "le"}

// metricsRow is a metric on the page: its name, type and labels; labelRow a label: its name, of which metric, and its values.
var (
	metricsRow = regexp.MustCompile("(?m)^\\| `(revwatch_\\w+)` \\| (\\w+), [^|]+ \\| ([^|]*) \\|")
	labelRow   = regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (all|all others|`revwatch_\\w+`) \\| (.*) \\|$")
	sampleLine = regexp.MustCompile(`(?m)^(revwatch_\w+?)(?:\{(.*)\})? \S+$`)
	labelText  = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
	quoted     = regexp.MustCompile("`([^`]+)`")
)

func words(cell string) (all []string) {
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}

// What a real daemon shows is on the page of metrics: each metric, each of its labels, and each value of those that are of a fixed set.
func TestRunShowsWhatThePageSays(t *testing.T) {
	t.Parallel()
	_, page, _ := strings.Cut(readFile(t, "../../docs/metrics.md"), "<!-- from here")
	labels, kinds := map[string][]string{}, map[string]string{}
	for _, m := range metricsRow.FindAllStringSubmatch(page, -1) {
		labels[m[1]], kinds[m[1]] = words(m[3]), m[2]
	}
	values := map[string][]string{}
	for _, m := range labelRow.FindAllStringSubmatch(page, -1) {
		of := strings.TrimSuffix(strings.Trim(m[2], "`"), " others")
		values[m[1]+" "+of] = words(m[3])
	}
	if len(labels) < 50 || len(values) < 15 {
		t.Fatalf("%d metrics and %d labels found on the page", len(labels), len(values))
	}

	s := newSite(t)
	rows := past(t, time.Now(), 14, lossAgo)
	s.produce(rows)
	stop := s.start(s.config(s.withPager()))
	s.await("an alert", func() bool { return s.slack.about(lost) > 0 })
	s.awaitRead(len(rows))
	_, text := s.get("/metrics")
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	checked := map[string]bool{}
	for _, m := range sampleLine.FindAllStringSubmatch(text, -1) {
		name := m[1]
		if base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, ""); kinds[base] == "histogram" {
			name = base
		}
		if _, there := labels[name]; !there {
			t.Errorf("%s is not on the page", name)
		}
		for _, l := range labelText.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(labels[name], l[1]) {
				t.Errorf("the page does not say that %s has the label %s", name, l[1])
			}
			if slices.Contains(open, l[1]) {
				continue
			}
			known, own := values[l[1]+" "+name]
			if !own {
				known = values[l[1]+" all"]
			}
			checked[l[1]] = true
			if !slices.Contains(known, l[2]) && !slices.Contains(values[l[1]+" all"], l[2]) {
				t.Errorf("the page does not have %q among the values of %s of %s: %v", l[2], l[1], name, known)
			}
		}
	}
	for _, label := range []string{"cause", "signal", "scope", "severity", "window", "state", "result", "kind", "check"} {
		if !checked[label] {
			t.Errorf("the daemon has shown no %s", label)
		}
	}
}
