package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// options are the command line.
type options struct {
	seed            uint64
	providers, days int
	what, plot      string
	quick           bool
	rivals, size    string
	out             io.Writer
	progress        io.Writer
}

// reports are what can be asked for.
var reports = map[string]func(options) error{
	"table": table, "null": nullTable, "goals": goals, "calibrate": calibrate, "power": power, "cost": cost,
}

func main() {
	o := options{out: os.Stdout, progress: os.Stderr}
	flag.Uint64Var(&o.seed, "seed", designSeedFirst, "1-99: design, 1001 and up: test")
	flag.IntVar(&o.providers, "providers", 960, "simulated providers")
	flag.IntVar(&o.days, "days", 150, "simulated days, of which the first two fifths are history")
	flag.StringVar(&o.what, "what", "table", "table, null, goals, calibrate, power, or cost")
	flag.StringVar(&o.rivals, "rivals", "", "only rivals whose name contains this; - for none")
	flag.StringVar(&o.size, "size", "", "with table: only incidents of this size count: small, medium or large")
	flag.StringVar(&o.plot, "plot", "", "with table: write the plot to this file, as SVG")
	flag.BoolVar(&o.quick, "quick", false, "a quarter of the providers, three budgets")
	flag.Parse()
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "detection:", err)
		os.Exit(1)
	}
}

func (o options) run() error {
	report, ok := reports[o.what]
	if !ok {
		return fmt.Errorf("-what %q is none of those there are", o.what)
	}
	if o.providers < 1 || o.days < 60 {
		return fmt.Errorf("%d providers over %d days are too few: at least 1 over 60", o.providers, o.days)
	}
	command := o.command()
	if o.quick {
		o.providers = max(16, o.providers/4)
	}
	fmt.Fprintf(o.out, "<!-- go run ./bench/detection %s: a %s seed -->\n\n", command, seedKind(o.seed))
	return report(o)
}

// command is the flags that make the same output again.
func (o options) command() string {
	s := fmt.Sprintf("-what %s -seed %d -providers %d -days %d", o.what, o.seed, o.providers, o.days)
	if o.quick {
		s += " -quick"
	}
	if o.rivals != "" {
		s += " -rivals " + o.rivals
	}
	if o.size != "" {
		s += " -size " + o.size
	}
	return s
}

func (o options) note(format string, args ...any) {
	fmt.Fprintf(o.progress, format+"\n", args...)
}

// chosen are the rivals asked for.
func (o options) chosen() (out []Rival) {
	for _, r := range Rivals() {
		if o.rivals == "" || strings.Contains(strings.ToLower(r.Name), strings.ToLower(o.rivals)) {
			out = append(out, r)
		}
	}
	return out
}
