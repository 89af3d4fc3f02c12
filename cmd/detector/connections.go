package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/web"
	"github.com/revwatch/revwatch/pkg/window"
)

const connectionsUsage = `
  detector connections --broken --provider google-mail --output csv

Lists the connections that Revwatch knows of: those that failed within 90 days,
with what became of them, and those that rows named lately. It asks

  the running daemon (http.admin_listen of the configuration, or --url);
  the state file (state.path, or --state), where no daemon answers.
`

// connectionsAsk is what the command line asks, and whom.
type connectionsAsk struct {
	detect.Filter
	url, state, form string
}

// connections lists connections.
func connections(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("connections", errs)
	var ask connectionsAsk
	f.BoolVar(&ask.Broken, "broken", false, "only those that are broken now")
	f.StringVar(&ask.Provider, "provider", "", "of the provider with this `KEY`")
	f.StringVar(&ask.Environment, "environment", "", "of the environment with this `NAME`")
	f.StringVar(&ask.Integration, "integration", "", "of the integration with this `NAME`")
	f.StringVar(&ask.Incident, "incident", "", "that the incident with this `ID` broke")
	f.StringVar(&ask.Account, "account", "", "of the customer account with this `NAME`")
	f.StringVar(&ask.form, "output", "table", "`table`, csv, or json: one object a line")
	f.StringVar(&ask.url, "url", "", "the `URL` of the daemon's API, such as http://localhost:9848")
	f.StringVar(&ask.state, "state", "", "the state `FILE`, without asking a daemon")
	path := f.String("config", "", "the configuration `FILE`; without it the defaults")
	if err := parse(f, args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(errs, connectionsUsage)
		}
		return err
	}
	if err := ask.check(); err != nil {
		return err
	}
	all, who, err := ask.answer(ctx, *path)
	if err != nil {
		return fmt.Errorf("connections: %w", err)
	}
	fmt.Fprintf(errs, "%s, by %s\n", plural(len(all), "connection"), who)
	return ask.print(out, all)
}

func (ask *connectionsAsk) check() error {
	switch {
	case ask.form != "table" && ask.form != "csv" && ask.form != "json":
		return usageError{fmt.Sprintf("connections: --output %q: table, csv or json", ask.form)}
	case ask.url != "" && ask.state != "":
		return usageError{"connections: one of --url, --state"}
	case webURL(ask.url) != "":
		return usageError{fmt.Sprintf("connections: --url %q: %s", ask.url, webURL(ask.url))}
	}
	return nil
}

func (ask *connectionsAsk) answer(ctx context.Context, path string) (all []detect.Connection, who string, err error) {
	whom, err := newAsking(path, ask.url, ask.state)
	if err != nil {
		return nil, "", err
	}
	who, err = whom.ask(
		func(d runningDaemon) error { return d.ask(ctx, http.MethodGet, ask.query(), nil, &all) },
		func(g *engine) (err error) { all, err = g.connections(ask.Filter); return err })
	return all, who, err
}

func (ask *connectionsAsk) query() string {
	broken := ""
	if ask.Broken {
		broken = "true"
	}
	return query(web.ConnectionsPath, "environment", ask.Environment, "provider", ask.Provider, "integration", ask.Integration, "account", ask.Account,
		"incident", ask.Incident, "broken", broken)
}

func (ask *connectionsAsk) print(out io.Writer, all []detect.Connection) error {
	switch ask.form {
	case "csv":
		return web.WriteCSV(out, all)
	case "json":
		lines := newJSONLines(out)
		for i := range all {
			if err := lines.Encode(&all[i]); err != nil {
				return err
			}
		}
		return nil
	}
	rows := [][]string{{"ENVIRONMENT", "PROVIDER", "INTEGRATION", "CONNECTION", "ACCOUNT", "STATE", "CAUSE", "REASON", "SINCE (UTC)"}}
	for i := range all {
		c := &all[i]
		since := ""
		switch {
		case !c.Since.IsZero():
			since = short(c.Since)
		case c.BeforeStart && c.State == string(window.Broken):
			since = "before the start"
		}
		rows = append(rows, []string{c.Environment, c.Provider, c.Integration, c.Connection, c.Account, c.State, c.Cause, c.Reason, since})
	}
	if len(rows) == 1 {
		return nil
	}
	return writeColumns(out, rows)
}

// widest is how much of a column is padded; longer cells push the rest of their line.
const widest = 40

// writeColumns writes rows of equal length as a table.
func writeColumns(out io.Writer, rows [][]string) error {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i := range row {
			row[i] = cmp.Or(clean(row[i]), "-")
			width[i] = max(width[i], min(len([]rune(row[i])), widest))
		}
	}
	w := &table{out: out}
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += fmt.Sprintf("%-*s  ", width[i], cell)
		}
		w.line("%s", strings.TrimRight(line, " "))
	}
	return w.err
}

// short is a time to the minute, in UTC.
func short(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
