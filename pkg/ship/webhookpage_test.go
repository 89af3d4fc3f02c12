package ship

import (
	"os"
	"strings"
	"testing"
)

// The page of metrics names what the receiver shows: each metric with its type, and each value of its labels.
func TestWebhookMetricsAreOnThePage(t *testing.T) {
	raw, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := strings.Cut(string(raw), "\n## The receiver of webhooks\n")
	page, _, _ = strings.Cut(page, "\n## ")
	var w Webhooks
	w.makeCounts()
	for _, f := range w.families {
		if !strings.Contains(page, "\n| `"+f.name+"` | "+f.kind+", ") {
			t.Errorf("the page lacks the %s %s", f.kind, f.name)
		}
	}
	if n := strings.Count(page, "\n| `revwatch_"); n != len(w.families) {
		t.Errorf("the page has %d of %d metrics", n, len(w.families))
	}
	values := append([]string(nil), dropKinds...)
	for _, o := range outcomes {
		values = append(values, o.name)
	}
	for _, v := range values {
		if !strings.Contains(page, "`"+v+"`") {
			t.Errorf("the page lacks the value %s", v)
		}
	}
}
