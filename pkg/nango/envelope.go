package nango

import (
	"bytes"

	"github.com/valyala/fastjson"
)

// Bounds on wrapping: levels of JSON inside JSON strings, and of containers in all.
const (
	maxNested   = 8
	maxWrappers = 16
)

// wrapper is what the layers around a row said so far.
type wrapper struct {
	id   []byte // the row's document id, from _id, an update path, an action line or the record key
	time int64  // when a bridge received it, Unix ms
}

// Where shippers put the row, as an object or as text.
var containerKeys = []string{"_source", "payload", "value", "message", "log", "body", "event", "original", "data", "record", "_raw",
	"MESSAGE", "msg", "line", "text", "after", "document", "fullDocument", "row", "json", "result", "structuredContent"}

// Where an answer of an interface puts many of them.
var listKeys = []string{"operations", "messages", "hits", "items", "rows", "records", "docs", "results", "content"}

var stampKeys = []string{"timestamp", "received_at", "receivedAt", "@timestamp"}

// value reads one record value of any form. The outcome is in r.useful and r.fault.
func (r *Reader) value(b []byte, c wrapper) {
	if v := r.parseNested(b); v != nil {
		r.walk(v, c, 0)
		r.nested--
		return
	}
	fault := r.parseFault
	switch {
	case len(b) > 5 && b[0] == 0 && startsJSON(b[5]): // schema registry framing
		r.value(b[5:], c)
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		r.value(b[3:], c)
	case r.console(b, c, 0):
	case r.lines(b, c):
	default:
		r.bad(fault)
	}
}

// walk looks for rows in v and in what v wraps. found is true when v is, or holds, something we know.
func (r *Reader) walk(v *fastjson.Value, c wrapper, depth int) (found bool) {
	if depth > maxWrappers {
		r.bad("too_deep")
		return true
	}
	switch v.Type() {
	case fastjson.TypeString:
		return r.embedded(v.GetStringBytes(), c, depth)
	case fastjson.TypeArray:
		return r.list(v, c, depth)
	case fastjson.TypeObject:
		return r.object(v, c, depth)
	}
	if depth == 0 {
		r.bad("not_an_object")
	}
	return false
}

func (r *Reader) object(v *fastjson.Value, c wrapper, depth int) bool {
	if id := v.GetStringBytes("_id"); len(id) > 0 {
		c.id = id
	}
	if op := v.Get("operation"); op != nil && op.Type() == fastjson.TypeObject {
		if len(op.GetStringBytes("action")) > 0 {
			return r.opRow(v, c.id)
		}
		if op.Get("operation") != nil { // an operation with its messages
			r.walk(op, c, depth+1)
			r.walkKey(v, "messages", c, depth)
			return true
		}
	}
	if parent := v.GetStringBytes("parentId"); len(parent) > 0 {
		r.messageRow(v, parent)
		return true
	}
	for _, k := range stampKeys {
		if c.time == 0 {
			c.time = parseTime(v.Get(k))
		}
	}
	if isWebhook(v) {
		r.webhook(v, c)
		return true
	}
	if doc := v.Get("doc"); doc != nil && doc.Type() == fastjson.TypeObject {
		return r.update(doc, c)
	}
	return !r.bare && r.unwrap(v, c, depth)
}

func (r *Reader) unwrap(v *fastjson.Value, c wrapper, depth int) bool {
	if id := updatePath(v.GetStringBytes("path")); id != nil {
		c.id = id
	}
	for _, k := range containerKeys {
		if r.walkKey(v, k, c, depth) {
			return true
		}
	}
	found := false
	for _, k := range listKeys {
		found = r.walkKey(v, k, c, depth) || found
	}
	return found
}

func (r *Reader) walkKey(v *fastjson.Value, key string, c wrapper, depth int) bool {
	inner := v.Get(key)
	return inner != nil && r.walk(inner, c, depth+1)
}

func (r *Reader) list(v *fastjson.Value, c wrapper, depth int) (found bool) {
	for _, e := range v.GetArray() {
		if t := e.Type(); t == fastjson.TypeObject || t == fastjson.TypeArray || t == fastjson.TypeString {
			found = r.walk(e, wrapper{time: c.time}, depth+1) || found
		}
	}
	return found
}

// update reads a partial update: what changed of an operation, named only by its wrapper.
func (r *Reader) update(doc *fastjson.Value, c wrapper) bool {
	if doc.Exists("operation") || doc.Exists("parentId") {
		return r.object(doc, c, 1)
	}
	if !isOperationID(c.id) {
		return false
	}
	return r.opRow(doc, c.id)
}

// updatePath returns the document id of an update request's path.
func updatePath(path []byte) []byte {
	_, id, ok := bytes.Cut(path, []byte("/_update/"))
	if !ok {
		_, id, ok = bytes.Cut(path, []byte("/_doc/"))
	}
	if !ok {
		return nil
	}
	if i := bytes.IndexByte(id, '?'); i >= 0 {
		id = id[:i]
	}
	return id
}

// isOperationID reports whether id has the form Nango gives to operations: letters, digits and _, 20 to 25 of them.
func isOperationID(id []byte) bool {
	if len(id) < 20 || len(id) > 25 {
		return false
	}
	for _, c := range id {
		if !isCodeByte(c) || c == '-' || c == '.' {
			return false
		}
	}
	return idTime(id) != 0
}

// embedded reads text that may hold a row: JSON, a console line, or neither.
func (r *Reader) embedded(s []byte, c wrapper, depth int) bool {
	s = bytes.TrimSpace(s)
	if len(s) < 2 {
		return false
	}
	if startsJSON(s[0]) {
		if v := r.parseNested(s); v != nil {
			found := r.walk(v, c, depth+1)
			r.nested--
			return found
		}
		if r.lines(s, c) {
			return true
		}
	}
	return r.console(s, c, depth)
}

func startsJSON(c byte) bool { return c == '{' || c == '[' || c == '"' }

var consoleStart, consoleEnd = []byte("operation({"), []byte("})")

// console reads the line Nango prints for an operation when it keeps no logs: operation({...}).
func (r *Reader) console(s []byte, c wrapper, depth int) bool {
	i, end := bytes.Index(s, consoleStart), bytes.LastIndex(s, consoleEnd)
	if i < 0 || end < i {
		return false
	}
	v := r.parseNested(s[i+len(consoleStart)-1 : end+1])
	if v == nil {
		return false
	}
	found := r.walk(v, c, depth+1)
	r.nested--
	return found
}

// lines reads several JSON values, one a line: a bulk body, whose action lines name the documents after them, or joined
// log lines. A line that cannot be read does not take its neighbours with it.
func (r *Reader) lines(s []byte, c wrapper) bool {
	if bytes.IndexByte(s, '\n') < 0 {
		return false
	}
	understood := false
	for line := range bytes.SplitSeq(s, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || !startsJSON(line[0]) {
			continue
		}
		v := r.parseNested(line)
		if v == nil {
			if understood {
				r.bad(r.parseFault)
			}
			continue
		}
		understood = true
		if id := actionLine(v); id != nil {
			c.id = append([]byte(nil), id...)
		} else {
			r.walk(v, c, 1)
			c.id = nil
		}
		r.nested--
	}
	return understood
}

// actionLine returns the document id of a bulk action line, nil when v is none.
func actionLine(v *fastjson.Value) []byte {
	for _, k := range []string{"update", "index", "create"} {
		if a := v.Get(k); a != nil && a.Exists("_index") {
			return a.GetStringBytes("_id")
		}
	}
	return nil
}
