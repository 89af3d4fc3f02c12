package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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
	if err := c.rehearse(); err != nil {
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
	fmt.Fprintf(out, "tells    %s; nothing whose newest break is older than %s when it is found\n", c.destinations(), formatDuration(c.maxAge))
	fmt.Fprintf(out, "keeps    its state in %s; of connections %s\n", c.statePath, c.keptTags())
	fmt.Fprintf(out, "shows    /metrics /healthz /readyz /api/v1/explain on %s\n", c.listen)
	if c.slack.webhookURL+c.slack.botToken+c.pager.routingKey == "" {
		fmt.Fprintln(errs, "warning: nobody is told of incidents")
	}
	return nil
}

// rehearse does what run does before it connects or opens anything.
func (c *config) rehearse() error {
	if _, err := c.alertTo(); err != nil {
		return err
	}
	if _, err := stream.New(c.stream()); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	return nil
}

// keptTags names the tags that are kept.
func (c *config) keptTags() string {
	if len(c.tags) == 0 {
		return "no tags"
	}
	return "the tags " + strings.Join(c.tags, ", ")
}

// destinations names where alerts go, without secrets.
func (c *config) destinations() string {
	var to []string
	if c.slack.webhookURL != "" {
		to = append(to, "Slack (incoming webhook)")
	}
	if c.slack.botToken != "" {
		to = append(to, "Slack (channel "+c.slack.channel+")")
	}
	if c.pager.routingKey != "" {
		to = append(to, "PagerDuty")
	}
	if len(to) == 0 {
		return "nobody: set slack.webhook_url, slack.bot_token or pagerduty.routing_key"
	}
	return strings.Join(to, ", ")
}
