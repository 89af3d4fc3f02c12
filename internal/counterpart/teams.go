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
)

// Teams is a webhook of Teams Workflows, which posts Adaptive Cards.
type Teams struct {
	Server
	path  string
	cards []Card
}

// Card is a card as a person sees it.
type Card struct {
	Shown    string
	Mentions []string
	Links    []string
	At       time.Time
}

// Teams starts it.
func (n *Network) Teams(name, path string) *Teams {
	t := &Teams{path: path}
	n.serve(&t.Server, name, t.receive)
	return t
}

// Cards are what was posted, oldest first.
func (t *Teams) Cards() []Card {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.cards)
}

func (t *Teams) receive(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != t.path || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	c, err := ReadCard(body)
	if err != nil {
		t.errorf("card: %v", err)
		answer(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"code": "BadRequest"}})
		return
	}
	c.At = time.Now()
	t.cards = append(t.cards, c)
	w.WriteHeader(http.StatusAccepted)
}

// ReadCard reads the body of a post to a Teams webhook and gives what a person sees.
func ReadCard(body []byte) (c Card, err error) {
	var envelope struct {
		Type        string `json:"type"`
		Summary     string `json:"summary"`
		Attachments []struct {
			Type    string         `json:"contentType"`
			URL     *string        `json:"contentUrl"`
			Content map[string]any `json:"content"`
		} `json:"attachments"`
	}
	if len(body) > 28<<10 {
		return c, fmt.Errorf("%d bytes", len(body))
	}
	if err := strict(body, &envelope); err != nil {
		return c, err
	}
	if envelope.Type != "message" || len(envelope.Attachments) != 1 || envelope.Attachments[0].Type != "application/vnd.microsoft.card.adaptive" {
		return c, errors.New("not a message with one Adaptive Card")
	}
	card := envelope.Attachments[0].Content
	version, _ := card["version"].(string)
	if items, _ := card["body"].([]any); card["type"] != "AdaptiveCard" || !strings.HasPrefix(version, "1.") || len(items) == 0 {
		return c, errors.New("no AdaptiveCard of version 1 with a body")
	}
	if teams, _ := card["msteams"].(map[string]any); teams["entities"] != nil {
		c.Mentions = append(c.Mentions, fmt.Sprint(teams["entities"]))
	}
	return c, c.element(card)
}

var (
	cardTypes = []string{"AdaptiveCard", "TextBlock", "RichTextBlock", "TextRun", "FactSet", "Fact", "Container", "ColumnSet", "Column", "ActionSet", "Action.OpenUrl"}
	cardLink  = regexp.MustCompile(`\]\(([^)]*)\)|\bhttps?://[^\s)]+`)
)

// element walks through a card. Markdown is read in the texts of TextBlock and Fact; that of TextRun is literal.
func (c *Card) element(e map[string]any) error {
	kind, _ := e["type"].(string)
	if kind == "" && e["title"] != nil && e["value"] != nil {
		kind = "Fact"
	}
	if !slices.Contains(cardTypes, kind) {
		return fmt.Errorf("an element of type %q", kind)
	}
	for _, name := range []string{"text", "title", "value"} {
		if s, ok := e[name].(string); ok {
			c.Shown += s
			if kind != "TextRun" { // the runs of a block are one line
				c.Shown += "\n"
			}
			if strings.Contains(s, "{{DATE(") || strings.Contains(s, "{{TIME(") {
				return errors.New("a text that Teams replaces")
			}
			if kind == "TextBlock" || kind == "Fact" {
				c.Links = append(c.Links, cardLink.FindAllString(s, -1)...)
				c.Mentions = append(c.Mentions, regexp.MustCompile(`<at>.*?</at>`).FindAllString(s, -1)...)
			}
		}
	}
	switch u, _ := e["url"].(string); {
	case kind == "Action.OpenUrl" && !web(u):
		return errors.New("an action that leads nowhere")
	case kind == "Action.OpenUrl":
		c.Links = append(c.Links, u)
	}
	for _, name := range []string{"body", "items", "inlines", "facts", "columns", "actions", "selectAction"} {
		if err := c.children(e[name]); err != nil {
			return err
		}
	}
	if kind == "RichTextBlock" {
		c.Shown += "\n"
	}
	return nil
}

func (c *Card) children(v any) error {
	switch v := v.(type) {
	case nil:
		return nil
	case string: // an inline may be a text by itself
		c.Shown += v
		return nil
	case map[string]any:
		return c.element(v)
	case []any:
		for _, e := range v {
			if err := c.children(e); err != nil {
				return err
			}
		}
		return nil
	}
	b, _ := json.Marshal(v)
	return fmt.Errorf("%s is no element", b)
}
