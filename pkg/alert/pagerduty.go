package alert

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"
)

// PagerDuty configures one service of PagerDuty that takes events by the Events API v2.
type PagerDuty struct {
	Name        string // "" means pagerduty
	RoutingKey  Secret // the integration key, 32 letters and digits
	PreviousKey Secret // the key before that one: what it triggered is ended through it; "" for none
	URL         string // "" means https://events.pagerduty.com; in the EU https://events.eu.pagerduty.com
	HTTP        *http.Client
}

const (
	pagerDutyURL = "https://events.pagerduty.com"
	pagerDutyGap = 650 * time.Millisecond // PagerDuty takes about 120 events a minute and key; ours are at most 93
	pagerDutyOff = 30 * time.Second       // after a 429 that does not say how long
)

// NewPagerDuty makes the destination that p describes. It follows the milestones of an incident: each triggers under the incident's id,
// the end resolves, a silence acknowledges. An end is told only where a beginning was, and through the key that took the beginning.
func NewPagerDuty(p PagerDuty) (Destination, error) {
	if p.Name == "" {
		p.Name = "pagerduty"
	}
	if !isRoutingKey(p.RoutingKey) {
		return nil, errors.New("pagerduty: want a routing key of 32 letters and digits (the integration key of an Events API v2 integration)")
	}
	if p.PreviousKey != "" && !isRoutingKey(p.PreviousKey) {
		return nil, errors.New("pagerduty: want a previous routing key of 32 letters and digits, or none")
	}
	if p.URL == "" {
		p.URL = pagerDutyURL
	}
	base, err := endpoint("pagerduty URL", p.URL)
	if err != nil {
		return nil, err
	}
	d := &pagerDuty{id: p.Name, target: strings.TrimSuffix(base, "/") + "/v2/enqueue", current: newRouting(p.RoutingKey), caller: newCaller(p.HTTP)}
	if p.PreviousKey != "" && p.PreviousKey != p.RoutingKey {
		d.previous = newRouting(p.PreviousKey)
	}
	return d, nil
}

func isRoutingKey(key Secret) bool {
	return len(key) == 32 && strings.Trim(strings.ToLower(string(key)), "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// routing is a routing key and the fingerprint by which receipts remember it. A zero one is no key.
type routing struct {
	key         sealed
	fingerprint string
}

func newRouting(key Secret) routing {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte("revwatch routing key"))
	return routing{key: seal(string(key)), fingerprint: "key " + hex.EncodeToString(h.Sum(nil)[:8])}
}

const either = "either key" // a receipt: what one key took may have begun anew under the other

type pagerDuty struct {
	id, target        string
	current, previous routing
	caller            caller
}

func (p *pagerDuty) name() string { return p.id }

func (p *pagerDuty) traits() traits {
	return traits{gap: pagerDutyGap, timeout: requestTimeout, paired: true, keyed: true, silences: true}
}

// step is one event: what it says and the key it goes through.
type step struct {
	through routing
	says    phase
}

// steps are the events that tell d, in their order. PagerDuty knows an incident by its id and the routing key together: what the previous key
// holds ends there before it begins anew under the current one; which of them holds it is not known after a request in doubt. None: no configured
// key holds it.
func (p *pagerDuty) steps(d delivery) []step {
	says, end := d.message.phase, d.message.phase
	if says == open {
		end = resolve
	}
	now, before := step{p.current, says}, step{p.previous, end}
	rotated := p.previous.key != nil
	old := rotated && d.remote == p.previous.fingerprint
	unsure := d.remote == either || !d.doubtful.IsZero() && (old || d.remote == "")
	switch {
	case rotated && unsure, old && says == open:
		return []step{before, now}
	case old:
		return []step{before}
	case says == open, d.remote == p.current.fingerprint, d.remote == "", d.remote == either:
		return []step{now}
	}
	return nil
}

// send makes the requests of one delivery; made twice they are one. A previous key that PagerDuty refuses does not keep a trigger back.
func (p *pagerDuty) send(ctx context.Context, d delivery) (receipt, error) {
	steps := p.steps(d)
	if len(steps) == 0 {
		return receipt{}, &fault{verdict: refused, reason: "was told under a routing key that is configured no more"}
	}
	got := receipt{remote: steps[len(steps)-1].through.fingerprint}
	if d.message.phase == hush && len(steps) > 1 {
		got.remote = either
	}
	for i, s := range steps {
		d.message.phase = s.says
		err := p.post(ctx, newEvent(s.through.key(), d))
		if err != nil && (i == len(steps)-1 || faultOf(err).verdict != refused) {
			return receipt{}, err
		}
	}
	return got, nil
}

func (p *pagerDuty) post(ctx context.Context, e pagerEvent) error {
	a, err := p.caller.call(ctx, http.MethodPost, p.target, "", encode(e))
	if err != nil {
		return err
	}
	if a.status == http.StatusAccepted {
		return nil
	}
	f := a.statusFault("")
	if a.status == http.StatusTooManyRequests && f.after == 0 {
		f.after = pagerDutyOff
	}
	return f
}
