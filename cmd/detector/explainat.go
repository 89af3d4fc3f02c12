package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

const explainAtUsage = `
  detector explain --provider google-mail --at 14:05

Says of a series and an instant what the detector saw: five windows, what broke
in each, what was expected, how many would have opened an incident, and which
condition was not met. It asks

  the running daemon (http.admin_listen of the configuration, or --url);
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
	f.StringVar(&ask.url, "url", "", "the `URL` of the daemon, such as http://localhost:9848")
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
	whom, err := newAsking(*from.config, ask.url, ask.state)
	if err != nil {
		return a, "", err
	}
	source, err = whom.ask(
		func(d runningDaemon) (err error) { a, err = d.explain(ctx, ask.Question, ask.at); return err },
		func(g *engine) (err error) { a, err = g.explain(ask.Question, ask.at); return err })
	return a, source, err
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
