package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// direct is a client that reaches loopback, whatever the outbound policy is.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}

// receiving is a server on loopback that takes requests, one at a time. before may answer in its place.
type receiving struct {
	*httptest.Server
	mu     sync.Mutex
	before []http.HandlerFunc // used up front to back; nil: works
	calls  int
	wrong  []string
}

func (s *receiving) errorf(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

func (s *receiving) next(all ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = all
}

// listen starts the server; take runs under its lock.
func (s *receiving) listen(t *testing.T, take func(w http.ResponseWriter, r *http.Request, body []byte)) {
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls++
		if len(s.before) > 0 {
			before := s.before[0]
			if s.before = s.before[1:]; before != nil {
				before(w, r)
				return
			}
		}
		take(w, r, body)
	}))
	t.Cleanup(func() {
		s.Close()
		if len(s.wrong) > 0 {
			t.Errorf("%q", s.wrong)
		}
	})
}

// known reads JSON that may hold known fields only.
func (s *receiving) known(body []byte, into any) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err != nil {
		s.errorf("%v", err)
	}
	return err == nil
}

// says answers without doing anything.
func says(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, slackToken)
	}
}

// hangsUp closes the connection after the request was read.
func hangsUp(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// statuses are what answers mean to every destination that takes any 2xx.
var statuses = []struct {
	answer  http.HandlerFunc
	verdict verdict // "": taken
	reason  string
	after   time.Duration
}{
	{says(200), "", "", 0}, {says(202), "", "", 0}, {says(204), "", "", 0},
	{says(301, "Location", "http://127.0.0.1:1/"), refused, "HTTP 301 (a redirect, not followed)", 0},
	{says(400), refused, "HTTP 400", 0}, {says(401), refused, "HTTP 401", 0}, {says(404), refused, "HTTP 404", 0}, {says(410), refused, "HTTP 410", 0},
	{says(408), failed, "HTTP 408", 0}, {says(429, "Retry-After", "37"), failed, "HTTP 429", 37 * time.Second},
	{says(500), failed, "HTTP 500", 0}, {says(504), doubtful, "HTTP 504", 0}, {hangsUp, doubtful, "connection lost", 0},
}

// checkStatuses gives a destination one of them after the other.
func checkStatuses(t *testing.T, s *receiving, send func() error) {
	t.Helper()
	for i, c := range statuses {
		s.next(c.answer)
		err := send()
		if c.verdict == "" && err == nil {
			continue
		}
		if err == nil || c.verdict == "" {
			t.Errorf("%d: %v", i, err)
			continue
		}
		if f := faultOf(err); f.verdict != c.verdict || f.reason != c.reason || f.after != c.after || holdsSecret(err.Error(), s.URL) {
			t.Errorf("%d: %+v, want %v %q after %v", i, f, c.verdict, c.reason, c.after)
		}
	}
}
