package nango

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/configs"
)

var builtIn = func() *Rules {
	r, err := ParseRules(configs.Providers)
	if err != nil {
		panic(err)
	}
	return r
}()

// newReader is NewReader without parsing the built-in table again.
func newReader(o Options) *Reader {
	if o.Rules == nil {
		o.Rules = builtIn
	}
	return NewReader(o)
}

// row is one record value of the invented world, and when it was written.
type row struct {
	at    time.Time
	value string
}

// story is what happened to one connection: the rows Nango wrote about it, and the event they must become, if any.
type story struct {
	rows  []row
	event *Event
	waits bool // the event comes only after join.grace
}

var worldStart = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func opID(t time.Time, n int) string { return fmt.Sprintf("%d_Ab%06d", t.UnixMilli(), n) }

func connectionName(n int) string { return fmt.Sprintf("4fa00000-0000-4000-8000-%012d", n) }

const identity = `"accountId":3,"accountName":"Initech","environmentId":4,"environmentName":"live"`

func whoOf(n int) string {
	return fmt.Sprintf(`"integrationId":11,"integrationName":"mail-live","providerName":"google-mail","connectionId":%d,"connectionName":"%s"`, n, connectionName(n))
}

// operationRow writes an operation row; who may be "".
func operationRow(id, typ, action, state, who string, created, ended time.Time) string {
	if who != "" {
		who = "," + who
	}
	end := "null"
	if !ended.IsZero() {
		end = strconv.Quote(stampOf(ended))
	}
	return fmt.Sprintf(`{"message":"Some words","id":"%s","operation":{"type":"%s","action":"%s"},"state":"%s","source":"internal","level":"info","type":"operation",%s%s,"createdAt":"%s","updatedAt":"%s","startedAt":"%s","endedAt":%s,"expiresAt":"%s"}`,
		id, typ, action, state, identity, who, stampOf(created), stampOf(created), stampOf(created), end, stampOf(created.Add(24*time.Hour)))
}

func httpErrorRow(parent string, code int, body string, at time.Time) string {
	meta := `{}`
	if body != "" {
		meta = `{"body":` + body + `}`
	}
	return fmt.Sprintf(`{"id":"hR7bXcRmKpLnTqWzYd00","accountId":3,"source":"internal","level":"error","type":"http","message":"POST https://oauth.example.com/token","parentId":"%s","request":{"method":"POST","url":"https://oauth.example.com/token","headers":{"user-agent":"Nango"}},"response":{"code":%d,"headers":{}},"meta":%s,"createdAt":"%s","endedAt":"%s","durationMs":12}`,
		parent, code, meta, stampOf(at), stampOf(at))
}

func errorLogRow(parent, typ string, status int, payload string, at time.Time) string {
	return fmt.Sprintf(`{"id":"gR7bXcRmKpLnTqWzYd00","accountId":3,"source":"internal","level":"error","type":"log","message":"Failed to refresh credentials","parentId":"%s","meta":{"type":"%s","status":%d,"payload":%s},"createdAt":"%s"}`,
		parent, typ, status, payload, stampOf(at))
}

func refused(kind Kind, n int, id string, t time.Time, cause Cause, reason, typ string) *Event {
	return &Event{Kind: kind, Time: t, Environment: "live", Provider: "google-mail", Integration: "mail-live", Connection: connectionName(n),
		Cause: cause, Reason: reason, Type: typ, OperationID: id}
}

// said adds what the provider answered.
func said(e *Event, status int, detail string) *Event {
	e.Status, e.Detail = status, detail
	return e
}

const external = "refresh_token_external_error"

