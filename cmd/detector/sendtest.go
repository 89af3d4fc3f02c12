package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/detect"
)

const sendTestUsage = `
Tells the destinations of the configuration of a made-up incident, and then of
its end, by the way that real ones take. It is marked as a test everywhere. No
Kafka is needed, and a daemon may be running. Exit code 1 when one refuses it.
`

// sendTest tells destinations of a made-up incident.
func sendTest(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("send-test", errs)
	path := f.String("config", "", "the configuration `FILE`")
	only := f.String("destination", "", "only the destination of this `NAME`")
	if err := parse(f, args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(errs, sendTestUsage)
		}
		return err
	}
	if *path == "" {
		return usageError{"send-test: -config FILE is needed"}
	}
	c, err := loadConfig(*path)
	if err != nil {
		return err
	}
	names, to, err := c.testable(*only)
	if err != nil {
		return err
	}
	if c.alerts.shadow {
		fmt.Fprintln(errs, "alerts.shadow is on: the test is sent nevertheless, real incidents are not")
	}
	fmt.Fprintf(errs, "telling %s; what does not answer is tried for a minute at most\n", strings.Join(names, ", "))
	failed := 0
	for i, err := range c.sendTests(ctx, to) {
		text := "delivered"
		if err != nil {
			text = clean(err.Error())
			failed++
		}
		fmt.Fprintf(out, "%s: %s\n", names[i], text)
	}
	if failed > 0 {
		return fmt.Errorf("send-test: %d of %s got no test", failed, plural(len(to), "destination"))
	}
	return nil
}

// sendTests tells all at the same time, and returns what came of each.
func (c *config) sendTests(ctx context.Context, to []alert.Destination) []error {
	var sending sync.WaitGroup
	faults := make([]error, len(to))
	in, words := testIncident(time.Now()), c.wording()
	for i := range to {
		sending.Go(func() { faults[i] = alert.SendTest(ctx, to[i], words, in) })
	}
	sending.Wait()
	return faults
}

// testable are the destinations that are to be tested.
func (c *config) testable(only string) (names []string, to []alert.Destination, err error) {
	all, err := c.alertTo()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	var there []string
	for i, d := range c.told() {
		there = append(there, d.name)
		if only == "" || only == d.name {
			names, to = append(names, d.name), append(to, all[i])
		}
	}
	switch {
	case len(there) == 0:
		return nil, nil, fmt.Errorf("%w: nobody is told of incidents: set slack.webhook_url, or another destination", errConfig)
	case len(to) == 0:
		return nil, nil, usageError{fmt.Sprintf("send-test: no destination is named %q: there is %s", only, strings.Join(there, ", "))}
	}
	return names, to, nil
}

// testIncident looks like one that is found now.
func testIncident(now time.Time) detect.Incident {
	in := detect.Incident{
		Type: "incident", ID: fmt.Sprintf("test-%x", now.UnixMilli()), Revision: 1, Milestone: 1, Status: detect.StatusOpen, Time: now, OpenedAt: now,
		Signal: detect.Revocations, Scope: "integration", Environment: "test", Provider: "google-mail", Integration: "google-mail", Cause: "revoked",
		Since: now.Add(-40 * time.Minute).Truncate(10 * time.Minute), Observed: 12, Expected: 0.4, WindowSeconds: 3600, Score: 1.6, OncePerDays: 5000, Active: 410,
		Affected: 12, Customers: 9, Remaining: detect.Remaining{Broken: 12}, Explanation: []string{"12 of 12 with reason invalid_grant"},
	}
	for i := range 3 {
		in.Connections = append(in.Connections, detect.Broken{Integration: in.Integration, Connection: fmt.Sprintf("test-connection-%d", i+1),
			Account: fmt.Sprintf("test-customer-%d", i+1), Reason: "invalid_grant", Time: in.Since.Add(time.Duration(i) * time.Minute)})
	}
	return in
}
