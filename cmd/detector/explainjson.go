package main

import (
	"bufio"
	"encoding/json"
	"io"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// The JSON form of explain-record, one object a value and one at the end.
type (
	explainedRecord struct {
		Type     string         `json:"type"` // record
		Record   int            `json:"record"`
		Line     int            `json:"line"`
		Bytes    int            `json:"bytes"`
		Outcome  string         `json:"outcome"`
		Why      string         `json:"why,omitempty"`
		Envelope []string       `json:"envelope"`
		Rows     []explainedRow `json:"rows"`
	}
	explainedRow struct {
		Envelope  []string          `json:"envelope"`
		Kind      string            `json:"kind"`
		Operation string            `json:"operation_id,omitempty"`
		Fields    map[string]string `json:"fields"`
		Event     *explainedEvent   `json:"event"`
		Waits     string            `json:"waits,omitempty"`
		Ignored   string            `json:"ignored,omitempty"`
	}
	explainedEvent struct {
		Kind        string      `json:"kind"`
		Time        time.Time   `json:"time"`
		Environment string      `json:"environment"`
		Provider    string      `json:"provider"`
		Integration string      `json:"integration"`
		Connection  string      `json:"connection"`
		Account     string      `json:"account"`
		Tags        *nango.Tags `json:"tags,omitempty"`
		Cause       string      `json:"cause,omitempty"`
		Reason      string      `json:"reason,omitempty"`
		ErrorType   string      `json:"error_type,omitempty"`
		Status      int         `json:"status,omitempty"` // the provider's
		Detail      string      `json:"detail,omitempty"` // what the provider said, scrubbed
		OperationID string      `json:"operation_id"`
	}
	explainedEnd struct {
		Type        string           `json:"type"`   // end
		Events      []explainedEvent `json:"events"` // all of them, with what was still waiting decided
		Records     int64            `json:"records"`
		Understood  int64            `json:"understood"`
		Skipped     int64            `json:"skipped"`
		Ignored     int64            `json:"ignored"`
		Quarantined int64            `json:"quarantined"`
		Unjoined    int64            `json:"unjoined"`
		Unnamed     int64            `json:"unnamed"`
	}
)

type explainJSON struct {
	out *bufio.Writer
	to  *json.Encoder
}

func newExplainJSON(out io.Writer) *explainJSON {
	w := bufio.NewWriter(out)
	return &explainJSON{w, newJSONLines(w)}
}

func (j *explainJSON) record(n int, r record, f nango.Finding) {
	x := explainedRecord{"record", n, r.line, len(r.value), f.Outcome, f.Why, list(f.Envelope), []explainedRow{}}
	for _, row := range f.Rows {
		y := explainedRow{Envelope: list(row.Envelope), Kind: row.Kind, Operation: row.Operation, Fields: map[string]string{}, Waits: row.Waits, Ignored: row.Ignored}
		for _, field := range row.Fields {
			y.Fields[field.Name] = field.Value
		}
		if row.Event != nil {
			e := explained(*row.Event)
			y.Event = &e
		}
		x.Rows = append(x.Rows, y)
	}
	j.to.Encode(x) // an error stays in the writer until the end
}

// list is never null.
func list(s []string) []string { return append([]string{}, s...) }

func explained(e nango.Event) explainedEvent {
	x := explainedEvent{e.Kind.String(), e.Time, e.Environment, e.Provider, e.Integration, e.Connection, e.Account, nil, string(e.Cause), e.Reason, e.Type, e.Status, e.Detail, e.OperationID}
	if e.Tags != "" {
		x.Tags = &e.Tags
	}
	return x
}

func (j *explainJSON) end(rest []nango.Event, s nango.Stats) error {
	x := explainedEnd{Type: "end", Events: []explainedEvent{}, Records: s.Records, Understood: s.Understood, Skipped: s.Skipped, Ignored: s.Ignored,
		Quarantined: quarantined(s), Unjoined: s.Unjoined, Unnamed: s.Unnamed}
	for _, e := range rest {
		x.Events = append(x.Events, explained(e))
	}
	j.to.Encode(x)
	return j.out.Flush()
}
