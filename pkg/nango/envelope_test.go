package nango

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func indent(r string) string {
	var v any
	if json.Unmarshal([]byte(r), &v) != nil {
		return r
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestOtherForms(t *testing.T) {
	at := worldStart.Add(time.Hour)
	id := opID(at, 1)
	op := operationRow(id, "auth", "refresh_token", "failed", whoOf(1), at, at)
	running := operationRow(id, "auth", "refresh_token", "running", whoOf(1), at, time.Time{})
	log := errorLogRow(id, external, 400, `{"dataMessage":{"error":"invalid_grant"}}`, at)
	done := `{"state":"success","endedAt":"` + stampOf(at.Add(time.Second)) + `"}`
	revoked := *refused(Failure, 1, id, at, Revoked, "invalid_grant", external)
	bare := *refused(Failure, 1, id, at, Unknown, "no_reason", "")
	back := *refused(Reconnected, 1, id, at.Add(time.Second), "", "", "")
	tests := []struct {
		name   string
		values []string
		want   Event
	}{
		{"an operation with its messages", []string{`{"operation":` + op + `,"messages":[` + log + `],"pagination":{"total":1}}`}, revoked},
		{"a list of operations", []string{`{"data":[` + op + `],"pagination":{}}`, log}, revoked},
		{"a tool's answer", []string{`{"result":{"content":[{"type":"text","text":` + quoted(`{"operation":`+op+`,"messages":[`+log+`]}`) + `}]}}`}, revoked},
		{"console, JSON lines", []string{`{"level":"info","message":` + quoted(`[debug] operation(`+running+`)`) + `,"service":"logs"}`}, bare},
		{"console, coloured", []string{"00:00:01.208 \x1b[32minfo\x1b[39m (logs) [debug] operation(" + running + ")\x1b[0m"}, bare},
		{"bulk update", []string{running, `{"update":{"_index":"ops","_id":"` + id + `"}}` + "\n" + `{"doc":` + done + `}` + "\n"}, back},
		{"update named by its path", []string{`{"path":"/ops/_update/` + id + `?refresh=false","body":{"doc":` + done + `}}`, running}, back},
		{"update as text in a tee", []string{`{"path":"/ops/_update/` + id + `","body":` + quoted(`{"doc":`+done+`}`) + `}`, running}, back},
		{"update with _id beside it", []string{running, `{"_id":"` + id + `","doc":` + done + `}`}, back},
		{"hit without id in the row", []string{`{"_id":"` + id + `","_source":` + strings.Replace(op, `"id":"`+id+`",`, "", 1) + `}`, log}, revoked},
		{"numbers as text", []string{strings.NewReplacer(`"environmentId":4`, `"environmentId":"4"`, `"connectionId":1`, `"connectionId":"1"`).Replace(op), log}, revoked},
		{"escaped letters", []string{strings.Replace(op, "refresh_token", `refresh\u005ftoken`, 1), log}, revoked},
		{"no createdAt: the id knows", []string{strings.Replace(op, `"createdAt":"`+stampOf(at)+`"`, `"createdAt":null`, 1), log}, revoked},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := read(t, Options{}, tt.values...)
			sameEvents(t, got, []Event{tt.want})
		})
	}
}

// The record key names an update that nothing else names.
func TestUpdateNamedByKey(t *testing.T) {
	at := worldStart.Add(time.Hour)
	id := opID(at, 1)
	r := newReader(Options{})
	r.Open("f", 0, -1)
	r.Read([]byte(`{"doc":{"state":"success","endedAt":"`+stampOf(at)+`"}}`), Meta{Source: "f", Offset: 1, Key: []byte(id)})
	r.Read([]byte(operationRow(id, "auth", "refresh_token", "running", whoOf(1), at, time.Time{})), Meta{Source: "f", Offset: 2})
	sameEvents(t, r.Flush(), []Event{*refused(Reconnected, 1, id, at, "", "", "")})
}

// Only the pinned envelope is accepted around a row; inside it anything may be.
func TestPinnedEnvelope(t *testing.T) {
	at := worldStart.Add(time.Hour)
	op := operationRow(opID(at, 1), "auth", "refresh_token", "success", whoOf(1), at, at)
	for _, tt := range []struct {
		envelope, value string
		accepted        bool
	}{
		{"row", op, true},
		{"row", "[" + op + "]", true},
		{"row", quoted(op), true},
		{"row", `{"payload":` + op + `}`, false},
		{"row", webhookBody("refresh", 1, true), true},
		{"auto", `{"payload":` + op + `}`, true},
		{"connect", `{"payload":` + op + `}`, true},
		{"webhook", `{"payload":` + webhookBody("refresh", 1, true) + `}`, true},
		{"webhook", webhookBody("refresh", 1, true), true},
		{"docker", `{"log":` + quoted(op) + `,"stream":"stdout","time":"2026-03-02T00:00:01.5Z"}`, true},
		{"docker", `{"log":` + quoted(`{"payload":`+op+`}`) + `,"stream":"stdout","time":"2026-03-02T00:00:01.5Z"}`, true},
		{"docker", `{"message":` + quoted(op) + `,"@version":"1"}`, false},
		{"docker", `{"payload":{"log":` + quoted(op) + `,"stream":"stdout"}}`, false},
		{"docker", op, false},
		{"fluentbit", `{"date":1.5,"log":` + quoted(op) + `,"kubernetes":{"pod_name":"n"}}`, true},
		{"vector", `{"source_type":"kubernetes_logs","message":` + quoted(op) + `,"kubernetes":{"pod_name":"n"}}`, true},
		{"logstash", `{"date":1.5,"log":` + quoted(op) + `,"kubernetes":{"pod_name":"n"}}`, false},
		{"docker", `{"other":1}`, false},
		{"docker", `7`, false},
		{"logstash", op[:len(op)-1] + `,"@version":"1","@timestamp":"2026-03-02T00:00:01.5Z"}`, true},
		{"row", op[:len(op)-1] + `,"@version":"1","@timestamp":"2026-03-02T00:00:01.5Z"}`, false},
	} {
		r := newReader(Options{Envelope: tt.envelope})
		r.Open("f", 0, -1)
		r.Read([]byte(tt.value), Meta{Source: "f", Time: at.UnixMilli()})
		s := r.Stats()
		checkSum(t, s)
		quarantined := int64(0)
		for _, n := range s.Quarantined {
			quarantined += n
		}
		if got := len(r.Flush()) == 1; got != tt.accepted || (quarantined == 1) == tt.accepted {
			t.Errorf("pinned %s: %.60s: accepted %v, %v", tt.envelope, tt.value, got, s)
		}
		if !tt.accepted && tt.value != "7" && s.Quarantined["other_envelope"] != 1 {
			t.Errorf("pinned %s: %.60s: %v", tt.envelope, tt.value, s.Quarantined)
		}
	}
}
