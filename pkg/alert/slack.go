package alert

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Slack configures one Slack destination: an incoming webhook, or a bot token and a channel.
type Slack struct {
	Name       string // "" means slack
	WebhookURL Secret // as Slack gives it
	Token      Secret // bot token with chat:write; channels:history lets it find a post whose answer was lost
	Channel    string // id of the channel, with Token
	APIURL     string // "" means https://slack.com/api/
	HTTP       *http.Client
}

const (
	slackAPI = "https://slack.com/api/"
	slackGap = time.Second // Slack takes about one message a second and channel
)

// NewSlack makes the destination that s describes. A webhook follows the milestones of an incident, one post each: opening, a big change, the end.
// A bot follows its revisions in one post that it edits, at most once a minute, and tells milestones in the post's thread. Both show the weekly
// line in a post of its own.
func NewSlack(s Slack) (Destination, error) {
	if s.Name == "" {
		s.Name = "slack"
	}
	if (s.WebhookURL == "") == (s.Token == "") {
		return nil, errors.New("slack: want either a webhook URL or a bot token")
	}
	if s.WebhookURL != "" {
		target, err := endpoint("slack webhook URL", string(s.WebhookURL))
		if err != nil {
			return nil, err
		}
		return &slackWebhook{id: s.Name, target: seal(target), caller: newCaller(s.HTTP)}, nil
	}
	if s.Channel == "" {
		return nil, errors.New("slack: a bot token needs a channel")
	}
	if s.APIURL == "" {
		s.APIURL = slackAPI
	}
	base, err := endpoint("slack API URL", s.APIURL)
	if err != nil {
		return nil, err
	}
	return &slackBot{id: s.Name, base: strings.TrimSuffix(base, "/") + "/", token: seal(string(s.Token)), channel: s.Channel, caller: newCaller(s.HTTP)}, nil
}

type slackWebhook struct {
	id     string
	target sealed
	caller caller
}

func (s *slackWebhook) name() string { return s.id }

func (s *slackWebhook) traits() traits {
	return traits{gap: slackGap, timeout: requestTimeout, reports: true}
}

func (s *slackWebhook) send(ctx context.Context, d delivery) (receipt, error) {
	a, err := s.caller.call(ctx, http.MethodPost, s.target(), "", encode(newPost(d)))
	if err != nil {
		return receipt{}, err
	}
	switch {
	case a.status == http.StatusOK && strings.HasPrefix(string(a.body), "<"):
		return receipt{}, &fault{verdict: doubtful, reason: "a web page answered in Slack's place"}
	case a.status == http.StatusOK:
		return receipt{remote: "posted"}, nil
	}
	return receipt{}, a.statusFault(code(string(a.body)))
}
