package nango

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// answer is one way in which a refresh was refused: the parts of its rows that say why, and what they mean.
type answer struct {
	Name, Provider string
	Cause          Cause
	Reason         string
	HTTP, Log      json.RawMessage // the http row's fields, the log row's meta; absent when that row was lost
}

func answers(t testing.TB) []answer {
	data, err := os.ReadFile("testdata/causes.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var all []answer
	for line := range bytes.Lines(data) {
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// rows writes the answer as Nango would, the operation row last.
func (a answer) rows(n int) []string {
	at := worldStart.Add(time.Duration(n) * time.Second)
	id := opID(at, n)
	var rows []string
	if a.HTTP != nil {
		rows = append(rows, `{"id":"hR7bXcRmKpLnTqWzYd00","accountId":3,"source":"internal","level":"error","type":"http","message":"POST https://oauth.example.com/token","parentId":"`+id+
			`","request":{"method":"POST","url":"https://oauth.example.com/token","headers":{}},`+string(a.HTTP[1:len(a.HTTP)-1])+`,"createdAt":"`+stampOf(at)+`"}`)
	}
	if a.Log != nil {
		rows = append(rows, `{"id":"gR7bXcRmKpLnTqWzYd00","accountId":3,"source":"internal","level":"error","type":"log","message":"Failed to refresh credentials","parentId":"`+id+
			`","meta":`+string(a.Log)+`,"createdAt":"`+stampOf(at)+`"}`)
	}
	who := strings.Replace(whoOf(n), "google-mail", a.Provider, 1)
	return append(rows, operationRow(id, "auth", "refresh_token", "failed", who, at, at))
}

func TestCauses(t *testing.T) {
	for i, a := range answers(t) {
		t.Run(a.Name, func(t *testing.T) {
			rows := a.rows(i)
			want, _ := read(t, Options{}, rows...)
			if len(want) != 1 || want[0].Cause != a.Cause || want[0].Reason != a.Reason {
				t.Errorf("got %+v\nwant %s %s", want, a.Cause, a.Reason)
			}
			slices.Reverse(rows)
			again, _ := read(t, Options{}, append(rows, rows...)...)
			sameEvents(t, again, want)
		})
	}
}

// A webhook knows the type of the error and nothing else: what cannot be known from it is unknown.
func TestWebhookCauses(t *testing.T) {
	for _, tt := range []struct {
		typ    string
		cause  Cause
		reason string
	}{
		{external, Unknown, "no_reason"},
		{"unknown_connection", Other, "connection_deleted"},
		{"unhandled_refresh_token_parsing_error", Unknown, "no_token_in_answer"},
		{"two_step_credentials_fetch_error", Unknown, "no_reason"},
	} {
		body := strings.Replace(webhookBody("refresh", 1, false), external, tt.typ, 1)
		got, _ := read(t, Options{}, `{"timestamp":"2026-03-02T00:00:01Z","body":`+body+`}`)
		if len(got) != 1 || got[0].Cause != tt.cause || got[0].Reason != tt.reason || got[0].Type != tt.typ {
			t.Errorf("%s: got %+v", tt.typ, got)
		}
	}
}

// factsOf are facts with one code.
func factsOf(rules *Rules, c string) *facts {
	f, r := &facts{}, &Reader{rules: rules}
	r.addCode(f, []byte(c))
	return f
}

// Verdicts of several rows are a set: any order and repetition decides the same.
func TestVerdictsAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes := rapid.SliceOfN(rapid.SampledFrom([]string{"invalid_grant", "invalid_client", "server_error", "unauthorized_client", "invalid_rapt", "aadsts_50076", "x"}), 1, 6).Draw(t, "codes")
		var rows [][]verdict
		for _, c := range codes {
			f := factsOf(builtIn, c)
			f.typ, f.status = external, rapid.SampledFrom([]int{0, 400, 403, 503}).Draw(t, "status")
			f.from = rapid.SampledFrom([]witness{byLog, byRequest, byBody}).Draw(t, "from")
			rows = append(rows, builtIn.judge(f, nil))
		}
		var a, b []verdict
		for _, v := range rows {
			a = addVerdicts(a, v)
		}
		for _, v := range rapid.Permutation(append(rows, rows...)).Draw(t, "order") {
			b = addVerdicts(b, v)
		}
		for _, p := range []string{"outlook", "jira", "other"} {
			va, _ := builtIn.decide(p, a)
			vb, _ := builtIn.decide(p, b)
			if va != vb {
				t.Fatalf("%s: %v or %v", p, va, vb)
			}
		}
	})
}

