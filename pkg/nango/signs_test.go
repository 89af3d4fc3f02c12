package nango

import (
	"fmt"
	"math/rand/v2"
	"slices"
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

// signs are stories whose every row the prefilter must let pass.
func signs() []sign { return stories()[0] }

// updates are those whose rows say nothing by themselves: operations that still run, and the partial updates that end them.
func updates() []sign { return stories()[1] }

func stories() [2][]sign {
	at := worldStart.Add(time.Hour)
	end := at.Add(2 * time.Second)
	id := opID(at, 1)
	op := func(typ, action, state, who, more string) string {
		over := end
		if state == "running" {
			over = time.Time{}
		}
		row := operationRow(id, typ, action, state, who, at, over)
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
	strange := event(UnknownConnection, at)
	strange.Provider = ""
	unasked := *strange
	unasked.Connection, unasked.Integration = "nobody", "crm"
	said := func(kind, more string) string {
		return `{"id":"tR7bXcRmKpLnTqWzYd00","accountId":3,"source":"internal","level":"error","type":"` + kind + `","context":"script","parentId":"` + id + `","createdAt":"` +
			stampOf(at) + `",` + more + `}`
	}
	update := func(doc string) string {
		return `{"method":"POST","path":"/20250724_operations.2026-03-02/_update/` + id + `?refresh=false","body":{"doc":` + doc + `}}`
	}
	ended := `"endedAt":"` + stampOf(end) + `","updatedAt":"` + stampOf(end) + `"`
	const limit, pause = "The refresh limit has been reached for this connection.", "A recent refresh attempt failed. Backing off before retrying."
	return [2][]sign{{
		{"deleted", []string{op("events", "pre_connection_deletion", "success", who, "")}, event(Deleted, end)},
		{"deletion that failed", []string{op("events", "pre_connection_deletion", "failed", who, "")}, nil},
		{"creation cancelled", []string{op("auth", "create_connection", "cancelled", "", "")}, nil},
		{"creation failed", []string{op("auth", "create_connection", "failed", who, "")}, event(Seen, at)},
		{"creation succeeded", []string{op("auth", "create_connection", "success", who, "")}, authorized(event(Reconnected, end))},
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
		{"call exhausted, by the sentence", []string{op("proxy", "call", "failed", "", headers), said("log", `"message":"Failed to get connection","error":{"message":"`+limit+`"}`)}, unnamed},
		{"call exhausted, headers spelled otherwise", []string{op("proxy", "call", "failed", "", strings.NewReplacer("connection-id", "Connection-Id", "provider-config-key", "PROVIDER-CONFIG-KEY").Replace(headers)), log("connection_refresh_exhausted")}, unnamed},
		{"action exhausted, said in JSON as text", []string{op("action", "run", "failed", who, `,"error":{"type":"action_script_failure","payload":"{\"error\":{\"code\":\"invalid_credentials\",\"message\":\"`+limit+`\"}}"}`)}, event(Exhausted, at)},
		{"webhook script exhausted, error_description", []string{op("webhook", "incoming", "failed", who, `,"error":{"type":"script_http_error","status":400,"payload":{"error":"invalid_credentials","error_description":"`+limit+`"}}`)}, event(Exhausted, at)},
		{"function exhausted, deep", []string{op("function", "invoke", "failed", who, `,"error":{"type":"function_failed","additional_properties":{"cause":{"response":{"data":{"error":{"message":"[424] `+limit+`"}}}}}}`)}, event(Exhausted, at)},
		{"script exhausted, error_description of its log", []string{op("sync", "run", "failed", who, `,"error":{"type":"sync_script_failure"}`), said("log", `"message":"x","error":"invalid_credentials","error_description":"The refresh limit has been reached"`)}, event(Exhausted, at)},
		{"script exhausted, only its log says so", []string{op("sync", "run", "failed", who, `,"error":{"type":"sync_script_failure","message":"Request failed"}`), said("log", `"message":"Refused: `+limit+`"`)}, event(Exhausted, at)},
		{"call in back-off, by the sentence", []string{op("proxy", "call", "failed", "", headers), said("log", `"message":"Failed to get connection","error":{"type":"invalid_credentials","message":"`+pause+`"}`)}, nil},
		{"call for nobody, by its headers", []string{op("proxy", "call", "failed", "", headers), log("unknown_connection")}, strange},
		{"call for nobody, by the payload", []string{op("proxy", "call", "failed", "", ""), said("log", `"message":"x","error":{"type":"unknown_connection","payload":{"connectionId":"nobody","providerConfigKey":"crm"}}`)}, &unasked},
		{"call for nobody, payload as text", []string{op("proxy", "call", "failed", "", ""), said("log", `"message":"x","error":{"type":"unknown_connection","payload":"{\"connectionId\":\"nobody\",\"providerConfigKey\":\"crm\"}"}`)}, &unasked},
		{"call for nobody, named in the message", []string{op("proxy", "call", "failed", "", ""), said("log", `"message":"x","error":{"type":"unknown_connection","message":"No connection matching the provided params. {\n \"connectionId\": \"nobody\", \"providerConfigKey\": \"crm\"}"}`)}, &unasked},
		{"call for nobody, by the operation", []string{op("proxy", "call", "failed", strings.Replace(who, "providerName", "other", 1), ""), log("unknown_connection")}, strange},
		{"script, not_found in Nango's words", []string{op("sync", "run", "failed", who, scriptError("not_found", "Failed to find connection", `{}`))}, event(UnknownConnection, at)},
		{"script, not_found names who", []string{op("sync", "run", "failed", who, scriptError("not_found", "Not found", `{"connectionId":"nobody","providerConfigKey":"crm"}`))}, asked},
		{"script, a page not found", []string{op("sync", "run", "failed", who, scriptError("not_found", "Record of LinkedIn connections page not found", `{}`))}, nil},
		{"script, connection refused", []string{op("sync", "run", "failed", who, scriptError("not_found", "Connection refused", `{}`))}, nil},
		{"script, another's connection not found", []string{op("sync", "run", "failed", who, scriptError("not_found", "Connection not found: LinkedIn degree 2", `{}`))}, nil},
		{"script, a connection string", []string{op("sync", "run", "failed", who, scriptError("not_found", "Unknown connection string", `{}`))}, nil},
		{"script, no connection between two things", []string{op("sync", "run", "failed", who, scriptError("not_found", "No connection matching this filter: contact 77", `{}`))}, nil},
		{"script, not_found with what was asked for", []string{op("sync", "run", "failed", who, scriptError("not_found", "No connection matching the provided params of connectionId and providerConfigKey.", `{}`))}, event(UnknownConnection, at)},
		{"script, integration not found", []string{op("sync", "run", "failed", who, scriptError("not_found", "Integration not found", `{}`))}, nil},
		{"creation swept away", []string{op("auth", "create_connection", "running", "", ""), op("auth", "create_connection", "cancelled", "", "")}, nil},
		{"connection test failed", []string{op("auth", "connection_test", "failed", who, ""), errorLogRow(id, "connection_test_failed", 400, "{}", at)}, nil},
	}, {
		{"script exhausted, in its meta", []string{op("sync", "run", "failed", who, `,"error":{"type":"sync_script_failure"}`), said("log", `"message":"Refused","meta":{"error":{"code":"invalid_credentials","message":"`+limit+`"}}`)}, event(Exhausted, at)},
		{"script exhausted, in an http row", []string{op("sync", "run", "failed", who, `,"error":{"type":"sync_script_failure"}`), said("http", `"message":"GET https://api.example.com","response":{"code":424},"meta":{"body":{"error":{"message":"`+limit+`"}}}`)}, event(Exhausted, at)},
		{"script prints not_found", []string{op("sync", "run", "failed", who, `,"error":{"type":"sync_script_failure"}`), said("log", `"message":"Connection not found","meta":{"code":"not_found","message":"Connection not found"}`)}, nil},
		{"tee: call that worked", []string{op("proxy", "call", "running", who, ""), update(`{"state":"success",` + ended + `}`)}, event(Active, at)},
		{"tee: call that named its connection later", []string{op("proxy", "call", "running", "", ""), update(`{` + who + `}`), update(`{"state":"success",` + ended + `}`)}, event(Active, at)},
		{"tee: call for nobody", []string{op("proxy", "call", "running", "", ""), log("unknown_connection"), update(`{"state":"failed",` + ended + `}`), update(`{` + headers[1:] + `}`)}, strange},
		{"tee: call that failed", []string{op("proxy", "call", "running", who, ""), update(`{"state":"failed",` + ended + `}`)}, nil},
		{"tee: script exhausted", []string{op("sync", "run", "running", who, ""), update(`{"state":"failed",` + ended + `}`), update(`{"error":{"type":"script_http_error","payload":{"error":{"code":"invalid_credentials","message":"` + limit + `"}}}}`)}, event(Exhausted, at)},
		{"tee: script asks for nobody", []string{op("sync", "run", "running", who, ""), update(`{"state":"failed","error":{"type":"script_http_error","payload":{"error":{"code":"unknown_connection","payload":{"connectionId":"nobody","providerConfigKey":"crm"}}}}}`)}, asked},
		{"tee: script that worked", []string{op("sync", "run", "running", who, ""), update(`{"state":"success",` + ended + `}`)}, nil},
		{"tee: deleted", []string{op("events", "pre_connection_deletion", "running", who, ""), update(`{"state":"success",` + ended + `}`)}, event(Deleted, end)},
		{"tee: deletion that failed", []string{op("events", "pre_connection_deletion", "running", who, ""), update(`{"state":"failed",` + ended + `}`)}, nil},
		{"manual refresh, polled while it ran", []string{op("auth", "refresh_token", "running", who, ""), strings.Replace(said("log", `"message":"Token manual refresh fetch was successful for mail-live"`), `"level":"error"`, `"level":"info"`, 1)}, event(Reconnected, at)},
		{"tee: script exhausted after hours", []string{op("sync", "run", "running", who, ""), said("log", `"message":"Refused: `+limit+`"`)}, event(Exhausted, at)},
		{"refresh, numbers before names", []string{op("auth", "refresh_token", "running", `"environmentId":9,"providerName":"google-mail","integrationId":987,"connectionId":987`, ""), op("auth", "refresh_token", "success", who, "")}, event(Reconnected, end)},
		{"refresh that succeeded, spelled otherwise", []string{op("auth", "refresh_token", "SUCCEEDED", who, "")}, event(Reconnected, end)},
		{"call swept away", []string{op("proxy", "call", "running", who, ""), op("proxy", "call", "timeout", who, "")}, nil},
	}}
}

// Each story comes out the same whatever order its rows come in, from however many files, any row twice.
func TestSigns(t *testing.T) {
	for _, s := range append(signs(), updates()...) {
		t.Run(s.name, func(t *testing.T) {
			var want []Event
			if s.want != nil {
				want = []Event{*s.want}
			}
			for seed := range uint64(12) {
				rng := rand.New(rand.NewPCG(seed, 1))
				order := append(slices.Clone(s.rows), s.rows[rng.IntN(len(s.rows))])
				if seed > 0 {
					rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
				}
				r := newReader(Options{})
				r.Open("0", 0, -1)
				r.Open("1", 0, -1)
				for _, v := range order {
					r.Read([]byte(v), Meta{Source: fmt.Sprint(rng.IntN(2))}) // offset 0 is always read
				}
				sameEvents(t, r.Flush(), want)
				if st := r.Stats(); st.Unjoined != 0 || len(st.Quarantined) != 0 {
					t.Fatalf("%+v", st)
				}
			}
		})
	}
}
