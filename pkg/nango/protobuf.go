package nango

import (
	"encoding/hex"
	"encoding/json"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// maxSpan bounds a span or log record in protobuf: empty messages in it take much more memory than bytes.
const maxSpan = 32 << 10

// The way down to spans and log records is the same: resource → scope → record.
const (
	fieldResource = 1 // in TracesData, LogsData and the requests that export them
	fieldScope    = 2
	fieldRecord   = 2
	fieldName     = 5 // of a span
	depthRecord   = 2
)

// otlpBytes reads a batch of spans or log records in protobuf. It is false, and nothing was read, when b is none.
func (r *Reader) otlpBytes(b []byte) bool {
	if len(b) < 2 || b[0] != fieldResource<<3|byte(protowire.BytesType) || !isBatch(b, 0) || !r.spend(len(b)) {
		return false
	}
	if r.enter(layerOTLP) {
		r.batch(b, 0)
		r.leave()
	}
	return true
}

// isBatch reports whether b is sound down to the records.
func isBatch(b []byte, depth int) bool {
	records := protowire.Number(fieldScope)
	if depth == 0 {
		records = fieldResource
	}
	for len(b) > 0 {
		field, typ, n := protowire.ConsumeTag(b)
		if n < 0 || depth == 0 && (field != fieldResource || typ != protowire.BytesType) {
			return false
		}
		b = b[n:]
		size := protowire.ConsumeFieldValue(field, typ, b)
		if size < 0 {
			return false
		}
		if inner, _ := protowire.ConsumeBytes(b[:size]); field == records && depth < depthRecord && (typ != protowire.BytesType || !isBatch(inner, depth+1)) {
			return false
		}
		b = b[size:]
	}
	return true
}

// batch reads what isBatch found to be sound.
func (r *Reader) batch(b []byte, depth int) {
	records := protowire.Number(fieldScope)
	if depth == 0 {
		records = fieldResource
	}
	for len(b) > 0 {
		field, typ, n := protowire.ConsumeTag(b)
		b = b[n:]
		size := protowire.ConsumeFieldValue(field, typ, b)
		if inner, _ := protowire.ConsumeBytes(b[:size]); field == records && depth < depthRecord {
			r.batch(inner, depth+1)
		} else if field == fieldRecord && typ == protowire.BytesType && depth == depthRecord {
			r.record(inner)
		}
		b = b[size:]
	}
}

// record reads a span or a log record.
func (r *Reader) record(b []byte) {
	if len(b) == 0 {
		return
	}
	if len(b) > maxSpan {
		r.bad("span_too_large")
		return
	}
	options := proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxWrappers}
	if !isSpan(b) {
		var log logsv1.LogRecord
		if err := options.Unmarshal(b, &log); err != nil {
			r.bad("not_otlp")
			return
		}
		r.logBody(log.GetBody())
		return
	}
	kept := nangoSpan(b)
	if kept == nil {
		return
	}
	var in tracev1.Span
	if err := options.Unmarshal(kept, &in); err != nil {
		r.bad("not_otlp")
		return
	}
	s := span{start: int64(in.StartTimeUnixNano / 1e6), end: int64(in.EndTimeUnixNano / 1e6), ok: in.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_OK}
	s.trace, s.id = hex.AppendEncode(nil, in.TraceId), hex.AppendEncode(nil, in.SpanId)
	s.named([]byte(in.Name))
	for _, a := range in.Attributes {
		s.set([]byte(a.Key), []byte(a.Value.GetStringValue()))
	}
	t := r.tracing()
	r.span(&s)
	r.traced(t, nil, formSpan)
}

// isSpan tells a span from a log record: field 1 of a span is its trace id, a text; that of a log record is its time, or is left out. The fields may be
// in any order: the Collector writes the last one first.
func isSpan(b []byte) bool {
	for len(b) > 0 {
		field, typ, n := protowire.ConsumeField(b)
		if n < 0 {
			return false
		}
		if field == 1 {
			return typ == protowire.BytesType
		}
		b = b[n:]
	}
	return false
}

// nangoSpan returns what is worth decoding of a span, nil when it is none of Nango's: its events and links could be many.
func nangoSpan(b []byte) (kept []byte) {
	ours := false
	for len(b) > 0 {
		field, typ, n := protowire.ConsumeField(b)
		if n < 0 {
			return nil
		}
		switch field {
		case fieldName:
			_, _, tag := protowire.ConsumeTag(b)
			name, _ := protowire.ConsumeBytes(b[tag:n])
			ours = typ == protowire.BytesType && len(name) > len(nangoDot) && string(name[:len(nangoDot)]) == string(nangoDot)
			kept = append(kept, b[:n]...)
		case 1, 2, 7, 8, 9, 15: // ids, times, attributes, status
			kept = append(kept, b[:n]...)
		}
		b = b[n:]
	}
	if !ours {
		return nil
	}
	return kept
}

// logBody reads the body of a log record: the row as text, or as a list of keys.
func (r *Reader) logBody(body *commonv1.AnyValue) {
	if list := body.GetKvlistValue(); list != nil {
		if text, err := json.Marshal(plainList(list)); err == nil {
			r.embedded(text, wrapper{}, 1)
		}
		return
	}
	r.embedded([]byte(body.GetStringValue()), wrapper{}, 1)
}

func plainList(list *commonv1.KeyValueList) map[string]any {
	out := map[string]any{}
	for _, kv := range list.GetValues() {
		out[kv.GetKey()] = plain(kv.GetValue())
	}
	return out
}

func plain(v *commonv1.AnyValue) any {
	switch x := v.GetValue().(type) {
	case *commonv1.AnyValue_StringValue:
		return x.StringValue
	case *commonv1.AnyValue_BoolValue:
		return x.BoolValue
	case *commonv1.AnyValue_IntValue:
		return x.IntValue
	case *commonv1.AnyValue_DoubleValue:
		return x.DoubleValue
	case *commonv1.AnyValue_KvlistValue:
		return plainList(x.KvlistValue)
	case *commonv1.AnyValue_ArrayValue:
		out := []any{}
		for _, e := range x.ArrayValue.GetValues() {
			out = append(out, plain(e))
		}
		return out
	}
	return nil
}
