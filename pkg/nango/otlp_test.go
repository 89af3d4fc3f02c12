package nango

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

func attribute(k, v string) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: k, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: v}}}
}

// spanOf writes a span as Nango exports it; who names attributes besides those of every operation.
func spanOf(id, typ, action, status string, at time.Time, who ...string) *tracev1.Span {
	code := tracev1.Status_STATUS_CODE_ERROR
	if status != "failed" {
		code = tracev1.Status_STATUS_CODE_OK
	}
	s := &tracev1.Span{
		TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: "nango." + typ + "." + action, Kind: tracev1.Span_SPAN_KIND_INTERNAL, Flags: 257,
		StartTimeUnixNano: uint64(at.UnixNano()), EndTimeUnixNano: uint64(at.Add(9 * time.Millisecond).UnixNano()), Status: &tracev1.Status{Code: code},
		Attributes: []*commonv1.KeyValue{attribute("nango.operation.id", id), attribute("nango.operation.type", typ), attribute("nango.operation.action", action),
			attribute("nango.operation.message", "Some words"), attribute("nango.operation.status", status), attribute("nango.account", "Initech"), attribute("nango.environment", "live")},
	}
	for i := 0; i < len(who); i += 2 {
		s.Attributes = append(s.Attributes, attribute(who[i], who[i+1]))
	}
	return s
}

func batchOf(spans ...*tracev1.Span) *tracev1.TracesData {
	return &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{Scope: &commonv1.InstrumentationScope{Name: "nango-otlp"}, Spans: spans}}}}}
}

func spanWho(n int) []string {
	return []string{"nango.provider", "google-mail", "nango.integration", "mail-live", "nango.connection", connectionName(n)}
}

// encodings are the ways in which a collector writes spans to Kafka.
var encodings = map[string]func(*tracev1.TracesData) string{
	"protobuf": func(b *tracev1.TracesData) string { return string(must(proto.Marshal(b))) },
	"JSON": func(b *tracev1.TracesData) string {
		return string(must(protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(b)))
	},
	"JSON, names of the schema": func(b *tracev1.TracesData) string {
		return string(must(protojson.MarshalOptions{UseProtoNames: true}.Marshal(b)))
	},
	"JSON, indented": func(b *tracev1.TracesData) string { return "\n" + protojson.Format(b) },
	"a scope": func(b *tracev1.TracesData) string {
		return `{"scopeSpans":[` + string(must(protojson.Marshal(b.ResourceSpans[0].ScopeSpans[0]))) + `]}`
	},
	"a span": func(b *tracev1.TracesData) string {
		return string(must(protojson.Marshal(b.ResourceSpans[0].ScopeSpans[0].Spans[0])))
	},
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestSpans(t *testing.T) {
	at := worldStart.Add(time.Hour)
	id := opID(at, 1)
	delivered := *refused(Failure, 1, "", at, Unknown, "webhook_span", "")
	missing := *refused(UnknownConnection, 1, id, at, "", "", "")
	missing.Provider = ""
	asked := []string{"nango.integration", "mail-live", "nango.connection", connectionName(1), "nango.error.type", "unknown_connection", "nango.error.message", "x"}
	for _, tt := range []struct {
		name string
		span *tracev1.Span
		want []Event
	}{
		{"news delivered", spanOf(id, "webhook", "connection_refresh", "success", at, spanWho(1)...), []Event{delivered}},
		{"news not delivered", spanOf(id, "webhook", "connection_refresh", "failed", at, spanWho(1)...), []Event{delivered}},
		{"news of a new connection", spanOf(id, "webhook", "connection_create", "success", at, spanWho(1)...), nil},
		{"news of nobody", spanOf(id, "webhook", "connection_refresh", "success", at), nil},
		{"call", spanOf(id, "proxy", "call", "success", at, spanWho(1)...), []Event{*refused(Active, 1, id, at, "", "", "")}},
		{"call still running, status OK", spanOf(id, "proxy", "call", "running", at, spanWho(1)...), nil},
		{"call that failed", spanOf(id, "proxy", "call", "failed", at), nil},
		{"call for nobody", spanOf(id, "proxy", "call", "failed", at, asked...), []Event{missing}},
		{"script", spanOf(id, "sync", "run", "success", at, spanWho(1)...), nil},
		{"script for nobody", spanOf(id, "action", "run", "failed", at, asked...), []Event{missing}},
	} {
		for name, encode := range encodings {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				value := encode(batchOf(tt.span))
				got, st := read(t, Options{}, value, value) // a collector that was not answered sends it again
				for i := range got {                        // deliveries may wait for the rows they repeat
					got[i].Due = time.Time{}
				}
				if d := difference(got, tt.want); d != "" || len(st.Quarantined) > 0 || st.Skipped > 0 || st.Envelopes["otlp"] != st.Understood {
					t.Errorf("%s\n%+v\n%q", d, st, value)
				}
			})
		}
	}
}

// A span and the row of the same operation are one sign, and other programs' spans are none.
func TestSpansAmongOthers(t *testing.T) {
	at := worldStart.Add(time.Hour)
	id := opID(at, 1)
	for name, encode := range encodings {
		other := &tracev1.Span{TraceId: []byte("0123456789abcdef"), Name: "GET /", Attributes: []*commonv1.KeyValue{attribute("nango.connection", "x")}}
		got, st := read(t, Options{}, encode(batchOf(spanOf(id, "proxy", "call", "success", at, spanWho(1)...), other)), operationRow(id, "proxy", "call", "success", whoOf(1), at, at), encode(batchOf(other)))
		if len(got) != 1 || got[0].Kind != Active || got[0].OperationID != id || st.Ignored != 1 {
			t.Errorf("%s: %+v %+v", name, got, st)
		}
	}
}

