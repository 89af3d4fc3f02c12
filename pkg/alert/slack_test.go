package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// slackLine is a transport to a Slack that keeps what it is asked and answers as it is told.
type slackLine struct {
	methods []string
	bodies  []string
	answers map[string]string // by method; "" means taken
	history string            // what conversations.history answers
	status  int               // 0: 200
}

func (s *slackLine) RoundTrip(r *http.Request) (*http.Response, error) {
	method := path.Base(r.URL.Path)
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	s.methods, s.bodies = append(s.methods, method), append(s.bodies, string(body))
	answer := s.answers[method]
	switch {
	case answer != "":
	case method == "conversations.history":
		answer = or(s.history, `{"ok":true,"messages":[]}`)
	case strings.HasPrefix(method, "chat."):
		answer = fmt.Sprintf(`{"ok":true,"channel":"C1","ts":"17.%d"}`, len(s.methods))
	default:
		answer = "ok"
	}
	return &http.Response{StatusCode: max(s.status, http.StatusOK), Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(answer)))}, nil
}

func (s *slackLine) bot(t *testing.T) Destination {
	return must(NewSlack(Slack{Token: slackToken, Channel: "C1", HTTP: &http.Client{Transport: s}}))(t)
}

func (s *slackLine) webhook(t *testing.T) Destination {
	return must(NewSlack(Slack{WebhookURL: "https://hooks.slack.com/services/T0/B0/hook", HTTP: &http.Client{Transport: s}}))(t)
}

// whole sends a state until all of it is told and returns what the destination knows then.
func (s *slackLine) whole(t *testing.T, to Destination, d delivery, remote string) string {
	t.Helper()
	d.remote = remote
	for range 10 {
		r, err := to.send(context.Background(), d)
		if err != nil {
			t.Fatalf("after %q: %v", s.methods, err)
		}
		if d.remote = r.remote; !r.more {
			return d.remote
		}
	}
	t.Fatalf("no end: %q", s.methods)
	return ""
}

// took returns the methods called since the last call of took.
func (s *slackLine) took() string {
	got := strings.Join(s.methods, " ")
	s.methods, s.bodies = nil, nil
	return got
}

func (s *slackLine) expect(t *testing.T, what, want string) {
	t.Helper()
	if got := s.took(); got != want {
		t.Errorf("%s: called %q, want %q", what, got, want)
	}
}

// newborn is an incident that nobody can have told before.
func newborn() detect.Incident {
	in := revoked()
	in.OpenedAt = time.Now()
	return in
}

const (
	chatPost    = "chat.postMessage"
	chatUpdate  = "chat.update"
	chatHistory = "conversations.history"
)

// TestSlackBotSteps: one post, edits for whatever changes, a line in the thread for a milestone and for nothing else.
func TestSlackBotSteps(t *testing.T) {
	s := &slackLine{}
	to, in := s.bot(t), newborn()
	remote := s.whole(t, to, tell(in, nil, open), "")
	s.expect(t, "opening", chatPost)
	s.whole(t, to, tell(in, nil, open), remote)
	s.expect(t, "the same again", "")

	in.Revision, in.Observed = 2, 31
	remote = s.whole(t, to, tell(in, nil, open), remote)
	s.expect(t, "a revision", chatUpdate)
	in.Revision, in.Milestone, in.Scope = 3, 2, "provider"
	remote = s.whole(t, to, tell(in, nil, open), remote)
	s.expect(t, "a milestone", chatUpdate+" "+chatPost)

	in.Revision, in.Milestone = 4, 3
	remote = s.whole(t, to, tell(in, nil, hush), remote)
	s.expect(t, "silenced, and a milestone under it", chatUpdate)
	remote = s.whole(t, to, tell(in, nil, open), remote)
	s.expect(t, "the silence ended", chatUpdate+" "+chatPost)

	end := ended(in)
	remote = s.whole(t, to, tell(end, nil, resolve), remote)
	s.expect(t, "the end", chatUpdate+" "+chatPost)
	end.Proof, end.Recovered = 1, []string{"user-0003"}
	remote = s.whole(t, to, tell(end, nil, resolve), remote)
	s.expect(t, "newer proof", chatUpdate)
	s.whole(t, to, tell(reopened(end), nil, open), remote)
	s.expect(t, "open again", chatUpdate+" "+chatPost)
}

