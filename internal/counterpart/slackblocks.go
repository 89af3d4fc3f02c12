package counterpart

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// read takes the message of a request to the webhook, of a new post or of an update, or says why Slack would not have it.
func (s *Slack) read(r *http.Request, kind string) (Message, string) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost {
		return Message{}, "invalid_arguments"
	}
	m, channel, err := readMessage(body, kind)
	if err != nil {
		s.errorf("%s: %v", r.URL.Path, err)
		return m, strings.SplitN(err.Error(), ":", 2)[0]
	}
	if kind != "webhook" && channel != s.Channel {
		return m, "channel_not_found"
	}
	m.At = time.Now()
	return m, ""
}

// ReadSlack reads the body of a chat.postMessage call, as Slack would, and gives what a person sees. The error begins with Slack's code.
func ReadSlack(body []byte) (Message, error) {
	m, _, err := readMessage(body, "post")
	return m, err
}

func readMessage(body []byte, kind string) (m Message, channel string, err error) {
	var p struct {
		Channel   string            `json:"channel"`
		TS        string            `json:"ts"`
		Thread    string            `json:"thread_ts"`
		Broadcast bool              `json:"reply_broadcast"`
		Text      string            `json:"text"`
		Blocks    []json.RawMessage `json:"blocks"`
		Links     *bool             `json:"unfurl_links"`
		Media     *bool             `json:"unfurl_media"`
		Metadata  json.RawMessage   `json:"metadata"`
	}
	if err := strict(body, &p); err != nil {
		return m, "", fmt.Errorf("invalid_arguments: %w", err)
	}
	switch {
	case p.Text == "":
		return m, "", errors.New("no_text: notifications and screen readers have nothing")
	case kind == "webhook" && (p.Channel != "" || p.TS != "" || p.Thread != "" || p.Broadcast || p.Metadata != nil):
		return m, "", errors.New("invalid_arguments: not for a webhook")
	case kind == "update" && (p.TS == "" || p.Thread != "" || p.Links != nil || p.Media != nil):
		return m, "", errors.New("invalid_arguments: not for an update")
	case kind == "post" && (p.TS != "" || p.Broadcast && p.Thread == ""):
		return m, "", errors.New("invalid_arguments: not for a new post")
	case kind != "update" && (p.Links == nil || *p.Links):
		return m, "", errors.New("invalid_arguments: links would be unfurled")
	case len(p.Blocks) > 50:
		return m, "", errors.New("invalid_blocks: more than 50")
	case p.Metadata != nil && !goodMetadata(p.Metadata):
		return m, "", errors.New("invalid_metadata_format: of the metadata")
	}
	v := &view{}
	v.markup(p.Text, len(p.Blocks) == 0)
	if len(p.Blocks) > 0 { // then only a notification has the text
		v.shown = nil
	}
	v.units = len(utf16.Encode([]rune(p.Text)))
	if v.units > 4000 {
		return m, "", errors.New("msg_too_long: of the text")
	}
	for _, b := range p.Blocks {
		if err := v.block(b); err != nil {
			return m, "", fmt.Errorf("invalid_blocks: %w", err)
		}
	}
	if v.units > 13000 {
		return m, "", errors.New("msg_blocks_too_long: in all")
	}
	return Message{TS: p.TS, Thread: p.Thread, Broadcast: p.Broadcast, Notified: unescape(p.Text), Shown: strings.Join(v.shown, "\n"), Mentions: v.mentions, Links: v.links, Units: v.units,
		metadata: p.Metadata}, p.Channel, nil
}

func goodMetadata(b []byte) bool {
	var m struct {
		Type    string         `json:"event_type"`
		Payload map[string]any `json:"event_payload"`
	}
	return strict(b, &m) == nil && m.Type != "" && m.Payload != nil
}

// view is what a person sees of a message.
type view struct {
	shown, mentions, links []string
	units                  int // as Slack counts: UTF-16 of the escaped text
}

