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
	maxBodyDepth = 6
	maxElements  = 8
)

// Where providers put a short code, a sentence, and the next level of their error.
var (
	codeKeys = []string{"error", "error_code", "errorCode", "code", "status", "reason", "error_subtype", "suberror", "errorType", "error_type",
		"type", "name", "Error", "ErrorCode", "err", "error_name"}
	textKeys   = []string{"error_description", "message", "detail", "title", "description", "error_message", "errorMessage", "errorSummary", "msg", "Message"}
	nestedKeys = []string{"error", "errors", "provider_error_payload", "dataMessage", "cause", "fault", "detail", "details", "data", "body",
		"response", "result", "payload", "err", "Error"}
	statusKeys = []string{"status", "statusCode", "status_code", "code"}
)

// body collects what a provider's answer says, at any of the usual depths.
func (r *Reader) body(f *facts, v *fastjson.Value, depth int) {
	if v == nil || depth > maxBodyDepth {
		return
	}
	switch v.Type() {
	case fastjson.TypeString:
		r.bodyText(f, v.GetStringBytes(), depth)
	case fastjson.TypeArray:
		for i, e := range v.GetArray() {
			if i == maxElements {
				break
			}
			r.body(f, e, depth+1)
		}
	case fastjson.TypeObject:
		r.bodyObject(f, v, depth)
	}
}

func (r *Reader) bodyObject(f *facts, v *fastjson.Value, depth int) {
	for _, k := range codeKeys {
		c := v.Get(k)
		if c == nil {
			continue
		}
		if s := c.GetStringBytes(); s != nil {
			f.addCodeOrText(s)
		} else if c.Type() == fastjson.TypeNumber {
			f.addCode(v.Get(k).MarshalTo(nil))
		}
	}
	for _, k := range textKeys {
		if s := v.GetStringBytes(k); s != nil {
			r.bodyText(f, s, depth+1)
		}
	}
	for _, e := range v.GetArray("error_codes") {
		if n := e.GetInt(); n > 0 {
			f.addCode(append([]byte("aadsts_"), strconv.Itoa(n)...))
		}
	}
	for _, k := range nestedKeys {
		if n := v.Get(k); n != nil && (n.Type() == fastjson.TypeObject || n.Type() == fastjson.TypeArray) {
			r.body(f, n, depth+1)
		} else if s := n.GetStringBytes(); len(s) > 0 && (s[0] == '{' || s[0] == '[') {
			r.bodyText(f, s, depth+1)
		}
	}
	for _, k := range statusKeys {
		if n := number(v.Get(k)); f.status == 0 && n >= 400 && n <= 599 {
			f.status = n
		}
	}
}

// bodyText reads a sentence: JSON inside it, a form-encoded error, Microsoft's codes, axios' status.
func (r *Reader) bodyText(f *facts, s []byte, depth int) {
	s = bytes.TrimSpace(s)
	if len(s) == 0 || depth > maxBodyDepth {
		return
	}
	if startsJSON(s[0]) {
		if v := r.parseNested(s); v != nil {
			r.body(f, v, depth+1)
			r.nested--
			return
		}
	}
	if _, after, ok := bytes.Cut(s, []byte("with payload '")); ok {
		if end := bytes.LastIndex(after, []byte("' has occurred")); end >= 0 {
			r.bodyText(f, after[:end], depth+1)
		}
	}
	s = s[:min(len(s), 4*maxText)]
	f.scanCodes(s)
	f.addText(s)
}

// addCodeOrText takes a value that is a code in one provider and a sentence in the next.
func (f *facts) addCodeOrText(s []byte) {
	if i := bytes.LastIndexByte(s, '/'); i > 0 && bytes.HasPrefix(s, []byte("http")) {
		s = s[i+1:] // problem+json names its type by an address
	}
	if !f.addCode(s) {
		f.scanCodes(s[:min(len(s), 4*maxText)])
		f.addText(s)
	}
}

func (f *facts) addCode(s []byte) bool {
	c := normalCode(s)
	if c == "" {
		return false
	}
	if len(f.codes) < maxCodes && !slices.Contains(f.codes, c) {
		f.codes = append(f.codes, c)
	}
	return true
}

func (f *facts) addText(s []byte) {
	room := maxText - len(f.text)
	if room <= 1 {
		return
	}
	if len(f.text) > 0 {
		f.text = append(f.text, '\n')
	}
	for _, c := range s[:min(len(s), room-1)] {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		f.text = append(f.text, c)
	}
}

var (
	aadsts      = []byte("AADSTS")
	axiosStatus = []byte("Request failed with status code ")
	slackAPI    = []byte("The Slack API returned an error")
	errorWord   = []byte("Error: ")
	formError   = []byte("error=")
	jsonError   = []byte(`"error"`)
)

// scanCodes finds codes inside text that is not JSON.
func (f *facts) scanCodes(s []byte) {
	for t := s; ; {
		i := bytes.Index(t, aadsts)
		if i < 0 {
			break
		}
		t = t[i+len(aadsts):]
		if n := word(t, isDigit); len(n) > 0 {
			f.addCode(append([]byte("aadsts_"), n...))
		}
	}
	if _, t, ok := bytes.Cut(s, axiosStatus); ok {
		if n, err := strconv.Atoi(string(word(t, isDigit))); err == nil && f.status == 0 {
			f.status = n
		}
	}
	if bytes.Contains(s, slackAPI) {
		if i := bytes.LastIndex(s, errorWord); i >= 0 {
			f.addCode(bytes.TrimSpace(s[i+len(errorWord):]))
		}
	}
	if i := bytes.Index(s, formError); i == 0 || i > 0 && (s[i-1] == '&' || s[i-1] == '?') {
		f.addCode(word(s[i+len(formError):], isCodeByte))
	}
	if _, t, ok := bytes.Cut(s, jsonError); ok { // JSON that was cut off
		if t, ok := bytes.CutPrefix(bytes.TrimLeft(t, ": "), []byte{'"'}); ok {
			if c := word(t, isCodeByte); len(c) < len(t) && t[len(c)] == '"' {
				f.addCode(c)
			}
		}
	}
}

// addWords takes each word of a sentence that looks like a code: "invalid_grant: token expired".
func (f *facts) addWords(s []byte) {
	for w := range bytes.FieldsSeq(s[:min(len(s), maxText)]) {
		if w = bytes.Trim(w, ":.,;'\"()"); bytes.IndexByte(w, '_') > 0 {
			f.addCode(w)
		}
	}
}

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

func isCodeByte(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '-' || c == '.'
}

// normalCode returns s as a code: lower case, "_" for "-" and "."; "" when s is not a code but a sentence.
func normalCode(s []byte) string {
	if len(s) < 2 || len(s) > 64 {
		return ""
	}
	out := make([]byte, len(s))
	for i, c := range s {
		switch {
		case !isCodeByte(c):
			return ""
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c == '-' || c == '.':
			c = '_'
		}
		out[i] = c
	}
	return string(out)
}

// isCode reports whether s is in the normal form of a reason.
func isCode(s string) bool {
	return s != "" && !slices.ContainsFunc([]byte(s), func(c byte) bool { return !isDigit(c) && c != '_' && (c < 'a' || c > 'z') })
}
