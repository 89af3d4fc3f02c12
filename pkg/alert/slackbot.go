package alert

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	slackAge  = 10 * time.Minute // a post is looked for from so long before it can have been made
	slackNews = time.Minute      // what opened longer ago may have been told by another process
	slackPage = "200"            // messages looked through
)

// slackBot posts once, edits, and answers in the thread. Each send is one of these steps.
type slackBot struct {
	id, base, channel string
	token             sealed
	caller            caller
}

func (s *slackBot) name() string { return s.id }

func (s *slackBot) traits() traits {
	return traits{revisions: true, every: time.Minute, gap: slackGap, timeout: requestTimeout, silences: true, reports: true}
}

// slackRemote is what the bot knows of an incident's post.
type slackRemote struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Shown   string `json:"shown"` // the look of the post
	Noted   string `json:"noted"` // the milestone the thread has
}

func (d delivery) noted() string {
	return strconv.Itoa(d.milestone) + " " + strconv.FormatBool(d.message.phase.over())
}

// notable says that a milestone belongs in the thread: that somebody silenced the incident does not, and what is none has no thread.
func (d delivery) notable() bool { return d.message.phase != hush && !d.message.line }

// send takes the next step towards a post that shows this state and a thread that has its milestone. What the post shows already is not sent
// again: newer proof and a silence change the post alone.
func (s *slackBot) send(ctx context.Context, d delivery) (receipt, error) {
	var at slackRemote
	if d.remote != "" && json.Unmarshal([]byte(d.remote), &at) != nil {
		at = slackRemote{}
	}
	p := newPost(d)
	p.Metadata = newMetadata(d, d.noted())
	switch look := p.look(); {
	case at.TS == "":
		return s.first(ctx, d, p, look)
	case at.Shown != look:
		return s.edit(ctx, d, p, look, at)
	case at.Noted != d.noted() && d.notable():
		return s.note(ctx, d, at)
	}
	return receipt{remote: d.remote}, nil
}

// first posts what no post is known of, unless an earlier one is found: of a request whose answer was lost, or of the process that told the
// incident before this one took over.
func (s *slackBot) first(ctx context.Context, d delivery, p slackPost, look string) (receipt, error) {
	if since := d.lookFrom(time.Now()); !since.IsZero() {
		found, err := s.find(ctx, d, since)
		if err != nil {
			return receipt{}, err
		}
		if found.TS != "" {
			return receipt{remote: string(encode(found)), more: true}, nil
		}
	}
	if d.message.phase == hush {
		return receipt{remote: d.remote}, nil
	}
	return s.post(ctx, d, p, look)
}

// lookFrom is the time since which another post of the incident may exist, zero when there can be none.
func (d delivery) lookFrom(now time.Time) time.Time {
	switch {
	case !d.doubtful.IsZero():
		return d.doubtful.Add(-slackAge)
	case d.in == nil || d.message.line || d.in.OpenedAt.IsZero():
		return time.Time{}
	case d.milestone > 1, now.Sub(d.in.OpenedAt) > slackNews:
		return d.in.OpenedAt.Add(-slackAge)
	}
	return time.Time{}
}

func (s *slackBot) post(ctx context.Context, d delivery, p slackPost, look string) (receipt, error) {
	p.Channel = s.channel
	r, err := s.api(ctx, "chat.postMessage", p)
	if err != nil {
		return receipt{}, err
	}
	if r.TS == "" {
		return receipt{}, &fault{verdict: doubtful, reason: "the answer names no message"}
	}
	at := slackRemote{Channel: r.Channel, TS: r.TS, Shown: look, Noted: d.noted()}
	if at.Channel == "" {
		at.Channel = s.channel
	}
	return receipt{remote: string(encode(at))}, nil
}

func (s *slackBot) edit(ctx context.Context, d delivery, p slackPost, look string, at slackRemote) (receipt, error) {
	p.Channel, p.TS = at.Channel, at.TS
	p.UnfurlLinks, p.UnfurlMedia = nil, nil // chat.update does not know them
	_, err := s.api(ctx, "chat.update", p)
	owesNote := at.Noted != d.noted() && d.notable()
	var f *fault
	if errors.As(err, &f) && f.verdict == refused {
		switch f.reason {
		case "message_not_found": // somebody deleted it: only a milestone is worth a new post
			if owesNote {
				return receipt{more: true}, nil
			}
			return receipt{remote: d.remote}, nil
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
	at.Shown = look
	return receipt{remote: string(encode(at)), more: owesNote}, nil
}

// note tells a milestone in the post's thread; one that is no end is shown in the channel too, as edits notify nobody.
func (s *slackBot) note(ctx context.Context, d delivery, at slackRemote) (receipt, error) {
	_, err := s.api(ctx, "chat.postMessage", newNote(d, at))
	var f *fault
	if errors.As(err, &f) && f.verdict == refused && (f.reason == "thread_not_found" || f.reason == "message_not_found") {
		return receipt{more: true}, nil // the post was deleted meanwhile
	}
	if err != nil {
		return receipt{}, err
	}
	at.Noted = d.noted()
	return receipt{remote: string(encode(at))}, nil
}

// find looks for a post of the incident that was made after since, in one page of the channel. Without the right to read the channel it finds
// nothing; a Slack that does not answer is a fault, so that nothing is posted blindly into an outage.
func (s *slackBot) find(ctx context.Context, d delivery, since time.Time) (slackRemote, error) {
	q := url.Values{"channel": {s.channel}, "limit": {slackPage}, "include_all_metadata": {"true"}, "oldest": {strconv.FormatInt(max(0, since.Unix()), 10)}}
	a, err := s.caller.call(ctx, http.MethodGet, s.base+"conversations.history?"+q.Encode(), s.token(), nil)
	if err != nil {
		return slackRemote{}, &fault{verdict: failed, reason: faultOf(err).reason}
	}
	r, f := readSlack(a)
	if f != nil && (f.verdict == doubtful || a.status != http.StatusOK) { // what is no answer of Slack's says nothing of the right to read
		f.verdict = failed
	}
	if f != nil && f.verdict == failed {
		return slackRemote{}, f
	}
	for _, m := range r.Messages {
		if m.Metadata == *newMetadata(d, m.Metadata.Payload.State) && m.Metadata.Payload.State != noteState {
			return slackRemote{Channel: s.channel, TS: m.TS, Noted: m.Metadata.Payload.State}, nil
		}
	}
	return slackRemote{}, nil
}
