package alert

import (
	"encoding/json"
	"strings"
)

// Budgets of a Slack message, in characters as Slack may count them (UTF-16 units of the escaped text). Slack's own
// limits are 50 blocks, 150 a header, 3,000 a section, 2,000 a field; whole messages fail near 13,000 although no limit
// says so. Ours: 12 blocks and 8,000 characters.
const (
	maxHeader  = 150
	maxText    = 1000 // the fallback that notifications and screen readers use
	maxField   = 300
	maxSection = 1500
	maxContext = 250
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

type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji,omitempty"`    // plain_text only
	Verbatim bool   `json:"verbatim,omitempty"` // mrkdwn only: nothing is made a link by itself
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

func newMetadata(d delivery, state string) *slackMetadata {
	return &slackMetadata{Type: "revwatch_incident", Payload: slackPayload{Incident: d.incident, State: state}}
}

// newPost renders a message. All that comes from outside stands in plain_text, where Slack knows neither markup nor mentions nor links nor
// emoji names; mrkdwn is used for our own words only. The text beside the blocks is for notifications and is shown nowhere else.
func newPost(d delivery) slackPost {
	m := d.message
	p := slackPost{Text: escape(m.summary, maxText), UnfurlLinks: new(bool), UnfurlMedia: new(bool)}
	p.Blocks = append(p.Blocks, slackBlock{Type: "header", Text: plain(sign(m)+" "+m.headline, maxHeader)})
	facts := slackBlock{Type: "section"}
	for _, f := range m.facts {
		facts.Fields = append(facts.Fields, *plain(f.name+": "+f.value, maxField))
	}
	p.Blocks = append(p.Blocks, facts)
	p.add("Why", m.why)
	p.add("Affected", m.samples)
	if len(m.todo) > 0 {
		p.Blocks = append(p.Blocks, slackBlock{Type: "section", Text: &slackText{Type: "mrkdwn", Verbatim: true,
			Text: escape("*What to do*\n• "+strings.Join(m.todo, "\n• "), maxSection)}})
	}
	p.Blocks = append(p.Blocks, slackBlock{Type: "context", Elements: []slackText{*plain("Revwatch, incident "+m.id, maxContext)}})
	return p
}

// newNote renders a message for the thread of its post: one line.
func newNote(d delivery, at slackRemote) slackPost {
	text := sign(d.message) + " " + d.message.summary
	return slackPost{
		Channel: at.Channel, Thread: at.TS, Broadcast: !d.message.phase.over(), UnfurlLinks: new(bool), UnfurlMedia: new(bool),
		Text:   escape(text, maxText),
		Blocks: []slackBlock{{Type: "section", Text: plain(text, maxText)}}, Metadata: newMetadata(d, "note"),
	}
}

func (p *slackPost) add(title string, lines []string) {
	if len(lines) > 0 {
		p.Blocks = append(p.Blocks, slackBlock{Type: "section", Text: plain(title+"\n• "+strings.Join(lines, "\n• "), maxSection)})
	}
}

func plain(s string, limit int) *slackText {
	return &slackText{Type: "plain_text", Text: escape(s, limit), Emoji: new(bool)}
}

// sign is the first thing seen of a message.
func sign(m message) string {
	switch {
	case m.phase == fold:
		return "➡️"
	case m.phase == resolve:
		return "✅"
	case m.severity == critical:
		return "🔴"
	}
	return "🟠"
}

var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape makes a text literal for Slack and cuts it to limit characters, counted after escaping.
func escape(s string, limit int) string { return slackEscapes.Replace(clip(s, limit, slackCost)) }

// encode writes one of our own structs as JSON; texts and numbers of them cannot fail.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("{}")
	}
	return b
}