// A log record of a collector holds the row as text or as a list of keys.
func TestLogRecords(t *testing.T) {
	at := worldStart.Add(time.Hour)
	op := operationRow(opID(at, 1), "auth", "refresh_token", "success", whoOf(1), at, at)
	str := func(s string) *commonv1.AnyValue {
		return &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: s}}
	}
	list := func(kv ...*commonv1.KeyValue) *commonv1.AnyValue {
		return &commonv1.AnyValue{Value: &commonv1.AnyValue_KvlistValue{KvlistValue: &commonv1.KeyValueList{Values: kv}}}
	}
	row := list(attribute("id", opID(at, 1)), attribute("state", "success"), attribute("level", "info"), attribute("createdAt", stampOf(at)), attribute("endedAt", stampOf(at)),
		attribute("environmentName", "live"), attribute("integrationName", "mail-live"), attribute("providerName", "google-mail"), attribute("connectionName", connectionName(1)),
		&commonv1.KeyValue{Key: "environmentId", Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: 4}}},
		&commonv1.KeyValue{Key: "operation", Value: list(attribute("type", "auth"), attribute("action", "refresh_token"))})
	want := []Event{*refused(Reconnected, 1, opID(at, 1), at, "", "", "")}
	for name, body := range map[string]*commonv1.AnyValue{"text": str(op), "line": str("2026-03-02T00:00:01.5Z stdout F " + op), "keys": row, "keys around it": list(attribute("log", op))} {
		logs := &logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: []*logsv1.LogRecord{{TimeUnixNano: 5, ObservedTimeUnixNano: 7, Body: body}}}}}}}
		for encoding, value := range map[string][]byte{"protobuf": must(proto.Marshal(logs)), "JSON": must(protojson.Marshal(logs))} {
			got, st := read(t, Options{}, string(value))
			for i := range got {
				got[i].Due = time.Time{}
			}
			if d := difference(got, want); d != "" || st.Envelopes["otlp"] != 1 {
				t.Errorf("%s, %s: %s\n%+v\n%s", name, encoding, d, st, value)
			}
		}
	}
}

// Spans of Jaeger and Zipkin, into which a collector can turn them.
func TestSpansOfOthers(t *testing.T) {
	at := worldStart.Add(time.Hour)
	id := opID(at, 1)
	for name, value := range map[string]string{
		"jaeger": fmt.Sprintf(`{"traceID":"aa","spanID":"bb","operationName":"nango.proxy.call","startTime":1772413200000000,"duration":9000,"tags":[{"key":"nango.operation.id","type":"string","value":%q},{"key":"nango.operation.status","type":"string","value":"success"},{"key":"nango.provider","type":"string","value":"google-mail"},{"key":"nango.connection","type":"string","value":%q}]}`, id, connectionName(1)),
		"zipkin": fmt.Sprintf(`[{"traceId":"aa","id":"bb","name":"nango.proxy.call","timestamp":1772413200000000,"duration":9000,"tags":{"nango.operation.id":%q,"nango.operation.status":"success","nango.provider":"google-mail","nango.connection":%q}}]`, id, connectionName(1)),
	} {
		got, _ := read(t, Options{}, value)
		if len(got) != 1 || got[0].Kind != Active || got[0].Connection != connectionName(1) || !got[0].Time.Equal(at) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Bytes that look like a batch and are none are quarantined, whatever is wrong with them, and cost no memory.
func TestBrokenBatches(t *testing.T) {
	good := encodings["protobuf"](batchOf(spanOf(opID(worldStart, 1), "proxy", "call", "success", worldStart, spanWho(1)...)))
	long := spanOf(opID(worldStart, 1), "proxy", "call", "success", worldStart, "nango.error.payload", string(make([]byte, maxSpan)))
	for name, tt := range map[string]struct{ value, reason string }{
		"cut off":     {good[:len(good)-3], "not_json"},
		"too much":    {good + "\x0a", "not_json"},
		"another key": {good + "\x12\x00", "not_json"},
		"long span":   {encodings["protobuf"](batchOf(long)), "span_too_large"},
		"bad span":    {must2(hex.DecodeString("0a" + "15" + "12" + "13" + "12" + "11" + "0a0161" + "2a086e616e676f2e612e" + "0a05")), "not_json"},
	} {
		if _, st := read(t, Options{}, tt.value); st.Quarantined[tt.reason] != 1 {
			t.Errorf("%s: %+v", name, st)
		}
	}
}

func must2(b []byte, err error) string { return string(must(b, err)) }

// A gateway that takes JSON for binary writes it in base64; a JSON web token begins alike and is none.
func TestBase64(t *testing.T) {
	at := worldStart.Add(time.Hour)
	op := operationRow(opID(at, 1), "auth", "refresh_token", "success", whoOf(1), at, at)
	for name, value := range map[string]string{
		"standard": base64.StdEncoding.EncodeToString([]byte(op)), "raw": base64.RawStdEncoding.EncodeToString([]byte(op)), "for addresses": base64.URLEncoding.EncodeToString([]byte(op)),
		"list": base64.StdEncoding.EncodeToString([]byte("[" + op + "]")),
	} {
		if got, _ := read(t, Options{}, `{"level":"info","body":"`+value+`","isBase64Encoded":true}`); len(got) != 1 {
			t.Errorf("%s: %d events", name, len(got))
		}
	}
	if got, st := read(t, Options{}, `{"body":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"}`); len(got) != 0 || st.Ignored != 1 {
		t.Errorf("%+v %+v", got, st)
	}
}
