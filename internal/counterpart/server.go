// Package counterpart is the other side of each destination, for tests: servers that hold the published rules of Slack, PagerDuty,
// Alertmanager and webhooks, written apart from the code that is tested, and that keep what a person would have seen. Each can be told to
// fail in the ways that servers and the paths to them fail.
package counterpart

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Server is what all counterparts are: a listener with faults to come and a record of the calls.
type Server struct {
	URL    string // without a path
	Secure string // the same over TLS, where there is one

	host   string
	handle http.HandlerFunc
	http   *http.Server
	open   []net.Listener

	mu     sync.Mutex // held while a request is worked on
	faults []Fault
	calls  []Call
	wrong  []string
}

// Call is one connection that was made to a server.
type Call struct {
	At    time.Time
	Path  string // "" when the connection ended before a request was read
	Fault string // the name of the fault it met; "" when it was answered as it should be
}

// Fail lets the next calls meet these faults, one each; the zero Fault is none.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Heal forgets the faults that were not met yet.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Calls are those so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Wrong says which rules of the other side were broken, in words.
func (s *Server) Wrong() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.wrong)
}

func (s *Server) errorf(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// next takes the fault of the call that begins, if it is of the kind asked for.
func (s *Server) next(kind stage) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 || s.faults[0].stage != kind {
		return Fault{}, false
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	if kind != atRequest {
		s.calls = append(s.calls, Call{At: time.Now(), Fault: f.Name})
	}
	return f, true
}

// ServeHTTP answers one request. The body is read first: only then does a server notice that the caller hangs up.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f, _ := s.next(atRequest)
	s.mu.Lock()
	s.calls = append(s.calls, Call{At: time.Now(), Path: r.URL.Path, Fault: f.Name})
	switch {
	case f.answer == nil:
		s.handle(w, r)
	case f.arrives:
		s.handle(&nobody{header: http.Header{}}, r)
	}
	s.mu.Unlock()
	if f.answer != nil {
		f.answer(w, r)
	}
}

// nobody takes the answer that is lost.
type nobody struct{ header http.Header }

func (n *nobody) Header() http.Header         { return n.header }
func (n *nobody) Write(b []byte) (int, error) { return len(b), nil }
func (n *nobody) WriteHeader(int)             {}

// start serves on listeners until the network closes: plain ones, and one for TLS or nil.
func (s *Server) start(plain, secure net.Listener, good, bad *tls.Certificate) {
	s.http = &http.Server{Handler: s, ErrorLog: log.New(io.Discard, "", 0)}
	s.open = append(s.open, plain)
	go func() { _ = s.http.Serve(&faulty{plain, s}) }()
	if secure == nil {
		return
	}
	conf := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if _, untrusted := s.next(atHandshake); untrusted {
			return bad, nil
		}
		return good, nil
	}}
	s.open = append(s.open, secure)
	go func() { _ = s.http.Serve(tls.NewListener(&faulty{secure, s}, conf)) }()
}

// close ends the server and its connections. The listeners are closed here too, as the server may not have taken them over yet.
func (s *Server) close() {
	for _, l := range s.open {
		_ = l.Close()
	}
	_ = s.http.Close()
}

// faulty is a listener that drops the connections that are to be dropped before anything is read.
type faulty struct {
	net.Listener
	s *Server
}

func (l *faulty) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if _, dropped := l.s.next(atConnection); !dropped {
			return c, nil
		}
		drop(c)
	}
}

// drop ends a connection with a reset where there are resets.
func drop(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// strict reads JSON that may hold known fields only.
func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more than one value")
	}
	return nil
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// sliding counts events of the last while.
type sliding struct {
	within time.Duration
	most   int
	at     []time.Time
}

// wait is how long the next event has to wait; zero: it may come, and is counted.
func (s *sliding) wait(now time.Time) time.Duration {
	s.at = slices.DeleteFunc(s.at, func(t time.Time) bool { return now.Sub(t) >= s.within })
	if s.most > 0 && len(s.at) >= s.most {
		return s.at[0].Add(s.within).Sub(now)
	}
	s.at = append(s.at, now)
	return 0
}
