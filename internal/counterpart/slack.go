package counterpart

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Slack is a workspace with one channel: its incoming webhook and its Web API.
type Slack struct {
	Server
	Token, Channel, Webhook string        // what lets a caller in; Webhook is a path
	Gap                     time.Duration // between two messages in the channel; less is answered 429; 0: there are no limits to the rate of anything
	NoHistory               bool          // the scope channels:history is missing
	messages                []*Message
	edits                   []Message
	last                    time.Time
	updates                 sliding // chat.update is of tier 3
	searches                sliding
}

// Message is one message as a person sees it.
type Message struct {
	TS, Thread string
	Shown      string // its text, block by block
	Notified   string // the text of its notification
	Broadcast  bool
	Deleted    bool
	At         time.Time // of this state of it
	Mentions   []string  // who would be called
	Links      []string  // what could be followed
	Units      int       // its length, as Slack may count it
	metadata   json.RawMessage
}

// Slack starts a workspace that takes a message a second.
func (n *Network) Slack(name, token, webhook string) *Slack {
	s := &Slack{Token: token, Channel: "C1", Webhook: webhook, Gap: 950 * time.Millisecond}
	s.updates, s.searches = sliding{time.Minute, 50, nil}, sliding{time.Minute, 50, nil}
	n.serve(&s.Server, name, s.route)
	return s
}

// Posts are the messages of the channel, oldest first, as they look now.
func (s *Slack) Posts() []Message { return s.those(func(m *Message) bool { return m.Thread == "" }) }

// Notes are the messages in threads.
func (s *Slack) Notes() []Message { return s.those(func(m *Message) bool { return m.Thread != "" }) }

// Edits are the states that edits gave to messages, oldest first.
func (s *Slack) Edits() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.edits...)
}

// Mentions are who was called by any message or edit.
func (s *Slack) Mentions() (all []string) {
	for _, m := range append(s.those(func(*Message) bool { return true }), s.Edits()...) {
		all = append(all, m.Mentions...)
	}
	return all
}

// Delete is a person who deletes a message.
func (s *Slack) Delete(ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.find(ts); m != nil {
		m.Deleted = true
	}
}

// Say is another app that posts in the channel, with metadata of its own as JSON, or without.
func (s *Slack) Say(text, metadata string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := Message{Shown: text, Notified: text, At: time.Now()}
	if metadata != "" {
		m.metadata = json.RawMessage(metadata)
	}
	s.add(m)
}

func (s *Slack) those(which func(*Message) bool) (all []Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if !m.Deleted && which(m) {
			all = append(all, *m)
		}
	}
	return all
}

func (s *Slack) find(ts string) *Message {
	for _, m := range s.messages {
		if m.TS == ts && !m.Deleted {
			return m
		}
	}
	return nil
}

