package nango

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A wrapper is a way in which a row reaches Kafka.
type around struct {
	name     string
	envelope string // what Stats.Envelopes calls it; "" when it is none by itself
	holds    holds
	gives    holds
	wrap     func(row string) string
}

// holds is what can stand in a wrapper, and what a wrapper makes of it.
type holds int

const (
	value   holds = iota // a JSON value
	text                 // any text; as a result: text that is no JSON value
	outside              // as a result: bytes that stand in nothing
)

func in(before, after string) func(string) string {
	return func(r string) string { return before + r + after }
}

func inText(before, after string) func(string) string {
	return func(r string) string { return before + quoted(r) + after }
}

var wrappers = []around{
	{"bare", "", value, value, func(r string) string { return r }},
	{"indented", "", value, value, indent},
	{"text", "", text, value, quoted},
	{"list", "", value, value, in("[", "]")},
	{"list of text", "", text, value, inText("[", "]")},
	{"byte order mark", "", value, outside, in("\xef\xbb\xbf", "")},
	{"line break", "", value, text, in("", "\n")},
	{"line break before", "", value, text, in("\r\n", "")},
	{"search hit", "elasticsearch", value, value, in(`{"_index":"20250724_operations.2026-03-02","_id":"x1","_score":null,"_source":`, `,"sort":[1772409600512]}`)},
	{"search answer", "elasticsearch", value, value, in(`{"took":3,"timed_out":false,"_shards":{"total":1},"hits":{"total":{"value":1,"relation":"eq"},"max_score":null,"hits":[{"_index":"rows","_id":"x1","_source":`, `}]}}`)},
	{"searches", "elasticsearch", value, value, in(`{"took":3,"responses":[{"hits":{"hits":[{"_index":"rows","_id":"x1","_source":`, `}]},"status":200}]}`)},
	{"bulk", "", value, text, in(`{"index":{"_index":"rows","_id":"x1"}}`+"\n", "\n")},
	{"bulk create without a name", "", value, text, in(`{"create":{}}`+"\n", "\n")},
	{"bulk as a list", "", value, value, in(`[{"index":{"_index":"rows","_id":"x1"}},`, `]`)},
	{"tee", "bulk", value, value, in(`{"method":"PUT","url":"/rows.2026-03-02/_doc/x1?refresh=false","body":`, `}`)},
	{"tee, body as text", "bulk", text, value, inText(`{"method":"POST","uri":"http://search:9200/_bulk","body":`, `}`)},
	{"upsert", "bulk", value, value, in(`{"script":{"source":"ctx._source.n++"},"upsert":`, `}`)},
	{"logstash", "logstash", text, value, func(r string) string {
		return `{"@timestamp":"2026-03-02T00:00:01.000Z","@version":"1","message":` + quoted(r) + `,"event":{"original":` + quoted(r) + `},"host":{"name":"shipper-0"}}`
	}},
	{"logstash original", "logstash", text, value, inText(`{"@version":"1","@timestamp":"2026-03-02T00:00:01.000Z","event":{"original":`, `}}`)},
	{"logstash root", "logstash", value, value, within(`"@timestamp":"2026-03-02T00:00:01.000Z","@version":"1"`)},
	{"filebeat", "logstash", text, value, inText(`{"@timestamp":"2026-03-02T00:00:01.000Z","@metadata":{"beat":"filebeat","version":"8.17.0"},"log":{"offset":12,"file":{"path":"/var/log/x.log"}},"message":`, `}`)},
	{"vector", "vector", text, value, inText(`{"host":"shipper","message":`, `,"source_type":"http_client","timestamp":"2026-03-02T00:00:01.512Z"}`)},
	{"vector root", "vector", value, value, within(`"source_type":"kafka","timestamp":"2026-03-02T00:00:01.512Z"`)},
	{"vector nested", "vector", value, value, in(`{"message":`, `,"source_type":"elasticsearch","timestamp":"2026-03-02T00:00:01.512Z"}`)},
	{"fluent bit", "fluentbit", text, value, inText(`{"date":1772409600.512,"log":`, `}`)},
	{"fluent bit root", "fluentbit", value, value, within(`"date":1772409600.512`)},
	{"docker", "docker", text, value, func(r string) string {
		return `{"log":` + quoted(r+"\n") + `,"stream":"stdout","time":"2026-03-02T00:00:01.5Z"}`
	}},
	{"kubernetes", "kubernetes", text, value, inText(`{"date":1772409600.5,"time":"2026-03-02T00:00:01.512345678Z","stream":"stdout","_p":"F","log":`, `,"kubernetes":{"pod_name":"server-1","labels":{"app":"server"},"annotations":{"x":"{}"}}}`)},
	{"kubernetes root", "kubernetes", value, value, within(`"kubernetes":{"pod_name":"server-1"},"stream":"stdout"`)},
	{"kubernetes merged", "kubernetes", value, value, in(`{"log":"not this one","kubernetes":{"pod_name":"server-1"},"log_processed":`, `}`)},
	{"cri", "cri", text, text, in("2026-03-02T00:00:01.512345678Z stdout F ", "")},
	{"syslog", "syslog", text, text, in("<134>1 2026-03-02T00:00:01.512Z host app 71 ID47 - ", "")},
	{"syslog, brackets", "syslog", text, text, in("[2026-03-02 00:00:01] INFO ", "")},
	{"connect object", "connect", value, value, in(`{"schema":null,"payload":`, `}`)},
	{"connect text", "connect", text, value, inText(`{"schema":{"type":"string","optional":false},"payload":`, `}`)},
	{"connect struct", "connect", value, value, in(`{"schema":{"type":"struct","fields":[{"type":"string","field":"id"}]},"payload":`, `}`)},
	{"debezium", "connect", value, value, in(`{"before":null,"after":`, `,"source":{"connector":"x"},"op":"c","ts_ms":1772409600512}`)},
	{"debezium text", "connect", text, value, inText(`{"schema":null,"payload":{"before":null,"after":`, `,"op":"c"}}`)},
	{"schema registry", "connect", value, outside, in("\x00\x00\x00\x00\x07", "")},
	{"payload", "connect", value, value, in(`{"payload":`, `}`)},
	{"key and value", "json", text, value, inText(`{"key":null,"value":`, `}`)},
	{"cloud event", "cloudevents", value, value, in(`{"specversion":"1.0","id":"7","source":"/x","type":"x.row","time":"2026-03-02T00:00:01Z","datacontenttype":"application/json","data":`, `}`)},
	{"cloud event, base64", "cloudevents", text, value, func(r string) string {
		return `{"specversion":"1.0","id":"7","source":"/x","type":"x.row","data_base64":"` + base64.StdEncoding.EncodeToString([]byte(`{"payload":`+quoted(r)+`}`)) + `"}`
	}},
	{"bridge", "webhook", value, value, in(`{"headers":{"content-type":"application/json","x-nango-signature":"00"},"body":`, `}`)},
	{"bridge, body as text", "webhook", text, value, inText(`{"received_at":"2026-03-02T00:00:01Z","headers":{},"body":`, `}`)},
	{"gateway", "webhook", text, value, func(r string) string {
		return `{"version":"2.0","routeKey":"POST /nango","headers":{},"requestContext":{"timeEpoch":1772409600512},"body":"` + base64.StdEncoding.EncodeToString([]byte(`{"payload":`+quoted(r)+`}`)) + `","isBase64Encoded":true}`
	}},
	{"gateway, base64 of the row", "webhook", value, value, func(r string) string {
		return `{"headers":{},"body":"` + base64.StdEncoding.EncodeToString([]byte(r)) + `","isBase64Encoded":true}`
	}},
	{"base64 of an indented row, with a level", "json", value, value, func(r string) string {
		return `{"level":"info","createdAt":"2026-03-02T00:00:01Z","blob":"` + base64.URLEncoding.EncodeToString([]byte("\r\n "+indent(r))) + `"}`
	}},
	{"base64 of a list, with a level", "json", value, value, func(r string) string {
		return `{"level":"info","createdAt":"2026-03-02T00:00:01Z","blob":"` + base64.RawStdEncoding.EncodeToString([]byte("["+r+"]")) + `"}`
	}},
	{"journald, with colours", "json", text, value, func(r string) string {
		return `{"PRIORITY":"6","__REALTIME_TIMESTAMP":"1772409600512000","MESSAGE":` + byteNumbers("\x1b[32minfo\x1b[39m "+r) + `}`
	}},
	{"bytes, with a level", "json", text, value, func(r string) string {
		return `{"level":"info","createdAt":"2026-03-02T00:00:01Z","blob":` + byteNumbers(r) + `}`
	}},
	{"queue", "json", text, value, inText(`{"Records":[{"messageId":"1","eventSource":"aws:sqs","body":`, `}]}`)},
	{"log events", "json", text, value, inText(`{"messageType":"DATA_MESSAGE","logGroup":"x","logEvents":[{"id":"1","timestamp":1772409600512,"message":`, `}]}`)},
	{"otlp log", "otlp", text, value, inText(`{"resourceLogs":[{"resource":{"attributes":[]},"scopeLogs":[{"scope":{},"logRecords":[{"timeUnixNano":"1772409600512000000","body":{"stringValue":`, `},"attributes":[]}]}]}]}`)},
	{"otlp body", "json", text, value, inText(`{"Body":`, `,"Attributes":{"log.file.name":"x.log"}}`)},
	{"console, coloured", "console", value, text, in("00:00:01.208 \x1b[32minfo\x1b[39m (logs) \x1b[90m[debug] operation(", ")\x1b[39m \x1b[0m{ id: 5 }")},
	{"console, JSON", "json", value, value, func(r string) string {
		return `{"level":"info","message":` + quoted("[debug] operation("+r+")") + `,"service":"logs","status":"info","timestamp":"2026-03-02T00:00:01.208Z"}`
	}},
	{"a list of the API", "api", value, value, in(`{"data":[`, `],"pagination":{"total":1,"cursor":null}}`)},
	{"a tool's answer", "api", text, value, func(r string) string {
		return `{"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":` + quoted(r) + `}]}}`
	}},
	{"events of a stream", "syslog", text, text, in("event: message\ndata: ", "\n")},
	{"logfmt", "syslog", text, text, inText("ts=2026-03-02T00:00:01Z level=info msg=", " caller=x.go:1")},
	{"unheard of", "json", value, value, in(`{"ingest":{"lake_v2":{"blob":`, `}},"n":1}`)},
	{"unheard of, text", "json", text, value, inText(`{"ingest":[{"lake_v2":{"blob":`, `}}],"n":1}`)},
}