// tell writes the n-th story, of one of the kinds that Nango knows, at t.
func tell(kind, n int, t time.Time) story {
	id, who := opID(t, n), whoOf(n)
	soon := func(ms int) time.Time { return t.Add(time.Duration(ms) * time.Millisecond) }
	dead := `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`
	running, failedRow := operationRow(id, "auth", "refresh_token", "running", who, t, time.Time{}), operationRow(id, "auth", "refresh_token", "failed", who, t, soon(9))
	switch kind {
	case 0: // refused, every row arrives
		return story{rows: []row{{t, running}, {soon(-3), httpErrorRow(id, 400, dead, soon(-3))}, {soon(5), errorLogRow(id, external, 400, `{"dataMessage":`+dead+`}`, soon(5))}, {soon(9), failedRow}},
			event: said(refused(Failure, n, id, t, Revoked, "invalid_grant", external), 400, "Token has been expired or revoked.")}
	case 1: // the log row was lost
		return story{rows: []row{{soon(-3), httpErrorRow(id, 503, `null`, soon(-3))}, {soon(9), failedRow}}, event: said(refused(Failure, n, id, t, Transient, "http_503", ""), 503, "")}
	case 2: // every message row was lost
		return story{rows: []row{{soon(9), failedRow}}, event: refused(Failure, n, id, t, Unknown, "no_reason", ""), waits: true}
	case 3: // the operation never came
		return story{rows: []row{{soon(5), errorLogRow(id, external, 400, `{"dataMessage":`+dead+`}`, soon(5))}}}
	case 4: // polled while it ran: the terminal state never came
		return story{rows: []row{{t, running}, {soon(5), errorLogRow(id, external, 400, `{"message":"DNS resolution failed."}`, soon(5))}}, event: said(refused(Failure, n, id, t, Transient, "dns_failure", external), 0, "DNS resolution failed.")}
	case 5: // a tee on the write path
		update := fmt.Sprintf(`{"method":"POST","path":"/20250724_operations.2026-03-02/_update/%s?refresh=false","body":{"doc":{"state":"success","endedAt":"%s","updatedAt":"%s"}}}`, id, stampOf(soon(9)), stampOf(soon(9)))
		return story{rows: []row{{t, running}, {soon(9), update}}, event: refused(Reconnected, n, id, soon(9), "", "", "")}
	case 6: // authorized anew
		return story{rows: []row{{t, operationRow(id, "auth", "create_connection", "running", "", t, time.Time{})}, {soon(9), operationRow(id, "auth", "create_connection", "success", who, t, soon(9))}},
			event: authorized(refused(Reconnected, n, id, soon(9), "", "", ""))}
	case 7: // a proxy call that worked
		return story{rows: []row{{soon(9), operationRow(id, "proxy", "call", "success", who, t, soon(9))}}, event: refused(Active, n, id, t, "", "", "")}
	case 8: // a proxy call for a connection that does not exist
		e := refused(UnknownConnection, n, id, t, "", "", "")
		e.Provider = ""
		return story{rows: []row{{soon(9), operationRow(id, "proxy", "call", "failed", "", t, soon(9))}, {soon(5), unknownRow(id, n, soon(5))}}, event: e}
	case 9: // a script that meets an exhausted connection
		op := operationRow(id, "sync", "run", "failed", who, t, soon(9))
		op = op[:len(op)-1] + `,"error":{"message":"An error occurred during an HTTP call","type":"script_http_error","status":424,"payload":{"error":{"message":"The refresh limit has been reached for this connection.","code":"invalid_credentials","payload":{}}}}}`
		return story{rows: []row{{soon(9), op}}, event: refused(Exhausted, n, id, t, "", "", "")}
	case 10: // the delivery of the bad news
		return story{rows: []row{{t, operationRow(id, "webhook", "connection_refresh", "success", who, t, soon(9))}, {soon(5), deliveryRow(id, n, soon(5))}}}
	}
	return story{rows: []row{{t, noise(n)}}}
}

const kinds = 12

func unknownRow(parent string, n int, at time.Time) string {
	return fmt.Sprintf(`{"id":"uR7bXcRmKpLnTqWzYd00","accountId":3,"source":"internal","level":"error","type":"log","message":"Failed to get connection","parentId":"%s","error":{"name":"NangoError","message":"No connection matching the provided params","type":"unknown_connection","payload":{"connectionId":"%s","providerConfigKey":"mail-live"}},"createdAt":"%s"}`,
		parent, connectionName(n), stampOf(at))
}

