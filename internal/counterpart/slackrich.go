package counterpart

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"
)

// richPart is a part of a rich_text block: a section, quote, preformatted text, or a list of sections.
type richPart struct {
	Type     string            `json:"type"`
	Elements []json.RawMessage `json:"elements"`
	Border   *int              `json:"border"`
	Style    string            `json:"style"`  // of a list
	Indent   *int              `json:"indent"` // of a list
	Offset   *int              `json:"offset"` // of a list
}

// richElement is what a part is made of. Its text is literal: nothing in it is markup, and nothing in it is escaped.
type richElement struct {
	Type   string          `json:"type"`
	Text   *string         `json:"text"`
	URL    string          `json:"url"`
	Unsafe *bool           `json:"unsafe"`
	Name   string          `json:"name"`
	Code   string          `json:"unicode"`
	User   string          `json:"user_id"`
	Group  string          `json:"usergroup_id"`
	Room   string          `json:"channel_id"`
	Range  string          `json:"range"`
	Style  map[string]bool `json:"style"`
}

// rich reads a rich_text block.
func (v *view) rich(b []byte) error {
	var r struct {
		Type     string            `json:"type"`
		ID       string            `json:"block_id"`
		Elements []json.RawMessage `json:"elements"`
	}
	if err := strict(b, &r); err != nil {
		return err
	}
	if len(r.Elements) == 0 {
		return errors.New("a rich_text without elements")
	}
	for _, e := range r.Elements {
		if err := v.richPart(e, false); err != nil {
			return err
		}
	}
	return nil
}

func (v *view) richPart(b []byte, inList bool) error {
	var p richPart
	if err := strict(b, &p); err != nil {
		return err
	}
	list := p.Type == "rich_text_list"
	switch {
	case len(p.Elements) == 0:
		return fmt.Errorf("a %s without elements", p.Type)
	case inList && p.Type != "rich_text_section", !list && (p.Style != "" || p.Indent != nil || p.Offset != nil):
		return fmt.Errorf("a %s where there is none, or with the fields of a list", p.Type)
	case list && p.Style != "bullet" && p.Style != "ordered":
		return errors.New("a list of no style")
	}
	switch p.Type {
	case "rich_text_list":
		for _, e := range p.Elements {
			if err := v.richPart(e, true); err != nil {
				return err
			}
		}
		return nil
	case "rich_text_section", "rich_text_quote", "rich_text_preformatted":
		return v.richLine(p)
	}
	return fmt.Errorf("rich text of type %q", p.Type)
}

// richLine shows the elements of one part.
func (v *view) richLine(p richPart) error {
	var line strings.Builder
	for _, raw := range p.Elements {
		var e richElement
		if err := strict(raw, &e); err != nil {
			return err
		}
		if p.Type == "rich_text_preformatted" && e.Type != "text" && e.Type != "link" {
			return fmt.Errorf("a %s in preformatted text", e.Type)
		}
		shown, err := v.richElement(e)
		if err != nil {
			return err
		}
		line.WriteString(shown)
	}
	v.show(line.String())
	return nil
}

func (v *view) richElement(e richElement) (string, error) {
	for style := range e.Style {
		if !strings.Contains(" bold italic strike code underline ", " "+style+" ") {
			return "", fmt.Errorf("style %q", style)
		}
	}
	if e.Text != nil {
		v.units += len(utf16.Encode([]rune(*e.Text)))
	}
	v.units += len(e.URL)
	switch e.Type {
	case "text":
		if e.Text == nil || *e.Text == "" || e.URL+e.Name != "" {
			return "", errors.New("a text element without text, or with more")
		}
		return *e.Text, nil
	case "link":
		u, err := url.Parse(e.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return "", errors.New("a link that leads nowhere")
		}
		v.links = append(v.links, e.URL)
		if e.Text != nil {
			return *e.Text, nil
		}
		return e.URL, nil
	case "emoji":
		return ":" + e.Name + ":", nil
	case "user", "usergroup", "channel", "broadcast":
		v.mentions = append(v.mentions, e.Type+" "+e.User+e.Group+e.Room+e.Range)
		return "@" + e.User + e.Group + e.Room + e.Range, nil
	}
	return "", fmt.Errorf("an element of type %q", e.Type)
}
