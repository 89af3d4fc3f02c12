package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// explainAtText prints an answer for people: one table, and what follows from it.
type explainAtText struct {
	*explainText
}

func newExplainAtText(out io.Writer) explainAtText {
	t := &explainText{out: bufio.NewWriter(out)}
	if s := newScreen(out); s.live {
		t.colour, t.width = s.colour(), s.width()
	}
	return explainAtText{t}
}

// whyNotAt is the column in which the last cell of the table begins.
const whyNotAt = 60

func (t explainAtText) write(a detect.Answer, source string) error {
	t.paragraph(bold, fmt.Sprintf("%s %s %s at %s: %s", clean(a.Environment), clean(a.Provider), series(a), a.At.UTC().Format("2006-01-02 15:04 UTC"), stateText(a)))
	t.paragraph(faint, fmt.Sprintf("%s a day are usual; an incident opens at what chance alone would show once in %s; said by %s", number(a.PerDay), duration(a.BudgetDays), clean(source)))
	t.line("")
	t.line("%s", t.paint(bold, fmt.Sprintf("  %-6s  %-12s %6s  %8s  %6s  %-10s %s", "window", "since (UTC)", "broke", "expected", "needed", "once in", "why not")))
	for i, w := range a.Windows {
		t.window(w, i == a.Best)
	}
	t.line("")
	for _, sentence := range slices.Concat(remarks(a), a.Verdict) {
		t.paragraph("", clean(sentence))
	}
	return t.out.Flush()
}

// series says what is counted.
func series(a detect.Answer) string {
	if a.Signal == detect.UnknownConnections {
		return "asked for unknown connections"
	}
	return clean(a.Cause)
}

func stateText(a detect.Answer) string {
	switch a.State {
	case detect.StateOpen:
		return "incident " + clean(a.Incident) + " is open"
	case detect.StateLearning:
		return "quiet, and still learning"
	}
	return clean(a.State)
}

// window prints one row; that of the most extreme window is marked.
func (t explainAtText) window(w detect.WindowAnswer, best bool) {
	mark, colour := " ", ""
	if best {
		mark, colour = ">", waitin
	}
	needed := "-"
	if w.Needed > 0 {
		needed = fmt.Sprint(w.Needed)
	}
	why := fold(clean(whyNot(w)), t.width-whyNotAt)
	cells := fmt.Sprintf("%s %-6s  %-12s %6d  %8s  %6s  %-10s ", mark, windowText(w.Seconds), w.From.UTC().Format("02 Jan 15:04"), w.Observed, number(w.Expected), needed, duration(w.OncePerDays))
	t.line("%s", t.paint(colour, cells+why[0]))
	for _, more := range why[1:] {
		t.line("%s%s", strings.Repeat(" ", whyNotAt), t.paint(colour, more))
	}
}

func windowText(seconds int) string {
	if d := time.Duration(seconds) * time.Second; d < time.Hour {
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%d h", seconds/3600)
}

// whyNot is the first condition that a window does not meet.
func whyNot(w detect.WindowAnswer) string {
	for _, g := range w.Gates {
		if g.Passed {
			continue
		}
		if g.Detail == "" {
			return strings.ReplaceAll(g.Name, "_", " ")
		}
		return g.Detail
	}
	return "all conditions are met"
}

// remarks say what the table cannot show.
func remarks(a detect.Answer) (all []string) {
	for _, w := range slices.Backward(a.Windows) {
		if w.Connections > w.Observed {
			all = append(all, fmt.Sprintf("%d connections broke in %s, of which %d count: of one customer account no more than two in 24 hours do.",
				w.Connections, windowText(w.Seconds), w.Observed))
			break
		}
	}
	if !a.BudgetMet {
		all = append(all, "Its budget is not met: this series is conspicuous more often than promised, so its alerts are worth less.")
	}
	return all
}

// number writes a count or an expectation in at most three digits or so, never with an exponent.
func number(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x < .01:
		return "<0.01"
	case x < 10:
		return fmt.Sprintf("%.2f", x)
	case x < 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// duration writes days as people say them; "-" for none.
func duration(days float64) string {
	switch {
	case !(days > 0):
		return "-"
	case days < 1./24:
		return "<1 hour"
	case days < 2:
		return fmt.Sprintf("%.0f hours", max(2, days*24))
	case days < 10:
		return fmt.Sprintf("%.2g days", days)
	case days < 2*365.25:
		return fmt.Sprintf("%.0f days", days)
	case days < 100*365.25:
		return fmt.Sprintf("%.1f years", days/365.25)
	}
	return ">100 years"
}
