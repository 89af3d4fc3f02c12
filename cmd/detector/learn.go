package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
)

// learnCommit is how often learn writes what it has.
const learnCommit = 5 * time.Second

// learn reads rows from files and writes the state file a new installation starts with.
func learn(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) error {
	f := flags("learn", errs)
	from := addInputs(f)
	state := f.String("state", "", "the state `FILE` to write; without it the configuration's state.path")
	if err := parse(f, args); err != nil {
		return err
	}
	c, files, err := from.open(in)
	if err != nil {
		return err
	}
	defer closeInputs(files)
	target := cmp.Or(*state, c.statePath)
	if _, err := os.Stat(target); err == nil {
		return fmt.Errorf("learn: %s exists already: move it away, or name another file with --state", target)
	}
	var l lesson
	l.warn = errs
	partial := target + ".learning" // nobody may start with half a history
	if err := errors.Join(os.RemoveAll(partial), l.take(ctx, &c, files, partial, newProgress(errs, files))); err != nil {
		return errors.Join(err, os.RemoveAll(partial))
	}
	if err := os.Rename(partial, target); err != nil {
		return err
	}
	return l.print(out, target)
}

// lesson is what was learned.
type lesson struct {
	first, last time.Time
	providers   map[string]bool
	series      []detect.Series
	learning    detect.Learning
	incidents   int // found in the history
	stats       nango.Stats
	warn        io.Writer
}

func (l *lesson) take(ctx context.Context, c *config, files []*input, path string, bar *progress) error {
	now := time.Now()
	g := newEngine(c, now)
	g.detector.Hush(now.AddDate(1000, 0, 0)) // whenever the daemon starts with it
	s, _, _, err := openState(path, false)
	if err != nil {
		return err
	}
	l.providers = map[string]bool{}
	g.event = func(e nango.Event, _ bool) {
		if e.Provider != "" {
			l.providers[e.Provider] = true
		}
		if l.first.IsZero() || e.Time.Before(l.first) {
			l.first = e.Time
		}
	}
	g.incident = func(x detect.Incident) {
		if x.Status == detect.StatusOpen {
			l.incidents++
		}
	}
	written := time.Now()
	err = drain(ctx, g, files, now, func() error {
		bar.show()
		if time.Since(written) < learnCommit {
			return nil
		}
		defer func() { written = time.Now() }()
		return commit(s, now, g.changes)
	})
	bar.clear()
	if err == nil {
		g.suspend(now)
		err = commit(s, now, g.changes)
	}
	l.last, l.series, l.learning, l.stats = g.reader.Newest(), g.detector.Series(), g.detector.Learning(), g.reader.Stats()
	if err == nil && l.first.IsZero() {
		g.doubt.printBroken(l.warn)
		return errors.Join(l.nothing(), s.Close())
	}
	g.doubt.print(l.warn, l.stats)
	return errors.Join(err, s.Close())
}

// nothing says why nothing was learned.
func (l *lesson) nothing() error {
	operations, messages := halves(l.stats)
	records := plural(int(l.stats.Records), "record")
	switch {
	case l.stats.Records == 0:
		return errors.New("learn: there is nothing in the input, so nothing was learned")
	case messages > 0 && operations == 0:
		return fmt.Errorf("learn: %s, and only rows of messages among them, which do not say whose connection they are about: nothing was learned. Give the index 20250724_operations as well", records)
	case rowsOf(l.stats) > 0:
		return fmt.Errorf("learn: %s, and none says anything of a connection: nothing was learned", records)
	}
	if n := quarantined(l.stats); n > 0 {
		records += fmt.Sprintf(", %d of which could not be read%s", n, reasons(l.stats))
	}
	return fmt.Errorf("learn: %s, and no row of Nango's logs that says anything of a connection: nothing was learned. They are in the indices 20250724_operations and 20240528_messages; "+
		"`detector doctor` with the same --input says what is there instead", records)
}

// print says what was learned: first in one sentence, then what is normal for each series, the liveliest first.
func (l *lesson) print(out io.Writer, target string) error {
	const listed = 20
	w := &table{out: out}
	span := l.last.Sub(l.first).Hours() / 24
	w.line("Learned %s from %s (%s to %s): %s, %s, %s in the past. %s is ready for `detector run`.",
		plural(len(l.providers), "provider"), dayWords(span), l.first.Format(time.DateOnly), l.last.Format(time.DateOnly),
		plural(int(l.stats.Records), "record"), plural(int(failures(l.stats)), "failure"), plural(l.incidents, "unusual rise"), target)
	if text := learningText(l.learning); text != "" {
		w.line("A week of history is wanted at least: %s.", text)
	}
	if quarantined(l.stats) > 0 {
		w.line("%s could not be read%s.", plural(int(quarantined(l.stats)), "record"), reasons(l.stats))
	}
	slices.SortStableFunc(l.series, func(a, b detect.Series) int { return cmp.Compare(b.PerDay, a.PerDay) })
	if len(l.series) > 0 {
		w.line("\n%-10s %-28s %-14s %12s %8s", "env", "provider", "cause", "usual a day", "broken")
	}
	for _, s := range l.series[:min(listed, len(l.series))] {
		w.line("%-10s %-28s %-14s %12.2f %8d", clean(s.Environment), clean(s.Provider), clean(s.Cause), s.PerDay, s.Total)
	}
	if more := len(l.series) - listed; more > 0 {
		w.line("and %d more", more)
	}
	return w.err
}

func dayWords(n float64) string {
	if n < .5 {
		return "less than a day"
	}
	return plural(int(n+.5), "day")
}

func plural(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "series":
		return fmt.Sprintf("%d series", n)
	case strings.HasSuffix(what, "sh"), strings.HasSuffix(what, "echo"):
		what += "e"
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// table writes lines and keeps the first error.
type table struct {
	out io.Writer
	err error
}

func (t *table) line(format string, args ...any) {
	if _, err := fmt.Fprintf(t.out, format+"\n", args...); t.err == nil {
		t.err = err
	}
}
