package nango

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Every bad value is counted under its reason and takes no neighbour with it.
func TestBadInput(t *testing.T) {
	at := worldStart.Add(time.Hour)
	id := opID(at, 1)
	op := operationRow(id, "auth", "refresh_token", "failed", whoOf(1), at, at)
	log := errorLogRow(id, external, 400, `{"dataMessage":{"error":"invalid_grant"}}`, at)
	neighbours := []string{operationRow(opID(at, 2), "auth", "refresh_token", "failed", whoOf(2), at, at), errorLogRow(opID(at, 2), external, 400, `{"dataMessage":{"error":"invalid_grant"}}`, at)}
	with := func(old, new string) string { return strings.Replace(op, old, new, 1) }
	created := `"createdAt":"` + stampOf(at) + `"`
	tests := []struct {
		name, value string
		reason      string // quarantined under it
		ignored     bool   // or read and without meaning
		event       bool   // or understood all the same
	}{
		{name: "nothing", value: "", reason: "empty"},
		{name: "garbage", value: "\x01\x02refresh_token\xff", reason: "not_json"},
		{name: "truncated", value: op[:len(op)/2], reason: "not_json"},
		{name: "truncated, in a wrapper", value: `{"log":` + quoted(op[:len(op)/2]) + `,"stream":"stdout"}`, reason: "cut_row"},
		{name: "another program's truncated line", value: `{"log":` + quoted(`{"event":"x","parent`) + `,"stream":"stdout"}`, ignored: true},
		{name: "an update of nobody knows what", value: `{"doc":{"state":"failed","endedAt":"` + stampOf(at) + `"}}`, reason: "no_operation_id"},
		{name: "an update of something else", value: `{"doc":{"color":"red"}}`, ignored: true},
		{name: "two rows run together", value: op + op, event: true},
		{name: "a bare word", value: "refresh_token", reason: "not_json"},
		{name: "null", value: "null", reason: "not_an_object"},
		{name: "a number", value: "17", reason: "not_an_object"},
		{name: "text", value: `"hello"`, ignored: true},
		{name: "an empty object", value: "{}", ignored: true},
		{name: "an empty list", value: "[]", ignored: true},
		{name: "another program's line", value: `{"ts":1,"msg":"connected","refresh_token":null}`, ignored: true},
		{name: "deep", value: strings.Repeat(`{"payload":`, 10_000) + "1" + strings.Repeat("}", 10_000), reason: "too_deep"},
		{name: "deep list", value: strings.Repeat("[", 10_000), reason: "too_dense"},
		{name: "deep list of texts", value: strings.Repeat(`["0123456789",`, 1_000), reason: "too_deep"},
		{name: "rows shorter than any", value: `[` + strings.Repeat(`{"parentId":"x"},`, 1000) + `{}]`, reason: "too_many_rows"},
		{name: "many wrappers", value: strings.Repeat(`{"payload":`, 100) + op + strings.Repeat("}", 100), reason: "too_deep"},
		{name: "10 MB", value: `{"message":"` + strings.Repeat("x", 10<<20) + `"}`, reason: "too_large"},
		{name: "wrong types", value: `{"id":5,"operation":{"type":7,"action":[]},"state":{},"type":"operation"}`, ignored: true},
		{name: "wrong types of a refresh", value: `{"id":{},"operation":{"type":"auth","action":"refresh_token"},"state":9,"level":4,"createdAt":[],"connectionName":{}}`, reason: "no_operation_id"},
		{name: "null everywhere", value: `{"id":null,"operation":null,"meta":null,"parentId":null,"type":null,"level":null}`, ignored: true},
		{name: "a message about nothing", value: `{"parentId":"x","level":"error","type":"log","meta":null}`, ignored: true},
		{name: "meta of a wrong type", value: strings.Replace(log, `"meta":{`, `"meta":5,"m":{`, 1), ignored: true},
		{name: "payload of a wrong type", value: strings.Replace(log, `"payload":{`, `"payload":5,"p":{`, 1)},
		{name: "1970", value: with(created, `"createdAt":"1970-01-01T00:00:00.000Z"`), reason: "implausible_time"},
		{name: "1970 as a number", value: with(created, `"createdAt":12345`), reason: "implausible_time"},
		{name: "year 3000", value: with(created, `"createdAt":"3000-01-01T00:00:00.000Z"`), reason: "implausible_time"},
		{name: "tomorrow", value: with(created, `"createdAt":"2026-03-09T00:00:00.000Z"`), reason: "future"},
		{name: "no such day", value: with(created, `"createdAt":"2026-13-45T99:00:00.000Z"`), event: true}, // the id knows
		{name: "no time at all", value: strings.ReplaceAll(with(created, `"createdAt":"soon"`), id, "operation-without-time"), reason: "no_time"},
		{name: "an endless id", value: with(id, strings.Repeat("9", 5000)), reason: "no_operation_id"},
		{name: "bad UTF-8", value: with("live", "li\xffve"), event: true},
		{name: "an operation nobody knows", value: with("refresh_token", "polish_token"), ignored: true},
		{name: "a type nobody knows", value: with(`"type":"auth"`, `"type":"star_gate"`), ignored: true},
		{name: "a state nobody knows", value: with(`"failed"`, `"melted"`), event: true},
		{name: "a list with a bad neighbour", value: `[{"id":"x","operation":{"type":"auth","action":"refresh_token"},"createdAt":"1970-01-01T00:00:00Z"},` + op + `]`, event: true},
		{name: "webhook without a name", value: strings.Replace(webhookBody("refresh", 1, false), connectionName(1), "", 1), reason: "no_connection"},
		{name: "control bytes in a name", value: with("mail-live", `mail\u0000live`), event: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newReader(Options{Ceiling: at.Add(time.Hour)})
			r.Open("f", 0, -1)
			for i, v := range []string{neighbours[0], tt.value, neighbours[1]} {
				r.Read([]byte(v), Meta{Source: "f", Offset: int64(i) * 256}) // all are read
			}
			s := r.Stats()
			checkSum(t, s)
			if tt.reason != "" && s.Quarantined[tt.reason] != 1 {
				t.Errorf("quarantined %v, want %s", s.Quarantined, tt.reason)
			}
			if tt.reason == "" && len(s.Quarantined) > 0 {
				t.Errorf("quarantined %v", s.Quarantined)
			}
			if tt.ignored && s.Ignored != 1 {
				t.Errorf("not ignored: %+v", s)
			}
			want := 1
			if tt.event {
				want = 2
			}
			events := r.Flush()
			if len(events) != want {
				t.Fatalf("%d events, want %d: %+v", len(events), want, events)
			}
			for _, e := range events {
				if e.Connection == connectionName(2) && e.Cause == Revoked {
					return
				}
			}
			t.Errorf("the neighbour was lost: %+v", events)
		})
	}
}

