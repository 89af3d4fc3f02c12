package alert

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	slackAge     = 10 * time.Minute // a post is looked for from so long before it can have been made
	slackNews    = time.Minute      // what opened longer ago may have been told by another process
	slackPage    = 100              // messages of a page, of which Slack may give fewer
	slackPages   = 10               // that are looked through
	maxSlackPage = 8 << 20          // bytes
)

// slackSearch is a search for a post that another page of the channel may hold, newest first.
type slackSearch struct {
	Oldest time.Time `json:"oldest"`
	Doubt  time.Time `json:"doubt,omitzero"` // for which it began: a newer one begins it anew
	Cursor string    `json:"cursor,omitempty"`
	Pages  int       `json:"pages,omitempty"` // looked through
}

// search is the one that goes on or begins before a first post; nil: there can be no other post.
func (d delivery) search(before *slackSearch, now time.Time) *slackSearch {
	since := d.lookFrom(now)
	switch {
	case before == nil && since.IsZero():
		return nil
	case before == nil:
		return &slackSearch{Oldest: since, Doubt: d.doubtful}
	case d.doubtful.IsZero() || d.doubtful.Equal(before.Doubt):
		return before
	}
	return &slackSearch{Oldest: sooner(since, before.Oldest), Doubt: d.doubtful}
}

// lookFrom is the time since which another post of the incident may exist, zero when there can be none.
func (d delivery) lookFrom(now time.Time) time.Time {
	switch {
	case !d.doubtful.IsZero():
		return d.doubtful.Add(-slackAge)
	case d.in == nil || d.message.line || d.in.OpenedAt.IsZero():
		return time.Time{}
	case d.milestone > 1, now.Sub(d.in.OpenedAt) > slackNews:
		return sooner(d.in.FirstOpened, d.in.OpenedAt).Add(-slackAge)
	}
	return time.Time{}
}

// find looks for a post of the incident in the next page of the channel: it gives the post, or the search that goes on, or neither. Without the
// right to read the channel it finds nothing; a Slack that does not answer is a fault, so that nothing is posted blindly into an outage.
func (s *slackBot) find(ctx context.Context, d delivery, q slackSearch) (slackRemote, error) {
	values := url.Values{"channel": {s.channel}, "limit": {strconv.Itoa(slackPage)}, "include_all_metadata": {"true"}, "oldest": {strconv.FormatInt(max(0, q.Oldest.Unix()), 10)}}
	if q.Cursor != "" {
		values.Set("cursor", q.Cursor)
	}
	a, err := s.caller.upTo(maxSlackPage).call(ctx, http.MethodGet, s.base+"conversations.history?"+values.Encode(), s.token(), nil)
	if err != nil {
		f := faultOf(err)
		if f.verdict == doubtful { // nothing was posted
			f.verdict = failed
		}
		return slackRemote{}, f
	}
	r, f := readSlack(a)
	if f != nil && (f.verdict == doubtful || a.status != http.StatusOK) { // what is no answer of Slack's says nothing of the right to read
		f.verdict = failed
	}
	if f != nil && f.verdict == failed {
		return slackRemote{}, f
	}
	for _, m := range r.Messages {
		if state, ours := d.postState(m.Metadata); ours {
			return slackRemote{Channel: s.channel, TS: m.TS, Noted: state}, nil
		}
	}
	q.Cursor, q.Pages = r.Next.Cursor, q.Pages+1
	if q.Cursor == "" || q.Pages >= slackPages {
		return slackRemote{}, nil
	}
	return slackRemote{Search: &q}, nil
}

// postState reads the metadata of a message, which may be another app's and of any form: it is that of a post of the incident, in this state.
func (d delivery) postState(metadata json.RawMessage) (state string, ours bool) {
	var m slackMetadata
	if json.Unmarshal(metadata, &m) != nil {
		return "", false
	}
	state = m.Payload.State
	return state, m == *newMetadata(d, state) && state != noteState
}
