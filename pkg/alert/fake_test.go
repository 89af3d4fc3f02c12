package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
)

const (
	slackSecret = "/services/T0/B0/s3cr3tWebhook"
	slackToken  = "xoxb-s3cr3tToken"
	pagerKey    = "s3cr3t00000000000000000000000000"
)

// server is another side on loopback. before may answer in its place.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	before []http.HandlerFunc // used up front to back; nil: works
	calls  int
	wrong  []string
}

func (s *server) errorf(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// serve starts a server whose handler runs under its lock.
func serve(t *testing.T, s *server, h http.HandlerFunc) {
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // only then does the server notice that the other side hangs up
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.mu.Lock()
		s.calls++
		var before http.HandlerFunc
		if len(s.before) > 0 {
			before, s.before = s.before[0], s.before[1:]
		}
		if before == nil {
			defer s.mu.Unlock()
			h(w, r)
			return
		}
		s.mu.Unlock()
		before(w, r)
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		if len(s.wrong) > 0 {
			t.Errorf("%q", s.wrong)
		}
	})
}

// serveTLS starts a server with a certificate that nobody trusts.
func serveTLS(t *testing.T, s *server) {
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.errorf("talked to a stranger") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
}

// strict reads a body that may hold known fields only.
func (s *server) strict(r *http.Request, into any) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		s.errorf("%s: %v", r.URL.Path, err)
		return false
	}
	return true
}

// slackPostWire is what Slack takes; written apart from the code that is tested.
type slackPostWire struct {
	Channel  string `json:"channel"`
	TS       string `json:"ts"`
	Thread   string `json:"thread_ts"`
	Text     string `json:"text"`
	Blocks   []blockWire
	Links    *bool `json:"unfurl_links"`
	Media    *bool `json:"unfurl_media"`
	Metadata *struct {
		Type    string         `json:"event_type"`
		Payload map[string]any `json:"event_payload"`
	} `json:"metadata"`
	Broadcast bool `json:"reply_broadcast"`
}

type blockWire struct {
	Type     string     `json:"type"`
	Text     *textWire  `json:"text"`
	Fields   []textWire `json:"fields"`
	Elements []textWire `json:"elements"`
}

