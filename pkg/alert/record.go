package alert

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// bucket of the store that holds the records; the key is destination, a zero byte, incident id.
const bucket = "deliveries"

func recordKey(destination, incident string) string { return destination + "\x00" + incident }

func splitKey(key string) (destination, incident string, ok bool) {
	return strings.Cut(key, "\x00")
}

// mark names a state of an incident as a destination was told it.
type mark struct {
	Revision  int    `json:"revision"`
	Milestone int    `json:"milestone"`
	Phase     phase  `json:"phase"`
	Proof     int    `json:"proof,omitempty"`
	Silence   string `json:"silence,omitempty"` // that hushed it
}

// record is what one destination has of one incident. It is written before each request (Trying) and after it.
type record struct {
	Sent    mark      `json:"sent"`              // newest state that was accepted whole
	Part    phase     `json:"part,omitempty"`    // of a state after it, of which a part was accepted
	Trying  *mark     `json:"trying,omitempty"`  // a request was begun and its end is not known here
	Doubt   time.Time `json:"doubt,omitzero"`    // since then a request may have arrived of which nothing is known
	Doubts  int       `json:"doubts,omitempty"`  // how many such requests in a row
	Remote  string    `json:"remote,omitempty"`  // the destination's own
	Since   time.Time `json:"since,omitzero"`    // pending since
	Tried   time.Time `json:"tried,omitzero"`    // last request
	Told    time.Time `json:"told,omitzero"`     // last accepted state
	Ended   time.Time `json:"ended,omitzero"`    // when its end was accepted first
	Next    time.Time `json:"next,omitzero"`     // no request for this incident before
	Hold    time.Time `json:"hold,omitzero"`     // no request to this destination before
	Refusal *refusal  `json:"refusal,omitempty"` // the state that will not be had
	Waived  int       `json:"waived,omitempty"`  // the milestone with which it ended while the destination was not to be told

	repeated time.Time // when the state was last sent, by this process
}

// refusal is a state that the destination refused for good.
type refusal struct {
	Mark   mark      `json:"mark"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since,omitzero"` // nothing of the incident was accepted since
	Until  time.Time `json:"until"`          // tried again then, or for a newer milestone
}

func parseRecord(value []byte) (record, error) {
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("delivery record: %w", err)
	}
	return r, nil
}

// reopenedFile makes a record that was read from the store true again: a request whose end was not written is in doubt.
func (r *record) reopenedFile(t traits) (doubt bool) {
	if r.Trying == nil {
		return false
	}
	r.Trying = nil
	r.doubt(t, r.Tried)
	return true
}

// doubt notes a request of which it is not known whether it arrived. Where it would show twice it is repeated slowly.
func (r *record) doubt(t traits, at time.Time) {
	r.Doubts++
	if r.Doubt.IsZero() {
		r.Doubt = at
	}
	if !t.keyed {
		r.Next = at.Add(backoff(r.Doubts, doubtBase, doubtCap))
	}
}

// before orders records of states that may be sent at the same time: tried least recently, then pending longest.
func (r *record) before(o *record, id, other string) bool {
	switch {
	case !r.Tried.Equal(o.Tried):
		return r.Tried.Before(o.Tried)
	case !r.Since.Equal(o.Since):
		return r.Since.Before(o.Since)
	}
	return id < other
}

// told says that the destination knows of the incident, or may know, and was not told of its end.
func (r *record) told() bool {
	return r.Sent.Phase == open || r.Sent.Phase == hush || r.Part == open || !r.Doubt.IsZero()
}

// unsure says that the destination shows, or may show, something else than that the incident is open.
func (r *record) unsure() bool { return r.Sent.Phase == hush || r.Part != none || !r.Doubt.IsZero() }

// mark is what Sent becomes when the state is accepted. Neither a silence nor newer proof of an end is a milestone: what was not told yet stays owed.
func (r *record) mark(in *detect.Incident, p phase, s *Silence) mark {
	m := mark{Revision: in.Revision, Milestone: in.Milestone, Phase: p, Proof: in.Proof}
	if p == hush || p == resolve && r.Sent.Phase == resolve && !r.told() {
		m.Milestone = r.Sent.Milestone
	}
	if p == hush && s != nil {
		m.Silence = s.ID
	}
	return m
}

// due is when the owed state m may be sent at the earliest, as far as this incident is concerned.
func (r *record) due(t traits, m mark) time.Time {
	at := r.Next
	if r.refuses(m) {
		at = later(at, r.Refusal.Until)
	}
	if m.Phase == r.Sent.Phase && m.Milestone <= r.Sent.Milestone {
		at = later(at, r.Told.Add(t.every))
	}
	return at
}

// refuses says that the state m was refused and nothing new has come since.
func (r *record) refuses(m mark) bool {
	f := r.Refusal
	return f != nil && m.Milestone <= f.Mark.Milestone && m.Phase == f.Mark.Phase
}

// knowsEnd says that the state m is an end that was told already.
func (r *record) knowsEnd(m mark) bool {
	return m.Phase.over() && r.Sent.Phase.over() && m.Milestone <= r.Sent.Milestone
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// sooner is the earlier of two times, of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
