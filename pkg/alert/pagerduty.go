package alert

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// PagerDuty configures one service of PagerDuty that takes events by the Events API v2.
type PagerDuty struct {
	Name       string // "" means pagerduty
	RoutingKey Secret // the integration key, 32 letters and digits
	URL        string // "" means https://events.pagerduty.com; in the EU https://events.eu.pagerduty.com
	HTTP       *http.Client
}

const (
	pagerDutyURL = "https://events.pagerduty.com"
	pagerDutyGap = 650 * time.Millisecond // PagerDuty takes about 120 events a minute and key; ours are at most 93
	pagerDutyOff = 30 * time.Second       // after a 429 that does not say how long
	maxSummary   = 1024
)

// NewPagerDuty makes the destination that p describes. It follows the milestones of an incident: each triggers under the incident's id,
// the end resolves. An end is told only where a beginning was.
func NewPagerDuty(p PagerDuty) (Destination, error) {
	if p.Name == "" {
		p.Name = "pagerduty"
	}
	if key := string(p.RoutingKey); len(key) != 32 || strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return nil, errors.New("pagerduty: want a routing key of 32 letters and digits (the integration key of an Events API v2 integration)")
	}
	if p.URL == "" {
		p.URL = pagerDutyURL
	}
	base, err := endpoint("pagerduty URL", p.URL)
	if err != nil {
		return nil, err
	}
	return &pagerDuty{id: p.Name, target: strings.TrimSuffix(base, "/") + "/v2/enqueue", key: seal(string(p.RoutingKey)), caller: newCaller(p.HTTP)}, nil
}

type pagerDuty struct {
	id, target string
	key        sealed
	caller     caller
}

func (p *pagerDuty) name() string { return p.id }

func (p *pagerDuty) traits() traits {
	return traits{gap: pagerDutyGap, timeout: requestTimeout, paired: true, keyed: true}
}

func (p *pagerDuty) send(ctx context.Context, d delivery) (receipt, error) {
	a, err := p.caller.call(ctx, http.MethodPost, p.target, "", encode(newEvent(p.key(), d)))
	if err != nil {
		return receipt{}, err
	}
	if a.status == http.StatusAccepted {
		return receipt{remote: "accepted"}, nil
	}
	f := a.statusFault("")
	if a.status == http.StatusTooManyRequests && f.after == 0 {
		f.after = pagerDutyOff
	}
	return receipt{}, f
}

// pagerEvent is the body of an event. The key is the incident's id, and nothing that may change is in it.
type pagerEvent struct {
	RoutingKey string        `json:"routing_key"`
	Action     string        `json:"event_action"`
	DedupKey   string        `json:"dedup_key"`
	Client     string        `json:"client,omitempty"`
	Payload    *pagerPayload `json:"payload,omitempty"` // a trigger's
}

type pagerPayload struct {
	Summary   string            `json:"summary"`
	Source    string            `json:"source"`
	Severity  string            `json:"severity"`
	Timestamp string            `json:"timestamp,omitempty"`
	Component string            `json:"component,omitempty"`
	Group     string            `json:"group,omitempty"`
	Class     string            `json:"class,omitempty"`
	Details   map[string]string `json:"custom_details,omitempty"`
}

// newEvent renders a message. Every text of a message has a limit: an event stays far below the 512,000 bytes that PagerDuty takes.
func newEvent(key string, d delivery) pagerEvent {
	e := pagerEvent{RoutingKey: key, Action: "resolve", DedupKey: d.incident}
	if d.message.phase.over() {
		return e
	}
	m := d.message
	e.Action, e.Client = "trigger", "Revwatch"
	e.Payload = &pagerPayload{
		Summary: clip(m.summary, maxSummary, runes), Source: "Nango " + m.environment, Severity: string(m.severity),
		Component: m.component, Group: m.environment, Class: m.class, Details: details(m),
	}
	if !d.began.IsZero() {
		e.Payload.Timestamp = d.began.UTC().Format(time.RFC3339)
	}
	return e
}

func details(m message) map[string]string {
	all := map[string]string{}
	for _, f := range m.facts {
		all[f.name] = f.value
	}
	for name, lines := range map[string][]string{"Why": m.why, "Affected": m.samples, "What to do": m.todo} {
		if len(lines) > 0 {
			all[name] = strings.Join(lines, "\n")
		}
	}
	return all
}
