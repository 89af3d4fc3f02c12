package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/alert"
)

// check is one condition of readiness, as it was last told.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// report is the answer of a health address: OK when every check is.
type report struct {
	OK     bool    `json:"ok"`
	Checks []check `json:"checks"`
}

// Check tells a condition of readiness by its name. detail is shown to anybody who asks: it must not hold secrets.
func (s *Server) Check(name string, ok bool, detail string) {
	s.checking.Lock()
	defer s.checking.Unlock()
	s.checks[name] = check{clean(name), ok, clean(detail)}
}

// readiness holds every condition told so far; with none told, the program is still starting.
func (s *Server) readiness() report {
	s.checking.Lock()
	defer s.checking.Unlock()
	if len(s.checks) == 0 {
		return reportOf(check{"start", false, "still starting"})
	}
	all := make([]check, 0, len(s.checks))
	for _, c := range s.checks {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b check) int { return strings.Compare(a.Name, b.Name) })
	return reportOf(all...)
}

// details is readiness with a line for each destination, and for each environment that Nango's API is asked about. It does not hang on them: a Slack that is
// gone must not take us out of service.
func (s *Server) details() report {
	p := s.readiness()
	if t := s.teller.Load(); t != nil {
		for _, d := range (*t).Status() {
			p.Checks = append(p.Checks, check{"destination " + clean(d.Name), true, clean(s.faring(d))})
		}
	}
	if x := s.last.Load(); x != nil {
		for i := range x.Directory.Environments {
			e := &x.Directory.Environments[i]
			p.Checks = append(p.Checks, check{"nango " + clean(e.Environment), true, clean(e.faring())})
		}
	}
	return p
}

// faring says how a destination fares; "" when it takes what it is told.
func (s *Server) faring(d alert.Status) string {
	var parts []string
	switch {
	case s.o.Shadow:
		return "shadow: nothing is sent"
	case d.Down && !d.Since.IsZero():
		parts = append(parts, "refuses: "+d.Err+", since "+second(d.Since))
	case d.Down:
		parts = append(parts, "refuses: "+d.Err)
	case d.Err != "":
		parts = append(parts, "fails: "+d.Err)
	}
	if d.Pending > 0 {
		parts = append(parts, fmt.Sprintf("%d to be told, the oldest since %s", d.Pending, second(d.Oldest)))
	}
	return strings.Join(parts, "; ")
}

func second(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// liveness asks only whether the consuming loop moves: a broker that is away must not get the process killed.
func (s *Server) liveness() report {
	still := time.Since(s.started) - time.Duration(s.moved.Load())
	if still > s.o.Live {
		return reportOf(check{"loop", false, fmt.Sprintf("has not moved for %s", still.Round(time.Second))})
	}
	return reportOf(check{Name: "loop", OK: true})
}

func reportOf(checks ...check) report {
	failed := slices.ContainsFunc(checks, func(c check) bool { return !c.OK })
	return report{!failed, checks}
}

// serve answers 200 or 503, with one line a check or, asked by ?format=json or Accept, as JSON.
func (p report) serve(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	if !p.OK {
		status = http.StatusServiceUnavailable
	}
	if r.URL.Query().Get("format") == "json" || strings.Contains(r.Header.Get("Accept"), "application/json") {
		body, _ := json.Marshal(p) // strings and bools: cannot fail
		answer(w, status, "application/json", append(body, '\n'))
		return
	}
	answer(w, status, "text/plain; charset=utf-8", []byte(p.text()))
}

func (p report) text() string {
	var b strings.Builder
	for _, c := range p.Checks {
		word := "ok"
		if !c.OK {
			word = "failed"
		}
		b.WriteString(word + " " + c.Name)
		if c.Detail != "" {
			b.WriteString(": " + c.Detail)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
