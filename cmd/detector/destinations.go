package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/revwatch/revwatch/configs"
	"github.com/revwatch/revwatch/pkg/alert"
)

// channels are the settings of the kinds of destinations, a section of the file each.
type channels struct {
	slack        struct{ webhookURL, botToken, channel, apiURL string }
	pager        struct{ routingKey, previousKey, url string }
	alertmanager struct {
		urls                      []string
		username, password, token string
		labels                    map[string]string
	}
	webhook struct {
		url, secret, template, follow string
		headers                       map[string]string
		text                          string // of the template
	}
}

// The kinds of destinations, as their sections are named.
const (
	kindSlack        = "slack"
	kindPagerDuty    = "pagerduty"
	kindAlertmanager = "alertmanager"
	kindWebhook      = "webhook"
)

func (x *channels) settings() []setting {
	s, p, a, w := &x.slack, &x.pager, &x.alertmanager, &x.webhook
	return []setting{
		{name: "slack.webhook_url", target: &s.webhookURL, secret: true, check: keyURL},
		{name: "slack.bot_token", target: &s.botToken, secret: true, check: botToken},
		{name: "slack.channel", target: &s.channel},
		{name: "slack.api_url", target: &s.apiURL, check: keyURL},
		{name: "pagerduty.routing_key", target: &p.routingKey, secret: true, check: routingKey},
		{name: "pagerduty.previous_routing_key", target: &p.previousKey, secret: true, check: routingKey},
		{name: "pagerduty.url", target: &p.url, check: keyURL},
		{name: "alertmanager.urls", target: &a.urls, check: openURL},
		{name: "alertmanager.username", target: &a.username},
		{name: "alertmanager.password", target: &a.password, secret: true},
		{name: "alertmanager.token", target: &a.token, secret: true},
		{name: "alertmanager.labels", target: &a.labels},
		{name: "webhook.url", target: &w.url, secret: true, check: keyURL},
		{name: "webhook.secret", target: &w.secret, secret: true},
		{name: "webhook.template", target: &w.template},
		{name: "webhook.follow", target: &w.follow, allowed: []string{"auto", "revisions", "milestones"}},
		{name: "webhook.headers", target: &w.headers, secret: true},
	}
}

// kinds are the sections that make a destination.
func (x *channels) kinds() (all []string) {
	for _, k := range []struct {
		name string
		on   bool
	}{
		{kindSlack, x.slack.webhookURL+x.slack.botToken != ""}, {kindPagerDuty, x.pager.routingKey != ""},
		{kindAlertmanager, len(x.alertmanager.urls) > 0}, {kindWebhook, x.webhook.url != ""},
	} {
		if k.on {
			all = append(all, k.name)
		}
	}
	return all
}

// validate holds the rules that concern more than one setting of a section, and reads the template.
func (x *channels) validate(where places, bad func(line int, format string, args ...any)) {
	x.validateSlack(where, bad)
	needs := func(target *string, name, other string, given bool) {
		if *target != "" && !given {
			bad(where.line(target), "%s: needs %s as well", name, other)
		}
	}
	p, a, w := &x.pager, &x.alertmanager, &x.webhook
	needs(&p.previousKey, "pagerduty.previous_routing_key", "pagerduty.routing_key", p.routingKey != "")
	needs(&a.username, "alertmanager.username", "alertmanager.urls", len(a.urls) > 0)
	needs(&a.password, "alertmanager.password", "alertmanager.username", a.username != "")
	needs(&a.token, "alertmanager.token", "alertmanager.urls", len(a.urls) > 0)
	needs(&w.secret, "webhook.secret", "webhook.url", w.url != "")
	needs(&w.template, "webhook.template", "webhook.url", w.url != "")
	if a.token != "" && a.username != "" {
		bad(where.line(&a.token), "alertmanager: either token or username and password, not both")
	}
	var err error
	if w.text, err = templateText(w.template, filepath.Dir(where.file)); err != nil {
		bad(where.line(&w.template), "webhook.template: %q cannot be read: %v", w.template, reason(err))
	}
}

// templateText is a template that is built in, or that of a file; a relative path begins at dir.
func templateText(name, dir string) (string, error) {
	switch {
	case name == "":
		return "", nil
	case name == "teams":
		return configs.Teams, nil
	case !filepath.IsAbs(name):
		name = filepath.Join(dir, name)
	}
	text, err := os.ReadFile(name)
	return string(text), err
}

