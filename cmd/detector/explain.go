package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

const explainUsage = `
  detector explain-record [FILE|-] [-config FILE] [--output text|json] [--whole]

Says of each record what is seen in it: the envelope, the rows of Nango's logs,
the fields that are kept, and what comes of them. Begin here when counts look
wrong. Give it a few records of your topic, as a file or on stdin:

  kcat -b localhost:9092 -t nango-logs -C -J -o -20 -e | detector explain-record

The records are joined as ` + "`run`" + ` would join them: put the operation row and its
message rows into one file.

One JSON value follows the other, on one line or on many. A binary file is one
value. Webhooks have no time of their own: they need one beside them. These
forms stand for the value in them, with its time and key:

  the lines of kcat -J
  {"value": "…", "timestamp": 1791191701339, "key": "…"}
            also "time", "received_at"; ISO text as well as a number
  CreateTime:1791191701339	KEY	{…}
            kafka-console-consumer --property print.timestamp=true, also with
            print.key, print.partition, print.offset, print.headers
`

// explainRecord reads values and says what is seen in them, without sending or writing anything.
func explainRecord(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) error {
	f := flags("explain-record", errs)
	path := f.String("config", "", "the configuration `FILE`; without it the defaults")
	form := f.String("output", "text", "`text`, or json: one object a value")
	whole := f.Bool("whole", false, "the whole input is one value")
	name, args := positional(f, args)
	if err := parse(f, args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(errs, explainUsage)
		}
		return err
	}
	if *form != "json" && *form != "text" {
		return usageError{fmt.Sprintf("explain-record: --output %q: json or text", *form)}
	}
	c := defaults()
	if *path != "" {
		var err error
		if c, err = loadConfig(*path, outward...); err != nil {
			return err
		}
	}
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	records, err := readRecords(name, in, *whole, errs)
	if err != nil {
		return err
	}
	var w explainer = newExplainText(out, &c)
	if *form == "json" {
		w = newExplainJSON(out)
	}
	return explainAll(ctx, newEngine(&c, time.Now()).reader, records, w)
}

// positional takes the file out of a command line, before or after the flags; "-" when there is none.
func positional(f *flag.FlagSet, args []string) (name string, rest []string) {
	name = "-"
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "-" || a != "" && a[0] != '-' {
			if name != "-" {
				return name, args // two files: parse refuses the first
			}
			name = a
			continue
		}
		rest = append(rest, a)
		if g := f.Lookup(strings.TrimLeft(a, "-")); g != nil && i+1 < len(args) && !isBool(g) {
			i++
			rest = append(rest, args[i])
		}
	}
	return name, rest
}

func isBool(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// explainer prints what was found.
type explainer interface {
	record(n int, r record, f nango.Finding)
	end(rest []nango.Event, s nango.Stats) error // what comes of what was still waiting
}

func explainAll(ctx context.Context, r *nango.Reader, records []record, w explainer) error {
	name := records[0].meta.Source
	r.Open(name, 0, -1)
	for i, x := range records {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.record(i+1, x, r.Explain(x.value, x.meta))
	}
	r.Close(name)
	return w.end(r.Flush(), r.Stats())
}
