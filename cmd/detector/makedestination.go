package main

import (
	"fmt"
	"net/http"

	"github.com/revwatch/revwatch/pkg/alert"
)

// alertTo makes the destinations that are configured, all with one client that keeps the outbound policy.
func (c *config) alertTo() (to []alert.Destination, err error) {
	client, err := alert.NewClient(alert.Policy{Allow: c.alerts.allow})
	if err != nil {
		return nil, fmt.Errorf("alerts.allow: %w", err)
	}
	for _, d := range c.told() {
		made, err := d.make(client)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		to = append(to, made)
	}
	return to, nil
}

// make makes the destination. An error holds no secret.
func (d *destination) make(client *http.Client) (alert.Destination, error) {
	switch d.kind {
	case kindPagerDuty:
		p := &d.pager
		return alert.NewPagerDuty(alert.PagerDuty{
			Name: d.name, RoutingKey: alert.Secret(p.routingKey), PreviousKey: alert.Secret(p.previousKey), URL: p.url, HTTP: client,
		})
	case kindAlertmanager:
		a := &d.alertmanager
		return alert.NewAlertmanager(alert.Alertmanager{
			Name: d.name, URLs: a.urls, Labels: a.labels, User: a.username, Password: alert.Secret(a.password), Token: alert.Secret(a.token), HTTP: client,
		})
	case kindWebhook:
		return d.makeWebhook(client)
	}
	s := &d.slack
	return alert.NewSlack(alert.Slack{
		Name: d.name, WebhookURL: alert.Secret(s.webhookURL), Token: alert.Secret(s.botToken), Channel: s.channel, APIURL: s.apiURL, HTTP: client,
	})
}

func (d *destination) makeWebhook(client *http.Client) (alert.Destination, error) {
	w := &d.webhook
	headers := make(map[string]alert.Secret, len(w.headers))
	for name, v := range w.headers {
		headers[name] = alert.Secret(v)
	}
	follow := w.follow
	if follow == "auto" {
		follow = ""
	}
	return alert.NewWebhook(alert.Webhook{
		Name: d.name, URL: alert.Secret(w.url), Secret: alert.Secret(w.secret), Template: w.text, Follow: follow, Headers: headers, HTTP: client,
	})
}
