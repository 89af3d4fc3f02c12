package main

import (
	"slices"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// The alarm that no rows come: when it is raised, when it ends, and what a restart keeps of it.
func TestSilence(t *testing.T) {
	at := func(minutes int) time.Time { return worldStart.Add(time.Duration(minutes) * time.Minute) }
	for name, steps := range map[string][]struct {
		newest, now int // minutes; now < 0: not everything was read
		want        detect.Status
	}{
		"rows come":                     {{0, 0, ""}, {50, 50, ""}, {100, 100, ""}},
		"no rows, then rows":            {{0, 0, ""}, {0, 60, ""}, {0, 61, detect.StatusOpen}, {0, 200, detect.StatusOpen}, {200, 201, detect.StatusResolved}, {250, 250, detect.StatusResolved}},
		"a backlog is shipped":          {{0, 0, ""}, {0, 61, detect.StatusOpen}, {10, 300, detect.StatusResolved}, {50, 301, detect.StatusResolved}, {200, 302, detect.StatusResolved}, {200, 363, detect.StatusOpen}},
		"rows of long ago alone":        {{0, 20_000, ""}, {0, 20_060, ""}, {0, 30_000, ""}},
		"old rows at the start":         {{0, 0, ""}, {0, -1, ""}, {0, 20_000, ""}, {0, 20_060, ""}, {0, 20_061, detect.StatusOpen}},
		"rows wait in Kafka":            {{0, 0, ""}, {0, -1, ""}, {0, 100, ""}, {0, 161, detect.StatusOpen}},
		"never a row":                   {{-1, 0, ""}, {-1, 10_000, ""}},
		"again, as an alarm of its own": {{0, 0, ""}, {0, 61, detect.StatusOpen}, {62, 62, detect.StatusResolved}, {62, 130, detect.StatusOpen}},
	} {
		var last detect.Incident
		s := &silence{change: func(x detect.Incident) { last = x }}
		for i, step := range steps {
			newest, now := time.Time{}, time.Time{}
			if step.newest >= 0 {
				newest = at(step.newest)
			}
			if step.now >= 0 {
				now = at(step.now)
			}
			s.look(newest, now, time.Hour)
			if last.Status != step.want || last.Status != "" && (last.ID == "" || last.Milestone != last.Revision || last.Explanation == nil) {
				t.Errorf("%s: step %d: %+v, want %q", name, i, last, step.want)
			}
			s = reopened(t, s)
		}
	}
}

// reopened is what a new process makes of what s stored; only the time since when it has watched goes over as well.
func reopened(t *testing.T, s *silence) *silence {
	t.Helper()
	n := &silence{change: s.change, since: s.since, seen: s.seen}
	s.dirty = true
	s.changes(func(bucket, key string, value []byte) {
		if err := n.restore(bucket, key, value); err != nil {
			t.Fatal(err)
		}
	})
	if len(n.told) != len(s.told) {
		t.Fatalf("%d alarms after a restart, want %d", len(n.told), len(s.told))
	}
	return n
}

// The message says itself of when the newest row is.
func TestSilenceExplained(t *testing.T) {
	x := newSilence(worldStart, worldStart.Add(2*time.Hour), time.Hour)
	if want := []string{"Rows usually come at least every 1h."}; !slices.Equal(x.Explanation, want) {
		t.Errorf("%q, want %q", x.Explanation, want)
	}
}

func TestSilenceForgetsWhatIsOver(t *testing.T) {
	s := &silence{change: func(detect.Incident) {}}
	s.look(worldStart, worldStart, time.Hour)
	s.look(worldStart, worldStart.Add(2*time.Hour), time.Hour)
	s.look(worldStart.Add(3*time.Hour), worldStart.Add(3*time.Hour), time.Hour)
	if len(s.told.incidents()) != 1 {
		t.Fatalf("%d alarms, want one that is over", len(s.told.incidents()))
	}
	oldest := worldStart.Add(3*time.Hour + week + 23*time.Hour + 59*time.Minute + weeklyLate) // the last line that tells of its day
	s.look(oldest, oldest, time.Hour)
	if len(s.told.incidents()) != 1 {
		t.Error("forgotten before the line of its week")
	}
	s.look(worldStart.Add(250*time.Hour), worldStart.Add(250*time.Hour), time.Hour)
	if len(s.told.incidents()) != 0 {
		t.Errorf("an alarm that ended ten days ago is still told")
	}
}
