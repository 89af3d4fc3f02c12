package nango

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"
)

// Finding says what became of one value.
type Finding struct {
	Outcome  string   // "understood", "ignored", "skipped" or "quarantined"
	Why      string   // a stable code: the quarantine reason, or why it was ignored or skipped; of an understood value, why a part of it was not read
	Envelope []string // names around the first row, outermost first; empty for a bare row
	Rows     []FoundRow
}

// FoundRow is one row of Nango in a value.
type FoundRow struct {
	Envelope  []string
	Kind      string  // as in Stats.Rows: operation, update, message_log, message_http, webhook, span, other_operation, other_message; "unreadable"
	Operation string  // operation id
	Fields    []Field // what the row says, in a fixed order; names and codes only, never a provider's text
	Event     *Event  // what it leads to as far as is known with the rows read so far; nil when nothing
	Waits     string  // what it waits for: "its operation row", "its error row", "its end", "the watermark"; "" when it waits for nothing
	Ignored   string  // why nothing comes of it; "" otherwise
}

// Field is one thing a row says.
type Field struct{ Name, Value string }

// maxTraced bounds the rows of one value that are told.
const maxTraced = 1000

// trace collects what is found while a value is explained. It is nil otherwise.
type trace struct {
	rows   []FoundRow
	joined string   // the operation that the row being read was added to
	known  bool     // that was released before
	others []string // codes in its body that no rule asks for
}

// Explain reads one value as Read does and says what became of it. A value that Read would skip is counted as skipped, but explained all the same.
func (r *Reader) Explain(value []byte, m Meta) Finding {
	r.trace = &trace{}
	reason, skip := r.refuse(value, m)
	r.Read(value, m)
	if skip {
		r.look(value, m)
	}
	f := Finding{Outcome: "ignored", Why: "no_row", Rows: r.trace.rows}
	r.trace = nil
	switch {
	case reason != "":
		f.Outcome, f.Why = "quarantined", reason
	case skip:
		f.Outcome, f.Why = "skipped", "prefilter"
	case r.useful:
		f.Outcome, f.Why = "understood", r.fault
	case r.fault != "":
		f.Outcome, f.Why = "quarantined", r.fault
	case len(f.Rows) > 0:
		f.Why = "no_meaning"
	}
	if len(f.Rows) > 0 {
		f.Envelope = f.Rows[0].Envelope
	}
	return f
}

// joins notes the operation that a row was added to.
func (t *trace) joins(id []byte, known bool) {
	if t != nil {
		t.joined, t.known = string(id), known
	}
}

// meets notes a code that no rule asks for.
func (t *trace) meets(s []byte) {
	if c := writtenCode(string(s)); t != nil && c != "" && len(c) <= 24 && len(t.others) < maxCodes && !slices.Contains(t.others, c) {
		t.others = append(t.others, c)
	}
}

// before is what was counted before a row was read.
type before struct {
	kinds map[string]int64
	rows  int
}

// tracing begins to follow a row.
func (r *Reader) tracing() (b before) {
	if r.trace == nil {
		return b
	}
	r.trace.joined, r.trace.known, r.trace.others = "", false, nil
	r.facts.reset()
	r.entry = entry{}
	return before{maps.Clone(r.stats.Rows), len(r.trace.rows)}
}

// traced notes what was made of a row. A row inside it, as an update holds one, has been noted already.
func (r *Reader) traced(b before, v *fastjson.Value, is form) {
	if r.trace == nil || len(r.trace.rows) > b.rows || b.rows >= maxTraced {
		return
	}
	row := FoundRow{Kind: "unreadable", Envelope: r.around()}
	for k, n := range r.stats.Rows {
		if n > b.kinds[k] {
			row.Kind = k
		}
	}
	row.Operation = r.operationOf(v, is)
	row.Fields = r.fields(v, is)
	r.fate(&row)
	r.trace.rows = append(r.trace.rows, row)
}

func (r *Reader) operationOf(v *fastjson.Value, is form) string {
	switch {
	case strings.HasPrefix(r.trace.joined, "~"):
		return ""
	case r.trace.joined != "":
		return r.trace.joined
	case is == formMessage:
		return r.text(v.Get("parentId"))
	case is == formOperation:
		return r.text(v.Get("id"))
	}
	return ""
}

