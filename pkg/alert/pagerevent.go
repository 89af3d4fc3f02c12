package alert

import (
	"strings"
	"time"
)

// Limits of PagerDuty: 1,024 characters a summary, 255 a key. The others keep an event of any message under its 512,000 bytes: a character of a
// text takes at most 6 bytes as JSON.
const (
	maxSummary = 1024
	maxDedup   = 255
	maxDetail  = 2000
	maxDetails = 20
	maxHrefs   = 8
	maxHref    = 2000
)

// pagerEvent is the body of an event. The key is the incident's id, and nothing that may change is in it.
type pagerEvent struct {
	RoutingKey string        `json:"routing_key"`
	Action     string        `json:"event_action"`
	DedupKey   string        `json:"dedup_key"`
	Client     string        `json:"client,omitempty"`
	ClientURL  string        `json:"client_url,omitempty"`
	Links      []pagerLink   `json:"links,omitempty"`
	Payload    *pagerPayload `json:"payload,omitempty"` // a trigger's
}

type pagerLink struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

type pagerPayload struct {
	Summary   string            `json:"summary"`
	Source    string            `json:"source"`
	Severity  string            `json:"severity"` // warning and critical mean the same there
	Timestamp string            `json:"timestamp,omitempty"`
	Component string            `json:"component,omitempty"`
	Group     string            `json:"group,omitempty"`
	Class     string            `json:"class,omitempty"`
	Details   map[string]string `json:"custom_details,omitempty"`
}

// newEvent renders a message for one key.
func newEvent(key string, d delivery) pagerEvent {
	m := d.message
	e := pagerEvent{RoutingKey: key, DedupKey: clip(d.incident, maxDedup, runes)}
	switch {
	case m.phase.over():
		e.Action = "resolve"
		return e
	case m.phase == hush:
		e.Action = "acknowledge"
		return e
	}
	e.Action, e.Client, e.ClientURL = "trigger", "Revwatch", m.dashboard()
	for _, l := range m.hrefs() {
		e.Links = append(e.Links, pagerLink{Href: l.url, Text: l.text})
	}
	severity := warning
	if m.severity == critical {
		severity = critical
	}
	e.Payload = &pagerPayload{
		Summary: clip(m.said(or(m.summary, or(m.headline, "an incident"))), maxSummary, runes), Source: clip("Nango "+m.environment, maxDetail, runes), Severity: string(severity),
		Component: clip(m.component, maxDetail, runes), Group: clip(m.environment, maxDetail, runes), Class: clip(m.class, maxDetail, runes), Details: details(m),
	}
	if began := dated(d.in.Since); !began.IsZero() {
		e.Payload.Timestamp = began.Format(time.RFC3339)
	}
	return e
}

// details are what a person sees under the summary: the facts by their names, and these.
func details(m message) map[string]string {
	all := map[string]string{}
	for _, f := range m.facts[:min(len(m.facts), maxDetails)] {
		all[clip(f.name, maxName, runes)] = clip(f.value, maxDetail, runes)
	}
	for name, lines := range map[string][]string{"Course": {m.spark}, "Looks like": m.diagnoses, "Why": m.why, "Affected": m.samples, "What to do": m.todo} {
		if text := strings.Join(lines, "\n"); text != "" {
			all[name] = clip(text, maxDetail, runes)
		}
	}
	return all
}

// said puts the word that it is a test before a text, once.
func (m message) said(text string) string {
	const mark = "[TEST]"
	if m.test && !strings.HasPrefix(text, mark) {
		return mark + " " + text
	}
	return text
}

// hrefs are the links that can be sent: short, and of characters that are safe in an address.
func (m message) hrefs() (all []link) {
	unsafe := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", r) }
	for _, l := range m.links {
		if len(l.url) <= maxHref && len(all) < maxHrefs && !strings.ContainsFunc(l.url, unsafe) {
			l.text = clip(l.text, maxName, runes)
			all = append(all, l)
		}
	}
	return all
}

// dashboard is the address in Nango, "" without one.
func (m message) dashboard() string { return m.linkTo("Dashboard") }

// linkTo is the address of the first link of that name.
func (m message) linkTo(name string) string {
	for _, l := range m.hrefs() {
		if l.text == name {
			return l.url
		}
	}
	return ""
}
