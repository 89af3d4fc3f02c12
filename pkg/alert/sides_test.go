package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/configs"
	"github.com/revwatch/revwatch/internal/counterpart"
)

// side is one destination and the place where a person sees what it tells.
type side struct {
	name  string
	calls int // requests of one milestone
	good  int // status of a good answer
	tells int // messages of an incident that opens, gets worse and ends
	start func(*testing.T, *counterpart.Network, bool) (Destination, *counterpart.Server, func(id string) sight)

	repeats bool     // it is told again and again
	keyed   bool     // the other side knows a request by its key: nothing ever shows twice
	finds   bool     // it looks for an opening of which it does not know whether it arrived
	trusts  []string // faults whose answer it takes for a good one: Slack's webhook answers 200 only when it has posted
}

// sight is what a person saw of one incident.
type sight struct {
	openings int // messages that could have been the first: one, but for doubts
	messages int // everything that is new to a person: posts and notes, pages, alerts that fire
	over     bool
	wrong    []string
}

// sides are all destinations that are reached over a network.
func sides() []side {
	return []side{
		{name: "slack bot", calls: 2, good: 200, tells: 3, start: startBot, finds: true},
		{name: "slack webhook", calls: 1, good: 200, tells: 3, start: startWebhook, trusts: []string{"empty 200", "wrong JSON", "ok:false"}},
		{name: "pagerduty", calls: 1, good: 202, tells: 1, start: startPager, keyed: true},
		{name: "alertmanager", calls: 1, good: 200, tells: 1, start: startAlertmanager, keyed: true, repeats: true, trusts: []string{"empty 200", "wrong JSON", "ok:false"}},
		{name: "webhook", calls: 1, good: 204, tells: 3, start: startHook, keyed: true, trusts: anyAnswer},
		{name: "teams", calls: 1, good: 202, tells: 3, start: startTeams, trusts: anyAnswer},
	}
}

// anyAnswer are the bodies that mean nothing to a destination for which a status of 200 says it all.
var anyAnswer = []string{"empty 200", "wrong JSON", "ok:false", "HTML 200"}

// at is the address of a server.
func at(s *counterpart.Server, secure bool) string {
	if secure {
		return s.Secure
	}
	return s.URL
}

func startBot(t *testing.T, n *counterpart.Network, secure bool) (Destination, *counterpart.Server, func(string) sight) {
	s := n.Slack("slack", slackToken, slackSecret)
	d := must(NewSlack(Slack{Name: "it", Token: slackToken, Channel: "C1", APIURL: at(&s.Server, secure) + "/api", HTTP: over(n)}))(t)
	return d, &s.Server, func(id string) sight {
		posts := about(id, s.Posts())
		saw := sight{openings: len(posts), messages: len(posts) + len(s.Notes()), wrong: s.Mentions()}
		for _, p := range posts {
			saw.over = strings.Contains(p.Shown, "is over")
		}
		return saw
	}
}

func startWebhook(t *testing.T, n *counterpart.Network, secure bool) (Destination, *counterpart.Server, func(string) sight) {
	s := n.Slack("hooks", slackToken, slackSecret)
	d := must(NewSlack(Slack{Name: "it", WebhookURL: Secret(at(&s.Server, secure) + slackSecret), HTTP: over(n)}))(t)
	return d, &s.Server, func(id string) sight {
		posts := about(id, s.Posts())
		saw := sight{messages: len(posts), wrong: s.Mentions()}
		for _, p := range posts {
			if saw.over && !strings.Contains(p.Shown, "is over") {
				saw.wrong = append(saw.wrong, "open after its end")
			}
			saw.over = strings.Contains(p.Shown, "is over")
			if strings.Contains(p.Shown, "23 connections") {
				saw.openings++
			}
		}
		return saw
	}
}

func startPager(t *testing.T, n *counterpart.Network, secure bool) (Destination, *counterpart.Server, func(string) sight) {
	s := n.PagerDuty("pager", pagerKey)
	d := must(NewPagerDuty(PagerDuty{Name: "it", RoutingKey: pagerKey, URL: at(&s.Server, secure), HTTP: over(n)}))(t)
	return d, &s.Server, func(id string) sight {
		saw := sight{wrong: s.Misplaced()}
		for _, p := range s.Pages() {
			if p.Key == id {
				saw.openings, saw.messages, saw.over = saw.openings+1, saw.messages+1, p.State == "resolved"
			}
		}
		return saw
	}
}

func startAlertmanager(t *testing.T, n *counterpart.Network, secure bool) (Destination, *counterpart.Server, func(string) sight) {
	s := n.Alertmanager("am")
	d := must(NewAlertmanager(Alertmanager{Name: "it", URLs: []string{at(&s.Server, secure)}, Token: slackToken, HTTP: over(n)}))(t)
	return d, &s.Server, func(id string) (saw sight) {
		for _, a := range s.Alerts() {
			saw.openings, saw.messages, saw.over = saw.openings+1, saw.messages+1, !a.Firing(time.Now())
			if a.Annotations["incident"] != id {
				saw.wrong = append(saw.wrong, "an alert of "+a.Annotations["incident"])
			}
		}
		return saw
	}
}

func startHook(t *testing.T, n *counterpart.Network, secure bool) (Destination, *counterpart.Server, func(string) sight) {
	s := n.Webhook("receiver", "/s3cr3t", pagerKey)
	d := must(NewWebhook(Webhook{Name: "it", URL: Secret(at(&s.Server, secure) + "/s3cr3t"), Secret: pagerKey, HTTP: over(n)}))(t)
	return d, &s.Server, func(id string) (saw sight) {
		for i, d := range s.Deliveries() {
			saw.messages++
			saw.over = strings.Contains(d.Body, `"phase":"resolve"`)
			if i == 0 {
				saw.openings++
			}
			if !strings.Contains(d.Body, id) || saw.over && i+1 < len(s.Deliveries()) {
				saw.wrong = append(saw.wrong, "not in order: "+d.ID)
			}
		}
		return saw
	}
}

func startTeams(t *testing.T, n *counterpart.Network, secure bool) (Destination, *counterpart.Server, func(string) sight) {
	s := n.Teams("teams", "/s3cr3t")
	d := must(NewWebhook(Webhook{Name: "it", URL: Secret(at(&s.Server, secure) + "/s3cr3t"), Template: configs.Teams, HTTP: over(n)}))(t)
	return d, &s.Server, func(id string) (saw sight) {
		for _, c := range s.Cards() {
			if !strings.Contains(c.Shown, id) {
				continue
			}
			saw.messages++
			if saw.wrong = append(saw.wrong, c.Mentions...); saw.over && !strings.Contains(c.Shown, "is over") {
				saw.wrong = append(saw.wrong, "open after its end")
			}
			if saw.over = strings.Contains(c.Shown, "is over"); strings.Contains(c.Shown, "23 connections") && !saw.over {
				saw.openings++
			}
		}
		return saw
	}
}

// about are the messages that name an incident.
func about(id string, all []counterpart.Message) (those []counterpart.Message) {
	for _, m := range all {
		if strings.Contains(m.Shown, id) {
			those = append(those, m)
		}
	}
	return those
}
