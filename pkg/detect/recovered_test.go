package detect

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// At its end an incident names those of its connections that work again by themselves, not those that a user authorized anew, nor those of others.
func TestRecoveredAreNamedAtResolve(t *testing.T) {
	h := running(40 * time.Hour)
	h.breaks("google-mail", "m", onset, 8, time.Second) // c1 to c8
	h.breaks("slack", "s", onset, 1, time.Second)       // c9
	for i, name := range []string{"c2", "c5", "c7"} {
		h.put(onset.Add(time.Hour), nango.Active, "google-mail", "m", name, "")
		h.events[len(h.events)-1].Authorized = i == 2
	}
	h.put(onset.Add(time.Hour), nango.Active, "slack", "s", "c9", "")
	d := New(Options{})
	told := lives(feed(d, h.sorted(), time.Time{}))["google-mail"]
	end := last(told)
	if end.Status != StatusResolved || !slices.Equal(end.Recovered, []string{"c2", "c5"}) {
		t.Errorf("%s, recovered %v", end.Status, end.Recovered)
	}
	if text := strings.Join(end.Explanation, "\n"); !strings.HasSuffix(text, "2 of 8 work again without a new authorization, so they were not revoked: c2, c5") {
		t.Errorf("explained by %s", text)
	}
	for _, in := range told[:len(told)-1] {
		if in.Recovered != nil || strings.Contains(strings.Join(in.Explanation, "\n"), "work again") {
			t.Errorf("%s says so already", in.Status)
		}
	}
	again := New(Options{})
	d.Changes(func(bucket, key string, value []byte) {
		if value == nil {
			return
		}
		if err := again.Restore(bucket, key, value); err != nil {
			t.Fatal(err)
		}
	})
	for _, in := range again.Incidents() {
		if in.ID == end.ID && !slices.Equal(in.Recovered, end.Recovered) {
			t.Errorf("after a restart %v", in.Recovered)
		}
	}
}
