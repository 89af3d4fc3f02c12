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
	for _, l := range prefixLayers(before) {
		if l == layerNone {
			continue
		}
		if !r.enter(l) {
			return outcome{parsed: true, found: true}
		}
		defer r.leave()
	}
	return outcome{parsed: true, found: r.walk(v, c, depth+1)}
}

var consoleStart = []byte("operation(")

// prefixLayers names what writes such a prefix before JSON: a container runtime or syslog, and Nango's console after it.
func prefixLayers(before []byte) (l [2]layer) {
	if bytes.HasSuffix(before, consoleStart) {
		l[1] = layerConsole
	}
	switch {
	case bytes.Contains(before, []byte(" stdout ")) || bytes.Contains(before, []byte(" stderr ")):
		l[0] = layerCRI
	case bytes.HasPrefix(before, []byte("<")), l[1] == layerNone && len(bytes.Trim(before, " \t\x1b,;)")) > 0:
		l[0] = layerSyslog
	}
	return l
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
		i += n
		next := bytes.TrimLeft(line[i+1:], " \t")
		switch {
		case len(next) > 0 && next[0] == '\\': // inside a quoted text
			if quote := openQuote(line[:i]); quote > 0 && line[quote-1] == '[' {
				return quote - 1
			} else if quote >= 0 {
				return quote
			}
		case len(next) == 0 || next[0] == '"' || next[0] == '\r':
			if i > 0 && line[i-1] == '[' {
				i--
			}
			return i
		}
	}
	return -1
}

// openQuote returns where the quoted text begins that s ends in, -1 when there is none.
func openQuote(s []byte) int {
	i := bytes.LastIndexByte(s, '"')
	for i > 0 && s[i-1] == '\\' {
		i = bytes.LastIndexByte(s[:i], '"')
	}
	return i
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
