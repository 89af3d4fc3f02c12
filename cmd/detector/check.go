package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/stream"
)

// check says whether a configuration file is good, and in a few lines what it does. Secrets are not printed.
func check(args []string, out, errs io.Writer) error {
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
	fmt.Fprintf(out, "tells    %s; nothing whose newest break is older than %s when it is found\n", c.destinations(), formatDuration(c.maxAge))
	fmt.Fprintf(out, "keeps    its state in %s; of connections %s\n", c.statePath, c.keptTags())
	fmt.Fprintf(out, "shows    /metrics /healthz /readyz on %s\n", c.listen)
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

// longestBudget is what one series gets at most of false_alarms_every times the number of series (pkg/detect).
const longestBudget = 3000 * 24 * time.Hour

// falseAlarms says how many false alarms are to be expected in all.
func (c *config) falseAlarms() string {
	every := min(c.falseAlarmsEvery, longestBudget)
	text := fmt.Sprintf("at most one false alarm in %s over all series together, in total %s with up to %d series",
		formatDuration(every), yearly(every), longestBudget/every)
	if c.budget > 0 {
		text = fmt.Sprintf("at most one false alarm in %s per series, in total %s with 10 series", formatDuration(c.budget), yearly(c.budget/10))
	}
	for _, provider := range slices.Sorted(maps.Keys(c.budgets)) {
		text += fmt.Sprintf(", besides for %s one in %s per series", provider, formatDuration(c.budgets[provider]))
	}
	return text
}

// yearly is "once in this time" as a number a year.
func yearly(every time.Duration) string {
	years := every.Hours() / (365 * 24)
	if years < 0.7 {
		return fmt.Sprintf("about %.0f a year", 1/years)
	}
	if years < 1.5 {
		return "about one a year"
	}
	return fmt.Sprintf("about one in %.0f years", years)
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
