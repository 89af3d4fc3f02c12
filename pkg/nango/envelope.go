package nango

import (
	"bytes"

	"github.com/valyala/fastjson"
)

// Bounds on wrapping: levels of JSON inside JSON strings, and of containers in all.
const (
	maxNested   = 12
	maxWrappers = 40
)

// wrapper is what the layers around a row said so far.
type wrapper struct {
	id   []byte // the row's document id, from _id, an update path, an action line or the record key
	time int64  // when a bridge received it, Unix ms; the innermost that says so is right
	flat bool   // it was put together again from flat fields
}

// value reads one record value of any form. The outcome is in r.useful and r.fault.
func (r *Reader) value(b []byte) {
	c := wrapper{id: findID(r.meta.Key)}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if len(b) > 5 && b[0] == 0 && startsJSON(b[5]) { // schema registry framing
		if !r.enter(layerConnect) {
			return
		}
		defer r.leave()
		b = b[5:]
	}
	if v := r.parseNested(b); v != nil {
		r.root(v, c)
		r.nested--
	} else if fault := r.parseFault; !r.otlpBytes(b) && !r.pieces(b, c, 0).parsed {
		r.bad(fault)
	}
	if r.pin != layerNone && !r.accepted && !r.useful {
		r.bad(otherEnvelope)
	}
}

func (r *Reader) root(v *fastjson.Value, c wrapper) {
	switch v.Type() {
	case fastjson.TypeObject, fastjson.TypeArray, fastjson.TypeString:
		r.walk(v, c, 0)
	default:
		r.bad("not_an_object")
	}
}

// walk looks for rows in v and in what v wraps. found is true when v is, or holds, something we know.
func (r *Reader) walk(v *fastjson.Value, c wrapper, depth int) (found bool) {
	typ := v.Type()
	if depth > maxWrappers && (typ == fastjson.TypeObject || typ == fastjson.TypeArray) {
		r.bad("too_deep")
		return true
	}
	switch typ {
	case fastjson.TypeString:
		return r.embedded(v.GetStringBytes(), c, depth)
	case fastjson.TypeArray:
		return r.list(v, c, depth)
	case fastjson.TypeObject:
		return r.object(v, c, depth)
	}
	return false
}

func (r *Reader) list(v *fastjson.Value, c wrapper, depth int) (found bool) {
	if text := byteList(v); text != nil {
		return r.embedded(text, c, depth+1)
	}
	r.enter(layerList)
	r.wrappings = append(r.wrappings, wrapping{})
	for _, e := range v.GetArray() {
		found = r.walk(e, wrapper{time: c.time}, depth+1) || found
	}
	r.wrappings = r.wrappings[:len(r.wrappings)-1]
	r.leave()
	return found
}

func (r *Reader) object(v *fastjson.Value, c wrapper, depth int) (found bool) {
	if v.GetObject().Len() == 0 {
		return false
	}
	var l look
	l.at(v)
	if r.action != nil { // the line before this one named it
		c.id, r.action = r.action, nil
	}
	c.learn(&l)
	if !c.flat && l.isFlat() {
		c.flat = true
		return r.unflatten(v, c, depth)
	}
	switch is := l.form(v, c.id); is {
	case formBox:
		return r.unwrap(v, &l, c, depth)
	case formAction:
		r.nameNext(&l)
		return true
	case formKeyList:
		return r.keyList(l.of[keyList], c, depth)
	case formLost:
		return false
	default:
		return r.rowOf(v, &l, is, c, depth)
	}
}

// rowOf hands v to the reader of what it is.
func (r *Reader) rowOf(v *fastjson.Value, l *look, is form, c wrapper, depth int) bool {
	if r.rows--; r.rows < 0 {
		r.bad("too_many_rows")
		return true
	}
	if !r.enterRow(l, is) {
		return true
	}
	defer r.leave()
	known := true
	t := r.tracing()
	switch is {
	case formOperation:
		r.opRow(v, c.id)
	case formMessage:
		r.messageRow(v, l.text(keyParent))
	case formWebhook:
		r.webhook(v, c)
	case formSpan:
		r.spanRow(v, l)
	case formUpdate:
		known = r.update(v, l, c, depth)
	case formPartial:
		r.opRow(v, c.id)
	}
	r.traced(t, v, is)
	if is == formOperation && l.of[keyMessages] != nil { // an operation that brings its messages
		r.walk(l.of[keyMessages], c, depth+1)
	}
	return known
}

