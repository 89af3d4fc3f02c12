package nango

import (
	"bytes"
	"encoding/base64"
)

// outcome of reading a text: parsed when there was JSON in it, found when the JSON was, or held, something we know.
type outcome struct{ parsed, found bool }

// embedded reads a JSON string that may hold a row: JSON, JSON behind a prefix, several of them, base64, or none of these.
func (r *Reader) embedded(s []byte, c wrapper, depth int) bool {
	s = bytes.TrimSpace(s)
	if len(s) < 2 {
		return false
	}
	if bytes.IndexByte(s, '{') < 0 {
		return r.base64(s, c, depth)
	}
	if depth == 0 || s[0] == '"' {
		r.enter(layerText)
		defer r.leave()
	}
	if startsJSON(s[0]) {
		if v := r.parseNested(s); v != nil {
			found := r.walk(v, c, depth+1)
			r.nested--
			return found
		}
		if r.parseFault == "too_deep" {
			r.bad("too_deep")
			return true
		}
	}
	return r.pieces(s, c, depth).found
}

// base64 reads text in which a gateway hides a body that it takes for binary: eyJ is {" and W3si is [{".
func (r *Reader) base64(s []byte, c wrapper, depth int) bool {
	if !bytes.HasPrefix(s, []byte("eyJ")) && !bytes.HasPrefix(s, []byte("W3si")) || !r.spend(len(s)) {
		return false
	}
	s = bytes.TrimRight(s, "=")
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(s, "-_") {
		encoding = base64.RawURLEncoding
	}
	plain, err := encoding.AppendDecode(nil, s)
	if err != nil {
		return false // a JSON web token, for one
	}
	r.enter(layerBase64)
	defer r.leave()
	return r.embedded(plain, c, depth+1)
}

// pieces reads text that is not one JSON value: a bulk body, log lines, lines with a prefix (console, CRI, syslog), values run together. What cannot be read
// does not take its neighbours with it.
func (r *Reader) pieces(s []byte, c wrapper, depth int) (all outcome) {
	if !r.spend(len(s)) {
		return outcome{}
	}
	first, broken, several := true, "", layerLines
	for {
		before, value, rest, whole := nextValue(s)
		if value == nil && !whole && rest == nil {
			break
		}
		s = rest
		if !whole {
			broken = "not_json"
			continue
		}
		if first && !hasMore(rest) {
			several = layerNone
		}
		first = false
		o := r.piece(before, value, c, depth, several)
		if !o.parsed {
			broken = r.parseFault
		}
		all.parsed, all.found = all.parsed || o.parsed, all.found || o.found
	}
	if all.parsed && broken != "" {
		r.bad(broken)
	}
	return all
}

// piece reads one JSON value of a text and what stands before it on its line.
func (r *Reader) piece(before, value []byte, c wrapper, depth int, several layer) outcome {
	v := r.parseNested(value)
	if v == nil {
		return outcome{}
	}
	defer func() { r.nested-- }()
	if several != layerNone {
		r.enter(several)
		defer r.leave()
	}
	if l := prefixLayer(before); l != layerNone {
		if !r.enter(l) {
			return outcome{parsed: true, found: true}
		}
		defer r.leave()
	}
	return outcome{parsed: true, found: r.walk(v, c, depth+1)}
}

var consoleStart = []byte("operation(")

// prefixLayer names what writes such a prefix before JSON.
func prefixLayer(before []byte) layer {
	before = bytes.TrimRight(before, " \t")
	switch {
	case bytes.HasSuffix(before, consoleStart):
		return layerConsole
	case bytes.HasSuffix(before, []byte(" F")) || bytes.HasSuffix(before, []byte(" P")):
		return layerCRI
	case len(bytes.Trim(before, " \t\x1b,;)")) > 0:
		return layerSyslog
	}
	return layerNone
}

func hasMore(s []byte) bool { return bytes.IndexByte(s, '{') >= 0 || bytes.IndexByte(s, '[') >= 0 }

// nextValue cuts the next JSON value off s, with what stands before it on its line. When what begins there does not end, whole is false and
// rest begins with a line after it. rest is nil at the end of s, where value is nil when there is none.
func nextValue(s []byte) (before, value, rest []byte, whole bool) {
	for len(s) > 0 {
		line, after, _ := bytes.Cut(s, []byte("\n"))
		at := jsonStart(line)
		if at < 0 {
			s = after
			continue
		}
		value, rest, whole = cutValue(s[at:])
		if !whole && rest == nil {
			rest = []byte{}
		}
		return line[:at], value, rest, whole
	}
	return nil, nil, nil, false
}

// jsonStart returns where JSON begins in a line: at once, or with the first {" in it; -1 when there is none.
func jsonStart(line []byte) int {
	text := bytes.TrimLeft(line, " \t\r")
	lead := len(line) - len(text)
	if len(text) == 0 {
		return -1
	}
	if text[0] == '{' || text[0] == '"' {
		return lead
	}
	if text[0] == '[' && len(text) > 1 && (startsJSON(text[1]) || text[1] == ' ' || text[1] == ']') {
		return lead
	}
	for i := 0; i < len(line); i++ {
		n := bytes.IndexByte(line[i:], '{')
		if n < 0 {
			return -1
		}
		if i += n; opensObject(line[i+1:]) {
			if i > 0 && line[i-1] == '[' {
				return i - 1
			}
			if quote := bytes.LastIndexByte(line[:i], '"'); quote >= 0 && quote == i-1 && line[i+1] == '\\' {
				return quote
			}
			return i
		}
	}
	return -1
}

// opensObject reports whether what follows a brace is a key, or the end.
func opensObject(s []byte) bool {
	s = bytes.TrimLeft(s, " \t\\")
	return len(s) > 0 && (s[0] == '"' || s[0] == '\r' || s[0] == '\n')
}

// cutValue cuts the JSON value with which s begins off s. It is not whole when a line break stands in a text, or a line begins as none in
// the midst of a value does; rest is then that line.
func cutValue(s []byte) (value, rest []byte, whole bool) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			end := textEnd(s, i+1)
			if end < 0 {
				return nil, nil, false
			}
			if s[end] == '\n' {
				return nil, s[end+1:], false
			}
			i = end
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '\n':
			if depth > 0 && i+1 < len(s) && bytes.IndexByte([]byte(" \t\r\n}]\"[,"), s[i+1]) < 0 {
				return nil, s[i+1:], false
			}
		}
		if depth <= 0 {
			return s[:i+1], s[i+1:], true
		}
	}
	return nil, nil, false
}

// textEnd returns where the JSON text that goes on at i ends: at its quote, or at a line break that should not be; -1 when it does not end.
func textEnd(s []byte, i int) int {
	for ; i < len(s); i++ {
		switch s[i] {
		case '"', '\n':
			return i
		case '\\':
			i++
		}
	}
	return -1
}
