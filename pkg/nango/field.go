package nango

import (
	"bytes"

	"github.com/valyala/fastjson"
)

// account returns the first of the configured fields that the row holds.
func (r *Reader) account(v *fastjson.Value) string {
	for _, path := range r.accountFields {
		if a := v.Get(path...); a != nil {
			if s := r.text(a); s != "" {
				return r.intern([]byte(s))
			}
		}
	}
	return ""
}

// name returns a field that few values share, interned.
func (r *Reader) name(v *fastjson.Value, key, fallback string) string {
	return r.intern([]byte(r.long(v, key, fallback)))
}

// long returns a field as text, cleaned and bounded; the fallback field when it is not there.
func (r *Reader) long(v *fastjson.Value, key, fallback string) string {
	if s := r.text(v.Get(key)); s != "" || fallback == "" {
		return s
	}
	return r.text(v.Get(fallback))
}

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
func (r *Reader) clean(b []byte) string {
	if len(b) > maxName {
		b = b[:maxName]
	}
	return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
}
