package alert

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Webhook configures one address that is sent incidents as JSON.
type Webhook struct {
	Name     string            // "" means webhook
	URL      Secret            // it may hold a token
	Secret   Secret            // signs each request: whsec_ and base64, or a text of its own; "" signs none
	Template string            // text of a template that makes another JSON of it; "" sends the incident
	Follow   string            // revisions: every change, at most one a minute; milestones: what a chat wants; "": revisions, with a template milestones
	Headers  map[string]Secret // sent with each request
	HTTP     *http.Client
}

// Values of Webhook.Follow.
const (
	followRevisions  = "revisions"
	followMilestones = "milestones"
)

const (
	webhookGap = 500 * time.Millisecond // Teams takes four requests a second
	minSecret  = 16                     // bytes
)

// NewWebhook makes the destination that w describes. Each request carries the headers of Standard Webhooks: the id of what it tells, by which a
// repetition is known, the time, and the signature of both and the body.
func NewWebhook(w Webhook) (Destination, error) {
	if w.Name == "" {
		w.Name = "webhook"
	}
	target, err := endpoint("webhook URL", string(w.URL))
	if err != nil {
		return nil, err
	}
	d := &hook{id: w.Name, target: seal(target), caller: newCaller(w.HTTP), now: time.Now, revisions: w.Template == ""}
	switch w.Follow {
	case "":
	case followRevisions, followMilestones:
		d.revisions = w.Follow == followRevisions
	default:
		return nil, errors.New("webhook: want follow to be revisions or milestones")
	}
	if d.secret, err = signingKey(w.Secret); err != nil {
		return nil, err
	}
	if d.headers, err = checkHeaders(w.Headers); err != nil {
		return nil, err
	}
	if w.Template != "" {
		d.layout, err = newLayout(w.Template)
	}
	return d, err
}

// signingKey reads a secret as Standard Webhooks writes it, or as it is.
func signingKey(s Secret) (sealed, error) {
	key, encoded := strings.CutPrefix(string(s), "whsec_")
	if encoded {
		b, err := base64.StdEncoding.DecodeString(key)
		if err != nil {
			return nil, errors.New("webhook: the secret after whsec_ is not base64")
		}
		key = string(b)
	}
	if s != "" && len(key) < minSecret {
		return nil, fmt.Errorf("webhook: want a secret of at least %d bytes", minSecret)
	}
	return seal(key), nil
}

// ownHeaders are set by the request itself.
var ownHeaders = map[string]bool{"Host": true, "Content-Length": true, "Content-Type": true, "Transfer-Encoding": true, "Connection": true,
	"Webhook-Id": true, "Webhook-Timestamp": true, "Webhook-Signature": true}

func checkHeaders(headers map[string]Secret) (map[string]sealed, error) {
	all := map[string]sealed{}
	for name, value := range headers {
		key := http.CanonicalHeaderKey(name)
		switch {
		case name == "" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "":
			return nil, fmt.Errorf("webhook: %q cannot name a header", name)
		case ownHeaders[key] || all[key] != nil:
			return nil, fmt.Errorf("webhook: the header %s is set already", key)
		case strings.ContainsFunc(string(value), func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			return nil, fmt.Errorf("webhook: the header %s holds a control character", key)
		}
		all[key] = seal(string(value))
	}
	return all, nil
}

type hook struct {
	id        string
	target    sealed
	secret    sealed
	headers   map[string]sealed
	layout    *layout // nil: the incident as it is
	revisions bool
	caller    caller
	now       func() time.Time
}

func (w *hook) name() string { return w.id }

// traits: who follows revisions is a program, which knows a repetition by its id and keeps states; who follows milestones is read by people.
func (w *hook) traits() traits {
	t := traits{gap: webhookGap, timeout: requestTimeout, reports: true}
	if w.revisions {
		t = traits{gap: webhookGap, timeout: requestTimeout, revisions: true, every: time.Minute, keyed: true, silences: true}
	}
	return t
}

func (w *hook) send(ctx context.Context, d delivery) (receipt, error) {
	body, err := w.body(d)
	if err != nil {
		return receipt{}, err
	}
	a, err := w.caller.callWith(ctx, http.MethodPost, w.target(), w.header(d, body), body)
	if err != nil {
		return receipt{}, err
	}
	if a.status < 200 || a.status > 299 {
		return receipt{}, a.statusFault("")
	}
	return receipt{remote: "accepted"}, nil
}

func (w *hook) body(d delivery) ([]byte, error) {
	if w.layout == nil {
		return newPayload(d).body()
	}
	return w.layout.render(newPayload(d))
}

func (w *hook) header(d delivery, body []byte) http.Header {
	h := http.Header{}
	for name, value := range w.headers {
		h.Set(name, value())
	}
	id, at := webhookID(d), strconv.FormatInt(w.now().Unix(), 10)
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", at)
	if w.secret() != "" {
		h.Set("webhook-signature", signature(w.secret(), id, at, body))
	}
	return h
}

// webhookID names the state that is told: the same for every repetition of a request, another for every other state. No full stop is in it, as the
// signed text is made of parts between full stops.
func webhookID(d delivery) string {
	id := d.incident
	if strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" || len(id) > maxName {
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:8])
	}
	id = fmt.Sprintf("%s_%d_%s_%d", id, d.revision, d.message.phase, d.in.Proof)
	if d.silence != "" {
		id += "_" + d.silence
	}
	return id
}

// signature is that of Standard Webhooks, version 1.
func signature(key, id, at string, body []byte) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(id + "." + at + "."))
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}
