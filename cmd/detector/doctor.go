package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"
)

const doctorUsage = `
  detector doctor -config FILE [--for 1m]
  detector doctor --input FILE|- [--input FILE]

Says in words what the topic, or a file, holds: which rows, how fast, how old,
what works with them, what is missing, and what to do next. It joins no group,
commits nothing and sends nothing: a running daemon does not notice it.

Of the topic it reads what came last (at most 50,000 records and 24 hours, at
least 1,000 of a partition where there are as many), and then for --for what
comes. Ctrl-C ends it with what it has.

Exit codes: 0 alerts can work; 3 something they need is missing; 1 the topic or
the file could not be read; 2 wrong usage; 78 wrong configuration.
`

// errMissing says that something alerts need is missing; what it is was printed.
var errMissing = errors.New("something that alerts need is missing")

// doctor looks at what comes in and says what is seen, what works with it, and the next step.
func doctor(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) error {
	f := flags("doctor", errs)
	from := addInputs(f)
	live := f.Duration("for", time.Minute, "how long to look at what comes, after what is there; 0: only what is there")
	form := f.String("output", "text", "`text`, or json: one object")
	if err := parse(f, args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(errs, doctorUsage)
		}
		return err
	}
	switch {
	case *form != "json" && *form != "text":
		return usageError{fmt.Sprintf("doctor: --output %q: json or text", *form)}
	case *live < 0:
		return usageError{"doctor: --for is not below 0"}
	case len(from.inputs) == 0 && *from.config == "":
		return usageError{"doctor: -config FILE for the topic, or --input FILE, is needed"}
	}
	look, err := from.look(ctx, *live, in, errs)
	if err != nil {
		return fmt.Errorf("doctor: %w", err)
	}
	report := look.report()
	if *form == "json" {
		err = newJSONLines(out).Encode(report)
	} else {
		err = report.print(out)
	}
	if err == nil && !report.Works {
		err = errMissing
	}
	return err
}

// look looks at the files that are named, else at the topics.
func (from *inputFlags) look(ctx context.Context, live time.Duration, in io.Reader, errs io.Writer) (*checkup, error) {
	if len(from.inputs) > 0 {
		c, files, err := from.open(in)
		if err != nil {
			return nil, err
		}
		defer closeInputs(files)
		return lookAtFiles(ctx, &c, files, errs)
	}
	c, err := loadConfig(*from.config, slices.DeleteFunc(slices.Clone(outward), isAsked)...)
	if err != nil {
		return nil, err
	}
	seen, err := lookAtTopics(ctx, &c, live, errs)
	if err == nil {
		seen.config = rehearsal(*from.config)
	}
	return seen, err
}

// isAsked reports whether the doctor needs a section that points outward.
func isAsked(section string) bool { return section == "kafka" || section == "nango" }

// rehearsal says in one line what keeps `run` from starting; "" when nothing does.
func rehearsal(path string) string {
	c, err := loadConfig(path)
	if err == nil {
		_, err = c.rehearse()
	}
	if err == nil {
		return ""
	}
	return oneLine(err)
}
