// Package web shows the daemon to the outside: metrics, liveness and readiness on one listener, the API on another. It reads immutable snapshots that
// the owner of the core publishes, or asks that owner, and never touches the core itself; it knows nothing of Kafka.
package web

import (
	"cmp"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/revwatch/revwatch/pkg/alert"
)

// Options of a Server. The zero value of a field means its default.
type Options struct {
	Version      string           // of this program
	ConfigHash   string           // of the configuration in force, "" when there is none
	Live         time.Duration    // /healthz fails when the consuming loop has not moved for so long (default 1 min)
	Now          func() time.Time // the clock that ages are measured by (default time.Now)
	MaxProviders int              // names with label values of their own, for each signal; the rest is "other" (default 1000)
	Severity     alert.Severity   // which incidents are critical (default alert.DefaultSeverity)
	Shadow       bool             // nothing is sent to anybody
	SetAside     bool             // the state file was damaged at the start, and is learned again
}

// Teller is who tells people of incidents: an alert.Notifier. Its methods may be called from several goroutines at once.
type Teller interface {
	Status() []alert.Status
	Silences() []alert.Silence
}

// Server answers /metrics, /healthz and /readyz, and the API. All its methods may be called at any time, from any goroutine.
type Server struct {
	o      Options
	last   atomic.Pointer[Snapshot]
	teller atomic.Pointer[Teller]

	// Liveness is measured by the monotonic clock of the machine: neither a step of the wall clock nor an accelerated one may end the process.
	started time.Time
	moved   atomic.Int64 // nanoseconds after started

	commits, delays histogram

	checking sync.Mutex
	checks   map[string]check

	scraping sync.Mutex
	rosters  map[string]*roster // by signal, one for integrations, one for those whose refreshes fail
}

// New returns a Server that has been told nothing: alive, not ready.
func New(o Options) *Server {
	o.Live = cmp.Or(o.Live, time.Minute)
	o.MaxProviders = cmp.Or(o.MaxProviders, 1000)
	o.Severity = o.Severity.OrDefault()
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Server{
		o: o, started: time.Now(), checks: map[string]check{}, rosters: map[string]*roster{},
		commits: newHistogram("revwatch_state_commit_seconds", "Time one commit of the state took.",
			.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10),
		delays: newHistogram("revwatch_detection_delay_seconds", "From the newest break of an incident until the incident opened.",
			1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 3*3600, 6*3600),
	}
}

// Publish makes x what is shown, and says that the consuming loop moved.
func (s *Server) Publish(x Snapshot) {
	s.last.Store(&x)
	s.Alive()
}

// Alive says that the consuming loop moved.
func (s *Server) Alive() { s.moved.Store(int64(time.Since(s.started))) }

// Tells sets who is asked for the state of the destinations and for the silences, at each scrape.
func (s *Server) Tells(t Teller) { s.teller.Store(&t) }

// CommitTook counts one commit of the state.
func (s *Server) CommitTook(d time.Duration) { s.commits.values.Update(d.Seconds()) }

// Detected counts one opened incident; delay is from its newest break until it opened.
func (s *Server) Detected(delay time.Duration) { s.delays.values.Update(delay.Seconds()) }

// Handler answers GET and HEAD: /metrics, /healthz (also /-/healthy and /health) and /readyz (also /-/ready). Every other path is not found.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.serveMetrics)
	for _, path := range []string{"/healthz", "/-/healthy", "/health"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { s.liveness().serve(w, r) })
	}
	for _, path := range []string{"/readyz", "/-/ready"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { s.details().serve(w, r) })
	}
	return mux
}

// answer sends a whole body that nobody may keep or take for something else.
func answer(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away is nobody's trouble
}
