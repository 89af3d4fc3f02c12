package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/revwatch/revwatch/pkg/alert"
)

// tell sends a request with these headers to the API, from localhost, and returns the status and the body of the answer.
func tell(h http.Handler, method, path string, headers ...string) (int, string) {
	return send(h, method, path, "", headers...)
}

func send(h http.Handler, method, path, body string, headers ...string) (int, string) {
	r := httptest.NewRequest(method, "http://localhost:9848"+path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// quiet is an API that knows of one silence, "a".
func quiet(token, host string) (http.Handler, *[]alert.Silence) {
	begun := &[]alert.Silence{}
	return New(Options{}).Admin(Admin{
		Token: token, Host: host,
		Silence: func(s alert.Silence) (alert.Silence, error) {
			if s.Reason == "" {
				return s, errors.New("a reason is needed")
			}
			s.ID = "b"
			*begun = append(*begun, s)
			return s, nil
		},
		EndSilence: func(id string) error {
			if id != "a" {
				return errors.New("no silence has this id")
			}
			return nil
		},
		Silences: func() ([]alert.Silence, error) { return nil, nil },
	}), begun
}

// With a token every request needs it, whoever asks and by whatever path.
func TestTokenIsNeeded(t *testing.T) {
	const token = "0123456789abcdef"
	h, begun := quiet(token, "")
	for _, given := range []string{"", "Bearer", "Bearer ", "Bearer 0123456789abcde", "Bearer " + token + " ", "Basic " + token, token, "bearer  " + token} {
		for _, path := range []string{SilencesPath, SilencesPath + "/a", "/", "//api/v1/silences", "/nothing"} {
			for _, method := range []string{"GET", "POST", "DELETE", "OPTIONS"} {
				if status, body := tell(h, method, path, "Authorization", given, "Content-Type", "application/json"); status != 401 || !json.Valid([]byte(body)) || strings.Contains(body, token) {
					t.Errorf("%s %s with %q: %d %s", method, path, given, status, body)
				}
			}
		}
	}
	for _, host := range []string{"localhost", "revwatch.example:9848"} {
		if status, body := tell(h, "GET", SilencesPath, "Authorization", "Bearer "+token, "Host", host); status != 200 || body != "[]\n" {
			t.Errorf("from %s: %d %s", host, status, body)
		}
	}
	if len(*begun) != 0 {
		t.Error("a silence was begun without the token")
	}
}

// Without a token a page whose name was made to stand for our address is told apart by that name.
func TestForeignHostsAreRefused(t *testing.T) {
	h, _ := quiet("", "Revwatch.internal")
	for host, want := range map[string]int{
		"localhost": 200, "localhost:9848": 200, "LOCALHOST": 200, "localhost.": 200, "127.0.0.1:9848": 200, "[::1]:9848": 200, "[::1]": 200, "10.1.2.3": 200, "revwatch.internal:1": 200,
		"evil.example": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example:9848": 403, "evil.example:127": 403, "": 403, "[evil]": 403, "revwatch.internal.evil": 403,
	} {
		if status, body := tell(h, "GET", SilencesPath, "Host", host); status != want || !json.Valid([]byte(body)) {
			t.Errorf("%q: %d %s, want %d", host, status, body, want)
		}
	}
}

// What changes something needs what no form of a page can send.
func TestPagesCannotChangeAnything(t *testing.T) {
	h, begun := quiet("", "")
	const body = `{"reason":"x","author":"y"}`
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{nil, 415},
		{[]string{"Content-Type", "text/plain"}, 415},
		{[]string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{[]string{"Content-Type", "application/json-patch"}, 415},
		{[]string{"Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Content-Type", "application/json", "Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Content-Type", "application/json", "Origin", "https://evil.example"}, 403},
		{[]string{"Content-Type", "application/json", "Origin", "null"}, 403},
	} {
		for _, x := range [][2]string{{"POST", SilencesPath}, {"DELETE", SilencesPath + "/a"}, {"PUT", SilencesPath}} {
			if status, got := send(h, x[0], x[1], body, c.headers...); status != c.status || !json.Valid([]byte(got)) {
				t.Errorf("%s with %v: %d %s, want %d", x[0], c.headers, status, got, c.status)
			}
		}
	}
	if len(*begun) != 0 {
		t.Fatal("a page began a silence")
	}
	for _, headers := range [][]string{{"Content-Type", "application/json"}, {"Content-Type", "application/json; charset=utf-8", "Origin", "http://localhost:9848"}} {
		if status, got := send(h, "POST", SilencesPath, body, headers...); status != 201 {
			t.Errorf("%v: %d %s", headers, status, got)
		}
	}
}

// A page of another origin gets no answer to a question either; who types an address, or a page of ours, does.
func TestForeignPagesAskNothing(t *testing.T) {
	h, _ := quiet("", "")
	for _, c := range []struct {
		headers []string
		want    bool
	}{
		{[]string{"Sec-Fetch-Site", "cross-site"}, false}, {[]string{"Sec-Fetch-Site", "same-site"}, false}, {[]string{"Origin", "https://evil.example"}, false}, {[]string{"Origin", "null"}, false},
		{nil, true}, {[]string{"Sec-Fetch-Site", "none"}, true}, {[]string{"Sec-Fetch-Site", "same-origin"}, true}, {[]string{"Origin", "http://localhost:9848"}, true},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			if status, got := send(h, method, SilencesPath, "", c.headers...); (status == 200) != c.want || !c.want && status != 403 {
				t.Errorf("%s with %v: %d %s", method, c.headers, status, got)
			}
		}
	}
}

// Every refusal is JSON, with the status that says why.
func TestRefusals(t *testing.T) {
	h, _ := quiet("", "")
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/", "", 404, ExplainPath}, {"GET", "/metrics", "", 404, "there is nothing here"}, {"GET", SilencesPath + "/", "", 404, ""}, {"GET", SilencesPath + "/a/b", "", 404, ""},
		{"PUT", SilencesPath, "", 405, "GET, POST"}, {"GET", SilencesPath + "/a", "", 405, "DELETE"}, {"DELETE", SilencesPath, "", 405, ""}, {"PATCH", IncidentsPath, "", 405, ""},
		{"GET", SilencesPath + "?all=1", "", 400, "there are no parameters"}, {"GET", IncidentsPath, "", 503, "nothing was read"},
		{"DELETE", SilencesPath + "/x", "", 404, "no silence has this id"}, {"DELETE", SilencesPath + "/a", "", 200, `"id":"a"`},
		{"POST", SilencesPath, "", 400, "no JSON"}, {"POST", SilencesPath, "{", 400, "no JSON"}, {"POST", SilencesPath, "[]", 400, "another kind"},
		{"POST", SilencesPath, `{"autor":"x"}`, 400, "unknown field"}, {"POST", SilencesPath, `{"id":"x"}`, 400, "unknown field"}, {"POST", SilencesPath, `{"until":"soon"}`, 400, "the body"},
		{"POST", SilencesPath, `{} {}`, 400, "more than one"}, {"POST", SilencesPath, `{"author":"x"}`, 400, "a reason is needed"},
		{"POST", SilencesPath, `{"author":"` + strings.Repeat("x", maxBody) + `"}`, 413, "too large"},
	} {
		status, got := send(h, c.method, c.path, c.body, "Content-Type", "application/json")
		if status != c.status || !json.Valid([]byte(got)) || !strings.Contains(got, c.says) {
			t.Errorf("%s %s %.40s: %d %s, want %d with %q", c.method, c.path, c.body, status, got, c.status, c.says)
		}
	}
	if status, body := tell(h, "HEAD", SilencesPath); status != 200 || body != "[]\n" {
		t.Errorf("HEAD: %d %q", status, body)
	}
	r := httptest.NewRequest("PUT", "http://localhost"+SilencesPath, nil)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Header().Get("Allow") != "GET, POST" || w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%v", w.Header())
	}
}