// TestSlackBotNotes: what stands in the thread of a post, and whether the channel sees it too.
func TestSlackBotNotes(t *testing.T) {
	for _, c := range []struct {
		d         delivery
		broadcast bool
	}{{tell(reopened(revoked()), nil, open), true}, {tell(ended(revoked()), nil, resolve), false}, {tell(child(), nil, fold), false}} {
		p := newNote(c.d, slackRemote{Channel: "C1", TS: "17.1"})
		if p.Broadcast != c.broadcast || p.Thread != "17.1" || p.Channel != "C1" || len(p.Blocks) != 1 || p.Metadata.Payload.State != noteState {
			t.Errorf("%s", encode(p))
		}
	}
}

// TestSlackBotWeekly: a post of its own, once; when its words change it is edited, and it never has a thread.
func TestSlackBotWeekly(t *testing.T) {
	s := &slackLine{}
	to, d := s.bot(t), tell(detect.Incident{ID: "week", Revision: 1, Milestone: 1, OpenedAt: onset}, nil, open)
	d.message.line, d.message.headline = true, "Last week: nothing unusual"
	remote := s.whole(t, to, d, "")
	s.expect(t, "the line", chatPost)
	d.milestone, d.message.headline = 2, "Last week: 2 incidents"
	s.whole(t, to, d, remote)
	s.expect(t, "other words", chatUpdate)
}

// TestSlackBotTakesOver: who does not know of a post looks for it, unless the incident is so new that there can be none.
func TestSlackBotTakesOver(t *testing.T) {
	found := func(in detect.Incident, state string) string {
		return string(encode(map[string]any{"ok": true, "messages": []any{map[string]any{"ts": "3.1", "metadata": newMetadata(tell(in, nil, open), state)}}}))
	}
	old, grown := revoked(), newborn()
	grown.Milestone, grown.Revision = 2, 5
	other := revoked()
	other.ID = "77aa0a1b2c3d4e5f"
	for _, c := range []struct {
		what, history, want string
		in                  detect.Incident
	}{
		{"new", found(newborn(), "1 false"), chatPost, newborn()},
		{"old, told before", found(old, "1 false"), chatHistory + " " + chatUpdate, old},
		{"old, told up to an earlier milestone", found(grown, "1 false"), chatHistory + " " + chatUpdate + " " + chatPost, grown},
		{"old, never told", `{"ok":true,"messages":[]}`, chatHistory + " " + chatPost, old},
		{"old, only another was told", found(other, "1 false"), chatHistory + " " + chatPost, old},
		{"old, only its thread is found", found(old, noteState), chatHistory + " " + chatPost, old},
		{"old, not allowed to look", `{"ok":false,"error":"missing_scope"}`, chatHistory + " " + chatPost, old},
		{"old, the search does not work", `{"ok":false,"error":"fatal_error"}`, chatHistory + " " + chatPost, old},
		{"old, not in the channel", `{"ok":false,"error":"not_in_channel"}`, chatHistory + " " + chatPost, old},
	} {
		s := &slackLine{history: c.history}
		s.whole(t, s.bot(t), tell(c.in, nil, open), "")
		s.expect(t, c.what, c.want)
	}
}

// TestSlackBotLooksFirst: where a post may be there, a Slack that does not answer is not posted to blindly; and what was silenced in doubt is not posted at all.
func TestSlackBotLooksFirst(t *testing.T) {
	s := &slackLine{history: `{"ok":false,"error":"ratelimited"}`}
	doubted := tell(revoked(), nil, open)
	doubted.doubtful = time.Now()
	if _, err := s.bot(t).send(context.Background(), doubted); faultOf(err).verdict != failed || s.took() != chatHistory {
		t.Errorf("posted blindly: %v", err)
	}
	s = &slackLine{}
	d := tell(newborn(), nil, hush)
	d.doubtful = time.Now()
	s.whole(t, s.bot(t), d, "")
	s.expect(t, "a post in doubt, silenced", chatHistory)
}

// TestSlackBotThreadIsGone: a post that is deleted between an edit and its note is made anew.
func TestSlackBotThreadIsGone(t *testing.T) {
	s := &slackLine{}
	to, in := s.bot(t), newborn()
	remote := s.whole(t, to, tell(in, nil, open), "")
	s.took()
	s.answers = map[string]string{chatPost: `{"ok":false,"error":"thread_not_found"}`}
	d := tell(ended(in), nil, resolve)
	d.remote = remote
	r, err := to.send(context.Background(), d)
	if d.remote = r.remote; err != nil || !r.more {
		t.Fatalf("%+v, %v", r, err)
	}
	r, err = to.send(context.Background(), d)
	if err != nil || !r.more || r.remote != "" {
		t.Errorf("the note of a deleted post: %+v, %v", r, err)
	}
	s.answers = nil
	s.took()
	s.whole(t, to, d, r.remote)
	s.expect(t, "then", chatHistory+" "+chatPost)
}