func (s *Slack) route(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == s.Webhook && r.Method == http.MethodPost {
		s.webhook(w, r)
		return
	}
	var call func(http.ResponseWriter, *http.Request) (Message, string)
	switch r.URL.Path {
	case "/api/chat.postMessage":
		call = s.post
	case "/api/chat.update":
		call = s.update
	case "/api/conversations.history":
		call = s.history
	default:
		http.NotFound(w, r)
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+s.Token {
		answer(w, http.StatusOK, map[string]any{"ok": false, "error": "invalid_auth"})
		return
	}
	m, refusal := call(w, r)
	switch {
	case refusal == "answered":
	case refusal != "":
		answer(w, http.StatusOK, map[string]any{"ok": false, "error": refusal})
	default:
		answer(w, http.StatusOK, map[string]any{"ok": true, "channel": s.Channel, "ts": m.TS, "message": map[string]any{"type": "message", "ts": m.TS}})
	}
}

// slow answers 429 when a call comes too early.
func slow(w http.ResponseWriter, wait time.Duration) bool {
	if wait <= 0 {
		return false
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
	answer(w, http.StatusTooManyRequests, map[string]any{"ok": false, "error": "ratelimited"})
	return true
}

func (s *Slack) early() time.Duration {
	now := time.Now()
	wait := s.last.Add(s.Gap).Sub(now)
	if wait <= 0 {
		s.last = now
	}
	return wait
}

func (s *Slack) often(c *sliding) time.Duration {
	if s.Gap == 0 {
		return 0
	}
	return c.wait(time.Now())
}

func (s *Slack) webhook(w http.ResponseWriter, r *http.Request) {
	m, refusal := s.read(r, "webhook")
	switch {
	case refusal == "invalid_arguments":
		http.Error(w, "invalid_payload", http.StatusBadRequest)
	case refusal != "":
		http.Error(w, refusal, http.StatusBadRequest)
	case slow(w, s.early()):
	default:
		s.add(m)
		_, _ = io.WriteString(w, "ok")
	}
}

func (s *Slack) post(w http.ResponseWriter, r *http.Request) (Message, string) {
	m, refusal := s.read(r, "post")
	switch {
	case refusal != "":
		return m, refusal
	case m.Thread != "" && s.find(m.Thread) == nil:
		return m, "thread_not_found"
	case slow(w, s.early()):
		return m, "answered"
	}
	return s.add(m), ""
}

func (s *Slack) add(m Message) Message {
	m.TS = fmt.Sprintf("%d.%06d", m.At.Unix(), len(s.messages)+1)
	s.messages = append(s.messages, &m)
	return m
}

func (s *Slack) update(w http.ResponseWriter, r *http.Request) (Message, string) {
	m, refusal := s.read(r, "update")
	if refusal != "" {
		return m, refusal
	}
	old := s.find(m.TS)
	if old == nil {
		return m, "message_not_found"
	}
	if slow(w, s.often(&s.updates)) {
		return m, "answered"
	}
	if m.metadata == nil {
		m.metadata = old.metadata
	}
	m.Thread, m.Broadcast = old.Thread, old.Broadcast
	*old = m
	s.edits = append(s.edits, m)
	return m, ""
}

func (s *Slack) history(w http.ResponseWriter, r *http.Request) (Message, string) {
	q := r.URL.Query()
	oldest, err := strconv.ParseFloat(q.Get("oldest"), 64)
	limit, bad := strconv.Atoi(q.Get("limit"))
	switch {
	case r.Method != http.MethodGet || err != nil && q.Has("oldest") || bad != nil || limit < 1 || limit > 999:
		s.errorf("history asked by %s %s", r.Method, q.Encode())
		return Message{}, "invalid_arguments"
	case s.NoHistory:
		return Message{}, "missing_scope"
	case q.Get("channel") != s.Channel:
		return Message{}, "channel_not_found"
	case slow(w, s.often(&s.searches)):
		return Message{}, "answered"
	}
	newer, _ := strconv.Atoi(q.Get("cursor")) // how many messages the pages before went through
	found, cursor := []map[string]any{}, ""
	for i := len(s.messages) - 1 - newer; i >= 0; i-- {
		m := s.messages[i]
		at, _ := strconv.ParseFloat(m.TS, 64)
		if m.Deleted || m.Thread != "" && !m.Broadcast || at < oldest {
			continue
		}
		if len(found) == limit {
			cursor = strconv.Itoa(len(s.messages) - 1 - i)
			break
		}
		one := map[string]any{"type": "message", "ts": m.TS, "text": m.Notified, "blocks": []any{map[string]any{"type": "section", "text": m.Shown}}}
		if m.metadata != nil && q.Get("include_all_metadata") == "true" {
			one["metadata"] = m.metadata
		}
		found = append(found, one)
	}
	answer(w, http.StatusOK, map[string]any{
		"ok": true, "messages": found, "has_more": cursor != "", "response_metadata": map[string]any{"next_cursor": cursor},
	})
	return Message{}, "answered"
}
