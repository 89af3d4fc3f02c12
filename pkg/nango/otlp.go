package nango

import (
	"bytes"
	"strconv"

	"github.com/valyala/fastjson"
)

// span is what Nango writes into the spans of its OpenTelemetry export, whatever their encoding. Its texts are valid until the next record.
type span struct {
	trace, id                                      []byte
	operation, typ, action, status                 []byte
	environment, provider, integration, connection []byte
	fault                                          []byte
	start, end                                     int64 // Unix ms, 0 = not known
	ok                                             bool  // the span's own status
}

// set takes one attribute; others are not kept.
func (s *span) set(key, value []byte) {
	switch string(key) {
	case "nango.operation.id":
		s.operation = value
	case "nango.operation.type":
		s.typ = value
	case "nango.operation.action":
		s.action = value
	case "nango.operation.status":
		s.status = value
	case "nango.environment":
		s.environment = value
	case "nango.provider":
		s.provider = value
	case "nango.integration":
		s.integration = value
	case "nango.connection":
		s.connection = value
	case "nango.error.type":
		s.fault = value
	}
}

// spanRow reads a span in JSON, of OTLP, Jaeger or Zipkin.
func (r *Reader) spanRow(v *fastjson.Value, l *look) {
	s := span{start: spanTime(v, "startTimeUnixNano", "start_time_unix_nano"), end: spanTime(v, "endTimeUnixNano", "end_time_unix_nano")}
	s.trace, s.id = firstText(v, "traceId", "trace_id", "traceID"), firstText(v, "spanId", "span_id", "spanID", "id")
	s.named(l.text(keyName))
	code := v.Get("status", "code")
	s.ok = code.GetInt() == 1 || bytes.HasSuffix(code.GetStringBytes(), []byte("OK"))
	for _, k := range [...]key{keyAttributes, keyTags} {
		s.attributes(l.of[k])
	}
	r.span(&s)
}

// named takes type and action from the name, nango.<type>.<action>; the attributes say the same.
func (s *span) named(name []byte) {
	name, _ = bytes.CutPrefix(name, nangoDot)
	s.typ, s.action, _ = bytes.Cut(name, []byte("."))
}

// attributes takes a list of {key, value}, where the value may be wrapped as OTLP does, or an object of them.
func (s *span) attributes(v *fastjson.Value) {
	for _, a := range v.GetArray() {
		value := a.Get("value")
		if isObject(value) {
			value = firstOf(value, "stringValue", "string_value")
		}
		s.set(a.GetStringBytes("key"), value.GetStringBytes())
	}
	v.GetObject().Visit(func(k []byte, value *fastjson.Value) { s.set(k, value.GetStringBytes()) })
}

func firstOf(v *fastjson.Value, keys ...string) *fastjson.Value {
	for _, k := range keys {
		if inner := v.Get(k); inner != nil {
			return inner
		}
	}
	return nil
}

func firstText(v *fastjson.Value, keys ...string) []byte { return firstOf(v, keys...).GetStringBytes() }

// spanTime reads nanoseconds, which JSON writes as text, in ms.
func spanTime(v *fastjson.Value, keys ...string) int64 {
	t := firstOf(v, keys...)
	if t == nil {
		return 0
	}
	if s := t.GetStringBytes(); s != nil {
		ns, err := strconv.ParseUint(string(s), 10, 64)
		if err != nil {
			return 0
		}
		return int64(ns / 1e6)
	}
	return int64(t.GetFloat64() / 1e6)
}

