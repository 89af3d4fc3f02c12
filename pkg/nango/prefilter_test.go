package nango

import (
	"bytes"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// The walk over words is the plain rule: some word with a _ after its first letter is the value of a key that matters.
func TestUnderscoresIsThePlainRule(t *testing.T) {
	plain := func(b []byte) bool {
		for i, c := range b {
			start := i
			for c == '_' && start > 0 && isLower(b[start-1]) {
				start--
			}
			if start < i && keyBefore(b, start) != 0 {
				return true
			}
		}
		return false
	}
	part := rapid.SampledFrom([]string{`"type":"`, `"action":"`, `"code": "`, `"id":"`, "_", "a", "refresh_token", "A", "7", `"`, ",", " ", "x_y", "__"})
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Join(toBytes(rapid.SliceOfN(part, 0, 14).Draw(t, "parts")), nil)
		if got, want := underscores(b), plain(b); got != want {
			t.Fatalf("%q: %v, want %v", b, got, want)
		}
	})
}

func toBytes(parts []string) [][]byte {
	out := make([][]byte, len(parts))
	for i, p := range parts {
		out[i] = []byte(p)
	}
	return out
}

// BenchmarkPrefilterHostile is a value made to be slow: its cost a byte may not grow with its length.
func BenchmarkPrefilterHostile(b *testing.B) {
	for _, size := range []int{1 << 12, 1 << 16, 1 << 20} {
		for name, unit := range map[string]string{"word": "a_", "underscores": "_", "x": "x", "v": "v", "colons": ":a_"} {
			value := append([]byte(`{"level":"info","m":"`), bytes.Repeat([]byte(unit), size/len(unit))...)
			b.Run(name+"/"+strconv.Itoa(size), func(b *testing.B) {
				b.SetBytes(int64(len(value)))
				for b.Loop() {
					relevant(value)
				}
			})
		}
	}
}
