package nango

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/valyala/fastjson"
)

// Bounds on what is taken from one provider body.
const (
	maxText      = 1024
	maxCodes     = 16
	maxBodyDepth = 10
	maxElements  = 8
	maxNodes     = 256      // values looked at in one body
	maxInside    = 64 << 10 // of a text, searched for JSON
)

// facts is what one row says about a refused refresh. It lives only while the row is read: verdicts are kept, texts are not.
type facts struct {
	typ     string // Nango's error type
	from    witness
	status  int    // the provider's HTTP status, 0 when not known
	told    int    // the same as the body tells it
	codes   []code // where a body puts its code
	words   []code // codes inside a sentence
	texts   []int  // numbers of text conditions
	text    []byte // as spoken makes it, at most maxText bytes
	said    []byte // the longest sentence, as it was
	shape   string
	strange bool // a code stood where one is expected, and no rule asks for it
	nodes   int
	scratch [maxCode]byte
	buffer  []byte // a text that is to be read another way
}

// code is a code that some rule asks for.
type code struct {
	number  int
	spelled string // where the rule asks for its beginning only
}

// hash is one number for what a body says: its codes and texts in whatever order. 0 when it says nothing.
func (f *facts) hash() (sum uint32) {
	mix := func(kind, n int) { sum += (uint32(n)*4 + uint32(kind) + 1) * 2654435761 }
	for _, c := range f.codes {
		mix(0, c.number)
	}
	for _, c := range f.words {
		mix(1, c.number)
	}
	for _, n := range f.texts {
		mix(2, n)
	}
	return sum
}

func (f *facts) reset() {
	*f = facts{codes: f.codes[:0], words: f.words[:0], texts: f.texts[:0], text: f.text[:0], said: f.said[:0], buffer: f.buffer[:0]}
}

// sentence adds a text and the codes in it.
func (r *Reader) sentence(f *facts, s []byte) {
	if _, t, ok := bytes.Cut(s, axiosStatus); ok {
		if n, err := strconv.Atoi(string(word(t, isDigit))); err == nil && f.status == 0 && n >= 100 && n <= 599 {
			f.status = n
		}
	}
	if bytes.Contains(s, slackAPI) {
		if i := bytes.LastIndex(s, errorWord); i >= 0 {
			r.addCode(f, bytes.TrimSpace(s[i+len(errorWord):]))
		}
	}
	r.addWords(f, s)
	f.addText(s)
}

var (
	axiosStatus = []byte("Request failed with status code ")
	slackAPI    = []byte("The Slack API returned an error")
	errorWord   = []byte("Error: ")
)

// addCode notes a code, whatever its spelling; false when s is a sentence. What no rule asks for is dropped.
func (r *Reader) addCode(f *facts, s []byte) bool {
	s = bytes.Trim(s, " \t\r\n\"'`.,:;!?()[]")
	if len(s) == 0 || len(s) > maxCode && !bytes.Contains(s, []byte("://")) {
		return false
	}
	if r.codeIn(f, s, &f.codes) {
		return true
	}
	if slices.ContainsFunc(s, func(c byte) bool { return !isCodeByte(c) && c != '/' && c != ':' && c != '#' }) {
		return false
	}
	if i := bytes.LastIndexAny(s, "/:#."); i >= 0 { // problem+json names its type by an address, others put a class before it
		s = s[i+1:]
		if r.codeIn(f, s, &f.codes) {
			return true
		}
	}
	f.strange = true
	r.trace.meets(s)
	return true
}

func (r *Reader) codeIn(f *facts, s []byte, to *[]code) bool {
	n, ok := r.rules.lookup.find(f.scratch[:], s)
	if !ok {
		return false
	}
	c := code{number: n}
	if r.rules.lookup.wild(n) {
		c.spelled = spelling(s)
	}
	if len(*to) < maxCodes && !slices.Contains(*to, c) {
		*to = append(*to, c)
	}
	return true
}

// addWords looks for codes among the words of a sentence. A word is a code only when it is written as one; names of fields
// and parts of addresses are none.
func (r *Reader) addWords(f *facts, s []byte) {
	for chunk := range bytes.FieldsFuncSeq(s[:min(len(s), maxText)], isSpace) {
		if bytes.Contains(chunk, []byte("://")) || bytes.Contains(chunk, []byte("%3A%2F%2F")) {
			continue
		}
		for i := 0; i < len(chunk); {
			w := word(chunk[i:], isWordByte)
			if len(w) == 0 {
				i++
				continue
			}
			before, after := chunk[:i], chunk[i+len(w):]
			i += len(w)
			if w = bytes.Trim(w, "._-"); isWritten(w) && !isField(before, after) {
				r.codeIn(f, w, &f.words)
			}
		}
	}
}

// isWritten reports whether a word looks like a code and not like one of a sentence: a_b, aB, AADSTS50076.
func isWritten(w []byte) bool {
	if len(w) < 5 || len(w) > maxCode {
		return false
	}
	if bytes.IndexByte(w, '_') > 0 || bytes.HasPrefix(w, []byte("AADSTS")) && isDigit(w[len(w)-1]) {
		return true
	}
	for i := 1; i < len(w); i++ {
		if 'A' <= w[i] && w[i] <= 'Z' && 'a' <= w[i-1] && w[i-1] <= 'z' {
			return true
		}
	}
	return false
}

// isField reports whether a word is the name of a field, a parameter or a tag.
func isField(before, after []byte) bool {
	if len(before) > 0 && (before[len(before)-1] == '<' || bytes.HasSuffix(before, []byte("</"))) {
		return true
	}
	after = bytes.TrimLeft(after, `\`)
	quoted := bytes.TrimLeft(after, `"'`)
	return len(after) > 0 && after[0] == '=' || len(quoted) < len(after) && len(quoted) > 0 && quoted[0] == ':'
}

// addText adds a sentence to what is searched, and keeps the longest.
func (f *facts) addText(s []byte) {
	if len(s) > len(f.said) {
		f.said = append(f.said[:0], s[:min(len(s), maxText)]...)
	}
	if _, own, ok := bytes.Cut(s, nangoSaid); ok {
		s = own
	}
	room := maxText - len(f.text)
	if room <= 1 {
		return
	}
	if len(f.text) > 0 {
		f.text = append(f.text, '\n')
	}
	f.text = spoken(f.text, s[:min(len(s), room-1)])
}

// nangoSaid is Nango's own sentence before what a provider said; it asks to try again whatever that is.
var nangoSaid = []byte("returned an error when trying to refresh the access token. Please try again later.")

// number reads a whole number, also one that a pipeline made a text of; 0 when it is none.
func number(v *fastjson.Value) int {
	if s := v.GetStringBytes(); s != nil {
		n, _ := strconv.Atoi(string(s))
		return n
	}
	return v.GetInt()
}

func word(s []byte, in func(byte) bool) []byte {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return s[:n]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isSpace(c rune) bool { return c <= ' ' || c == '&' }

func isCodeByte(c byte) bool { return isWordByte(c) || c == '.' }

func isWordByte(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '-'
}

// isCode reports whether s is in the normal form of a reason.
func isCode(s string) bool {
	return s != "" && !slices.ContainsFunc([]byte(s), func(c byte) bool { return !isDigit(c) && c != '_' && (c < 'a' || c > 'z') })
}
