// Command detector watches Nango's logs for connections that lose their refresh tokens unusually fast.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/revwatch/revwatch/pkg/store"
)

// Exit codes, as sysexits.h and the flag package have them.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	exitMissing = 3 // of the doctor: something that alerts need is missing
	exitConfig  = 78
)

const usage = `detector watches Nango's logs for connections that lose their refresh tokens
unusually fast.

  detector demo [--for 60s]
            the whole thing on a made-up Nango, in this process: four weeks of
            history, then a mass revocation
  detector run -config FILE
            the daemon: reads Kafka, alerts Slack, PagerDuty, Alertmanager and
            webhooks, shows metrics
  detector check -config FILE
            is a configuration good, and what does it do
  detector send-test -config FILE [--destination NAME]
            tells the destinations of a made-up incident, marked as a test
  detector replay --input FILE|- [--output json|table] [--only TYPES]
            what rows in files hold: failures, reconnections, unknown
            connections, incidents
  detector learn --input FILE|- [--input FILE] [-config FILE]
            writes the state file from rows in files, so that run starts with
            their history
  detector explain --provider KEY [--at 14:05] [--output json]
            why was there no alert at 14:05: what was seen, what was expected,
            what was missing; asks the daemon, the state file, or --input FILE
  detector connections [--broken] [--provider KEY] [--output csv]
            which connections are broken, and since when; asks as explain does
  detector silence add|list|end
            tell nobody of certain incidents for a time
  detector explain-record [FILE|-] [--output json]
            what is seen in single records: envelope, row, event, what is waited
            for, or why it is ignored; begin here when counts look wrong
  detector doctor -config FILE | --input FILE
            what the topic holds, in words: which rows, how fast, what is
            missing for what, and the next step
  detector ship elasticsearch|webhooks -config FILE
            puts Nango's rows on the topic: from its log indices in
            Elasticsearch or OpenSearch, or from its auth webhooks
  detector generate -config FILE
            puts a made-up Nango's rows on the topic, for trying things out
  detector health [-config FILE]
            asks the daemon whether it is alive: exit code 0 or 1
  detector version

Every command takes -h, which lists its flags. A configuration needs three lines
(configs/detector.yaml has all settings with their defaults):

  kafka.brokers: [localhost:9092]
  kafka.topics: [nango-logs]
  slack.webhook_url: https://hooks.slack.com/services/...

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 the doctor misses something that
alerts need; 78 wrong configuration, or a state file that is damaged or newer.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := command(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command runs one command line until it is done or ctx ends, and returns the exit code.
func command(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(errs, usage)
		return exitUsage
	}
	var err error
	switch args[0] {
	case "run":
		err = run(ctx, args[1:], errs)
	case "demo":
		err = demo(ctx, args[1:], out, errs)
	case "replay":
		err = replay(ctx, args[1:], in, out, errs)
	case "learn":
		err = learn(ctx, args[1:], in, out, errs)
	case "explain":
		err = explainAt(ctx, args[1:], in, out, errs)
	case "connections":
		err = connections(ctx, args[1:], out, errs)
	case "silence":
		err = silenceCommand(ctx, args[1:], out, errs)
	case "send-test":
		err = sendTest(ctx, args[1:], out, errs)
	case "explain-record":
		err = explainRecord(ctx, args[1:], in, out, errs)
	case "doctor":
		err = doctor(ctx, args[1:], in, out, errs)
	case "ship":
		err = shipRows(ctx, args[1:], out, errs)
	case "generate":
		err = generate(ctx, args[1:], out, errs)
	case "health":
		err = health(ctx, args[1:], out, errs)
	case "check":
		err = check(ctx, args[1:], out, errs)
	case "version", "-version", "--version":
		fmt.Fprintln(out, version())
	case "help", "-h", "-help", "--help":
		if len(args) > 1 {
			return command(ctx, []string{args[1], "-h"}, in, out, errs)
		}
		fmt.Fprint(out, usage)
	default:
		err = usageError{fmt.Sprintf("unknown command %q", args[0])}
	}
	return report(err, errs)
}

// usageError is a command line that cannot be understood.
type usageError struct{ reason string }

func (e usageError) Error() string { return e.reason }

// report prints an error and maps it to an exit code.
func report(err error, errs io.Writer) int {
	var wrong usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errMissing): // which it has said
		return exitMissing
	case errors.As(err, &wrong):
		fmt.Fprintf(errs, "detector: %v\n`detector help` lists the commands.\n", err)
		return exitUsage
	case errors.Is(err, errConfig), errors.Is(err, store.ErrCorrupt), errors.Is(err, store.ErrNewer): // starting again does not help
		fmt.Fprintf(errs, "detector: %v\n", err)
		return exitConfig
	}
	fmt.Fprintf(errs, "detector: %v\n", err)
	return exitFailure
}

// flags makes the flag set of a command, to be parsed by parse.
func flags(name string, errs io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(errs)
	return f
}

// parse makes errors usage errors, and answers -h.
func parse(f *flag.FlagSet, args []string) error {
	errs := f.Output()
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	err := f.Parse(args)
	f.SetOutput(errs)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(errs, "detector %s\n", f.Name())
		printFlags(f, errs)
		return err
	}
	if err != nil {
		return usageError{f.Name() + ": " + err.Error()}
	}
	if f.NArg() > 0 && f.Lookup("input") != nil {
		return usageError{fmt.Sprintf("%s: unexpected argument %q: every file has its own --input; --input 'dump/*.json', in quotes, or the directory names several", f.Name(), f.Arg(0))}
	}
	if f.NArg() > 0 {
		return usageError{fmt.Sprintf("%s: unexpected argument %q", f.Name(), f.Arg(0))}
	}
	return nil
}

// helpWidth is how many columns of help every terminal shows.
const helpWidth = 80

// printFlags lists the flags of a command, what is said of them folded to helpWidth.
func printFlags(f *flag.FlagSet, errs io.Writer) {
	var text strings.Builder
	f.SetOutput(&text)
	f.PrintDefaults()
	f.SetOutput(errs)
	for line := range strings.Lines(text.String()) {
		says, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "    \t")
		if !ok {
			fmt.Fprint(errs, line)
			continue
		}
		for _, part := range fold(says, helpWidth-8) {
			fmt.Fprintf(errs, "        %s\n", part)
		}
	}
}

// version names the build and the Go release.
func version() string {
	return fmt.Sprintf("detector %s %s %s/%s", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// release is what the build calls itself; set by `make build VERSION=…`, for builds that see no repository.
var release string

// buildVersion is the release, or the version of the module, which holds the VCS revision where it is no release.
func buildVersion() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