type textWire struct {
	Type     string     `json:"type"`
	Text     string     `json:"text"`
	Emoji    *bool      `json:"emoji"`
	Verbatim bool       `json:"verbatim"`
	URL      string     `json:"url"`
	Elements []textWire `json:"elements"`
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// broken says which of Slack's limits a post does not keep.
func (p *slackPostWire) broken() string {
	if p.Text == "" || units(p.Text) > 4000 {
		return "no_text"
	}
	if len(p.Blocks) > 12 {
		return "invalid_blocks: too many"
	}
	total := units(p.Text)
	for _, b := range p.Blocks {
		limit, texts := 3000, b.Fields
		switch b.Type {
		case "header":
			limit = 150
			if b.Text == nil || b.Text.Type != "plain_text" {
				return "invalid_blocks: header"
			}
		case "section":
			if b.Text == nil && len(b.Fields) == 0 || len(b.Fields) > 10 {
				return "invalid_blocks: section"
			}
		case "context":
			texts = b.Elements
			if len(texts) == 0 || len(texts) > 10 {
				return "invalid_blocks: context"
			}
		case "rich_text":
			n, e := richWire(b.Elements)
			if e != "" {
				return "invalid_blocks: " + e
			}
			total += n
		default:
			return "invalid_blocks: type"
		}
		if b.Text != nil {
			if n := units(b.Text.Text); n == 0 || n > limit {
				return "invalid_blocks: text of " + b.Type
			}
			total += units(b.Text.Text)
		}
		for _, f := range texts {
			if n := units(f.Text); n == 0 || n > 2000 {
				return "invalid_blocks: field"
			}
			total += units(f.Text)
		}
	}
	if total > 8000 {
		return "msg_blocks_too_long"
	}
	return ""
}

// richWire checks the structure of rich text and counts its characters.
func richWire(parts []textWire) (n int, broken string) {
	for _, part := range parts {
		if part.Type != "rich_text_section" && part.Type != "rich_text_preformatted" || len(part.Elements) == 0 {
			return n, "rich text of " + part.Type
		}
		for _, e := range part.Elements {
			if e.Text == "" || (e.URL != "") != (e.Type == "link") || e.Type != "text" && e.Type != "link" {
				return n, "rich text element " + e.Type
			}
			n += units(e.Text) + units(e.URL)
		}
	}
	return n, ""
}

// fakeSlack is an incoming webhook and the API, with the limits of both. It keeps what a person sees.
type fakeSlack struct {
	server
	posts     []*slackPostWire // as they look now; the index + 1 is the ts
	edits     int
	noHistory bool
}

func newFakeSlack(t *testing.T) *fakeSlack {
	f := &fakeSlack{}
	serve(t, &f.server, f.handle)
	return f
}

func (f *fakeSlack) handle(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == slackSecret {
		f.webhook(w, r)
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+slackToken {
		fmt.Fprint(w, `{"ok":false,"error":"invalid_auth"}`)
		return
	}
	switch r.URL.Path {
	case "/api/chat.postMessage":
		f.api(w, r, f.post)
	case "/api/chat.update":
		f.api(w, r, f.edit)
	case "/api/conversations.history":
		f.history(w, r)
	default:
		fmt.Fprint(w, `{"ok":false,"error":"unknown_method"}`)
	}
}

func (f *fakeSlack) webhook(w http.ResponseWriter, r *http.Request) {
	var p slackPostWire
	if !f.strict(r, &p) {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	if p.Channel != "" || p.TS != "" || p.Thread != "" || p.Metadata != nil || p.Links == nil {
		f.errorf("a webhook takes no %+v", p)
	}
	if e := p.broken(); e != "" {
		f.errorf("%s", e)
		http.Error(w, "invalid_blocks", http.StatusBadRequest)
		return
	}
	f.posts = append(f.posts, &p)
	fmt.Fprint(w, "ok")
}

func (f *fakeSlack) api(w http.ResponseWriter, r *http.Request, do func(*slackPostWire) string) {
	var p slackPostWire
	e := "invalid_arguments"
	if f.strict(r, &p) {
		if e = p.broken(); e != "" {
			f.errorf("%s", e)
		} else if p.Channel != "C1" {
			e = "channel_not_found"
		} else {
			e = do(&p)
		}
	}
	if e != "" {
		fmt.Fprintf(w, `{"ok":false,"error":%q}`, e)
		return
	}
	fmt.Fprintf(w, `{"ok":true,"channel":"C1","ts":%q}`, p.TS)
}

func (f *fakeSlack) post(p *slackPostWire) string {
	if p.TS != "" || p.Links == nil {
		f.errorf("chat.postMessage got %+v", p)
	}
	if p.Thread != "" && f.at(p.Thread) == nil {
		return "thread_not_found"
	}
	p.TS = fmt.Sprint(len(f.posts) + 1)
	f.posts = append(f.posts, p)
	return ""
}

func (f *fakeSlack) edit(p *slackPostWire) string {
	if p.Links != nil || p.Media != nil {
		f.errorf("chat.update does not know unfurl_links")
	}
	old := f.at(p.TS)
	if old == nil {
		return "message_not_found"
	}
	thread := old.Thread
	*old = *p
	old.Thread = thread
	f.edits++
	return ""
}

func (f *fakeSlack) at(ts string) *slackPostWire {
	for _, p := range f.posts {
		if p != nil && p.TS == ts {
			return p
		}
	}
	return nil
}

func (f *fakeSlack) history(w http.ResponseWriter, r *http.Request) {
	if f.noHistory {
		fmt.Fprint(w, `{"ok":false,"error":"missing_scope"}`)
		return
	}
	if q := r.URL.Query(); r.Method != http.MethodGet || q.Get("channel") != "C1" || q.Get("include_all_metadata") != "true" {
		f.errorf("history asked by %s %s", r.Method, q.Encode())
	}
	var found []map[string]any
	for _, p := range f.posts {
		if p != nil && p.Thread == "" {
			found = append(found, map[string]any{"ts": p.TS, "metadata": map[string]any{"event_type": p.Metadata.Type, "event_payload": p.Metadata.Payload}})
		}
	}
	b, _ := json.Marshal(map[string]any{"ok": true, "messages": found})
	_, _ = w.Write(b)
}

func (f *fakeSlack) top() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.posts {
		if p != nil && p.Thread == "" {
			n++
		}
	}
	return n
}

func (f *fakeSlack) webhookTo(t *testing.T) Destination {
	return must(NewSlack(Slack{WebhookURL: Secret(f.URL + slackSecret), HTTP: loopback(t)}))(t)
}

func (f *fakeSlack) botTo(t *testing.T) Destination {
	return must(NewSlack(Slack{Token: slackToken, Channel: "C1", APIURL: f.URL + "/api", HTTP: loopback(t)}))(t)
}

// loopback is a client that may reach the servers of the tests.
func loopback(t *testing.T) *http.Client {
	t.Helper()
	c, err := NewClient(Policy{Allow: []string{"127.0.0.0/8"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func must(d Destination, err error) func(*testing.T) Destination {
	return func(t *testing.T) Destination {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

// fakePager is the Events API v2. It keeps the incidents a person was paged for.
type fakePager struct {
	server
	open   map[string]bool // by dedup key
	pages  []string        // dedup keys, one a new incident
	events []string        // action and key, as taken
	ends   int             // resolves that met an open incident
}

func newFakePager(t *testing.T) *fakePager {
	f := &fakePager{open: map[string]bool{}}
	serve(t, &f.server, f.handle)
	return f
}

func (f *fakePager) handle(w http.ResponseWriter, r *http.Request) {
	var e struct {
		Key     string `json:"routing_key"`
		Action  string `json:"event_action"`
		Dedup   string `json:"dedup_key"`
		Client  string `json:"client"`
		Payload *struct {
			Summary   string            `json:"summary"`
			Source    string            `json:"source"`
			Severity  string            `json:"severity"`
			Timestamp string            `json:"timestamp"`
			Component string            `json:"component"`
			Group     string            `json:"group"`
			Class     string            `json:"class"`
			Details   map[string]string `json:"custom_details"`
		} `json:"payload"`
	}
	good := r.ContentLength <= 512000 && f.strict(r, &e) && r.URL.Path == "/v2/enqueue" && r.Method == http.MethodPost
	good = good && e.Key == pagerKey && e.Dedup != "" && len(e.Dedup) <= 255
	switch p := e.Payload; {
	case !good:
	case e.Action == "trigger":
		good = p != nil && p.Summary != "" && len([]rune(p.Summary)) <= 1024 && p.Source != "" &&
			strings.Contains(" critical error warning info ", " "+p.Severity+" ")
		if good && !f.open[e.Dedup] {
			f.open[e.Dedup] = true
			f.pages = append(f.pages, e.Dedup)
		}
	case e.Action == "resolve":
		if f.open[e.Dedup] {
			f.ends++
		}
		delete(f.open, e.Dedup)
	default:
		good = false
	}
	if !good {
		f.errorf("bad event %+v", e)
		http.Error(w, `{"status":"invalid event"}`, http.StatusBadRequest)
		return
	}
	f.events = append(f.events, e.Action+" "+e.Dedup)
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, `{"status":"success","message":"Event processed","dedup_key":%q}`, e.Dedup)
}

func (f *fakePager) to(t *testing.T) Destination {
	return must(NewPagerDuty(PagerDuty{RoutingKey: pagerKey, URL: f.URL, HTTP: loopback(t)}))(t)
}