// byteNumbers is a text as the list of its bytes.
func byteNumbers(s string) string { return strings.ReplaceAll(fmt.Sprint([]byte(s)), " ", ",") }

// within puts fields beside those of the row. What is no object it cannot hold: that stands under a key.
func within(fields string) func(string) string {
	return func(r string) string {
		r = strings.TrimSpace(r)
		if r[0] == '{' && r[1] != '}' && !strings.HasPrefix(r, `{"doc"`) {
			return "{" + fields + "," + r[1:]
		}
		return `{` + fields + `,"payload":` + r + `}`
	}
}

// fits reports whether inner can stand in outer.
func (outer around) fits(inner around) bool {
	return inner.gives == value || inner.gives == text && outer.holds == text
}

// A row in any envelope, or in any two, is the row.
func TestAnyEnvelopeIsTheRow(t *testing.T) {
	for i, outer := range wrappers {
		for j, inner := range wrappers {
			if !outer.fits(inner) {
				continue
			}
			for kind := range kinds {
				if i == 0 || j == 0 || kind == (i+j)%kinds {
					wrapped(t, kind, outer, inner)
				}
			}
		}
	}
}

// wrapped checks that the rows of one story give its events in two envelopes, and that the outer one is counted.
func wrapped(t *testing.T, kind int, outer, inner around) {
	var bare, values []string
	for _, x := range tell(kind, kind, worldStart.Add(time.Hour)).rows {
		bare, values = append(bare, x.value), append(values, outer.wrap(inner.wrap(x.value)))
	}
	want, _ := read(t, Options{}, bare...)
	got, st := read(t, Options{}, values...)
	if d := difference(got, want); d != "" || len(st.Quarantined) > 0 {
		t.Errorf("%d/%s/%s: %s\nquarantined %v\n%s", kind, outer.name, inner.name, d, st.Quarantined, values[0])
	}
	mixed := strings.HasSuffix(outer.name, " root") && (inner.name != "bare" || kind == 5) // with the keys of another envelope
	if outer.envelope != "" && !mixed && inner.gives == value && st.Understood > 0 && st.Envelopes[outer.envelope] != st.Understood {
		t.Errorf("%d/%s/%s: envelopes %v of %d, want %s", kind, outer.name, inner.name, st.Envelopes, st.Understood, outer.envelope)
	}
}

