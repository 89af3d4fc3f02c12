package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/store"
)

const explainAtUsage = `
  detector explain --provider google-mail --at 14:05

Says of a series and an instant what the detector saw: five windows, what broke
in each, what was expected, how many would have opened an incident, and which
condition was not met. It asks

  the running daemon (http.listen of the configuration, or --url);
  the state file (state.path, or --state), where no daemon answers;
  with --input the rows in files, which it replays up to that instant.

The first two know the last 72 hours; a replay knows any instant.
`

// explainAsk is what the command line asks, and whom.
type explainAsk struct {
	detect.Question
	at, url, state string
}

// explainAt answers "why was there no alert at 14:05?".
func explainAt(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) error {
	f := flags("explain", errs)
	var ask explainAsk
	f.StringVar(&ask.Provider, "provider", "", "the `KEY` of the provider; of unknown connections the integration")
	f.StringVar(&ask.Environment, "environment", "", "the `NAME` of the environment")
	f.StringVar(&ask.Cause, "cause", "", "`CAUSE`: revoked, misconfigured, or unknown")
	f.StringVar(&ask.Signal, "signal", "", "`SIGNAL`: revocations or unknown_connections")
	f.StringVar(&ask.at, "at", "", "the `INSTANT`: 2026-10-05T14:05:00Z, or 14:05 of the newest day in the data (UTC); without it the newest slot of 10 minutes that is over")
	f.StringVar(&ask.url, "url", "", "the `URL` of the daemon, such as http://localhost:9847")
	f.StringVar(&ask.state, "state", "", "the state `FILE`, without asking a daemon")
	form := f.String("output", "text", "`text`, or json")
	from := addInputs(f)
	if err := parse(f, args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(errs, explainAtUsage)
		}
		return err
	}
	if err := ask.check(*form, len(from.inputs) > 0); err != nil {
		return err
	}
	a, source, err := ask.answer(ctx, from, in, errs)
	if err != nil {
		return fmt.Errorf("explain: %w", err)
	}
	if *form == "json" {
		return newJSONLines(out).Encode(a)
	}
	return newExplainAtText(out).write(a, source)
}

func (ask *explainAsk) check(form string, replay bool) error {
	sources := 0
	for _, given := range []bool{replay, ask.url != "", ask.state != ""} {
		if given {
			sources++
		}
	}
	switch _, err := parseInstant(ask.at, time.Time{}); {
	case form != "json" && form != "text":
		return usageError{fmt.Sprintf("explain: --output %q: json or text", form)}
	case err != nil:
		return usageError{"explain: --" + err.Error()}
	case sources > 1:
		return usageError{"explain: one of --input, --url, --state"}
	case webURL(ask.url) != "":
		return usageError{fmt.Sprintf("explain: --url %q: %s", ask.url, webURL(ask.url))}
	}
	return nil
}

// answer asks whom the command line names, or the daemon and then the state file. source says in words who answered.
func (ask *explainAsk) answer(ctx context.Context, from *inputFlags, in io.Reader, errs io.Writer) (a detect.Answer, source string, err error) {
	if len(from.inputs) > 0 {
		a, err = ask.replay(ctx, from, in, errs)
		return a, "a replay of " + listed3(from.inputs), err
	}
	c := defaults()
	if *from.config != "" {
		if c, err = loadConfig(*from.config); err != nil {
			return a, "", err
		}
	}
	if ask.state != "" {
		a, err = ask.stored(&c, ask.state)
		return a, "the state file " + ask.state, err
	}
	at := daemonAt(ask.url, c.listen)
	if a, err = at.explain(ctx, ask.Question, ask.at); err == nil || ask.url != "" || !errors.Is(err, errNoDaemon) {
		return a, "the daemon at " + at.base, err
	}
	a, err = ask.stored(&c, c.statePath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("no daemon answers at %s, and there is no state file %s: say whom to ask with --url, --state or --input", at.base, c.statePath)
	case errors.Is(err, store.ErrLocked):
		err = fmt.Errorf("no daemon answers at %s, yet one has the state file %s in use: say with --url where it listens", at.base, c.statePath)
	}
	return a, "the state file " + c.statePath, err
}

// stored answers from a state file that nobody uses.
func (ask *explainAsk) stored(c *config, path string) (detect.Answer, error) {
	g := newEngine(c, time.Time{})
	if err := store.View(path, g.detector.Restore); err != nil {
		return detect.Answer{}, err
	}
	return g.explain(ask.Question, ask.at)
}

// errReached ends a replay at the instant that is asked for.
var errReached = errors.New("reached")

// replay reads files up to the instant, or to their end where the newest data says what instant that is.
func (ask *explainAsk) replay(ctx context.Context, from *inputFlags, in io.Reader, errs io.Writer) (detect.Answer, error) {
	c, files, err := from.open(in)
	if err != nil {
		return detect.Answer{}, err
	}
	defer closeInputs(files)
	g := newEngine(&c, time.Now())
	g.until, _ = time.Parse(time.RFC3339, ask.at)
	bar := newProgress(errs, files)
	err = drain(ctx, g, files, time.Time{}, func() error {
		bar.show()
		if g.stopped {
			return errReached
		}
		return nil
	})
	bar.clear()
	if err != nil && !errors.Is(err, errReached) {
		return detect.Answer{}, err
	}
	g.flush(time.Time{})
	g.doubt.print(errs, g.reader.Stats())
	return g.explain(ask.Question, ask.at)
}

// listed3 names the first three.
func listed3(all []string) string {
	text := ""
	for i, name := range all[:min(len(all), 3)] {
		if i > 0 {
			text += ", "
		}
		text += name
	}
	if more := len(all) - 3; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
