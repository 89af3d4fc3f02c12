package nango

import (
	"strings"
	"testing"
	"time"
)

// sign is a story about a connection that is no refused refresh.
type sign struct {
	name string
	rows []string
	want *Event // nil: nothing comes of it
}

func signs() []sign {
	at := worldStart.Add(time.Hour)
	end := at.Add(2 * time.Second)
	id := opID(at, 1)
	op := func(typ, action, state, who, more string) string {
		row := operationRow(id, typ, action, state, who, at, end)
		return row[:len(row)-1] + more + `}`
	}
	scriptError := func(code, message, payload string) string {
		return `,"error":{"message":"An error occurred during an HTTP call","type":"script_http_error","status":424,"payload":{"error":{"message":"` +
			message + `","code":"` + code + `","payload":` + payload + `}}}`
	}
	log := func(typ string) string {
		return `{"id":"sR7bXcRmKpLnTqWzYd00","accountId":3,"source":"internal","level":"error","type":"log","message":"x","parentId":"` + id +
			`","error":{"name":"NangoError","message":"x","type":"` + typ + `","payload":{}},"createdAt":"` + stampOf(at) + `"}`
	}
	headers := `,"request":{"url":"https://api.example.com","method":"GET","headers":{"connection-id":"` + connectionName(1) + `","provider-config-key":"mail-live"}}`
	who := whoOf(1)
	event := func(kind Kind, t time.Time) *Event { return refused(kind, 1, id, t, "", "", "") }
	unnamed := event(Exhausted, at)
	unnamed.Provider = ""
	asked := event(UnknownConnection, at)
	asked.Connection, asked.Integration = "nobody", "crm"
	return []sign{
		{"deleted", []string{op("events", "pre_connection_deletion", "success", who, "")}, event(Deleted, end)},
		{"deletion that failed", []string{op("events", "pre_connection_deletion", "failed", who, "")}, nil},
		{"creation cancelled", []string{op("auth", "create_connection", "cancelled", "", "")}, nil},
		{"creation failed", []string{op("auth", "create_connection", "failed", who, "")}, event(Seen, at)},
		{"creation succeeded", []string{op("auth", "create_connection", "success", who, "")}, event(Reconnected, end)},
		{"manual refresh", []string{op("auth", "refresh_token", "success", who, "")}, event(Reconnected, end)},
		{"call exhausted", []string{op("proxy", "call", "failed", "", headers), log("connection_refresh_exhausted")}, unnamed},
		{"call in back-off", []string{op("proxy", "call", "failed", "", headers), log("connection_refresh_backoff")}, nil},
		{"call that echoes a failure", []string{op("proxy", "call", "failed", "", headers), log(external)}, nil},
		{"call refused by the provider", []string{op("proxy", "call", "failed", who, headers)}, nil},
		{"call still running", []string{op("proxy", "call", "running", who, "")}, nil},
		{"script exhausted", []string{op("action", "run", "failed", who, scriptError("invalid_credentials", "The refresh limit has been reached for this connection.", "{}"))}, event(Exhausted, at)},
		{"script in back-off", []string{op("action", "run", "failed", who, scriptError("invalid_credentials", "A recent refresh attempt failed. Backing off before retrying.", "{}"))}, event(Seen, at)},
		{"script asks for nobody", []string{op("sync", "run", "failed", who, scriptError("unknown_connection", "No connection", `{"connectionId":"nobody","providerConfigKey":"crm"}`))}, asked},
		{"script, connection not_found", []string{op("sync", "run", "failed", who, scriptError("not_found", "Connection not found", `{}`))}, event(UnknownConnection, at)},
		{"script, something not_found", []string{op("sync", "run", "failed", who, scriptError("not_found", "No such invoice", `{}`))}, nil},
		{"script worked", []string{op("sync", "run", "success", who, "")}, nil},
		{"delivery worked", []string{op("webhook", "connection_refresh", "success", who, "")}, nil},
		{"delivery failed", []string{op("webhook", "connection_refresh", "failed", who, "")}, nil},
		{"delivery answered with 503, body not kept", []string{strings.Replace(httpErrorRow(id, 503, "null", at), `"type":"http"`, `"type":"http","context":"webhook"`, 1)}, nil},
		{"connection test failed", []string{op("auth", "connection_test", "failed", who, ""), errorLogRow(id, "connection_test_failed", 400, "{}", at)}, nil},
	}
}

func TestSigns(t *testing.T) {
	for _, s := range signs() {
		t.Run(s.name, func(t *testing.T) {
			var want []Event
			if s.want != nil {
				want = []Event{*s.want}
			}
			got, st := read(t, Options{}, s.rows...)
			sameEvents(t, got, want)
			if len(s.rows) > 1 {
				got, _ = read(t, Options{}, s.rows[1], s.rows[0])
				sameEvents(t, got, want)
			}
			if st.Unjoined != 0 || len(st.Quarantined) != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}