// span makes of a span what a row of the same operation would say. There are none of auth operations: that news of a refresh was delivered
// (or could not be) is all they tell of a refused one, and a new authorization is delivered under the same name.
func (r *Reader) span(s *span) {
	e := &r.entry
	*e = entry{Environment: r.intern(s.environment), Provider: r.intern(s.provider), Integration: r.intern(s.integration), Connection: r.clean(s.connection)}
	id, ok := s.entryID(), true
	switch kind := kindOf(s.typ, s.action); {
	case string(s.typ) == "webhook" && string(s.action) == "connection_refresh":
		e.Kind, e.State, e.Log, e.Sure = opWebhook, stateFailed, true, true
		e.Verdicts = []verdict{{Rank: lastRank, Cause: Unknown, Reason: spanReason}}
		id, ok = append([]byte("~span_"), id...), e.Connection != ""
	case kind == opProxy && s.worked():
		e.Kind, e.State = kind, stateSuccess
		ok = e.Connection != "" && e.Provider != ""
	case kind == opProxy || kind == opScript:
		e.Kind, e.State = kind, stateFailed
		e.Sign, e.SignConnection, e.SignIntegration = s.sign(), e.Connection, e.Integration
		ok = e.Sign != 0 && e.Connection != ""
	default:
		ok = false
	}
	if !ok || len(id) == 0 || len(id) > 72 {
		r.stats.Rows["other_operation"]++
		r.tellsTime(s.start, s.end)
		return
	}
	r.spanJoin(s, e, id)
}

// lastRank is behind that of every rule.
const lastRank = 1 << 20

func (r *Reader) spanJoin(s *span, e *entry, id []byte) {
	created := idTime(s.operation)
	if created == 0 {
		created = s.start
	}
	var ok bool
	if e.Created, ok = r.plausible(created); !ok {
		return
	}
	if e.Ended = r.clamp(s.end); e.Kind == opWebhook {
		e.Ended = e.Created
	}
	r.stats.Rows["span"]++
	r.seen(e.Created, max(e.Created, r.clamp(s.end)))
	r.join(id, e)
}

// entryID is the id of the operation, which its row has too; of a span that does not say it, its own.
func (s *span) entryID() []byte {
	if len(s.operation) > 0 {
		return s.operation
	}
	if len(s.id) == 0 {
		return nil
	}
	return append(append(append([]byte(nil), s.trace...), '_'), s.id...)
}

func (s *span) worked() bool {
	if len(s.status) > 0 {
		return string(s.status) == "success"
	}
	return s.ok
}

func (s *span) sign() Kind {
	switch string(s.fault) {
	case "unknown_connection":
		return UnknownConnection
	case "connection_refresh_exhausted":
		return Exhausted
	}
	return 0
}

// keyList reads an object written as OTLP does, {"values":[{"key":…,"value":{…}}]}: the body of a log record.
func (r *Reader) keyList(v *fastjson.Value, c wrapper, depth int) bool {
	plain := appendKeyList(nil, v, 0)
	inner := r.parseNested(plain)
	if inner == nil {
		return false
	}
	defer func() { r.nested-- }()
	return r.walk(inner, c, depth+1)
}

// appendKeyList appends the plain JSON of a list of keys and values.
func appendKeyList(to []byte, v *fastjson.Value, depth int) []byte {
	to = append(to, '{')
	for i, kv := range v.GetArray("values") {
		if i > 0 {
			to = append(to, ',')
		}
		key := kv.Get("key")
		if key == nil || key.Type() != fastjson.TypeString {
			to = append(to, `"":`...)
		} else {
			to = append(key.MarshalTo(to), ':')
		}
		to = appendAny(to, kv.Get("value"), depth+1)
	}
	return append(to, '}')
}

// appendAny appends the plain JSON of a value that names its type.
func appendAny(to []byte, v *fastjson.Value, depth int) []byte {
	if depth > maxWrappers {
		return append(to, "null"...)
	}
	if list := firstOf(v, "kvlistValue", "kvlist_value"); list != nil {
		return appendKeyList(to, list, depth)
	}
	if list := firstOf(v, "arrayValue", "array_value"); list != nil {
		to = append(to, '[')
		for i, e := range list.GetArray("values") {
			if i > 0 {
				to = append(to, ',')
			}
			to = appendAny(to, e, depth+1)
		}
		return append(to, ']')
	}
	if n := firstOf(v, "intValue", "int_value"); n.GetStringBytes() != nil { // 64 bits are written as text
		if _, err := strconv.ParseInt(string(n.GetStringBytes()), 10, 64); err == nil {
			return append(to, n.GetStringBytes()...)
		}
	}
	if plain := firstOf(v, "stringValue", "string_value", "intValue", "int_value", "boolValue", "bool_value", "doubleValue", "double_value"); plain != nil {
		return plain.MarshalTo(to)
	}
	return append(to, "null"...)
}
