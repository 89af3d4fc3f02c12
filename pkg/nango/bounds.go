package nango

import (
	"bytes"
	"strings"

	"github.com/valyala/fastjson"
)

// Bounds on what is read of one record value, and on what is kept of many.
const (
	maxValue    = 8 << 20   // bytes; a larger one is not read
	keepParsers = 256 << 10 // bytes; after a larger one the parsers' memory is given back
	maxValues   = 500_000   // JSON values that are parsed at once
	fewValues   = 1 << 15   // so many are, however short
	fewObjects  = 1 << 13   // and of them, objects and arrays
	maxInterned = 100_000   // names kept to be shared
	shortestRow = 128       // bytes; a value of more rows than fit into it is not of Nango
)

// dense reports whether JSON is made of more values than are parsed at once: each takes 50 times the memory of the bytes that ask for it.
func dense(b []byte) bool {
	if len(b) <= fewObjects {
		return false
	}
	objects := bytes.Count(b, []byte("{")) + bytes.Count(b, []byte("["))
	values := objects + bytes.Count(b, []byte(","))
	if !tooMany(len(b), objects, values) {
		return false
	}
	objects, values = 0, 0
	for i := 0; i < len(b); i++ { // once more, without what stands in texts
		switch b[i] {
		case '"':
			if i = textEnd(b, i+1); i < 0 {
				i = len(b)
			}
		case '{', '[':
			objects++
			values++
		case ',':
			values++
		}
	}
	return tooMany(len(b), objects, values)
}

// tooMany judges the number of values in n bytes; a few may be as short as they like.
func tooMany(n, objects, values int) bool {
	return objects > max(n/8, fewObjects) || values > max(min(n/8, maxValues), fewValues)
}

// allowance is how many bytes may be parsed for a value of n bytes: JSON inside JSON is read again at every level, and each
// level is shorter than the one around it.
func allowance(n int) int { return 6*n + 16<<10 }

// scan takes off the allowance what looking through n bytes costs: a fourth of parsing them.
func (r *Reader) scan(n int) bool { return r.spend(n/4 + 1) }

// spend takes n bytes off the allowance of the record being read; false, and the rest of it is dropped, when it is used up.
func (r *Reader) spend(n int) bool {
	if r.work -= n; r.work >= 0 {
		return true
	}
	r.bad("too_much_nesting")
	return false
}

// bad notes why a part of the record could not be read; the rest of it is read on.
func (r *Reader) bad(reason string) {
	if r.fault == "" {
		r.fault = reason
	}
}

// parseNested parses JSON found at whatever depth; the caller must lower r.nested when it is done with the value. It
// returns nil, and leaves the reason in r.parseFault, when there is none.
func (r *Reader) parseNested(b []byte) *fastjson.Value {
	if r.nested == maxNested {
		r.parseFault = "too_deep"
		return nil
	}
	if dense(b) {
		r.parseFault = "too_dense"
		r.scan(len(b))
		return nil
	}
	if !r.spend(len(b)) {
		r.parseFault = "too_much_nesting"
		return nil
	}
	v, err := r.parsers[r.nested].ParseBytes(b)
	if err != nil {
		r.parseFault = "not_json"
		if strings.Contains(err.Error(), "too big depth") {
			r.parseFault = "too_deep"
		}
		return nil
	}
	r.nested++
	return v
}
