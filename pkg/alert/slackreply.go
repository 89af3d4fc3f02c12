package alert

import (
	"context"
	"encoding/json"
	"net/http"
)

// slackReply is what we read of an answer of Slack's API.
type slackReply struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
	TS       string `json:"ts"`
	Channel  string `json:"channel"`
	Messages []struct {
		TS       string          `json:"ts"`
		Metadata json.RawMessage `json:"metadata"`
	} `json:"messages"`
	Next struct {
		Cursor string `json:"next_cursor"`
	} `json:"response_metadata"`
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
	f := &fault{verdict: slackVerdict(r.Error), reason: code(r.Error), after: a.retryAfter()}
	if f.reason == "" {
		f.reason = "refused without a known reason"
	}
	return r, f
}

// slackVerdict says what an error code of Slack's API means. A code that passes by itself is named here; every other one stays until a person does
// something: a token, a scope, a channel, a preference of the workspace, a message that Slack does not take.
func slackVerdict(code string) verdict {
	switch code {
	case "ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "team_added_to_org", "external_channel_migrating":
		return failed
	case "fatal_error", "internal_error", "request_timeout": // Slack: part of it may have been done
		return doubtful
	}
	return refused
}
