package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/stream"
)

// check says whether a configuration file is good, and in a few lines what it does. Secrets are not printed.
func check(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("check", errs)
	path := f.String("config", "", "the configuration `FILE`")
	if err := parse(f, args); err != nil {
		return err
	}
	if *path == "" {
		return usageError{"check: -config FILE is needed"}
	}
	c, err := loadConfig(*path)
	if err != nil {
		return err
	}
	telling, err := c.rehearse()
	if err != nil {
		return fmt.Errorf("%w: %w", errConfig, err)
	}
	fmt.Fprintf(out, "%s is good.\n", *path)
	fmt.Fprintf(out, "reads    %s from %s as group %s over %s; without a state file from the %s record\n",
		strings.Join(c.kafka.topics, ", "), strings.Join(c.kafka.brokers, ", "), c.kafka.group, c.kafka.security.Protocol, c.kafka.reset)
	if c.envelope != "auto" {
		fmt.Fprintf(out, "accepts  only values whose outermost envelope is %s; all else is counted as not readable\n", c.envelope)
	}
	fmt.Fprintf(out, "decides  %s; no incident with fewer than %d connections", c.falseAlarms(), c.minConnections)
	if added := c.addedRules(); added != "" {
		fmt.Fprintf(out, "; causes by %s first", added)
	}
	fmt.Fprintln(out)
	fmt.Fprintf(out, "expects  %s\n", c.total())
	switch p, err := c.present(ctx); {
	case err == nil:
		fmt.Fprintf(out, "now      %s\n", p)
	case !errors.Is(err, errNothingYet):
		fmt.Fprintf(errs, "warning: the present number of series is not known: %v\n", err)
	}
	if on := c.nango.words(); on != "" {
		fmt.Fprintf(out, "asks     %s\n", on)
	}
	c.tells(out, telling)
	fmt.Fprintf(out, "keeps    its state in %s; of connections %s\n", c.statePath, c.keptTags())
	fmt.Fprintf(out, "shows    /metrics /healthz /readyz on %s; /api/v1 on %s%s\n", c.listen, c.admin.listen, c.guarded())
	for _, doubt := range append(c.doubts(), c.nango.doubts()...) {
		fmt.Fprintf(errs, "warning: %s\n", doubt)
	}
	return nil
}

// rehearse does what run does before it connects or opens anything.
func (c *config) rehearse() (*alert.Notifier, error) {
	to, err := c.alertTo()
	if err != nil {
		return nil, err
	}
	if _, err := stream.New(c.stream()); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	if _, err := c.directories(time.Now); err != nil {
		return nil, fmt.Errorf("nango: %w", err)
	}
	return alert.NewNotifier(c.notifying(to))
}

// keptTags names the tags that are kept.
func (c *config) keptTags() string {
	if len(c.tags) == 0 {
		return "no tags"
	}
	return "the tags " + strings.Join(c.tags, ", ")
}

// guarded says who may use the API.
func (c *config) guarded() string {
	if c.admin.token != "" {
		return ", with its token"
	}
	return ", from this machine"
}

// tells says who is told of what, by the notifier that would tell it.
func (c *config) tells(out io.Writer, n *alert.Notifier) {
	a := &c.alerts
	fmt.Fprintf(out, "tells    %s; nothing whose newest break is older than %s when it is found\n", c.destinations(), formatDuration(a.maxAge))
	if a.shadow {
		fmt.Fprintln(out, "shadow   is on: incidents are decided, logged and shown, and nothing is sent to anybody")
	}
	for i, r := range a.routes {
		fmt.Fprintf(out, "route    %d: %s: %s\n", i+1, matchWords(r.Match), toWords(r.To))
	}
	if len(a.routes) > 0 {
		if !a.routesAll() {
			fmt.Fprintln(out, "route    all else: nobody")
		}
		fmt.Fprintf(out, "route    that no rows come: %s\n", toWords(n.Recipients(*newSilence(time.Now(), time.Now(), 0))))
	}
	if len(a.fallback) > 0 {
		fmt.Fprintf(out, "route    what another one refuses for good: %s\n", strings.Join(a.fallback, ", "))
	}
	fmt.Fprintf(out, "grades   %s\n", severityWords(c.severity))
	if when, _ := parseWeekly(a.weekly); !when.off && len(c.told()) > 0 {
		fmt.Fprintf(out, "weekly   one line on %s UTC: %s\n", a.weekly, toWords(n.Recipients(*newWeekly(time.Now(), time.Now(), ""))))
	}
	if len(c.told()) > 0 {
		fmt.Fprintf(out, "reaches  %s\n", strings.Join(append([]string{"public addresses"}, a.allow...), ", "))
	}
	if links := linkWords(c.links); links != "" {
		fmt.Fprintf(out, "links    %s\n", links)
	}
}

// severityWords says which incidents are critical.
func severityWords(s alert.Severity) string {
	var when []string
	say := func(format string, args ...any) { when = append(when, fmt.Sprintf(format, args...)) }
	if s.Connections > 0 {
		say("%s or more", plural(s.Connections, "connection"))
	}
	if s.Share > 0 {
		say("%.4g %% of those in use", 100*s.Share)
	}
	if s.Score > 0 {
		say("%.4g times the alarm line", s.Score)
	}
	if len(s.Scopes) > 0 {
		say("scope %s", strings.Join(s.Scopes, " or "))
	}
	if len(when) == 0 {
		return "every incident is a warning"
	}
	return "critical: " + strings.Join(when, "; ")
}

// linkWords names the links in messages and their hosts.
func linkWords(l alert.Links) string {
	var all []string
	for _, x := range [][2]string{{"dashboard", l.Dashboard}, {"connection", l.Connection}, {"runbook", l.Runbook}} {
		if u, err := url.Parse(x[1]); err == nil && u.Host != "" {
			all = append(all, x[0]+" at "+u.Host)
		}
	}
	return strings.Join(all, ", ")
}

// destinations names where alerts go, without secrets.
func (c *config) destinations() string {
	var to []string
	for _, d := range c.told() {
		to = append(to, d.words())
	}
	if len(to) == 0 {
		return "nobody: set slack.webhook_url, slack.bot_token, pagerduty.routing_key, alertmanager.urls or webhook.url"
	}
	return strings.Join(to, ", ")
}
