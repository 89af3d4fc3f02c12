package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
)

// BenchmarkReplay is the whole command over rows of which 1 % matter; ns/op is a record.
func BenchmarkReplay(b *testing.B) {
	relevant, err := os.ReadFile(rows)
	if err != nil {
		b.Fatal(err)
	}
	lines := bytes.SplitAfter(bytes.TrimSpace(relevant), []byte("\n"))
	filler := []byte(`{"id":"aaaaaaaaaaaaaaaaaaaa","accountId":1,"source":"user","level":"info","type":"log","message":"Fetched a page of records and saved them ` + strings.Repeat("lorem ipsum ", 40) +
		`","parentId":"1790845201000_bbbbbbbb","context":"script","meta":{"page":17,"model":"Contact","records":250,"cursor":"` + strings.Repeat("c0ffee", 20) + `"},"createdAt":"2026-10-01T09:00:00.000Z"}` + "\n")
	var corpus bytes.Buffer
	const n = 10_000
	for i := range n {
		if i%100 == 0 {
			corpus.Write(bytes.TrimSpace(lines[i/100%len(lines)]))
			corpus.WriteByte('\n')
		} else {
			corpus.Write(filler)
		}
	}
	var stream []io.Reader
	for left := b.N; left > 0; left -= n {
		stream = append(stream, bytes.NewReader(corpus.Bytes()))
	}
	b.SetBytes(int64(corpus.Len() / n))
	b.ReportAllocs()
	b.ResetTimer()
	if code := command(b.Context(), []string{"replay", "--input", "-", "--only", "summary"}, io.MultiReader(stream...), io.Discard, io.Discard); code != exitOK {
		b.Fatal(code)
	}
}
