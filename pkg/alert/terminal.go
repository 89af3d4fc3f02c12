package alert

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// TerminalOptions say how a terminal shows a message.
type TerminalOptions struct {
	Name  string // "" means terminal
	Color bool   // bold, colours
	Box   bool   // a frame around the message
	Width int    // columns, at least 40; 0 means 100
}

const terminalWidth = 100

// NewTerminal makes a destination that writes each message to w as Slack would show it, one Write a message. It follows the milestones of an
// incident. What comes from outside cannot move the cursor or change colours: control characters are gone from it.
func NewTerminal(w io.Writer, o TerminalOptions) (Destination, error) {
	if w == nil {
		return nil, errors.New("terminal: nowhere to write")
	}
	if o.Name == "" {
		o.Name = "terminal"
	}
	if o.Width == 0 {
		o.Width = terminalWidth
	}
	o.Width = max(40, o.Width)
	return &terminal{w: w, o: o}, nil
}

type terminal struct {
	w io.Writer
	o TerminalOptions
}

func (t *terminal) name() string { return t.o.Name }

func (t *terminal) traits() traits { return traits{timeout: 5 * time.Second} }

func (t *terminal) send(_ context.Context, d delivery) (receipt, error) {
	if _, err := io.WriteString(t.w, t.render(d)); err != nil {
		return receipt{}, &fault{verdict: failed, reason: "cannot write to the terminal"}
	}
	return receipt{remote: "shown"}, nil
}

// style is how a line is shown.
type style string

const (
	normal style = ""
	bold   style = "\x1b[1m"
	faint  style = "\x1b[2m"
	reset  style = "\x1b[0m"
)

// page collects the lines of one message.
type page struct {
	o     TerminalOptions
	edge  string // what stands before each line
	lines []string
}

// render writes a message as Slack shows it: the headline bold, facts as a table, lists with their title bold, the incident's id faint.
func (t *terminal) render(d delivery) string {
	m := d.message
	p := &page{o: t.o, edge: "  "}
	if t.o.Box {
		p.edge = t.paint(colour(m), "┃") + " "
	}
	if m.line {
		p.text(normal, "", m.headline)
		return strings.Join(p.lines, "\n") + "\n\n"
	}
	p.text(bold, "", sign(m)+" "+m.headline)
	for _, f := range m.facts {
		p.text(normal, f.name+strings.Repeat(" ", max(1, 13-len(f.name))), f.value)
	}
	if m.spark != "" {
		p.text(normal, "", m.spark)
	}
	p.list("Looks like", m.diagnoses)
	p.list("Why", m.why)
	p.list("Affected", m.samples)
	p.list("What to do", m.todo)
	for _, l := range m.links {
		p.text(faint, "", l.text+": "+l.url)
	}
	p.text(faint, "", "Revwatch, incident "+m.id)
	return strings.Join(p.lines, "\n") + "\n\n"
}

// colour of the bar beside a message.
func colour(m message) style {
	switch {
	case m.phase.over():
		return "\x1b[32m"
	case m.severity == critical:
		return "\x1b[31m"
	}
	return "\x1b[33m"
}

func (t *terminal) paint(s style, text string) string {
	if !t.o.Color || s == normal {
		return text
	}
	return string(s) + text + string(reset)
}

// list writes lines under a title, when there are any.
func (p *page) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.text(bold, "", title)
	for _, line := range lines {
		p.text(normal, "• ", line)
	}
}

// text writes one text after a lead, broken into lines of the width, of which the later ones are indented as far as the lead.
func (p *page) text(s style, lead, text string) {
	indent := utf8.RuneCountInString(lead)
	room := p.o.Width - 2 - indent
	for _, line := range wrap(text, room) {
		line = lead + line
		if p.o.Color && s != normal {
			line = string(s) + line + string(reset)
		}
		p.lines = append(p.lines, p.edge+line)
		lead = strings.Repeat(" ", indent)
	}
}

// wrap breaks a text at spaces into lines of at most width characters; a longer word is cut.
func wrap(text string, width int) (lines []string) {
	line, n := "", 0
	for _, word := range strings.Fields(text) {
		w := utf8.RuneCountInString(word)
		if n > 0 && n+1+w <= width {
			line, n = line+" "+word, n+1+w
			continue
		}
		if n > 0 {
			lines = append(lines, line)
		}
		for w > width {
			cut := []rune(word)
			lines = append(lines, string(cut[:width]))
			word, w = string(cut[width:]), w-width
		}
		line, n = word, w
	}
	return append(lines, line)
}
