package main

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// newJSONLines writes one value a line. What could steer a terminal is escaped: the value is the same.
func newJSONLines(w io.Writer) *json.Encoder {
	e := json.NewEncoder(quieted{w})
	e.SetEscapeHTML(false)
	return e
}

// quieted escapes in JSON what steers a terminal and is no ASCII control, which JSON escapes itself. Each Write is whole characters.
type quieted struct{ to io.Writer }

func (q quieted) Write(b []byte) (int, error) {
	var out []byte
	done := 0
	for i := 0; i < len(b); {
		if b[i] < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if steers(r) {
			out = fmt.Appendf(append(out, b[done:i]...), "\\u%04x", r)
			done = i + n
		}
		i += n
	}
	if done == 0 {
		return q.to.Write(b)
	}
	if _, err := q.to.Write(append(out, b[done:]...)); err != nil {
		return 0, err
	}
	return len(b), nil
}