func (v *view) show(s string) { v.shown = append(v.shown, s) }

// block reads one block by its shape.
func (v *view) block(b json.RawMessage) error {
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(b, &kind); err != nil {
		return err
	}
	switch kind.Type {
	case "header", "section":
		return v.textBlock(b)
	case "context":
		return v.context(b)
	case "divider":
		return strict(b, &struct{ Type string }{})
	case "rich_text":
		return v.rich(b)
	}
	return fmt.Errorf("block of type %q", kind.Type)
}

// object is a text object.
type object struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji"`
	Verbatim *bool  `json:"verbatim"`
}

func (v *view) text(o *object, limit int) error {
	n := len(utf16.Encode([]rune(o.Text)))
	v.units += n
	switch {
	case n < 1 || n > limit:
		return fmt.Errorf("a text of %d characters, %d at most", n, limit)
	case o.Type == "plain_text" && o.Verbatim == nil:
		v.plain(o.Text)
		return nil
	case o.Type == "mrkdwn" && o.Emoji == nil:
		v.markup(o.Text, o.Verbatim == nil || !*o.Verbatim)
		return nil
	}
	return fmt.Errorf("a text object of type %q with fields of another", o.Type)
}

func (v *view) textBlock(b []byte) error {
	var s struct {
		Type   string   `json:"type"`
		ID     string   `json:"block_id"`
		Text   *object  `json:"text"`
		Fields []object `json:"fields"`
	}
	if err := strict(b, &s); err != nil {
		return err
	}
	switch {
	case s.Type == "header" && (s.Text == nil || s.Text.Type != "plain_text" || s.Fields != nil):
		return errors.New("a header is a plain_text")
	case s.Text == nil && len(s.Fields) == 0 || len(s.Fields) > 10:
		return errors.New("a section has a text or 1 to 10 fields")
	}
	if s.Text != nil {
		if err := v.text(s.Text, map[string]int{"header": 150, "section": 3000}[s.Type]); err != nil {
			return err
		}
	}
	for i := range s.Fields {
		if err := v.text(&s.Fields[i], 2000); err != nil {
			return err
		}
	}
	return nil
}

func (v *view) context(b []byte) error {
	var c struct {
		Type     string   `json:"type"`
		ID       string   `json:"block_id"`
		Elements []object `json:"elements"`
	}
	if err := strict(b, &c); err != nil {
		return err
	}
	if len(c.Elements) < 1 || len(c.Elements) > 10 {
		return errors.New("a context has 1 to 10 elements")
	}
	for i := range c.Elements {
		if err := v.text(&c.Elements[i], 2000); err != nil {
			return err
		}
	}
	return nil
}

var (
	angle    = regexp.MustCompile(`<([^<>]*)>`)
	bare     = regexp.MustCompile(`\b(?:https?://|mailto:)[^\s<>|]+`)
	entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

func unescape(s string) string { return entities.Replace(s) }

// markup shows a mrkdwn text: what stands in angle brackets is a mention or a link, and so is an address, where they are looked for.
func (v *view) markup(s string, auto bool) {
	for _, m := range angle.FindAllStringSubmatch(s, -1) {
		if slices.Contains([]string{"!", "@", "#"}, m[1][:min(1, len(m[1]))]) {
			v.mentions = append(v.mentions, m[0])
		} else {
			v.links = append(v.links, strings.SplitN(m[1], "|", 2)[0])
		}
	}
	if rest := angle.ReplaceAllString(s, ""); auto {
		v.links = append(v.links, bare.FindAllString(rest, -1)...)
	}
	v.show(unescape(s))
}

// plain shows a plain_text. Angle brackets mean nothing there, but Slack asks to escape them all the same: what is not is taken for markup.
func (v *view) plain(s string) {
	if strings.ContainsAny(s, "<>") {
		v.markup(s, false)
		return
	}
	v.show(unescape(s))
}
