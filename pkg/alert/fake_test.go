package alert

import (
	"net/http"
	"testing"

	"github.com/revwatch/revwatch/internal/counterpart"
)

const (
	slackSecret = "/services/T0/B0/s3cr3tWebhook"
	slackToken  = "xoxb-s3cr3tToken"
	pagerKey    = "s3cr3t00000000000000000000000000"
)

// onLoopback is a network of real connections that lasts as long as the test. What its servers found wrong fails the test.
func onLoopback(t *testing.T) *counterpart.Network {
	n := counterpart.Loopback()
	t.Cleanup(n.Close)
	return n
}

// over is a client that has our own transport, but for whom it reaches.
func over(n *counterpart.Network) *http.Client {
	c, err := NewClient(Policy{})
	if err != nil {
		panic(err)
	}
	return n.Over(c.Transport.(*http.Transport))
}

func must(d Destination, err error) func(*testing.T) Destination {
	return func(t *testing.T) Destination {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

// newSlack is a workspace on loopback that takes messages as fast as they come.
func newSlack(t *testing.T) (*counterpart.Network, *counterpart.Slack) {
	n := onLoopback(t)
	s := n.Slack("slack", slackToken, slackSecret)
	s.Gap = 0
	right(t, &s.Server)
	return n, s
}

func newPager(t *testing.T) (*counterpart.Network, *counterpart.PagerDuty) {
	n := onLoopback(t)
	p := n.PagerDuty("pager", pagerKey)
	right(t, &p.Server)
	return n, p
}

// right fails the test when a server found something wrong.
func right(t *testing.T, s *counterpart.Server) {
	t.Cleanup(func() {
		if wrong := s.Wrong(); len(wrong) > 0 {
			t.Errorf("%q", wrong)
		}
	})
}

func webhookTo(t *testing.T, n *counterpart.Network, s *counterpart.Slack) Destination {
	return must(NewSlack(Slack{WebhookURL: Secret(s.URL + slackSecret), HTTP: over(n)}))(t)
}

func botTo(t *testing.T, n *counterpart.Network, s *counterpart.Slack) Destination {
	return must(NewSlack(Slack{Token: slackToken, Channel: "C1", APIURL: s.URL + "/api", HTTP: over(n)}))(t)
}

func pagerTo(t *testing.T, n *counterpart.Network, p *counterpart.PagerDuty) Destination {
	return must(NewPagerDuty(PagerDuty{RoutingKey: pagerKey, URL: p.URL, HTTP: over(n)}))(t)
}

// loopback is a client that may reach the servers of the tests.
func loopback(t *testing.T) *http.Client {
	t.Helper()
	c, err := NewClient(Policy{Allow: []string{"127.0.0.0/8"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
