package nango

import (
	"cmp"
	"maps"
	"slices"
	"testing"
)

// tally counts, of one class, the answers that are of it, those said to be of it, and those of both.
type tally struct{ is, said, both int }

func tallies(t testing.TB) map[Cause]*tally {
	out := map[Cause]*tally{}
	of := func(c Cause) *tally {
		out[c] = cmp.Or(out[c], &tally{})
		return out[c]
	}
	for i, a := range answers(t) {
		events, _ := read(t, Options{}, a.rows(i)...)
		of(a.Cause).is++
		of(events[0].Cause).said++
		if events[0].Cause == a.Cause {
			of(a.Cause).both++
		}
	}
	return out
}

// BenchmarkCauses prints precision and recall of each class over the corpus, and the cost of reading one answer's rows.
// An answer called unknown is no mistake of another class: it lowers the recall of its own.
func BenchmarkCauses(b *testing.B) {
	var values [][]byte
	for i, a := range answers(b) {
		for _, row := range a.rows(i) {
			values = append(values, []byte(row))
		}
	}
	if b.N > 1 { // said once
		benchRead(b, values)
		return
	}
	classes := tallies(b)
	for _, c := range slices.Sorted(maps.Keys(classes)) {
		n := classes[c]
		b.Logf("%-14s %4d answers, precision %.3f, recall %.3f", c, n.is, float64(n.both)/float64(max(n.said, 1)), float64(n.both)/float64(max(n.is, 1)))
	}
}

// The corpus holds every class, and enough of each to say something about it.
func TestCorpusIsWide(t *testing.T) {
	seen, providers := map[Cause]int{}, map[string]bool{}
	for _, a := range answers(t) {
		seen[a.Cause]++
		providers[a.Provider] = true
	}
	for c, least := range map[Cause]int{Revoked: 100, Transient: 40, Misconfigured: 30, Other: 10, Unknown: 60} {
		if seen[c] < least {
			t.Errorf("%s: %d answers, want %d", c, seen[c], least)
		}
	}
	if len(providers) < 100 {
		t.Errorf("%d providers, want 100", len(providers))
	}
}
