package nango

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Each value is said to be what it is, to lead to what it leads to, and to wait for what it waits for.
func TestExplain(t *testing.T) {
	at := worldStart.Add(time.Hour)
	id := opID(at, 1)
	log := errorLogRow(id, external, 400, `{"dataMessage":{"error":"invalid_grant","error_description":"Token has been expired or revoked."}}`, at)
	op := operationRow(id, "auth", "refresh_token", "failed", whoOf(1), at, at)
	type step struct{ value, outcome, why, envelope, kind, waits, event string }
	for name, steps := range map[string][]step{
		"a reason, then its operation": {
			{`{"@version":"1","message":` + quoted(log) + `}`, "understood", "", "logstash", "message_log", "its operation row", ""},
			{`{"_index":"x","_source":` + op + `}`, "understood", "", "elasticsearch", "operation", "the watermark", "failure revoked invalid_grant"},
			{op, "understood", "", "", "operation", "the watermark", "failure revoked invalid_grant"},
		},
		"an operation, then its reason": {
			{op, "understood", "", "", "operation", "its error row", "failure unknown no_reason"},
			{"2026-03-02T01:00:00Z stdout F " + `{"payload":` + quoted(log) + `}`, "understood", "", "cri connect", "message_log", "the watermark", "failure revoked invalid_grant"},
		},
		"a new connection": {
			{operationRow(opID(at, 2), "auth", "create_connection", "running", "", at, time.Time{}), "understood", "", "", "operation", "its end", ""},
			{`{"_id":"` + opID(at, 2) + `","doc":{"state":"success"}}`, "understood", "", "bulk", "update", "", ""},
		},
		"an update without a name": {
			{op, "understood", "", "", "operation", "", ""},
			{`{"doc":{"state":"failed"}}`, "quarantined", "no_operation_id", "bulk", "unreadable", "", ""},
		},
		"webhook": {{webhookBody("refresh", 1, false), "understood", "", "webhook", "webhook", "the watermark", "failure unknown no_reason"}},
		"call": {
			{operationRow(id, "proxy", "call", "success", whoOf(1), at, at), "understood", "", "", "operation", "the watermark", "active  "},
		},
		"noise":            {{noise(0), "skipped", "prefilter", "", "operation", "", ""}, {noise(1), "skipped", "prefilter", "", "other_message", "", ""}},
		"nothing":          {{"", "quarantined", "empty", "", "", "", ""}},
		"garbage":          {{"{{{", "quarantined", "not_json", "", "", "", ""}},
		"another program":  {{`{"msg":"hello"}`, "ignored", "no_row", "", "", "", ""}},
		"no time":          {{strings.ReplaceAll(strings.ReplaceAll(op, stampOf(at), "soon"), id, "nameless"), "quarantined", "no_time", "", "unreadable", "", ""}},
		"nothing to learn": {{operationRow(id, "webhook", "connection_refresh", "success", whoOf(1), at, at), "ignored", "no_meaning", "", "other_operation", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReader(Options{})
			for i, s := range steps {
				m := Meta{Source: "f", Offset: int64(i) + 1}
				if s.kind == "webhook" {
					m.Time = at.UnixMilli()
				}
				f := r.Explain([]byte(s.value), m)
				if f.Outcome != s.outcome || f.Why != s.why || strings.Join(f.Envelope, " ") != s.envelope || (len(f.Rows) > 0) != (s.kind != "") {
					t.Errorf("step %d: %+v", i, f)
				}
				if s.kind == "" || len(f.Rows) == 0 {
					continue
				}
				row := f.Rows[0]
				if s.why == "no_operation_id" && len(row.Fields) != 1 {
					t.Errorf("step %d: %+v is told of it", i, row.Fields)
				}
				event := ""
				if row.Event != nil {
					event = fmt.Sprint(row.Event.Kind, " ", row.Event.Cause, " ", row.Event.Reason)
				}
				if row.Kind != s.kind || s.waits != "" && row.Waits != s.waits || event != s.event && s.event != "" || (row.Waits == "") != (row.Ignored != "") {
					t.Errorf("step %d: %+v, event %q", i, row, event)
				}
			}
		})
	}
}

// What is told of a row are names and codes in a fixed order, never a provider's text; a value is read as Read reads it.
func TestExplainTellsNoSecret(t *testing.T) {
	at := worldStart.Add(time.Hour)
	secret := "s3cr3tTok3n0123456789abcdef"
	id := opID(at, 1)
	log := errorLogRow(id, external, 400, `{"dataMessage":{"error":"`+secret+`","error_code":"invalid_grant","code":"E-4711","error_description":"ada@example.com `+secret+`","message":"Bearer `+secret+`"},"message":"`+secret+`"}`, at)
	log = strings.Replace(log, `"level":"error"`, `"level":"error","state":"`+secret+`","error":{"type":"`+secret+`"}`, 1)
	r := newReader(Options{})
	f := r.Explain([]byte(log), Meta{Source: "f", Offset: 1})
	told := strings.ToLower(fmt.Sprintf("%+v", f))
	if strings.Contains(told, strings.ToLower(secret)) || strings.Contains(told, "example.com") || strings.Contains(told, "bearer") {
		t.Errorf("told: %+v", f)
	}
	if want := []Field{{"level", "error"}, {"time", "2026-03-02T01:00:00Z"}, {"error_type", external}, {"codes", "invalid_grant"}, {"other_codes", "e_4711"}}; !slices.Equal(f.Rows[0].Fields, want) {
		t.Errorf("fields %v, want %v", f.Rows[0].Fields, want)
	}
	http := r.Explain([]byte(httpErrorRow(id, 400, `{"error":"invalid_grant"}`, at)), Meta{Source: "f", Offset: 2})
	if want := []Field{{"level", "error"}, {"time", "2026-03-02T01:00:00Z"}, {"http_status", "400"}, {"codes", "invalid_grant"}}; !slices.Equal(http.Rows[0].Fields, want) {
		t.Errorf("fields %v, want %v", http.Rows[0].Fields, want)
	}
	op := r.Explain([]byte(operationRow(id, "auth", "refresh_token", "failed", whoOf(1), at, at)), Meta{Source: "f", Offset: 3})
	if want := []Field{{"operation", "auth:refresh_token"}, {"state", "failed"}, {"level", "info"}, {"provider", "google-mail"}, {"integration", "mail-live"},
		{"connection", connectionName(1)}, {"environment", "live"}, {"time", "2026-03-02T01:00:00Z"}}; !slices.Equal(op.Rows[0].Fields, want) {
		t.Errorf("fields %v, want %v", op.Rows[0].Fields, want)
	}
	checkSum(t, r.Stats())
	if got := r.Flush(); len(got) != 1 || got[0].Cause != Revoked {
		t.Errorf("%+v", got)
	}
}

// Every row of a value with many is told, each with what is around it, in every fixture; the events are those of Read.
func TestExplainReadsAsReadDoes(t *testing.T) {
	for _, f := range fixtures(t) {
		r := newReader(Options{})
		for i, v := range f.Values {
			found := r.Explain([]byte(v), f.meta(i+1))
			if len(found.Rows) == 0 && found.Outcome == "understood" {
				t.Errorf("%s: no row in %+v", f.Name, found)
			}
			for _, row := range found.Rows {
				if len(row.Envelope) > 0 && row.Envelope[0] == "none" || row.Kind == "unreadable" || (row.Waits == "") != (row.Ignored != "") {
					t.Errorf("%s: %+v", f.Name, row)
				}
			}
		}
		f.check(t, r)
	}
}
