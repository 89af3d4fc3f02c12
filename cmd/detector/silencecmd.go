package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/web"
)

const silenceUsage = `detector silence
  detector silence add --provider 'google-*' --for 2h --author ME --reason TEXT
            tell nobody of the incidents that match, for a time: they open,
            change and resolve all the same. What was told of before is told
            when it ends
  detector silence list [--output json]
  detector silence end ID

They ask the running daemon: http.admin_listen of the configuration, or --url.
`

// silenceCommand begins, lists and ends silences of the running daemon.
func silenceCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 {
		return usageError{"silence: add, list or end is needed"}
	}
	switch args[0] {
	case "add":
		return silenceAdd(ctx, args[1:], out, errs)
	case "list":
		return silenceList(ctx, args[1:], out, errs)
	case "end":
		return silenceEnd(ctx, args[1:], out, errs)
	case "-h", "-help", "--help":
		fmt.Fprint(errs, silenceUsage)
		return flag.ErrHelp
	}
	return usageError{fmt.Sprintf("silence: %q: add, list or end is needed", args[0])}
}

// daemonFlags are those that say which daemon is asked.
type daemonFlags struct{ config, url string }

func (d *daemonFlags) add(f *flag.FlagSet) {
	f.StringVar(&d.config, "config", "", "the configuration `FILE`; without it the defaults")
	f.StringVar(&d.url, "url", "", "the `URL` of the daemon's API, such as http://localhost:9848")
}

func (d *daemonFlags) open(command string) (at runningDaemon, err error) {
	if webURL(d.url) != "" {
		return at, usageError{fmt.Sprintf("%s: --url %q: %s", command, d.url, webURL(d.url))}
	}
	s, err := newAsking(d.config, d.url, "")
	return s.config.api(d.url), err
}

// listFlag takes several values, by commas or by the flag again.
type listFlag struct{ to *[]string }

func (l listFlag) String() string { return "" }

func (l listFlag) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			*l.to = append(*l.to, part)
		}
	}
	return nil
}

func silenceAdd(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("silence add", errs)
	var to daemonFlags
	var s web.NewSilence
	addMatch(f, &s.Match)
	f.StringVar(&s.Author, "author", "", "your `NAME`")
	f.StringVar(&s.Reason, "reason", "", "why, in a few `WORDS`")
	last := f.String("for", "", "how `LONG`, such as 2h or 3d")
	to.add(f)
	if err := parse(f, args); err != nil {
		return err
	}
	d, err := parseDuration(*last)
	switch {
	case err != nil || d <= 0:
		return usageError{fmt.Sprintf("silence add: --for %q: a duration such as 2h or 3d is needed", *last)}
	case s.Author == "" || s.Reason == "":
		return usageError{"silence add: --author and --reason are needed: others will ask"}
	}
	s.Until = time.Now().Add(d).Truncate(time.Second)
	at, err := to.open("silence add")
	if err != nil {
		return err
	}
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	var made alert.Silence
	if err := at.ask(ctx, http.MethodPost, web.SilencesPath, body, &made); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: until %s UTC nobody is told of %s\n", clean(made.ID), short(made.Until), clean(matchWords(made.Match)))
	return err
}

// addMatch adds the flags that say which incidents are meant.
func addMatch(f *flag.FlagSet, m *alert.Match) {
	for _, x := range []struct {
		name, usage string
		to          *[]string
	}{
		{"provider", "of providers with this `KEY`, which may hold *; several with commas", &m.Provider},
		{"integration", "of integrations with this `NAME`, which may hold *", &m.Integration},
		{"environment", "of environments with this `NAME`, which may hold *", &m.Environment},
		{"cause", "of this `CAUSE`: " + strings.Join(alert.Causes, ", "), &m.Cause},
		{"signal", "of this `SIGNAL`: " + strings.Join(alert.Signals, ", "), &m.Signal},
		{"scope", "of this `SCOPE`: " + strings.Join(alert.Scopes, ", "), &m.Scope},
	} {
		f.Var(listFlag{x.to}, x.name, x.usage)
	}
	f.StringVar(&m.Severity, "severity", "", "of this `SEVERITY` or a higher one: "+strings.Join(alert.Severities, ", "))
}

func silenceList(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("silence list", errs)
	var to daemonFlags
	form := f.String("output", "table", "`table`, or json: one object a line")
	to.add(f)
	if err := parse(f, args); err != nil {
		return err
	}
	if *form != "table" && *form != "json" {
		return usageError{fmt.Sprintf("silence list: --output %q: table or json", *form)}
	}
	at, err := to.open("silence list")
	if err != nil {
		return err
	}
	var all []alert.Silence
	if err := at.ask(ctx, http.MethodGet, web.SilencesPath, nil, &all); err != nil {
		return err
	}
	if *form == "json" {
		lines := newJSONLines(out)
		for i := range all {
			err = errors.Join(err, lines.Encode(&all[i]))
		}
		return err
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "No silence is on.")
		return err
	}
	rows := [][]string{{"ID", "UNTIL (UTC)", "AUTHOR", "OF", "REASON"}}
	for _, s := range all {
		rows = append(rows, []string{s.ID, short(s.Until), s.Author, matchWords(s.Match), s.Reason})
	}
	return writeColumns(out, rows)
}

func silenceEnd(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("silence end", errs)
	var to daemonFlags
	to.add(f)
	id, args := positional(f, args)
	if err := parse(f, args); err != nil {
		return err
	}
	if id == "-" {
		return usageError{"silence end: the ID of a silence is needed; detector silence list shows them"}
	}
	at, err := to.open("silence end")
	if err != nil {
		return err
	}
	var ended struct{ ID string }
	if err := at.ask(ctx, http.MethodDelete, web.SilencesPath+"/"+url.PathEscape(id), nil, &ended); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s has ended\n", clean(ended.ID))
	return err
}
