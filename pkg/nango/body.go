package nango

import (
	"bytes"
	"cmp"
	"strconv"

	"github.com/valyala/fastjson"
)

// body collects what a provider's answer says, at any depth.
func (r *Reader) body(f *facts, v *fastjson.Value, in role, depth int) {
	if f.nodes++; v == nil || depth > maxBodyDepth || f.nodes > maxNodes {
		return
	}
	switch v.Type() {
	case fastjson.TypeString:
		r.bodyString(f, v.GetStringBytes(), in, depth)
	case fastjson.TypeNumber:
		n := v.GetInt()
		switch {
		case n <= 0:
		case in&roleList != 0:
			r.addCode(f, strconv.AppendInt([]byte("aadsts_"), int64(n), 10))
		case in&roleCode != 0:
			r.addCode(f, strconv.AppendInt(nil, int64(n), 10))
		}
		if in == roleStatus && f.status == 0 && n >= 400 && n <= 599 {
			f.status = n
		}
	case fastjson.TypeArray:
		for i, e := range v.GetArray() {
			if i == maxElements {
				break
			}
			r.body(f, e, in|roleCode, depth+1)
		}
	case fastjson.TypeObject:
		r.bodyObject(f, v, in, depth)
	}
}

// abouts are parameters of which a body says in two keys, or by the key itself, what is wrong with them.
var abouts = []struct {
	squeezed string
	text     string
}{{"refreshtoken", "refresh token "}, {"clientid", "client id "}, {"clientsecret", "client secret "}}

func (r *Reader) bodyObject(f *facts, v *fastjson.Value, in role, depth int) {
	about := ""
	v.GetObject().Visit(func(key []byte, e *fastjson.Value) {
		switch role := f.role(key); role {
		case roleSkip:
		case roleField:
			about = cmp.Or(about, f.about(e.GetStringBytes()))
		default:
			if in&roleCode != 0 && role == roleNone && isWritten(key) && isSaid(e) { // {"error": {"invalid_grant": "…"}}
				r.codeIn(f, key, &f.codes)
			}
			r.body(f, e, role, depth+1)
			if s := e.GetStringBytes("0"); s != nil { // {"refresh_token": ["is invalid"]}
				f.addAbout(f.about(key), s)
			}
		}
	})
	f.addAbout(about, v.GetStringBytes("code")) // {"field": "refresh_token", "code": "invalid"}
}

func (f *facts) addAbout(about string, s []byte) {
	if about != "" {
		f.addText(append([]byte(about), s...))
	}
}

// about returns how a sentence begins about the parameter that s names; "" when nothing is asked of it.
func (f *facts) about(s []byte) string {
	for _, a := range abouts {
		if f.spells(s, a.squeezed) {
			return a.text
		}
	}
	return ""
}

// isSaid reports whether a value under a code can be what is told of it: no flag, no number.
func isSaid(v *fastjson.Value) bool {
	return len(v.GetStringBytes()) > 0 || len(v.GetArray()) > 0 || v.Type() == fastjson.TypeObject
}

// bodyString reads a text by the key it stands under.
func (r *Reader) bodyString(f *facts, s []byte, in role, depth int) {
	s = bytes.TrimSpace(s)
	if in == roleStatus && f.status == 0 && len(s) == 3 {
		if n, err := strconv.Atoi(string(s)); err == nil && n >= 400 && n <= 599 {
			f.status = n
		}
	}
	switch {
	case len(s) == 0:
	case in&roleCode != 0:
		if !r.addCode(f, s) && in != roleName {
			r.bodyText(f, s, depth)
		}
	case in == roleText || startsJSON(s[0]):
		r.bodyText(f, s, depth)
	}
}

// bodyText reads a sentence: JSON or a form inside it, markup, codes among its words.
func (r *Reader) bodyText(f *facts, s []byte, depth int) {
	s = bytes.TrimPrefix(bytes.TrimSpace(s), []byte("\xef\xbb\xbf"))
	if len(s) == 0 || depth > maxBodyDepth {
		return
	}
	if startsJSON(s[0]) {
		if v := r.parseNested(s); v != nil {
			r.body(f, v, roleText, depth+1)
			r.nested--
			return
		}
	}
	if i, ok := r.inside(f, s[:min(len(s), maxInside)], depth); ok {
		s = s[:i]
	}
	s = s[:min(len(s), 4*maxText)]
	if s, ok := formBody(f.buffer, s); ok {
		r.formText(f, s)
		return
	}
	if len(s) > 0 && s[0] == '<' {
		r.markup(f, s)
		return
	}
	r.sentence(f, s)
}

// inside reads JSON that stands in a sentence, however often its quotes were escaped, and returns where it begins.
func (r *Reader) inside(f *facts, s []byte, depth int) (int, bool) {
	i := bytes.IndexByte(s, '{')
	end := bytes.LastIndexByte(s, '}')
	if i < 0 || end < i || r.nested == maxNested {
		return 0, false
	}
	json := s[i : end+1]
	for range 3 {
		if v := r.parseNested(json); v != nil {
			r.body(f, v, roleText, depth+1)
			r.nested--
			return i, true
		}
		if bytes.IndexByte(json, '\\') < 0 {
			break
		}
		json = unescaped(json)
	}
	return 0, false
}

// unescaped takes one level of backslashes away.
func unescaped(s []byte) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			i++
		}
		out = append(out, s[i])
	}
	return out
}
