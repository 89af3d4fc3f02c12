package nango

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The walk over words is the plain rule: some word with a _ after its first letter is the value of a key that matters.
func TestUnderscoresIsThePlainRule(t *testing.T) {
	plain := func(b []byte) bool {
		for i, c := range b {
			start := i
			for c == '_' && start > 0 && isCodeByte(b[start-1]) {
				start--
			}
			if start < i && keyBefore(b, start) != 0 {
				return true
			}
		}
		return false
	}
	part := rapid.SampledFrom([]string{`"type":"`, `"action":"`, `"code": "`, `"id":"`, "_", "a", "refresh_token", "A", "7", "oauth2_x", "OAuth-1.0", `"`, ",", " ", "x_y", "__"})
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Join(toBytes(rapid.SliceOfN(part, 0, 14).Draw(t, "parts")), nil)
		if got, want := underscores(b), plain(b); got != want {
			t.Fatalf("%q: %v, want %v", b, got, want)
		}
	})
}

// An error type may be spelled with digits and capitals; a row of another level with such a type is not skipped, whatever is around it.
func TestAnyErrorTypeIsSeen(t *testing.T) {
	at := worldStart
	for _, typ := range []string{"oauth2_token_fetch_error", "OAuth_error", "aws4_error_x", "refresh_token_external_error", "a-b.c_d", "x9_", "Invalid_2"} {
		row := strings.Replace(errorLogRow(opID(at, 1), typ, 400, `{"dataMessage":{"error":"invalid_grant"}}`, at), `"level":"error"`, `"level":"warn"`, 1)
		for _, w := range wrappers {
			v := []byte(w.wrap(row))
			r := newReader(Options{})
			r.Read(v, Meta{Source: "f"})
			if !r.useful || !relevant(v) {
				t.Errorf("%s: understood %v, relevant %v: %s", typ, r.useful, relevant(v), v)
			}
		}
	}
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
		for name, unit := range map[string]string{"word": "a_", "underscores": "_", "x": "x", "v": "v", "k": "k", "base64": "eyJ", "colons": ":a_"} {
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
