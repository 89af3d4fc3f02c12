package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/revwatch/revwatch/pkg/alert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask returns the status and the body of an answer.
func ask(s *Server, method, path, accept string) (int, string) {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestReadiness(t *testing.T) {
	s := New(Options{})
	for _, step := range []struct {
		do     func()
		status int
		text   string
	}{
		{func() {}, 503, "failed start: still starting\n"},
		{func() { s.Check("state", true, "opened") }, 200, "ok state: opened\n"},
		{func() { s.Check("kafka", false, "connection refused\nok fake") }, 503, "failed kafka: connection refused\uFFFDok fake\nok state: opened\n"},
		{func() { s.Check("kafka", true, "") }, 200, "ok kafka\nok state: opened\n"},
	} {
		step.do()
		for _, path := range []string{"/readyz", "/-/ready"} {
			if status, text := ask(s, "GET", path, "*/*"); status != step.status || text != step.text {
				t.Errorf("%s: %d %q, want %d %q", path, status, text, step.status, step.text)
			}
		}
	}
}

func TestReadinessAsJSON(t *testing.T) {
	s := New(Options{})
	s.Check("slack", false, "channel_not_found")
	for _, q := range [][2]string{{"/readyz?format=json", ""}, {"/readyz", "application/json"}} {
		status, body := ask(s, "GET", q[0], q[1])
		var got report
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != 503 || got.OK || len(got.Checks) != 1 || got.Checks[0] != (check{"slack", false, "channel_not_found"}) {
			t.Errorf("%v: %d %q %v", q, status, body, err)
		}
	}
}

// TestLiveness needs only the loop: not the broker, not readiness.
func TestLiveness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Live: 30 * time.Second})
		s.Check("kafka", false, "away")
		alive := func(want int) {
			t.Helper()
			for _, path := range []string{"/healthz", "/-/healthy", "/health"} {
				if status, text := ask(s, "GET", path, ""); status != want {
					t.Errorf("%s: %d %q, want %d", path, status, text, want)
				}
			}
		}
		alive(200)
		time.Sleep(30 * time.Second)
		alive(200)
		time.Sleep(time.Nanosecond)
		alive(503)
		s.Alive()
		alive(200)
		time.Sleep(31 * time.Second)
		alive(503)
		if _, text := ask(s, "GET", "/healthz", ""); text != "failed loop: has not moved for 31s\n" {
			t.Errorf("%q", text)
		}
		s.Publish(Snapshot{})
		alive(200)
	})
}

func TestWhatIsNotServed(t *testing.T) {
	s := New(Options{})
	for _, path := range []string{"/", "/metrics/", "/metric", "/debug/pprof/", "/../etc/passwd", "/healthz/x"} {
		if status, _ := ask(s, "GET", path, ""); status != http.StatusNotFound && status/100 != 3 {
			t.Errorf("GET %s: %d", path, status)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE"} {
		if status, _ := ask(s, method, "/metrics", ""); status != http.StatusMethodNotAllowed {
			t.Errorf("%s /metrics: %d", method, status)
		}
	}
	if status, _ := ask(s, "HEAD", "/metrics", ""); status != 200 {
		t.Errorf("HEAD /metrics: %d", status)
	}
}

func TestLongDetailIsCut(t *testing.T) {
	s := New(Options{})
	s.Check("kafka", false, strings.Repeat("long ", 10_000))
	if _, text := ask(s, "GET", "/readyz", ""); len(text) > 300 || strings.Count(text, "\n") != 1 {
		t.Errorf("%d bytes", len(text))
	}
}

// TestReadinessTellsOfDestinations: a line each, and none of them takes us out of service.
func TestReadinessTellsOfDestinations(t *testing.T) {
	for _, c := range []struct {
		shadow bool
		is     alert.Status
		says   string
	}{
		{false, alert.Status{Name: "slack"}, "ok destination slack\n"},
		{false, alert.Status{Name: "slack", Pending: 2, Oldest: noon}, "ok destination slack: 2 to be told, the oldest since 2026-03-02T12:00:00Z\n"},
		{false, alert.Status{Name: "slack", Err: "no answer in time", Pending: 1, Oldest: noon}, "ok destination slack: fails: no answer in time; 1 to be told, the oldest since 2026-03-02T12:00:00Z\n"},
		{false, alert.Status{Name: "slack", Err: "no answer in time"}, "ok destination slack: fails: no answer in time\n"},
		{false, alert.Status{Name: "slack", Down: true, Since: noon.Add(-time.Hour), Err: "channel_not_found", Pending: 1, Oldest: noon}, "ok destination slack: refuses: channel_not_found, since 2026-03-02T11:00:00Z; 1 to be told, the oldest since 2026-03-02T12:00:00Z\n"},
		{true, alert.Status{Name: "slack"}, "ok destination slack: shadow: nothing is sent\n"},
	} {
		s := New(Options{Shadow: c.shadow})
		s.Check("kafka", true, "")
		s.Tells(teller{status: []alert.Status{c.is}})
		if status, text := ask(s, "GET", "/readyz", ""); status != 200 || text != "ok kafka\n"+c.says {
			t.Errorf("%+v: %d %q", c.is, status, text)
		}
		for name := range scrape(t, s)["revwatch_check_ok"].samples {
			if strings.Contains(name, "slack") {
				t.Errorf("a destination is a condition: %s", name)
			}
		}
	}
}