// A provider's own word stands above the generic rules, wherever each is in its list.
func TestOwnRulesFirst(t *testing.T) {
	rules, err := ParseRules([]byte(`
rules:
  - {cause: revoked, reason: generic, code: [c1]}
providers:
  - family: a
    name: A
    keys: [a]
    rules:
      - {cause: other, reason: never, code: [zz]}
      - {cause: transient, reason: own, code: [c1]}
`))
	if err != nil {
		t.Fatal(err)
	}
	verdicts := addVerdicts(nil, rules.judge(factsOf(rules, "c1"), nil))
	for provider, want := range map[string]string{"a": "own", "b": "generic"} {
		if v, ok := rules.decide(provider, verdicts); !ok || v.Reason != want {
			t.Errorf("%s: %+v, want %s", provider, v, want)
		}
	}
}

// No text of a provider leaves the room: reasons are codes that the table knows.
func TestReasonsAreCodes(t *testing.T) {
	secret := "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.x"
	for _, body := range []string{
		`{"error":"` + secret + `","error_description":"Bearer ` + secret + `"}`,
		`{"error":"invalid_grant","error_description":"token ` + secret + `"}`,
		`"error=` + secret + `"`, `{"code":"` + secret + `","message":"person@example.com"}`,
	} {
		at := worldStart
		id := opID(at, 1)
		r := newReader(Options{})
		r.Open("f", 0, -1)
		r.Read([]byte(errorLogRow(id, external, 400, `{"dataMessage":`+body+`}`, at)), Meta{Source: "f"})
		r.Changes(func(bucket, key string, value []byte) {
			if bytes.Contains(value, []byte("eyJ")) || bytes.Contains(value, []byte("example.com")) {
				t.Errorf("stored %s %s: %s", bucket, key, value)
			}
		})
		r.Read([]byte(operationRow(id, "auth", "refresh_token", "failed", whoOf(1), at, at)), Meta{Source: "f"})
		for _, e := range r.Flush() {
			if !isCode(e.Reason) || strings.Contains(e.Reason, "eyj") {
				t.Errorf("%s: reason %q", body, e.Reason)
			}
		}
	}
}

// An operation can hold requests beside the refused one: tokens that are asked about, and what was tried before.
func TestOtherRequests(t *testing.T) {
	id := opID(worldStart, 1)
	request := func(url string, status int, body string) string {
		return strings.ReplaceAll(httpErrorRow(id, status, body, worldStart), "oauth.example.com/token", "oauth.example.com/"+url)
	}
	operation := operationRow(id, "auth", "refresh_token", "failed", whoOf(1), worldStart, worldStart)
	log := func(payload string) string { return errorLogRow(id, external, 400, payload, worldStart) }
	const down, client, dead = `{"error":"temporarily_unavailable"}`, `{"error":"invalid_client"}`, `{"error":"invalid_grant"}`
	for _, tt := range []struct {
		name, other, request, log string
		cause                     Cause
	}{
		{"asked about", request("introspect", 401, client), request("token", 503, down), log(`{"dataMessage":` + down + `}`), Transient},
		{"asked about, nothing said", request("oauth2/introspect?v=1", 400, dead), request("token", 503, "null"), log(`{"dataMessage":null}`), Transient},
		{"asked about, the request lost", request("introspect", 401, client), "", log(`{"dataMessage":` + dead + `}`), Revoked},
		{"tried before", request("token", 401, client), request("token", 400, dead), log(`{"dataMessage":` + dead + `}`), Revoked},
		{"throttled before", request("token", 429, "null"), request("token", 400, dead), log(`{"dataMessage":` + dead + `}`), Revoked},
		{"throttled itself", "", request("token", 429, dead), log(`{"dataMessage":` + dead + `}`), Transient},
		{"the log says nothing", "", request("token", 400, dead), log(`{}`), Revoked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows := slices.DeleteFunc([]string{tt.other, tt.request, tt.log, operation}, func(s string) bool { return s == "" })
			want, _ := read(t, Options{}, rows...)
			if len(want) != 1 || want[0].Cause != tt.cause {
				t.Errorf("got %+v, want %s", want, tt.cause)
			}
			slices.Reverse(rows)
			again, _ := read(t, Options{}, append(rows, rows...)...)
			sameEvents(t, again, want)
		})
	}
}
