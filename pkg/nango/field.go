package nango

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"
)

// account returns the first of the configured fields that the row holds. An e-mail address is not kept: the next field counts, and where there
// is none a pseudonym stands for it, which is the same wherever the address is.
func (r *Reader) account(v *fastjson.Value) (person string) {
	for _, path := range r.accountFields {
		a := v.Get(path...)
		if a == nil {
			continue
		}
		switch s := r.text(a); {
		case confidential(s):
		case personal(s) && person == "":
			person = pseudonym(s)
		case s != "" && !personal(s):
			return r.intern([]byte(s))
		}
	}
	return person
}

// personal reports whether a text looks like an e-mail address, or holds one, however its sign was written.
func personal(s string) bool {
	return strings.IndexByte(s, '@') > 0 || slices.ContainsFunc(atSigns, func(at string) bool { return strings.Contains(s, at) })
}

var atSigns = []string{"%40", "%2540", "&#64;", "&commat;", "(at)", "[at]", "\uFF20", "\uFE6B"}

// confidential reports whether a text is a token or a key by its form: nobody is named so.
func confidential(s string) bool {
	return strings.HasPrefix(s, "eyJ") && strings.Count(s, ".") >= 2 || strings.Contains(s, "PRIVATE KEY") ||
		len(s) > 7 && (strings.EqualFold(s[:7], "bearer ") || strings.EqualFold(s[:6], "basic "))
}

func pseudonym(address string) string {
	h := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(address))))
	return "person-" + hex.EncodeToString(h[:5])
}

// name returns a field that few values share, interned.
func (r *Reader) name(v *fastjson.Value, key string) string {
	return r.intern([]byte(r.text(v.Get(key))))
}

// numbered marks a number that stands for a name until a row says the name. It sorts before every name, so that a merge prefers those.
const numbered = "\x00"

// named returns a name, or the marked number of what has it.
func (r *Reader) named(v *fastjson.Value, name, number string) string {
	if s := r.text(v.Get(name)); s != "" {
		return s
	}
	if s := r.text(v.Get(number)); s != "" {
		return numbered + s
	}
	return ""
}

// plainName is a name without the mark.
func plainName(s string) string { return strings.TrimPrefix(s, numbered) }

// spelled returns a field that has two spellings as text.
func (r *Reader) spelled(v *fastjson.Value, one, other string) string {
	if s := r.text(v.Get(one)); s != "" {
		return s
	}
	return r.text(v.Get(other))
}

// text returns a text or a number as text, cleaned and bounded; "" for anything else.
func (r *Reader) text(v *fastjson.Value) string {
	switch {
	case v == nil:
		return ""
	case v.Type() == fastjson.TypeNumber:
		return string(v.MarshalTo(r.scratch[:0]))
	}
	return r.clean(v.GetStringBytes())
}

// clean copies an identifier: valid UTF-8, no more than maxName bytes.
func (r *Reader) clean(b []byte) string { return bound(b, maxName) }

// bound copies a text as valid UTF-8 of at most most bytes. A longer one ends in a hash of the whole: two that differ only later stay two.
func bound(b []byte, most int) string {
	if len(b) <= most && utf8.Valid(b) {
		return string(b)
	}
	s := bytes.ToValidUTF8(b, []byte("\uFFFD"))
	if len(s) <= most {
		return string(s)
	}
	tail := fmt.Sprintf("~%016x", idHash(b))
	cut := most - len(tail)
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return string(s[:cut]) + tail
}

// maxAuthMode bounds the name of a way to authorize, in bytes.
const maxAuthMode = 32

// authMode returns how a connection authorizes, as Nango names it: OAUTH2, OAUTH2_CC, TBA …; "" for what is no such name. Only webhooks say it: the
// authType of an operation row names the route of the request, and one route serves several modes.
func (r *Reader) authMode(v *fastjson.Value) string {
	s := v.GetStringBytes()
	if len(s) == 0 || len(s) > maxAuthMode || slices.ContainsFunc(s, func(c byte) bool { return c == '-' || !isWordByte(c) }) {
		return ""
	}
	return r.intern(bytes.ToUpper(s))
}
