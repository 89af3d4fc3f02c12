package counterpart

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Webhook is a receiver that checks the signature of Standard Webhooks and takes each id once.
type Webhook struct {
	Server
	path   string
	secret string // "": nothing is signed
	taken  []Delivery
	again  int
}

// Delivery is one message that a receiver took.
type Delivery struct {
	ID   string // webhook-id
	Body string
	At   time.Time
}

// Webhook starts a receiver of signed JSON; secret is whsec_ and base64, or a text.
func (n *Network) Webhook(name, path, secret string) *Webhook {
	h := &Webhook{path: path, secret: secret}
	n.serve(&h.Server, name, h.receive)
	return h
}

// Deliveries are what was taken, oldest first.
func (h *Webhook) Deliveries() []Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.taken)
}

// Again is how often an id came that was there already.
func (h *Webhook) Again() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.again
}

func (h *Webhook) receive(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != h.path || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	id := r.Header.Get("webhook-id")
	if h.secret != "" && !h.signed(r.Header, id, body) {
		h.errorf("a signature is wrong")
		http.Error(w, "signature", http.StatusUnauthorized)
		return
	}
	if !json.Valid(body) {
		h.errorf("no JSON")
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	if id != "" && slices.ContainsFunc(h.taken, func(d Delivery) bool { return d.ID == id }) {
		h.again++
	} else {
		h.taken = append(h.taken, Delivery{ID: id, Body: string(body), At: time.Now()})
	}
	w.WriteHeader(http.StatusNoContent)
}

// signed checks the headers of https://www.standardwebhooks.com: the time may be off by five minutes.
func (h *Webhook) signed(header http.Header, id string, body []byte) bool {
	key := []byte(h.secret)
	if coded, ok := strings.CutPrefix(h.secret, "whsec_"); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(coded); err != nil {
			return false
		}
	}
	stamp := header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if off := time.Since(time.Unix(seconds, 0)); err != nil || id == "" || off.Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "." + string(body)))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return slices.Contains(strings.Fields(header.Get("webhook-signature")), want)
}
