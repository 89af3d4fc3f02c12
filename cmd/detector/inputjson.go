package main

import (
	"bytes"
	"slices"
)

// splitter finds where JSON values begin and end that are written over many lines, and takes apart what holds many: a list of objects, and the hits in
// an answer of Elasticsearch or OpenSearch, of which only the part that is read is ever held. It looks at brackets, keys and commas, no further.
type splitter struct {
	open   []bracket
	frame  int    // so many of the outermost brackets are taken apart: what stands in the innermost of these are values
	want   byte   // what comes next, one of the wants; 0: a value
	inside bool   // of a value
	text   bool   // of a string
	escape bool   // its next byte is escaped
	scalar bool   // of a number, true, false or null
	key    []byte // the last key, while it can be one that answers have
}

// bracket is an object or a list that is open.
type bracket struct {
	kind   byte // { or [
	answer bool // all keys on the way to it are of answers
}

// The wants. Without one a value comes.
const (
	wantKey   = 'k' // or the end of the object
	wantColon = ':'
	wantFirst = 'f' // element of a list, or its end
	wantMore  = ',' // or the end of what is open
)

// What scan finds.
type finding uint8

const (
	jsonMore   finding = iota // nothing up to the end
	jsonBegins                // a value
	jsonEnds                  // the value
	jsonPasses                // what was read belongs to the frame: it is no value
	jsonBroken                // this is not JSON
)

// answerKeys lead to the hits of answers: of _search, _msearch, _mget, and of a search as the Dashboards show it.
var answerKeys = []string{"hits", "responses", "docs", "rawResponse"}

const (
	maxBrackets  = 1000
	maxAnswerKey = 16
)

// busy reports whether something is open.
func (s *splitter) busy() bool { return len(s.open) > 0 || s.inside }

// scan reads b up to the next finding, and returns how much of it that took. b ends with the end of a line, or is to be continued.
func (s *splitter) scan(b []byte) (n int, found finding) {
	for n < len(b) {
		if s.text {
			n += s.readText(b[n:])
			if s.text && b[n-1] == '\n' { // no string holds one: the line was cut
				return n - 1, jsonBroken
			}
			if s.text || s.want == wantColon {
				continue
			}
			if found = s.ended(); found != jsonMore {
				return n, found
			}
			continue
		}
		c := b[n]
		if s.scalar && !isScalar(c) {
			s.scalar = false
			if found = s.ended(); found != jsonMore {
				return n, found
			}
		}
		if isSpace(c) {
			n++
			continue
		}
		if found = s.take(c); found != jsonMore {
			if found == jsonEnds || found == jsonPasses && (c == '}' || c == ']') {
				n++
			}
			return n, found
		}
		n++
	}
	return n, jsonMore
}

// take reads what stands outside of strings. What it finds to begin was not taken.
func (s *splitter) take(c byte) finding {
	switch {
	case c == '}' || c == ']':
		return s.close(c)
	case c == ':' && s.want == wantColon:
		s.want = 0
		return jsonMore
	case c == ',' && s.want == wantMore:
		if s.want = 0; s.open[len(s.open)-1].kind == '{' {
			s.want = wantKey
		}
		return jsonMore
	case c == '"' && s.want == wantKey:
		s.text, s.key = true, s.key[:0]
		return jsonMore
	case s.scalar && isScalar(c):
		return jsonMore
	case s.want != 0 && s.want != wantFirst, c == ':', c == ',':
		return jsonBroken
	}
	return s.begin(c)
}

// begin reads the first byte of a value.
func (s *splitter) begin(c byte) finding {
	if c == '{' && s.opens() { // the frame reaches down to the list: its elements are values
		s.frame, s.inside = len(s.open), false
	}
	if !s.inside {
		s.inside = true
		return jsonBegins
	}
	switch {
	case c == '{' || c == '[':
		if len(s.open) == maxBrackets {
			return jsonBroken
		}
		s.open = append(s.open, bracket{c, s.leads()})
		if s.want = wantKey; c == '[' {
			s.want = wantFirst
		}
	case c == '"':
		s.text, s.want = true, 0
	case isScalar(c):
		s.scalar, s.want = true, 0
	default:
		return jsonBroken
	}
	return jsonMore
}

// opens reports whether an object that comes now is the first of a list that is taken apart.
func (s *splitter) opens() bool {
	last := len(s.open) - 1
	return s.want == wantFirst && last >= s.frame && s.open[last].kind == '[' && s.open[last].answer
}

// leads reports whether a bracket that opens now is on the way to hits: the value itself, or what stands under such a key.
func (s *splitter) leads() bool {
	last := len(s.open) - 1
	if last+1 == s.frame && (last < 0 || s.open[last].kind == '[') {
		return true
	}
	return s.open[last].answer && s.open[last].kind == '{' && slices.Contains(answerKeys, string(s.key))
}

func (s *splitter) close(c byte) finding {
	last := len(s.open) - 1
	if last < 0 || s.open[last].kind != c-2 || s.want != wantMore && s.want != wantKey && s.want != wantFirst { // { is two before }, and [ before ]
		return jsonBroken
	}
	s.open = s.open[:last]
	if last >= s.frame {
		return s.ended()
	}
	s.want, s.inside = 0, false // a bracket of the frame
	if s.frame = last; last > 0 {
		s.want, s.inside = wantMore, s.open[last-1].kind == '{'
	}
	return jsonPasses
}

// ended draws the conclusions when a value, or a part of one, is over.
func (s *splitter) ended() finding {
	s.want = wantMore
	switch {
	case len(s.open) > s.frame:
		return jsonMore
	case s.passing():
		return jsonPasses
	case s.frame == 0:
		s.want = 0
	}
	s.inside = false
	return jsonEnds
}

// passing reports whether what is read is a field of the frame, as are the aggregations of an answer.
func (s *splitter) passing() bool { return s.frame > 0 && s.open[s.frame-1].kind == '{' }

// readText reads on in a string up to its end, and returns how many bytes that took.
func (s *splitter) readText(b []byte) (n int) {
	for n < len(b) {
		if s.escape {
			s.escape = false
			n++
			continue
		}
		i := bytes.IndexByte(b[n:], '"')
		text := b[n:]
		if i >= 0 {
			text = text[:i]
		}
		if j := bytes.IndexByte(text, '\\'); j >= 0 {
			s.name(text[:j])
			s.escape = true
			n += j + 1
			continue
		}
		s.name(text)
		if n += len(text); i >= 0 {
			n++
			s.text = false
			if s.want == wantKey {
				s.want = wantColon
			}
			return n
		}
	}
	return n
}

// name keeps what is read of a key that may be one of an answer.
func (s *splitter) name(text []byte) {
	if s.want == wantKey && len(s.key) <= maxAnswerKey {
		s.key = append(s.key, text[:min(len(text), maxAnswerKey+1)]...)
	}
}

func isScalar(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '+' || c == '.'
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
