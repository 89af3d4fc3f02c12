package alert

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// A text is cut as if all of it were cleaned before, and of a long one only the beginning is looked at.
func TestShortReadsTheBeginning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, limit := text().Draw(t, "text"), rapid.IntRange(0, 60).Draw(t, "limit")
		got := short(s, limit)
		if want := clip(clean(s), limit, runes); got != want && len(s) <= maxRead*limit || got != clip(clean(got), limit, runes) {
			t.Fatalf("%q of %q", got, s)
		}
	})
	for s, want := range map[string]string{
		strings.Repeat("a", 1<<20):              strings.Repeat("a", 79) + "…",
		strings.Repeat("\u200b", 1<<20) + "end": "",
		strings.Repeat("\x80", 1<<20):           strings.Repeat("\ufffd", 79) + "…",
		"é" + strings.Repeat("\u202e", 1<<20):   "é",
	} {
		if got := short(s, 80); got != want || !utf8.ValidString(got) {
			t.Errorf("%q of %.20q, want %q", got, s, want)
		}
	}
}
