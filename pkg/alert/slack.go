package alert

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
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
	slackAge = 10 * time.Minute
)

// NewSlack makes the destination that s describes. A webhook follows the milestones of an incident, one post each; a bot
// follows its revisions in one post that it edits, at most once a minute, and tells milestones in the post's thread.
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

func (s *slackWebhook) traits() traits { return traits{gap: slackGap, timeout: requestTimeout} }

func (s *slackWebhook) send(ctx context.Context, d delivery) (receipt, error) {
	a, err := s.caller.call(ctx, http.MethodPost, s.target(), "", encode(newPost(d)))
	if err != nil {
		return receipt{}, err
	}
	if a.status == http.StatusOK {
		return receipt{remote: "posted"}, nil
	}
	return receipt{}, a.statusFault(code(string(a.body)))
}

// slackBot posts once, edits, and answers in the thread. Each send is one of these steps.
type slackBot struct {
	id, base, channel string
	token             sealed
	caller            caller
}

func (s *slackBot) name() string { return s.id }

func (s *slackBot) traits() traits {
	return traits{revisions: true, every: time.Minute, gap: slackGap, timeout: requestTimeout}
}

// slackRemote is what the bot knows of an incident's post.
type slackRemote struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Shown   string `json:"shown"` // the state the post shows
	Noted   string `json:"noted"` // the milestone the thread has
}

func (d delivery) shown() string { return strconv.Itoa(d.revision) + " " + string(d.message.phase) }

func (d delivery) noted() string {
	return strconv.Itoa(d.milestone) + " " + strconv.FormatBool(d.message.phase.over())
}

func (s *slackBot) send(ctx context.Context, d delivery) (receipt, error) {
	var at slackRemote
	if d.remote != "" && json.Unmarshal([]byte(d.remote), &at) != nil {
		at = slackRemote{}
	}
	switch {
	case at.TS == "" && !d.doubtful.IsZero():
		found, err := s.find(ctx, d)
		if err != nil {
			return receipt{}, err
		}
		if found.TS != "" {
			return receipt{remote: string(encode(found)), more: true}, nil
		}
		return s.post(ctx, d)
	case at.TS == "":
		return s.post(ctx, d)
	case at.Shown != d.shown():
		return s.edit(ctx, d, at)
	case at.Noted != d.noted():
		return s.note(ctx, d, at)
	}
	return receipt{remote: d.remote}, nil
}

func (s *slackBot) post(ctx context.Context, d delivery) (receipt, error) {
	p := newPost(d)
	p.Channel, p.Metadata = s.channel, newMetadata(d, d.noted())
	r, err := s.api(ctx, "chat.postMessage", p)
	if err != nil {
		return receipt{}, err
	}
	if r.TS == "" {
		return receipt{}, &fault{verdict: doubtful, reason: "the answer names no message"}
	}
	at := slackRemote{Channel: r.Channel, TS: r.TS, Shown: d.shown(), Noted: d.noted()}
	if at.Channel == "" {
		at.Channel = s.channel
	}
	return receipt{remote: string(encode(at))}, nil
}

func (s *slackBot) edit(ctx context.Context, d delivery, at slackRemote) (receipt, error) {
	p := newPost(d)
	p.Channel, p.TS, p.Metadata = at.Channel, at.TS, newMetadata(d, d.noted())
	p.UnfurlLinks, p.UnfurlMedia = nil, nil // chat.update does not know them
	_, err := s.api(ctx, "chat.update", p)
	var f *fault
	if errors.As(err, &f) && f.verdict == refused {
		switch f.reason {
		case "message_not_found": // somebody deleted it: only a milestone is worth a new post
			if at.Noted == d.noted() {
				return receipt{remote: d.remote}, nil
			}
			return receipt{more: true}, nil
		case "edit_window_closed", "cant_update_message": // the thread still takes milestones
			err = nil
		}
	}
	if err != nil {
		if f != nil && f.verdict == doubtful {
			f.verdict = failed // an edit made twice is one
		}
		return receipt{}, err
	}
	at.Shown = d.shown()
	return receipt{remote: string(encode(at)), more: at.Noted != d.noted()}, nil
}

// note tells a milestone in the post's thread; one that is no end is shown in the channel too, as edits notify nobody.
func (s *slackBot) note(ctx context.Context, d delivery, at slackRemote) (receipt, error) {
	if _, err := s.api(ctx, "chat.postMessage", newNote(d, at)); err != nil {
		return receipt{}, err
	}
	at.Noted = d.noted()
	return receipt{remote: string(encode(at))}, nil
}

// find looks for the post of an earlier request whose answer was lost. Without the right to read the channel it finds
// nothing; a Slack that does not answer is a fault, so that nothing is posted blindly into an outage.
func (s *slackBot) find(ctx context.Context, d delivery) (slackRemote, error) {
	q := url.Values{"channel": {s.channel}, "limit": {"200"}, "include_all_metadata": {"true"},
		"oldest": {strconv.FormatInt(d.doubtful.Add(-slackAge).Unix(), 10)}}
	a, err := s.caller.call(ctx, http.MethodGet, s.base+"conversations.history?"+q.Encode(), s.token(), nil)
	if err != nil {
		return slackRemote{}, &fault{verdict: failed, reason: faultOf(err).reason}
	}
	r, f := readSlack(a)
	if f != nil && f.verdict == doubtful {
		f.verdict = failed
	}
	if f != nil && f.verdict == failed {
		return slackRemote{}, f
	}
	for _, m := range r.Messages {
		if m.Metadata == *newMetadata(d, m.Metadata.Payload.State) && m.Metadata.Payload.State != "note" {
			return slackRemote{Channel: s.channel, TS: m.TS, Noted: m.Metadata.Payload.State}, nil
		}
	}
	return slackRemote{}, nil
}

// slackReply is what we read of an answer of Slack's API.
type slackReply struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
	TS       string `json:"ts"`
	Channel  string `json:"channel"`
	Messages []struct {
		TS       string        `json:"ts"`
		Metadata slackMetadata `json:"metadata"`
	} `json:"messages"`
}

func (s *slackBot) api(ctx context.Context, method string, p slackPost) (slackReply, error) {
	a, err := s.caller.call(ctx, http.MethodPost, s.base+method, s.token(), encode(p))
	if err != nil {
		return slackReply{}, err
	}
	r, f := readSlack(a)
	if f != nil {
		return r, f
	}
	return r, nil
}

// readSlack reads an answer of Slack's API, which says most errors with status 200 and ok false.
func readSlack(a answer) (slackReply, *fault) {
	var r slackReply
	err := json.Unmarshal(a.body, &r)
	switch {
	case a.status != http.StatusOK:
		return r, a.statusFault(code(r.Error))
	case err != nil || !a.whole:
		return slackReply{}, &fault{verdict: doubtful, reason: "the answer cannot be read"}
	case r.OK:
		return r, nil
	}
	f := &fault{verdict: refused, reason: code(r.Error), after: a.retryAfter()}
	switch f.reason {
	case "":
		f.reason = "refused without a known reason"
	case "ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "team_added_to_org":
		f.verdict = failed
	case "fatal_error", "internal_error", "request_timeout": // Slack: part of it may have been done
		f.verdict = doubtful
	}
	return r, f
}
