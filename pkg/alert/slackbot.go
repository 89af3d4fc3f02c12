package alert

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"
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

	Search *slackSearch `json:"search,omitempty"` // that did not come to its end
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
		return s.first(ctx, d, p, look, at.Search)
	case at.Shown != look:
		return s.edit(ctx, d, p, look, at)
	case at.Noted != d.noted() && d.notable():
		return s.note(ctx, d, at)
	}
	return receipt{remote: d.remote}, nil
}

// first posts what no post is known of, unless an earlier one is found: of a request whose answer was lost, or of the process that told the
// incident before this one took over. Where only the second could be, a search that fails keeps nothing back.
func (s *slackBot) first(ctx context.Context, d delivery, p slackPost, look string, before *slackSearch) (receipt, error) {
	if q := d.search(before, time.Now()); q != nil {
		at, err := s.find(ctx, d, *q)
		if err != nil && (!d.doubtful.IsZero() || faultOf(err).after > 0) {
			return receipt{}, err
		}
		if at.TS != "" || at.Search != nil {
			return receipt{remote: string(encode(at)), more: true}, nil
		}
	}
	if d.message.phase == hush {
		return receipt{remote: d.remote}, nil
	}
	return s.post(ctx, d, p, look)
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