// TestSlackBotPostIsDeleted: only a milestone is worth a new post.
func TestSlackBotPostIsDeleted(t *testing.T) {
	gone := map[string]string{chatUpdate: `{"ok":false,"error":"message_not_found"}`}
	s := &slackLine{}
	to, in := s.bot(t), newborn()
	remote := s.whole(t, to, tell(in, nil, open), "")
	s.took()
	s.answers = gone
	in.Revision, in.Observed = 2, 31
	s.whole(t, to, tell(in, nil, open), remote)
	s.expect(t, "a revision", chatUpdate)
	in.Milestone = 2
	s.whole(t, to, tell(in, nil, hush), remote)
	s.expect(t, "a silence", chatUpdate)
	s.whole(t, to, tell(in, nil, open), remote)
	s.expect(t, "a milestone", chatUpdate+" "+chatHistory+" "+chatPost)
}

// TestSlackErrors: each error that Slack documents for its methods and webhooks, and what it means for the next try.
func TestSlackErrors(t *testing.T) {
	kinds := map[verdict]string{
		failed:   "ratelimited rate_limited message_limit_exceeded service_unavailable team_added_to_org external_channel_migrating",
		doubtful: "fatal_error internal_error request_timeout",
		refused: "invalid_auth not_authed account_inactive token_revoked token_expired no_permission missing_scope org_login_required ekm_access_denied access_denied " +
			"team_access_not_granted enterprise_is_restricted not_allowed_token_type two_factor_setup_required accesslimited channel_not_found is_archived not_in_channel " +
			"restricted_action restricted_action_read_only_channel restricted_action_thread_only_channel restricted_action_non_threadable_channel no_service " +
			"invalid_blocks invalid_blocks_format msg_blocks_too_long msg_too_long no_text too_many_attachments metadata_too_large metadata_must_be_sent_from_app " +
			"invalid_metadata_format invalid_arguments invalid_json json_not_object invalid_charset invalid_arg_name method_deprecated deprecated_endpoint " +
			"team_not_found messages_tab_disabled something_new",
	}
	for want, codes := range kinds {
		for _, c := range strings.Fields(codes) {
			a := answer{status: 200, header: http.Header{"Retry-After": {"7"}}, body: []byte(`{"ok":false,"error":"` + c + `"}`), whole: true, now: time.Now()}
			if _, f := readSlack(a); f == nil || f.verdict != want || f.reason != c || f.after != 7*time.Second {
				t.Errorf("%s: %+v, want %s", c, f, want)
			}
		}
	}
}

// TestSlackWebhookErrors: a webhook says its errors as text with a status.
func TestSlackWebhookErrors(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   verdict
	}{
		{400, "invalid_payload", refused}, {400, "user_not_found", refused}, {400, "no_text", refused}, {400, "too_many_attachments", refused}, {403, "action_prohibited", refused},
		{403, "invalid_token", refused}, {403, "team_disabled", refused}, {404, "channel_not_found", refused}, {404, "no_service", refused}, {404, "no_active_hooks", refused},
		{404, "no_team", refused}, {410, "channel_is_archived", refused}, {500, "rollup_error", failed}, {429, "rate_limited", failed}, {503, "service_unavailable", failed},
	} {
		s := &slackLine{status: c.status, answers: map[string]string{"hook": c.body}}
		_, err := s.webhook(t).send(context.Background(), tell(revoked(), nil, open))
		if got := faultOf(err); got.verdict != c.want || got.reason != fmt.Sprintf("HTTP %d %s", c.status, c.body) {
			t.Errorf("%d %s: %s %q", c.status, c.body, got.verdict, got.reason)
		}
	}
}

// TestSlackTraits: who follows what.
func TestSlackTraits(t *testing.T) {
	bot, hook := (&slackBot{}).traits(), (&slackWebhook{}).traits()
	if !bot.revisions || !bot.silences || !bot.reports || bot.every != time.Minute || hook.revisions || hook.silences || !hook.reports {
		t.Errorf("bot %+v, webhook %+v", bot, hook)
	}
}

// TestSlackRemoteOfEarlierVersion: what an earlier version kept is read: its post is edited, not made again.
func TestSlackRemoteOfEarlierVersion(t *testing.T) {
	s := &slackLine{}
	s.whole(t, s.bot(t), tell(revoked(), nil, open), `{"channel":"C1","ts":"9.1","shown":"1 open","noted":"1 false"}`)
	if !slices.Equal(s.methods, []string{chatUpdate}) || !json.Valid([]byte(s.bodies[0])) || !strings.Contains(s.bodies[0], `"ts":"9.1"`) {
		t.Errorf("%q %q", s.methods, s.bodies)
	}
}
