package detect

import (
	"testing"
	"time"
)

// What Learning says of the time agrees with what is judged: just before Judged no window of the youngest series is, at it the day's is; before Until no
// shorter one, at it all are.
func TestLearning(t *testing.T) {
	h := newHistory(1)
	h.life("google-mail", 0, monday, monday.Add(9*day))
	h.breaks("google-mail", "mail", monday.Add(time.Hour), 1, time.Minute)
	d := New(Options{})
	if l := d.Learning(); l != (Learning{}) {
		t.Errorf("before any row: %+v", l)
	}
	told := map[Learning]bool{}
	for _, e := range h.sorted() {
		d.Row(e.Time)
		d.Advance(e.Due, time.Time{})
		d.Observe(e, time.Time{})
		l := d.Learning()
		told[l] = true
		s := d.series[key{Revocations, "prod", "google-mail", "revoked"}]
		if s == nil {
			continue
		}
		to := d.edge - 1
		if blind := !s.mature(to-slotsPerDay+1, to); blind != (l.Blind == 1) || blind != !l.Judged.IsZero() {
			t.Fatalf("at %v the day's window is judged: %v; %+v", d.Closed(), !blind, l)
		}
		if young := !s.mature(d.edge, d.edge); young != (l.Series == 1) || young != !l.Until.IsZero() {
			t.Fatalf("at %v the shortest window is judged: %v; %+v", d.Closed(), !young, l)
		}
	}
	if l := d.Learning(); l != (Learning{}) || len(told) < 3 {
		t.Errorf("after nine days: %+v, of %d", l, len(told))
	}
}
