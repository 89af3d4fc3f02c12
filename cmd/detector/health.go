package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// healthTimeout is what the answer may take. Who asks every few seconds wants to know of a daemon that hangs.
const healthTimeout = 3 * time.Second

// health asks the daemon whether it is alive, or ready: for containers, which hold no shell and no curl.
func health(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("health", errs)
	path := f.String("config", "", "the daemon's configuration `FILE`, which says where it listens; without it the default")
	base := f.String("url", "", "ask at this `URL` instead, such as http://127.0.0.1:9847")
	ready := f.Bool("ready", false, "ask whether it is ready: it has joined its group and follows the topic. Without it: whether it is alive, which a broker that is away does not change")
	if err := parse(f, args); err != nil {
		return err
	}
	if *path != "" && *base != "" {
		return usageError{"health: one of -config, -url"}
	}
	if webURL(*base) != "" {
		return usageError{fmt.Sprintf("health: -url %q: %s", *base, webURL(*base))}
	}
	c := defaults()
	if *path != "" {
		var err error
		if c, err = loadConfig(*path, outward[1:]...); err != nil {
			return err
		}
	}
	at, asked, word := daemonAt(*base, c.listen), "/healthz", "alive"
	if *ready {
		asked, word = "/readyz", "ready"
	}
	return at.health(ctx, out, asked, word)
}

// health says in one line what the daemon answers; the error is nil when it is yes.
func (d runningDaemon) health(ctx context.Context, out io.Writer, path, word string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	status, answer, err := d.call(ctx, http.MethodGet, path, nil)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("not %s: %s did not answer within %s", word, d, formatDuration(healthTimeout))
	case err != nil:
		return fmt.Errorf("not %s: %w", word, err)
	case status == http.StatusOK:
		_, err = fmt.Fprintln(out, word)
		return err
	}
	return fmt.Errorf("not %s: %s answers %d: %s", word, d, status, clean(failedChecks(answer)))
}

// failedChecks are the lines of a health answer that say what is wrong, as one.
func failedChecks(answer []byte) string {
	var failed []string
	for line := range bytes.Lines(answer) {
		if what, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "failed "); ok {
			failed = append(failed, what)
		}
	}
	if len(failed) == 0 {
		return "is it a detector?"
	}
	return strings.Join(failed, "; ")
}
