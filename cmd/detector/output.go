package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/revwatch/revwatch/pkg/detect"
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
		Incidents   int    `json:"incidents"`
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
	opened int             // incidents
}

func newPrinter(w io.Writer, asJSON bool, types map[string]bool) *printer {
	p := &printer{out: bufio.NewWriterSize(w, 1<<16), types: types}
	if asJSON {
		p.json = newJSONLines(p.out)
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
	fmt.Fprintf(p.out, "%s  %-3s %-13s %-24s %-8s %-24s %s  %s\n", e.Time.UTC().Format("2006-01-02 15:04:05"), mark,
		what, clean(reason), clean(e.Environment), clean(e.Integration), clean(e.Connection), clean(e.Account))
}

// clean keeps text from the rows from forging lines, steering a terminal, or looking like another text.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case steers(r):
			return '?'
		case unseen(r):
			return -1
		}
		return r
	}, s)
}

// unseen reports whether r takes no place where it is shown.
func unseen(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// steers reports whether a terminal does something with r instead of showing it: controls, and what turns the direction of writing.
func steers(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x61c || r == 0x200e || r == 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// incident prints a change of an incident.
func (p *printer) incident(x detect.Incident) {
	if x.Status == detect.StatusOpen {
		p.opened++
	}
	switch {
	case !p.types["incident"]:
	case p.json != nil:
		p.json.Encode(x)
	default:
		fmt.Fprintf(p.out, "%s  *** incident %s %s: %s %s %s, %d broke in %s, %.3g expected, %s\n", x.Time.UTC().Format("2006-01-02 15:04:05"),
			x.ID, x.Status, clean(x.Environment), clean(x.Provider), clean(x.Cause), x.Observed, formatDuration(time.Duration(x.WindowSeconds)*time.Second), x.Expected, rarity(x.OncePerDays))
	}
}

// rarity says how often chance alone would show as much.
func rarity(days float64) string {
	if days > 36_500 {
		return "less than once in 100 years"
	}
	return fmt.Sprintf("about once in %.3g days", days)
}

// summary prints the counts, and for people every reason why a record was not understood.
func (p *printer) summary(s nango.Stats, l detect.Learning) {
	if !p.types["summary"] {
		return
	}
	if p.json != nil {
		p.json.Encode(summaryLine{"summary", s.Records, failures(s), p.broken, p.opened, s.Late, quarantined(s), s.Unjoined})
		return
	}
	rare := ""
	if s.Unnamed > 0 {
		rare += fmt.Sprintf(", %d unnamed", s.Unnamed)
	}
	if s.Echoes > 0 {
		rare += ", " + plural(int(s.Echoes), "echo")
	}
	fmt.Fprintf(p.out, "\n%s: %s, %s newly broken, %s, %d late, %d unjoined%s, %d not readable%s\n", plural(int(s.Records), "record"), plural(int(failures(s)), "failure"),
		plural(p.broken, "connection"), plural(p.opened, "incident"), s.Late, s.Unjoined, rare, quarantined(s), reasons(s))
	if text := learningText(l); text != "" && l.Series > 0 {
		fmt.Fprintf(p.out, "At the end of these rows %s.\n", text)
	}
}

// failures counts the failures of every cause.
func failures(s nango.Stats) (n int64) {
	for _, x := range s.Failures {
		n += x
	}
	return n
}

// quarantined counts the records that could not be read.
func quarantined(s nango.Stats) (n int64) {
	for _, x := range s.Quarantined {
		n += x
	}
	return n
}

// reasons lists why records could not be read, in parentheses; "" when all could.
func reasons(s nango.Stats) string {
	var list []string
	for reason, n := range s.Quarantined {
		list = append(list, fmt.Sprintf("%s %d", reason, n))
	}
	if len(list) == 0 {
		return ""
	}
	slices.Sort(list)
	return " (" + strings.Join(list, ", ") + ")"
}

// newJSONLines writes one value a line. What could steer a terminal is escaped: the value is the same.
func newJSONLines(w io.Writer) *json.Encoder {
	e := json.NewEncoder(quieted{w})
	e.SetEscapeHTML(false)
	return e
}

// quieted escapes in JSON what steers a terminal and is no ASCII control, which JSON escapes itself. Each Write is whole characters.
type quieted struct{ to io.Writer }

func (q quieted) Write(b []byte) (int, error) {
	var out []byte
	done := 0
	for i := 0; i < len(b); {
		if b[i] < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if steers(r) {
			out = fmt.Appendf(append(out, b[done:i]...), "\\u%04x", r)
			done = i + n
		}
		i += n
	}
	if done == 0 {
		return q.to.Write(b)
	}
	if _, err := q.to.Write(append(out, b[done:]...)); err != nil {
		return 0, err
	}
	return len(b), nil
}
