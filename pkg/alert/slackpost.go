package alert

import (
	"encoding/json"
	"hash/fnv"
	"strconv"
	"strings"
)

// Budgets of a Slack message, in characters as Slack may count them (UTF-16 units of the escaped text). Slack's own
// limits are 50 blocks, 150 a header, 3,000 a section, 2,000 a field; whole messages fail near 13,000 although no limit
// says so. Ours: 12 blocks and 8,000 characters.
const (
	maxPost    = 8000
	maxHeader  = 150
	maxText    = 1000 // the fallback that notifications and screen readers use
	maxField   = 300
	maxSection = 2000
	maxSpark   = 500
	maxContext = 250
	minRest    = 40 // less than that is not worth a block
)

// slackPost is the body of a webhook, chat.postMessage or chat.update.
type slackPost struct {
	Channel     string         `json:"channel,omitempty"`
	TS          string         `json:"ts,omitempty"`
	Thread      string         `json:"thread_ts,omitempty"`
	Broadcast   bool           `json:"reply_broadcast,omitempty"`
	Text        string         `json:"text"`
	Blocks      []slackBlock   `json:"blocks,omitempty"`
	UnfurlLinks *bool          `json:"unfurl_links,omitempty"` // of a new post
	UnfurlMedia *bool          `json:"unfurl_media,omitempty"`
	Metadata    *slackMetadata `json:"metadata,omitempty"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Fields   []slackText `json:"fields,omitempty"`
	Elements []slackText `json:"elements,omitempty"`
}

// slackText is a text object, or an element of rich text, in which a text is literal: it is not escaped, and nothing in it has a meaning.
type slackText struct {
	Type     string      `json:"type"`
	Text     string      `json:"text,omitempty"`
	Emoji    *bool       `json:"emoji,omitempty"`    // plain_text only
	Verbatim bool        `json:"verbatim,omitempty"` // mrkdwn only: nothing is made a link by itself
	URL      string      `json:"url,omitempty"`      // link only
	Elements []slackText `json:"elements,omitempty"` // rich_text_section and rich_text_preformatted only
}

// slackMetadata lets a post be found again.
type slackMetadata struct {
	Type    string       `json:"event_type"`
	Payload slackPayload `json:"event_payload"`
}

type slackPayload struct {
	Incident string `json:"incident_id"`
	State    string `json:"state"`
}

// noteState is the state of what stands in the thread of a post.
const noteState = "note"

func newMetadata(d delivery, state string) *slackMetadata {
	return &slackMetadata{Type: "revwatch_incident", Payload: slackPayload{Incident: d.incident, State: state}}
}

// newPost renders a message. All that comes from outside stands in plain_text, where Slack knows neither markup nor mentions nor links nor
// emoji names, or is the literal text of a link to a configured address; mrkdwn is used for our own words only. The text beside the blocks is
// for notifications and is shown nowhere else.
func newPost(d delivery) slackPost {
	m, room := d.message, budget(maxPost)
	if m.line {
		text := room.plain(or(m.headline, "Revwatch"), maxText)
		return slackPost{Text: text.Text, Blocks: section(text), UnfurlLinks: new(bool), UnfurlMedia: new(bool)}
	}
	// What is needed most takes its room first.
	p := slackPost{Text: room.cut(or(m.summary, or(m.headline, "Revwatch")), maxText), UnfurlLinks: new(bool), UnfurlMedia: new(bool)}
	foot := room.plain("Revwatch, incident "+m.id, maxContext)
	header := room.plain(sign(m)+" "+m.headline, maxHeader)
	facts := room.facts(m.facts)
	todo := room.todo(m.todo)
	looks := room.lines("Looks like", m.diagnoses)
	why := room.lines("Why", m.why)
	links := room.links(m.links)
	spark := room.spark(m.spark)
	affected := room.lines("Affected", m.samples)

	p.Blocks = append(p.Blocks, slackBlock{Type: "header", Text: header})
	for _, more := range [][]slackBlock{facts, spark, looks, why, affected, todo, links} {
		p.Blocks = append(p.Blocks, more...)
	}
	p.Blocks = append(p.Blocks, slackBlock{Type: "context", Elements: []slackText{*foot}})
	return p
}

// look names what a post shows: two that look alike have the same.
func (p slackPost) look() string {
	h := fnv.New64a()
	_, _ = h.Write(encode(p))
	return strconv.FormatUint(h.Sum64(), 16)
}

// newNote renders a message for the thread of its post: one line.
func newNote(d delivery, at slackRemote) slackPost {
	room := budget(maxPost)
	text := room.plain(sign(d.message)+" "+or(d.message.summary, d.message.headline), maxText)
	return slackPost{
		Channel: at.Channel, Thread: at.TS, Broadcast: !d.message.phase.over(), UnfurlLinks: new(bool), UnfurlMedia: new(bool),
		Text: text.Text, Blocks: section(text), Metadata: newMetadata(d, noteState),
	}
}

func section(text *slackText) []slackBlock { return []slackBlock{{Type: "section", Text: text}} }

// sign is the first thing seen of a message.
func sign(m message) string {
	switch {
	case m.test:
		return "🧪"
	case m.phase == fold:
		return "➡️"
	case m.phase == resolve:
		return "✅"
	case m.phase == hush:
		return "🔕"
	case m.severity == critical:
		return "🔴"
	}
	return "🟠"
}

// encode writes one of our own structs as JSON. Only a time of a year beyond 9999 cannot be written: then it gives nothing, which is neither sent
// nor saved.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte{}
	}
	return b
}

var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