func deliveryRow(parent string, n int, at time.Time) string {
	return fmt.Sprintf(`{"id":"dR7bXcRmKpLnTqWzYd00","accountId":3,"source":"internal","level":"error","type":"http","message":"POST https://hooks.example.com/nango","context":"webhook","parentId":"%s","request":{"method":"POST","url":"https://hooks.example.com/nango","headers":{},"body":%s},"response":{"code":503,"headers":{}},"createdAt":"%s"}`,
		parent, webhookBody("refresh", n, false), stampOf(at))
}

func webhookBody(operation string, n int, success bool) string {
	fault := ""
	if !success {
		fault = `"error":{"description":"The external API returned an error when trying to refresh the access token. Please try again later.","type":"refresh_token_external_error"},`
	}
	return fmt.Sprintf(`{"authMode":"OAUTH2","connectionId":"%s","environment":"live",%s"from":"nango","operation":"%s","provider":"google-mail","providerConfigKey":"mail-live","success":%t,"tags":{"organization_id":"org_%d"},"type":"auth"}`,
		connectionName(n), fault, operation, success, n)
}

// world is many stories, their rows in the order of writing, and the events they must become in the order of release.
type world struct {
	rows   []row
	events []Event
}

func drawWorld(t *rapid.T) world {
	var w world
	type released struct {
		due time.Time
		ev  Event
	}
	var rel []released
	for n := range rapid.IntRange(1, 40).Draw(t, "stories") {
		at := worldStart.Add(time.Duration(rapid.IntRange(0, 40*3600).Draw(t, "second"))*time.Second + time.Duration(n)*time.Millisecond)
		s := tell(rapid.IntRange(0, kinds-1).Draw(t, "kind"), n, at)
		w.rows = append(w.rows, s.rows...)
		if s.event == nil {
			continue
		}
		due := s.event.Time
		if s.waits {
			due = due.Add(defaultGrace)
		}
		rel = append(rel, released{due, *s.event})
	}
	slices.SortStableFunc(w.rows, func(a, b row) int { return a.at.Compare(b.at) })
	slices.SortFunc(rel, func(a, b released) int {
		return cmp.Or(a.due.Compare(b.due), a.ev.Time.Compare(b.ev.Time), cmp.Compare(a.ev.OperationID, b.ev.OperationID))
	})
	for _, r := range rel {
		w.events = append(w.events, r.ev)
	}
	return w
}

func sameEvents(t interface {
	Helper()
	Fatalf(string, ...any)
}, got, want []Event,
) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("event %d is missing: %+v", i, want[i])
		case i >= len(want):
			t.Fatalf("event %d is too many: %+v", i, got[i])
		case got[i].Due.Before(got[i].Time) || i > 0 && got[i].Due.Before(got[i-1].Due):
			t.Fatalf("event %d is due before its time or the event before it: %+v", i, got[i])
		}
		got := got[i]
		if want[i].Due.IsZero() {
			got.Due = want[i].Due
		}
		if got != want[i] {
			t.Fatalf("event %d:\n got %+v\nwant %+v", i, got, want[i])
		}
	}
}

// read feeds values of one file and returns everything that comes of them.
func read(t testing.TB, o Options, values ...string) ([]Event, Stats) {
	t.Helper()
	r := newReader(o)
	r.Open("file", 0, -1)
	for i, v := range values {
		r.Read([]byte(v), Meta{Source: "file", Offset: int64(i + 1)})
	}
	r.Close("file")
	events := slices.Clone(r.Flush())
	s := r.Stats()
	checkSum(t, s)
	return events, s
}

func checkSum(t interface {
	Helper()
	Fatalf(string, ...any)
}, s Stats,
) {
	t.Helper()
	sum := s.Skipped + s.Understood + s.Ignored
	for _, n := range s.Quarantined {
		sum += n
	}
	if s.Records != sum {
		t.Fatalf("%d records, but %d accounted for: %+v", s.Records, sum, s)
	}
}

// authorized is the sign of an authorization by its user.
func authorized(e *Event) *Event {
	e.Authorized = true
	return e
}
