package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// The public form of events, one JSON object a line. A test holds it.
type (
	failureLine struct {
		Type        string    `json:"type"`
		Time        time.Time `json:"time"`
		Environment string    `json:"environment"`
		Provider    string    `json:"provider"`
		Integration string    `json:"integration"`
		Connection  string    `json:"connection"`
		Account     string    `json:"account"`
		Cause       string    `json:"cause"`
		Reason      string    `json:"reason"`
		OperationID string    `json:"operation_id"`
		New         bool      `json:"new"` // the connection newly broke
	}
	reconnectedLine struct {
		Type        string    `json:"type"`
		Time        time.Time `json:"time"`
		Environment string    `json:"environment"`
		Provider    string    `json:"provider"`
		Integration string    `json:"integration"`
		Connection  string    `json:"connection"`
	}
	unknownLine struct {
		Type        string    `json:"type"`
		Time        time.Time `json:"time"`
		Environment string    `json:"environment"`
		Integration string    `json:"integration"`
		Connection  string    `json:"connection"`
		OperationID string    `json:"operation_id"`
	}
	summaryLine struct {
		Type        string `json:"type"`
		Records     int64  `json:"records"`
		Failures    int64  `json:"failures"`
		Connections int    `json:"connections"` // newly broken, a connection that broke twice counts twice
		Late        int64  `json:"late"`
		Quarantined int64  `json:"quarantined"`
		Unjoined    int64  `json:"unjoined"`
	}
)

// printer writes events as JSON lines or as a table for people. It keeps the first error of the writer and gives it at flush.
type printer struct {
	out    *bufio.Writer
	json   *json.Encoder   // nil: a table
	types  map[string]bool // what is printed
	broken int             // failures that were new
}

func newPrinter(w io.Writer, asJSON bool, types map[string]bool) *printer {
	p := &printer{out: bufio.NewWriterSize(w, 1<<16), types: types}
	if asJSON {
		p.json = json.NewEncoder(p.out)
		p.json.SetEscapeHTML(false)
	}
	return p
}

func (p *printer) flush() error { return p.out.Flush() }

// event prints failures, reconnections and unknown connections; other events only feed the counts.
func (p *printer) event(e nango.Event, isNew bool) {
	if isNew {
		p.broken++
	}
	switch e.Kind {
	case nango.Failure:
		p.line("failure", failureLine{"failure", e.Time, e.Environment, e.Provider, e.Integration, e.Connection, e.Account, string(e.Cause), e.Reason, e.OperationID, isNew},
			e, string(e.Cause), e.Reason, isNew)
	case nango.Reconnected:
		p.line("reconnected", reconnectedLine{"reconnected", e.Time, e.Environment, e.Provider, e.Integration, e.Connection}, e, "reconnected", "", false)
	case nango.UnknownConnection:
		p.line("unknown_connection", unknownLine{"unknown_connection", e.Time, e.Environment, e.Integration, e.Connection, e.OperationID}, e, "unknown connection", "", false)
	}
}

func (p *printer) line(kind string, value any, e nango.Event, what, reason string, isNew bool) {
	if !p.types[kind] {
		return
	}
	if p.json != nil {
		p.json.Encode(value) // an error stays in the writer until flush
		return
	}
	mark := ""
	if isNew {
		mark = "new"
	}
	fmt.Fprintf(p.out, "%s  %-3s %-13s %-22s %-8s %-24s %s  %s\n", e.Time.UTC().Format("2006-01-02 15:04:05"), mark,
		what, clean(reason), clean(e.Environment), clean(e.Integration), clean(e.Connection), clean(e.Account))
}

// clean keeps text from the rows from forging lines or steering a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, s)
}

// summary prints the counts, and for people every reason why a record was not understood.
func (p *printer) summary(s nango.Stats) {
	if !p.types["summary"] {
		return
	}
	var failures, bad int64
	for _, n := range s.Failures {
		failures += n
	}
	reasons := []string{}
	for reason, n := range s.Quarantined {
		bad += n
		reasons = append(reasons, fmt.Sprintf("%s %d", reason, n))
	}
	if p.json != nil {
		p.json.Encode(summaryLine{"summary", s.Records, failures, p.broken, s.Late, bad, s.Unjoined})
		return
	}
	fmt.Fprintf(p.out, "\n%d records: %d failures, %d connections newly broken, %d late, %d unjoined, %d not readable", s.Records, failures, p.broken, s.Late, s.Unjoined, bad)
	if slices.Sort(reasons); len(reasons) > 0 {
		fmt.Fprintf(p.out, " (%s)", strings.Join(reasons, ", "))
	}
	fmt.Fprintln(p.out)
}