func (x *channels) validateSlack(where places, bad func(line int, format string, args ...any)) {
	s := &x.slack
	if isExample(s.webhookURL) {
		bad(where.line(&s.webhookURL), "slack.webhook_url: this is still the example: https://api.slack.com/messaging/webhooks says how to get one")
	}
	if s.botToken != "" && s.channel == "" {
		bad(where.line(&s.botToken, &s.channel), "slack.bot_token: needs slack.channel as well")
	}
	if s.botToken != "" && s.webhookURL != "" {
		bad(where.line(&s.botToken), "slack: either webhook_url or bot_token, not both: every incident would be told twice")
	}
	if s.botToken == "" && s.channel != "" {
		bad(where.line(&s.channel), "slack.channel: %q needs slack.bot_token as well (an incoming webhook has its own channel)", s.channel)
	}
	if s.botToken == "" && s.apiURL != "" && s.apiURL != defaults().slack.apiURL {
		bad(where.line(&s.apiURL), "slack.api_url: needs slack.bot_token as well")
	}
}

// destination is one place to tell of incidents.
type destination struct {
	channels
	name, kind string
	at         places
}

// told are all destinations, those with a section of their own first.
func (c *config) told() (all []*destination) {
	for _, kind := range c.channels.kinds() {
		all = append(all, &destination{channels: c.channels, name: kind, kind: kind})
	}
	return append(all, c.alerts.more...)
}

// readDestination reads one entry of destinations.
func readDestination(file string, n *yaml.Node) (d *destination, err error) {
	d = &destination{channels: defaults().channels}
	d.at, err = applyEntry(file, n, append(d.channels.settings(), setting{name: "name", target: &d.name, check: destinationName}))
	if err != nil {
		return d, err
	}
	kinds := d.channels.kinds()
	switch {
	case d.name == "":
		return d, fault{file, n.Line, "destinations: name is needed"}
	case len(kinds) == 0:
		return d, fault{file, n.Line, fmt.Sprintf("destinations: %q tells nobody: slack, pagerduty, alertmanager or webhook is needed in it, with where to send to", d.name)}
	case len(kinds) > 1:
		return d, fault{file, n.Line, fmt.Sprintf("destinations: %q is %s: an entry for each is needed", d.name, strings.Join(kinds, " and "))}
	}
	d.kind = kinds[0]
	return d, nil
}

// tryDestinations makes each destination once, to learn whether it can be.
func (c *config) tryDestinations(where places, bad func(line int, format string, args ...any)) {
	client, err := alert.NewClient(alert.Policy{Allow: c.alerts.allow})
	if err != nil {
		bad(where.line(&c.alerts.allow), "alerts.allow: %v", err)
		return
	}
	for _, d := range c.told() {
		set := &d.channels
		if d.at.file == "" {
			set = &c.channels // where knows the settings of the sections by their place there
		}
		for _, a := range set.addresses(d.kind) {
			if u, err := url.Parse(a.url); err == nil && (alert.Policy{Allow: c.alerts.allow}).Refuses(u) {
				bad(c.lineOf(d, where, a.of), "%s: %s is not public, nothing would be sent there; to allow it: alerts.allow: [%q]", d.name, u.Hostname(), u.Hostname())
			}
		}
		if _, err := d.make(client); err != nil {
			bad(c.lineOf(d, where), "%s: %s", d.name, strings.TrimPrefix(err.Error(), d.kind+": "))
		}
	}
}

// address is where something is sent to, and the setting that says so.
type address struct {
	url string
	of  any
}

func (x *channels) addresses(kind string) (all []address) {
	switch s := &x.slack; {
	case kind == kindSlack && s.botToken != "":
		return []address{{s.apiURL, &s.apiURL}}
	case kind == kindSlack:
		return []address{{s.webhookURL, &s.webhookURL}}
	case kind == kindPagerDuty:
		return []address{{x.pager.url, &x.pager.url}}
	case kind == kindWebhook:
		return []address{{x.webhook.url, &x.webhook.url}}
	}
	for _, u := range x.alertmanager.urls {
		all = append(all, address{u, &x.alertmanager.urls})
	}
	return all
}

// lineOf is where a destination begins, or sets the first of these that it sets.
func (c *config) lineOf(d *destination, where places, targets ...any) int {
	if d.at.file != "" {
		return d.at.line(targets...)
	}
	for _, s := range c.channels.settings() {
		if strings.HasPrefix(s.name, d.kind+".") {
			targets = append(targets, s.target)
		}
	}
	return where.line(targets...)
}

// words names what a destination is, without secrets.
func (d *destination) words() string {
	text := map[string]string{kindPagerDuty: "PagerDuty", kindWebhook: "webhook"}[d.kind]
	switch {
	case d.kind == kindSlack && d.slack.botToken != "":
		text = "Slack (channel " + d.slack.channel + ")"
	case d.kind == kindSlack:
		text = "Slack (incoming webhook)"
	case d.kind == kindAlertmanager:
		text = "Alertmanager (" + strings.Join(d.alertmanager.urls, ", ") + ")"
	case d.kind == kindWebhook && d.webhook.template == "teams":
		text = "Teams"
	}
	if d.name != d.kind {
		return d.name + ": " + text
	}
	return text
}
