package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
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
	told    map[string]bool // of these, what the counters at the end tell of: reasons without an operation, refreshes without a connection
}

func newExplainText(out io.Writer, c *config) *explainText {
	t := &explainText{out: bufio.NewWriter(out), grace: formatDuration(c.joinGrace), pinned: c.envelope, waiting: map[string]bool{}, told: map[string]bool{}}
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

// paragraph prints a text from the left edge.
func (t *explainText) paragraph(colour, text string) {
	for _, line := range fold(text, t.width) {
		t.line("%s", t.paint(colour, line))
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
	if nameless(row) {
		t.say("but", waitin, "it names no connection (looked for connectionName, connectionId)")
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
		t.told[row.Operation] = nameless(row) || strings.HasPrefix(row.Kind, "message_") && row.Waits == "its operation row"
	}
	if row.Waits != "" {
		colour := waitin
		if decided {
			colour = ""
		}
		t.say("waits for", colour, t.waitText(row))
	}
}

// nameless reports whether a row is that of a refresh of nobody knows what.
func nameless(row nango.FoundRow) bool {
	has := func(name, value string) bool {
		return slices.ContainsFunc(row.Fields, func(f nango.Field) bool { return f.Name == name && (value == "" || f.Value == value) })
	}
	return row.Kind == "operation" && has("operation", "auth:refresh_token") && !has("connection", "")
}

// field prints one field of a row.
func (t *explainText) field(width int, name, value string) {
	t.line("  %-10s   %s  %s", "", t.paint(faint, fmt.Sprintf("%-*s", width, clean(name))), clean(value))
}

// listed is how many events are printed at the end, and named how many operations.
const (
	listed = 50
	named  = 3
)

func (t *explainText) end(all []nango.Event, s nango.Stats) error {
	for _, e := range all {
		delete(t.waiting, e.OperationID)
	}
	if len(all)+len(t.waiting) > 0 {
		t.paragraph(bold, "What comes of these records, if no more come within "+t.grace+" of the rows' time")
	}
	for _, e := range all[:min(len(all), listed)] {
		t.say("event", good, eventText(&e))
	}
	if more := len(all) - listed; more > 0 {
		t.say("", "", plural(more, "event")+" more")
	}
	t.withoutEvent(s)
	if len(all)+len(t.waiting) > 0 {
		t.line("")
	}
	t.paragraph("", fmt.Sprintf("%s: %d understood, %d skipped, %d ignored, %d not readable%s%s.", plural(int(s.Records), "record"),
		s.Understood, s.Skipped, s.Ignored, quarantined(s), reasons(s), t.holding()))
	if t.found == 0 {
		t.paragraph("", "No record holds a row of Nango's logs. docs/rows.md says by which roads rows come, and what they look like.")
	}
	return t.out.Flush()
}

func (t *explainText) holding() string {
	switch t.found {
	case 0:
		return ""
	case 1:
		return "; 1 holds rows of Nango's logs"
	}
	return fmt.Sprintf("; %d hold rows of Nango's logs", t.found)
}

// withoutEvent says of what nothing came, and why.
func (t *explainText) withoutEvent(s nango.Stats) {
	silent := int64(len(t.waiting)) - s.Unjoined - s.Unnamed
	for _, x := range []struct {
		n    int64
		what string
	}{
		{s.Echoes, "a webhook or span that repeats what other records say: it counts once (revwatch_echoes_total)"},
		{s.Merged, "a sign of life soon after another one (revwatch_merged_events_total)"},
		{s.Late, "an event too old beside the newest rows (revwatch_late_records_total)"},
		{s.Unjoined, "a reason whose operation row never came: nobody knows whose it is (revwatch_unjoined_total)"},
		{s.Unnamed, "a failure that names no connection (revwatch_unnamed_failures_total)"},
		{silent, "a failed call, or a part of an operation: nothing in it says whether a connection works" + t.names(silent)},
	} {
		if x.n > 0 {
			t.say("no event", waitin, times(x.n)+": "+x.what)
		}
	}
}

// names lists the n operations that no counter tells of; nothing where it cannot be said which they are.
func (t *explainText) names(n int64) string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(t.waiting)) {
		if !t.told[id] && id != "" {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || int64(len(ids)) != n {
		return ""
	}
	text := " (" + strings.Join(ids[:min(len(ids), named)], ", ")
	if more := len(ids) - named; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text + ")"
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
