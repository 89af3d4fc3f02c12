package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/revwatch/revwatch/pkg/nango"
)

// explainText prints for people. Colours only on a terminal; nothing that stands in a row steers it.
type explainText struct {
	out     *bufio.Writer
	colour  bool
	width   int // columns of the terminal; 0: none
	grace   string
	pinned  string          // the one envelope that is accepted, or auto
	found   int             // records with a row
	waiting map[string]bool // operations of which something is still to come
}

func newExplainText(out io.Writer, c *config) *explainText {
	t := &explainText{out: bufio.NewWriter(out), grace: formatDuration(c.joinGrace), pinned: c.envelope, waiting: map[string]bool{}}
	if s := newScreen(out); s.live {
		t.colour, t.width = s.colour(), s.width()
	}
	return t
}

// The colours, by what they say.
const (
	bold   = "\x1b[1m"
	faint  = "\x1b[2m"
	good   = "\x1b[32m"
	waitin = "\x1b[33m"
	wrong  = "\x1b[31m"
)

func (t *explainText) paint(colour, s string) string {
	if !t.colour || colour == "" {
		return s
	}
	return colour + s + "\x1b[0m"
}

func (t *explainText) line(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

// say prints one thing that is told of a record, on a terminal folded to its width.
func (t *explainText) say(what, colour, text string) {
	for _, line := range fold(clean(text), t.width-len("  waits for  ")) {
		t.line("  %-10s %s", what, t.paint(colour, line))
		what = ""
	}
}

// fold breaks a text between words into lines of so many characters; a longer word stays whole, and so does the text where width is not positive.
func fold(text string, width int) (lines []string) {
	if width <= 0 {
		return []string{text}
	}
	line := ""
	for word := range strings.SplitSeq(text, " ") {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

func (t *explainText) record(n int, r record, f nango.Finding) {
	colour := map[string]string{"understood": good, "quarantined": wrong}[f.Outcome]
	t.line("%s %s", t.paint(bold, fmt.Sprintf("Record %d", n)), t.paint(faint, fmt.Sprintf("(line %d, %s)", r.line, plural(len(r.value), "byte"))))
	t.say("outcome", colour, f.Outcome)
	if f.Why != "" {
		t.say("because", "", t.why(f.Why))
	}
	if len(f.Rows) > 0 {
		t.found++
		t.say("envelope", "", envelopeText(f.Envelope))
	}
	for _, row := range f.Rows {
		t.row(f, row)
	}
	t.line("")
}

func envelopeText(layers []string) string {
	if len(layers) == 0 {
		return "none: the value is the row"
	}
	return strings.Join(layers, " > ")
}

// whys and waits say the codes of a Finding in words.
var (
	whys = map[string]string{
		"prefilter":  "nothing in its bytes can matter, so it is dropped before it is parsed, as most rows of a healthy topic are",
		"no_row":     "it holds no row of Nango's logs",
		"no_meaning": "its rows say nothing of whether a connection works",
		"not_json":   "neither JSON nor another form that is known",
		"not_otlp":   "binary, and no message of OpenTelemetry",
		"empty":      "there is nothing in it",
		"too_large":  "it is larger than 8 MB",
		"too_deep":   "it is nested too deeply",
		"future":     "it is stamped later than now",
		"cut_row":    "a row that ends in its middle: let the shipper join the lines that the container runtime splits at 16 KB",

		"too_much_nesting": "too much JSON inside JSON",
		"not_an_object":    "it is a single value; rows are objects",
		"no_operation_id":  "a row, or an update, that does not name its operation: keep the document id in the path, the action line or the record key",
		"no_connection":    "a webhook that names no connection",
		"no_time":          "it has no time of its own, as webhooks, and this input does not tell when it was appended (kcat -J does); run takes Kafka's time",
		"implausible_time": "a row of a time when there was no Nango, or will be none",
	}
	waits = map[string]string{
		"its operation row": "its operation row, which alone says whose connection it is",
		"its error row":     "its error row, which says why",
		"its request row":   "the row of its token request, which may say more; what the rows say so far, no rule knows",
		"its end":           "the row that says how it ended",
		"the watermark":     "nothing more; it is told in its turn, after the rows before it",
	}
)

// why adds to the code of a quarantine, which metrics count by, what it means.
func (t *explainText) why(code string) string {
	words := whys[code]
	if code == "other_envelope" {
		words = "the configuration accepts one outermost envelope only: " + t.pinned
	}
	switch {
	case words == "":
		return code
	case code == "prefilter" || code == "no_row" || code == "no_meaning":
		return words
	}
	return code + ": " + words
}

func inWords(words map[string]string, code string) string {
	if w := words[code]; w != "" {
		return w
	}
	return code
}

func (t *explainText) row(f nango.Finding, row nango.FoundRow) {
	t.say("row", bold, row.Kind)
	if inside := envelopeText(row.Envelope); inside != envelopeText(f.Envelope) {
		t.field(8, "inside", inside)
	}
	width := len("operation id")
	for _, x := range row.Fields {
		width = max(width, len(x.Name))
	}
	for _, x := range row.Fields {
		t.field(width, x.Name, x.Value)
	}
	if row.Operation != "" {
		t.field(width, "operation id", row.Operation)
	}
	if row.Ignored != "" {
		t.say("ignored", waitin, row.Ignored)
	}
	decided := row.Waits == "" || row.Waits == "the watermark"
	switch {
	case row.Event != nil && decided:
		t.say("event", good, eventText(row.Event))
		delete(t.waiting, row.Operation)
	case row.Event != nil:
		t.say("so far", "", eventText(row.Event))
	}
	if !decided {
		t.waiting[row.Operation] = true
	}
	if row.Waits != "" {
		colour := waitin
		if decided {
			colour = ""
		}
		t.say("waits for", colour, inWords(waits, row.Waits))
	}
}

// field prints one field of a row.
func (t *explainText) field(width int, name, value string) {
	t.line("  %-10s   %s  %s", "", t.paint(faint, fmt.Sprintf("%-*s", width, clean(name))), clean(value))
}

// kindWords say what the kinds of events mean.
var kindWords = map[nango.Kind]string{
	nango.Reconnected:       "it works again",
	nango.Active:            "it works: a call with it succeeded",
	nango.Seen:              "it is there; whether it works is not said",
	nango.Exhausted:         "it is broken, and Nango refreshes it no more",
	nango.Deleted:           "it is gone",
	nango.UnknownConnection: "somebody asked for it, and it does not exist",
}

// eventText is an event in one line.
func eventText(e *nango.Event) string {
	what := strings.ReplaceAll(e.Kind.String(), "_", " ")
	if e.Kind == nango.Failure {
		what += ", " + string(e.Cause) + " (" + e.Reason + ")"
		if e.Status != 0 {
			what += ", HTTP " + strconv.Itoa(e.Status)
		}
	} else {
		what += " (" + kindWords[e.Kind] + ")"
	}
	what += ": connection " + e.Connection
	if e.Integration != "" {
		what += " of " + e.Integration
	}
	if e.Provider != "" {
		what += " (" + e.Provider + ")"
	}
	if e.Environment != "" {
		what += " in " + e.Environment
	}
	what += ", " + e.Time.UTC().Format("2006-01-02 15:04:05 UTC")
	if e.Detail != "" {
		what += `; the provider says "` + e.Detail + `"`
	}
	return what
}

// listed is how many events are printed at the end.
const listed = 50

func (t *explainText) end(all []nango.Event, s nango.Stats) error {
	for _, e := range all {
		delete(t.waiting, e.OperationID)
	}
	if len(all)+len(t.waiting) > 0 {
		t.line("%s", t.paint(bold, "What comes of these records, if no more come within "+t.grace+" of the rows' time"))
	}
	for _, e := range all[:min(len(all), listed)] {
		t.say("event", good, eventText(&e))
	}
	if more := len(all) - listed; more > 0 {
		t.say("", "", plural(more, "event")+" more")
	}
	for _, x := range []struct {
		n    int64
		what string
	}{
		{s.Echoes, "a webhook or span that repeats what other records say: it counts once (revwatch_echoes_total)"},
		{s.Merged, "a sign of life soon after another one (revwatch_merged_events_total)"},
		{s.Late, "an event too old beside the newest rows (revwatch_late_records_total)"},
		{s.Unjoined, "a reason whose operation row never came: nobody knows whose it is (revwatch_unjoined_total)"},
		{s.Unnamed, "a failure that names no connection (revwatch_unnamed_failures_total)"},
		{int64(len(t.waiting)) - s.Unjoined - s.Unnamed, "an operation that was seen in part: too little to say anything"},
	} {
		if x.n > 0 {
			t.say("no event", waitin, times(x.n)+": "+x.what)
		}
	}
	if len(all)+len(t.waiting) > 0 {
		t.line("")
	}
	t.line("%s, %d with rows of Nango's logs: %d understood, %d skipped, %d ignored, %d not readable%s.", plural(int(s.Records), "record"), t.found,
		s.Understood, s.Skipped, s.Ignored, quarantined(s), reasons(s))
	if t.found == 0 {
		t.line("No record holds a row of Nango's logs. docs/rows.md says by which roads rows come, and what they look like.")
	}
	return t.out.Flush()
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