func difference(got, want []Event) (d string) {
	if len(got) != len(want) {
		return fmt.Sprintf("%d events, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			d += fmt.Sprintf("\n got %+v\nwant %+v", got[i], want[i])
		}
	}
	return d
}

// Up to six envelopes in any order around any row change nothing.
func TestAnyNestingIsTheRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.IntRange(0, kinds-1).Draw(t, "kind")
		var layers []around
		for len(layers) < rapid.IntRange(1, 6).Draw(t, "depth") {
			w := wrappers[rapid.IntRange(0, len(wrappers)-1).Draw(t, "wrapper")]
			if len(layers) == 0 || w.fits(layers[len(layers)-1]) {
				layers = append(layers, w)
			}
		}
		bare, wrapped := newReader(Options{}), newReader(Options{})
		for i, x := range tell(kind, kind, worldStart.Add(time.Hour)).rows {
			v := x.value
			bare.Read([]byte(v), Meta{Source: "f", Offset: int64(i) + 1})
			for _, w := range layers {
				v = w.wrap(v)
			}
			wrapped.Read([]byte(v), Meta{Source: "f", Offset: int64(i) + 1})
		}
		if d := difference(wrapped.Flush(), bare.Flush()); d != "" {
			var names []string
			for _, w := range layers {
				names = append(names, w.name)
			}
			t.Fatalf("%d in %s: %s", kind, strings.Join(names, " in "), d)
		}
	})
}