// What a silence is made of reaches the notifier, its beginning and id do not.
func TestSilencesAreBegun(t *testing.T) {
	h, begun := quiet("", "")
	status, body := send(h, "POST", SilencesPath, `{"provider":["google-*"],"severity":"critical","author":"a","reason":"r","until":"2026-03-02T12:00:00Z"}`, "Content-Type", "application/json")
	var got alert.Silence
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 201 || got.ID != "b" || len(*begun) != 1 {
		t.Fatalf("%d %s %v", status, body, err)
	}
	if s := (*begun)[0]; s.Provider[0] != "google-*" || s.Severity != "critical" || s.Author != "a" || s.Reason != "r" || !s.Until.Equal(noon) || !s.From.IsZero() {
		t.Errorf("%+v", s)
	}
}

// A member that reads nothing and tells nobody knows neither incidents nor silences: it says so, and does not say that there are none.
func TestStandbyKnowsNothing(t *testing.T) {
	s := New(Options{})
	h := s.Admin(Admin{Silences: func() ([]alert.Silence, error) {
		return nil, fmt.Errorf("%w: this member tells nobody", ErrUnavailable)
	}})
	x := small()
	x.Input.Owner = false // a Kafka that is away: we are still the one who knows
	s.Publish(x)
	if status, body := tell(h, "GET", IncidentsPath); status != 200 {
		t.Errorf("of an owner without Kafka: %d %s", status, body)
	}
	x.Input.Partitions = nil
	s.Publish(x)
	for _, path := range []string{IncidentsPath, SilencesPath} {
		if status, body := tell(h, "GET", path); status != 503 || !strings.Contains(body, "this member") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// What cannot be saved is no matter of the one who asks.
func TestSilenceThatCannotEndNow(t *testing.T) {
	h := New(Options{}).Admin(Admin{EndSilence: func(string) error { return fmt.Errorf("%w: it cannot be saved", ErrUnavailable) }})
	if status, body := tell(h, "DELETE", SilencesPath+"/a", "Content-Type", "application/json"); status != 503 || !strings.Contains(body, "saved") {
		t.Errorf("%d %s", status, body)
	}
}

// The API shows what is open and what ended lately, each with its severity; the weekly line is none of it.
func TestIncidents(t *testing.T) {
	s := full()
	h := s.Admin(Admin{})
	x := small()
	x.Incidents[0].Observed, x.Incidents[4].Signal = 50, "weekly"
	s.Publish(x)
	status, body := tell(h, "GET", IncidentsPath)
	var got []map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 || len(got) != 4 {
		t.Fatalf("%d %s %v", status, body, err)
	}
	if got[0]["id"] != "i1" || got[0]["severity"] != "critical" || got[1]["severity"] != "warning" || got[1]["status"] != "resolved" || got[0]["observed"] != 50.0 {
		t.Errorf("%s", body)
	}
	if _, hidden := got[0]["Milestone"]; hidden {
		t.Errorf("more than the public form: %s", body)
	}

	none := New(Options{Severity: alert.Severity{Scopes: []string{}}}) // is said, other than the zero value
	none.Publish(x)
	if _, body := tell(none.Admin(Admin{}), "GET", IncidentsPath); !strings.Contains(body, `"severity":"warning"`) || strings.Contains(body, "critical") {
		t.Errorf("nothing is critical: %s", body)
	}
}