// fate says what will become of a row.
func (r *Reader) fate(row *FoundRow) {
	e := r.entries[r.trace.joined]
	switch {
	case row.Kind == "unreadable":
		row.Ignored = r.fault
	case row.Kind == "other_operation":
		row.Ignored = "an operation that says nothing of a connection's credentials"
	case row.Kind == "other_message":
		row.Ignored = "a message about no refused refresh and no missing connection"
	case r.trace.known:
		row.Ignored = "told before: the same rows again change nothing"
	case e == nil:
		row.Ignored = "a call, a run or a deletion that says nothing of its connection: scripts swallow refusals, so that one worked proves nothing"
	default:
		row.Event, row.Waits = e.outlook(r.rules)
		if row.Waits == "" {
			row.Ignored = "an operation on credentials that is no refresh and no new authorization"
		}
	}
}

// outlook is the event that the rows read so far make, and what it waits for.
func (e *entry) outlook(rules *Rules) (*Event, string) {
	if e.Kind == opOther {
		return nil, ""
	}
	if ev, f := e.event(rules, false); f == ready {
		return &ev, "the watermark"
	}
	waits := "its error row"
	switch {
	case e.Kind == opNone:
		waits = "its operation row"
	case e.Kind != opRefresh && e.State < stateCancelled:
		waits = "its end"
	case e.Log:
		waits = "its request row"
	}
	if ev, f := e.event(rules, true); f == ready {
		return &ev, waits
	}
	return nil, waits
}

var levels = map[string]bool{"debug": true, "info": true, "warn": true, "error": true}

// fields lists what a row says: names the customer chose, and codes.
func (r *Reader) fields(v *fastjson.Value, is form) []Field {
	var out []Field
	add := func(name, value string) {
		if value != "" {
			out = append(out, Field{name, value})
		}
	}
	e := &r.entry
	if is == formUpdate {
		v = v.Get("doc")
	}
	typ, action := tracedCode(v.GetStringBytes("operation", "type")), tracedCode(v.GetStringBytes("operation", "action"))
	if typ != "" && action != "" {
		add("operation", typ+":"+action)
	}
	if is == formWebhook {
		add("operation", tracedCode(v.GetStringBytes("operation")))
	}
	if stateOf(v) != stateNone {
		add("state", string(v.GetStringBytes("state")))
	}
	if s := string(v.GetStringBytes("level")); levels[s] {
		add("level", s)
	}
	add("provider", e.Provider)
	add("integration", plainName(cmp.Or(e.Integration, e.SignIntegration)))
	add("connection", plainName(cmp.Or(e.Connection, e.SignConnection)))
	add("environment", plainName(e.Environment))
	add("account", e.Account)
	if t := e.start(); t != 0 {
		add("time", at(t).Format(time.RFC3339Nano))
	}
	if is == formMessage || is == formWebhook {
		add("error_type", writtenCode(cmp.Or(e.Type, string(v.GetStringBytes("error", "type")))))
		add("http_status", status(number(v.Get("response", "code"))))
		add("codes", r.codes())
		add("other_codes", strings.Join(r.trace.others, ","))
	}
	return out
}

func status(n int) string {
	if n < 100 || n > 599 {
		return ""
	}
	return strconv.Itoa(n)
}

// codes lists the codes that a message row gave the rules, as the rules spell them.
func (r *Reader) codes() string {
	var out []string
	for _, c := range slices.Concat(r.facts.codes, r.facts.words) {
		if name := cmp.Or(c.spelled, r.rules.lookup.names[c.number]); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return strings.Join(out, ",")
}

// writtenCode returns s when it is a code of an error, in lower case. What has many digits may be a secret.
func writtenCode(s string) string {
	digits := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			digits++
		}
	}
	if digits > 8 {
		return ""
	}
	return tracedCode([]byte(s))
}

// tracedCode is s in lower case with "_" for "-" and ".", "" when it is not written like a code.
func tracedCode(s []byte) string {
	if len(s) < 2 || len(s) > maxCode || slices.ContainsFunc(s, func(c byte) bool { return !isCodeByte(c) }) {
		return ""
	}
	return strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToLower(string(s)))
}
