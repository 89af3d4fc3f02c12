package main

import (
	"fmt"
	"io"
	"strings"
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
	budget := fmt.Sprintf("at most one false alarm in %s over all series", formatDuration(c.falseAlarmsEvery))
	if c.budget > 0 {
		budget = fmt.Sprintf("at most one false alarm in %s per series", formatDuration(c.budget))
	}
	fmt.Fprintf(out, "%s is good.\n", *path)
	fmt.Fprintf(out, "reads    %s from %s as group %s over %s; without a state file from the %s record\n",
		strings.Join(c.kafka.topics, ", "), strings.Join(c.kafka.brokers, ", "), c.kafka.group, c.kafka.security.Protocol, c.kafka.reset)
	fmt.Fprintf(out, "decides  %s; no incident with fewer than %d connections\n", budget, c.minConnections)
	fmt.Fprintf(out, "tells    %s; nothing that began more than %s ago\n", c.destinations(), formatDuration(c.maxAge))
	fmt.Fprintf(out, "keeps    its state in %s\n", c.statePath)
	fmt.Fprintf(out, "shows    /metrics /healthz /readyz on %s\n", c.listen)
	return nil
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
