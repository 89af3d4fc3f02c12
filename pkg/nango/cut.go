package nango

import "bytes"

// cutter cuts JSON values off a text, one after the other.
type cutter struct {
	rest   []byte
	eol    int    // where the line ends on which rest begins
	before []byte // what stands before the value on its line
	value  []byte
	whole  bool // false: what begins there does not end; value is what there is of it
}

// next finds the next value; false at the end of the text.
func (c *cutter) next() bool {
	for len(c.rest) > 0 {
		if c.eol <= 0 {
			if c.eol = bytes.IndexByte(c.rest, '\n'); c.eol < 0 {
				c.eol = len(c.rest)
			}
		}
		line := c.rest[:c.eol]
		at := jsonStart(line)
		if at < 0 {
			c.skip(min(c.eol+1, len(c.rest)))
			continue
		}
		var rest []byte
		c.before = line[:at]
		c.value, rest, c.whole = cutValue(c.rest[at:])
		if !c.whole {
			c.value = c.rest[at : len(c.rest)-len(rest)]
		}
		c.skip(len(c.rest) - len(rest))
		return true
	}
	return false
}

func (c *cutter) skip(n int) { c.rest, c.eol = c.rest[n:], c.eol-n }

// jsonStart returns where JSON begins in a line: at once, or with the first {" in it; -1 when there is none.
func jsonStart(line []byte) int {
	lead := 0
	for lead < len(line) && line[lead] <= ' ' {
		lead++
	}
	text := line[lead:]
	if len(text) == 0 {
		return -1
	}
	if text[0] == '{' || text[0] == '"' {
		return lead
	}
	if text[0] == '[' && len(text) > 1 && (startsJSON(text[1]) || text[1] == ' ' || text[1] == ']') {
		return lead
	}
	quote, seen := -1, 0 // the last " that is not escaped, and how far it was looked for: no part of a line is searched twice
	for i := 0; i < len(line); i++ {
		n := bytes.IndexByte(line[i:], '{')
		if n < 0 {
			return -1
		}
		i += n
		next := bytes.TrimLeft(line[i+1:], " \t")
		switch {
		case len(next) > 0 && next[0] == '\\': // inside a quoted text
			if last := openQuote(line, seen, i); last >= 0 {
				quote = last
			}
			if seen = i; quote > 0 && line[quote-1] == '[' {
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

// openQuote returns where the quoted text begins that s[from:to] ends in, -1 when there is none.
func openQuote(s []byte, from, to int) int {
	for to > from {
		i := bytes.LastIndexByte(s[from:to], '"')
		if i < 0 {
			return -1
		}
		if to = from + i; to == 0 || s[to-1] != '\\' {
			return to
		}
	}
	return -1
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
