package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// names collects a flag that may be given several times.
type names []string

func (n *names) String() string     { return fmt.Sprint(*n) }
func (n *names) Set(s string) error { *n = append(*n, s); return nil }

// replay reads rows from files, joins them, and prints the events they hold in the order of event time.
func replay(args []string, in io.Reader, out, errs io.Writer) error {
	f := flags("replay", errs)
	var inputs names
	f.Var(&inputs, "input", "a `FILE` of Kafka values, one a line, or - for stdin; may be given several times")
	path := f.String("config", "", "the configuration `FILE`; without it the defaults")
	form := f.String("output", "table", "json (one object a line) or `table`")
	only := f.String("only", "", "print only these `TYPES`, such as failure,summary")
	if err := parse(f, args); err != nil {
		return err
	}
	if len(inputs) == 0 {
		return usageError{"replay: --input FILE or --input - is needed"}
	}
	if *form != "json" && *form != "table" {
		return usageError{fmt.Sprintf("replay: --output %q: json or table", *form)}
	}
	types, err := parseTypes(*only)
	if err != nil {
		return err
	}
	c := defaults()
	if *path != "" {
		if c, err = loadConfig(*path); err != nil {
			return err
		}
	}
	files, err := openInputs(inputs, in)
	if err != nil {
		return err
	}
	defer closeInputs(files)
	r := nango.NewReader(nango.Options{Disorder: c.disorder, JoinGrace: c.joinGrace, JoinMax: c.joinMax, AccountFields: c.account, Ceiling: time.Now()})
	p := newPrinter(out, *form == "json", types)
	ledger := window.NewLedger(window.Unknown(c.unknown))
	var day time.Time
	each := func(e nango.Event) {
		if today := e.Time.Truncate(24 * time.Hour); today.After(day) {
			day = today
			ledger.Sweep(today)
		}
		p.event(e, ledger.Observe(e).New)
	}
	bar := newProgress(errs, files)
	if err := drain(r, files, each, bar.show); err != nil {
		return err
	}
	bar.clear()
	p.summary(r.Stats())
	return p.flush()
}

// lineTypes are the object types replay prints, in the order a reader of the help expects them.
var lineTypes = []string{"failure", "reconnected", "unknown_connection", "summary"}

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

// drain reads all inputs, the one whose rows are oldest next, and hands over every event in order.
func drain(r *nango.Reader, files []*input, each func(nango.Event), progress func()) error {
	for _, f := range files {
		r.Open(f.name, 0, -1)
	}
	for open := files; len(open) > 0; {
		i := behind(r, open)
		for range chunk {
			value, meta, err := open[i].next()
			if err == io.EOF {
				r.Close(open[i].name)
				open = append(open[:i:i], open[i+1:]...)
				break
			}
			if err != nil {
				return err
			}
			r.Read(value, meta)
		}
		for _, e := range r.Advance(time.Time{}) {
			each(e)
		}
		progress()
	}
	for _, e := range r.Flush() {
		each(e)
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