// Millions of rows are read in the memory of what is held, which is bounded.
func TestHoldsNoMoreThanAllowed(t *testing.T) {
	r := newReader(Options{JoinMax: 100})
	r.Open("f", 0, -1)
	var released int
	for i := range 5_000 {
		at := worldStart.Add(time.Duration(i) * time.Second)
		r.Read([]byte(operationRow(opID(at, i), "auth", "refresh_token", "failed", whoOf(i), at, at)), Meta{Source: "f", Offset: int64(i)})
		r.Read([]byte(fmt.Sprintf(`{"_id":"%s","doc":{"state":"success"}}`, opID(at, i+500_000))), Meta{Source: "f", Offset: int64(i)})
		released += len(r.Advance(time.Time{}))
		if s := r.Stats(); s.Held > 100 {
			t.Fatalf("%d held", s.Held)
		}
	}
	r.Advance(time.Time{})
	if len(r.entries) != len(r.queue) || len(r.idle.ids) > r.idle.max || len(r.idle.order) > 4*r.idle.max+16 || len(r.changed) > 2*r.joinMax+2048 {
		t.Errorf("%d entries, %d queued, %d updates of %d, %d changed", len(r.entries), len(r.queue), len(r.idle.ids), len(r.idle.order), len(r.changed))
	}
	released += len(r.Flush())
	if released != 5_000 || r.Stats().Evicted == 0 {
		t.Errorf("%d released, want 5000; %d evicted", released, r.Stats().Evicted)
	}
}