// unwrap looks into an object that is no row: first where shippers put one, then everywhere else.
func (r *Reader) unwrap(v *fastjson.Value, l *look, c wrapper, depth int) (found bool) {
	if !r.enter(l.layer()) {
		return true
	}
	level := len(r.wrappings)
	r.wrappings = append(r.wrappings, wrapping{object: v})
	defer func() {
		r.wrappings = r.wrappings[:level]
		r.leave()
	}()
	for _, inner := range l.of[keyBox+1:] {
		if inner == nil {
			continue
		}
		r.wrappings[level].field = inner
		is := r.walk(inner, c, depth+1)
		if found = found || is; is && inner.Type() != fastjson.TypeArray {
			return true
		}
	}
	v.GetObject().Visit(func(k []byte, inner *fastjson.Value) {
		switch code := keyOf(k); {
		case code > keyBox, code == keyNever, code == keyHeaders, code == keyKubernetes, code == keySchema:
		default:
			r.wrappings[level].field = inner
			found = r.walk(inner, c, depth+1) || found
		}
	})
	return found
}

// learn takes what an object says of the row in it.
func (c *wrapper) learn(l *look) {
	for _, k := range [...]key{keyRecordKey, keyID, keyPath} {
		if id := findID(l.text(k)); id != nil {
			c.id = id
		}
	}
	if id := l.text(keyDocID); isOperationID(id) || len(id) > 0 && !isOperationID(c.id) {
		c.id = id
	}
	for _, k := range [...]key{keyTime, keyAtTimestamp, keyTimestamp, keyDate} {
		if t := parseTime(l.of[k]); t >= minTime && t <= maxTime {
			c.time = t
		}
	}
}

// update reads a partial update: what changed of an operation, named only by its wrapper. With an upsert the whole row may stand beside it.
func (r *Reader) update(v *fastjson.Value, l *look, c wrapper, depth int) bool {
	doc := l.of[keyDoc]
	if l.has(keyUpsert) {
		r.walk(l.of[keyUpsert], c, depth+1)
	}
	if doc.Exists("operation") || doc.Exists("parentId") {
		return r.object(doc, c, depth+1)
	}
	if !isOperationID(c.id) {
		c.id = r.nearestPath(v, doc)
	}
	switch {
	case c.id != nil:
		return r.opRow(doc, c.id)
	case stateOf(doc) != stateNone: // it is of Nango, and nobody can say of which operation
		r.bad("no_operation_id")
		return true
	}
	return false
}

// nameNext keeps the document id of a bulk action line for the document that follows.
func (r *Reader) nameNext(l *look) {
	for _, k := range [...]key{keyActionIndex, keyActionUpdate} {
		if a := l.of[k]; a != nil {
			r.action = bytes.Clone(a.GetStringBytes("_id"))
		}
	}
}

// findID returns the operation id in a path, an address or a record key, nil when there is none. An id is 13 digits, a "_", and 6 to 11 letters and digits more.
func findID(s []byte) []byte {
	s = s[:min(len(s), 1024)]
	for at := 0; ; at++ {
		i := bytes.IndexByte(s[at:], '_')
		if i < 0 {
			return nil
		}
		at += i
		start, end := at-13, at+1
		if start < 0 || start > 0 && isDigit(s[start-1]) {
			continue
		}
		for end < len(s) && end-start < 26 && (isCodeByte(s[end]) && s[end] != '-' && s[end] != '.') {
			end++
		}
		if id := s[start:end]; isOperationID(id) {
			return id
		}
	}
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

func startsJSON(c byte) bool { return c == '{' || c == '[' || c == '"' }
