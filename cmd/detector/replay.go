package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// names collects a flag that may be given several times.
type names []string

func (n *names) String() string     { return fmt.Sprint(*n) }
func (n *names) Set(s string) error { *n = append(*n, s); return nil }

// replay reads rows from files through the pipeline, and prints what it finds in the order of event time.
func replay(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) error {
	f := flags("replay", errs)
	from := addInputs(f)
	form := f.String("output", "table", "json (one object a line) or `table`")
	only := f.String("only", "", "print only these `TYPES`, such as incident,summary")
	if err := parse(f, args); err != nil {
		return err
	}
	if *form != "json" && *form != "table" {
		return usageError{fmt.Sprintf("replay: --output %q: json or table", *form)}
	}
	types, err := parseTypes(*only)
	if err != nil {
		return err
	}
	c, files, err := from.open(in)
	if err != nil {
		return err
	}
	defer closeInputs(files)
	g, p := newEngine(&c, time.Now()), newPrinter(out, *form == "json", types)
	g.event, g.incident = p.event, p.incident
	bar := newProgress(errs, files)
	err = drain(ctx, g, files, time.Time{}, func() error { bar.show(); return nil })
	bar.clear()
	if err != nil {
		return errors.Join(err, p.flush())
	}
	g.flush(time.Time{})
	p.summary(g.reader.Stats(), g.detector.Learning())
	err = p.flush()
	g.doubt.print(errs, g.reader.Stats())
	return err
}

// inputFlags are the flags of the commands that read files.
type inputFlags struct {
	command string
	inputs  names
	config  *string
}

func addInputs(f *flag.FlagSet) *inputFlags {
	from := &inputFlags{command: f.Name()}
	f.Var(&from.inputs, "input", "a `FILE` of Kafka values, one a line, or exported from Elasticsearch or OpenSearch in any form of JSON, also packed with gzip, zstd or bzip2; or a directory of them, a 'pattern*', or - for stdin; may be given several times")
	from.config = f.String("config", "", "the configuration `FILE`; without it the defaults")
	return from
}

// open reads the configuration and opens the files, which the caller closes.
func (from *inputFlags) open(in io.Reader) (config, []*input, error) {
	c, err := defaults(), error(nil)
	if len(from.inputs) == 0 {
		return c, nil, usageError{from.command + ": --input FILE or --input - is needed"}
	}
	if *from.config != "" {
		if c, err = loadConfig(*from.config, outward...); err != nil {
			return c, nil, err
		}
	}
	files, err := openInputs(from.inputs, in)
	return c, files, err
}

// lineTypes are the object types replay prints, in the order a reader of the help expects them.
var lineTypes = []string{"failure", "reconnected", "unknown_connection", "incident", "summary"}

// parseTypes reads a list such as "failure,summary"; empty means all.
func parseTypes(list string) (map[string]bool, error) {
	types := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !slices.Contains(lineTypes, name) {
			return nil, usageError{fmt.Sprintf("replay: --only %q: any of %s", name, strings.Join(lineTypes, ", "))}
		}
		types[name] = true
	}
	if len(types) == 0 {
		for _, name := range lineTypes {
			types[name] = true
		}
	}
	return types, nil
}

// chunk is how many lines of one input are read before the input that is furthest behind is chosen again.
const chunk = 256

// drain reads all inputs, the one whose rows are oldest next. now is the wall clock as for engine.advance; between is called after each chunk.
// What is held when the inputs have ended is for the caller to flush or to suspend. When ctx ends it stops with an error.
func drain(ctx context.Context, g *engine, files []*input, now time.Time, between func() error) error {
	for _, f := range files {
		g.reader.Open(f.name, 0, -1)
	}
	for open := files; len(open) > 0; {
		i := behind(g.reader, open)
		for n := range chunk {
			value, meta, err := open[i].next()
			if err == io.EOF {
				g.reader.Close(open[i].name)
				g.doubt.ended(open[i])
				open = slices.Concat(open[:i], open[i+1:])
				break
			}
			if err != nil {
				return err
			}
			if n < driftProbes {
				g.doubt.take(value)
			}
			g.read(value, meta)
		}
		g.advance(now)
		if err := between(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return errors.New("stopped before the end of the input")
		}
	}
	return nil
}

// behind chooses the open input with the oldest newest row.
func behind(r *nango.Reader, open []*input) int {
	best := 0
	for i := range open {
		if r.RowTime(open[i].name).Before(r.RowTime(open[best].name)) {
			best = i
		}
	}
	return best
}
