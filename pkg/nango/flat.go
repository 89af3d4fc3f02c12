package nango

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/valyala/fastjson"
)

// Bounds on putting a flat row together again: a row has no more fields, and none is deeper.
const (
	maxFields = 512
	maxDots   = 8
)

// isFlat reports whether a pipeline has flattened a row: "operation.action" for an object, or the object as text. A search that asks for
// fields answers so, too, with every value in a list.
func (l *look) isFlat() bool {
	return l.keys > 2 && l.keys <= maxFields && (l.has(keyFlat) || isObjectText(l.text(keyOperation)) || isObjectText(l.text(keyMeta)) && l.has(keyParent))
}

func isObjectText(s []byte) bool { return len(s) > 1 && s[0] == '{' && s[len(s)-1] == '}' }

// unflatten reads a flattened row.
func (r *Reader) unflatten(v *fastjson.Value, c wrapper, depth int) bool {
	if r.rows--; r.rows < 0 {
		r.bad("too_many_rows")
		return true
	}
	tree := map[string]any{}
	v.GetObject().Visit(func(k []byte, inner *fastjson.Value) {
		put(tree, strings.SplitN(string(k), ".", maxDots), leaf(inner))
	})
	text, err := json.Marshal(tree)
	if err != nil {
		r.bad("not_json")
		return true
	}
	whole := r.parseNested(text)
	if whole == nil {
		r.bad(r.parseFault)
		return true
	}
	defer func() { r.nested-- }()
	return r.walk(whole, c, depth+1)
}

// put sets a value in a tree of objects. Where a field is both a value and an object, it is the object.
func put(tree map[string]any, path []string, value json.RawMessage) {
	for ; len(path) > 1; path = path[1:] {
		inner, ok := tree[path[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
			tree[path[0]] = inner
		}
		tree = inner
	}
	if _, ok := tree[path[0]].(map[string]any); !ok {
		tree[path[0]] = value
	}
}

// leaf is the JSON of a field: the element of a list of one, and what a text of an object says.
func leaf(v *fastjson.Value) json.RawMessage {
	if list := v.GetArray(); len(list) == 1 {
		v = list[0]
	}
	if s := v.GetStringBytes(); isObjectText(s) && fastjson.ValidateBytes(s) == nil {
		return bytes.Clone(s)
	}
	return v.MarshalTo(nil)
}
