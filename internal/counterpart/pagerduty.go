package counterpart

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// PagerDuty is the Events API v2 of services with these routing keys.
type PagerDuty struct {
	Server
	NoLimit   bool // any number of events a minute
	keys      []string
	rate      map[string]*sliding
	incidents []*Page
	events    []string
	misplaced []string
}

// Page is an incident for which somebody was paged.
type Page struct {
	RoutingKey, Key string
	State           string // triggered, acknowledged, resolved
	Summary         string // of the newest event that has one
	Severity        string
	Details         string   // custom_details, as JSON
	Links           []string // what could be followed
	Events          int      // triggers that it took
	At              time.Time
}

// PagerDuty starts it.
func (n *Network) PagerDuty(name string, keys ...string) *PagerDuty {
	p := &PagerDuty{keys: keys, rate: map[string]*sliding{}}
	for _, k := range keys {
		p.rate[k] = &sliding{time.Minute, 120, nil}
	}
	n.serve(&p.Server, name, p.enqueue)
	return p
}

// Pages are the incidents, in the order in which people were paged.
func (p *PagerDuty) Pages() (all []Page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range p.incidents {
		all = append(all, *i)
	}
	return all
}

// Events are the actions and keys that were taken, "trigger k", oldest first.
func (p *PagerDuty) Events() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

// Misplaced are the ends that came before any beginning, and the acknowledgements that met no open incident: PagerDuty takes both and forgets
// them. An end that comes twice is not among them.
func (p *PagerDuty) Misplaced() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.misplaced)
}

// pagerEvent is what the API takes.
type pagerEvent struct {
	RoutingKey string `json:"routing_key"`
	Action     string `json:"event_action"`
	Key        string `json:"dedup_key"`
	Client     string `json:"client"`
	ClientURL  string `json:"client_url"`
	Payload    *struct {
		Summary   string          `json:"summary"`
		Source    string          `json:"source"`
		Severity  string          `json:"severity"`
		Timestamp string          `json:"timestamp"`
		Component string          `json:"component"`
		Group     string          `json:"group"`
		Class     string          `json:"class"`
		Details   json.RawMessage `json:"custom_details"`
	} `json:"payload"`
	Links []struct {
		Href string `json:"href"`
		Text string `json:"text"`
	} `json:"links"`
	Images []struct {
		Src  string `json:"src"`
		Href string `json:"href"`
		Alt  string `json:"alt"`
	} `json:"images"`
}

func (p *PagerDuty) enqueue(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var e pagerEvent
	errs := []string{}
	switch err := strict(body, &e); {
	case r.URL.Path != "/v2/enqueue" || r.Method != http.MethodPost:
		http.NotFound(w, r)
		return
	case len(body) > 512_000:
		p.errorf("an event of %d bytes", len(body))
		answer(w, http.StatusRequestEntityTooLarge, map[string]any{"status": "payload too large"})
		return
	case err != nil:
		errs = append(errs, err.Error())
	default:
		errs = e.errors(p.keys)
	}
	if len(errs) > 0 {
		p.errorf("%s: %v", e.Action, errs)
		answer(w, http.StatusBadRequest, map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": errs})
		return
	}
	if wait := p.rate[e.RoutingKey].wait(time.Now()); wait > 0 && !p.NoLimit {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		answer(w, http.StatusTooManyRequests, map[string]any{"status": "throttle exceeded"})
		return
	}
	p.take(e)
	answer(w, http.StatusAccepted, map[string]any{"status": "success", "message": "Event processed", "dedup_key": e.Key})
}

// errors are the rules that an event breaks. A dedup_key is optional for PagerDuty; without one nothing could be resolved.
func (e *pagerEvent) errors(keys []string) (errs []string) {
	must := func(ok bool, rule string) {
		if !ok {
			errs = append(errs, rule)
		}
	}
	must(len(e.RoutingKey) == 32 && slices.Contains(keys, e.RoutingKey), "'routing_key' is unknown")
	must(slices.Contains([]string{"trigger", "acknowledge", "resolve"}, e.Action), "'event_action' is invalid")
	must(e.Key != "" && len(e.Key) <= 255, "'dedup_key' must have 1 to 255 characters")
	must(e.ClientURL == "" || web(e.ClientURL), "'client_url' is no address")
	if pl := e.Payload; e.Action == "trigger" {
		must(pl != nil, "'payload' is missing or blank")
		if pl != nil {
			n := utf8.RuneCountInString(pl.Summary)
			must(n > 0 && n <= 1024, "'payload.summary' must have 1 to 1024 characters")
			must(pl.Source != "", "'payload.source' is missing or blank")
			must(slices.Contains([]string{"critical", "error", "warning", "info"}, pl.Severity), "'payload.severity' is invalid")
			_, err := time.Parse(time.RFC3339, pl.Timestamp)
			must(pl.Timestamp == "" || err == nil, "'payload.timestamp' is no ISO 8601 time")
			must(pl.Details == nil || pl.Details[0] == '{', "'payload.custom_details' is no object")
		}
	}
	for _, l := range e.Links {
		must(web(l.Href), "'links.href' is no address")
	}
	for _, i := range e.Images {
		must(strings.HasPrefix(i.Src, "https://") && (i.Href == "" || web(i.Href)), "'images.src' must be served over https")
	}
	return errs
}

func web(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// take does what an event says: after an end, a trigger pages again; anything else without an open incident is forgotten.
func (p *PagerDuty) take(e pagerEvent) {
	p.events = append(p.events, e.Action+" "+e.Key)
	var page *Page // the newest of that key
	for _, i := range p.incidents {
		if i.RoutingKey == e.RoutingKey && i.Key == e.Key {
			page = i
		}
	}
	closed := page != nil && page.State == "resolved"
	switch {
	case e.Action == "trigger" && (page == nil || closed):
		page = &Page{RoutingKey: e.RoutingKey, Key: e.Key, State: "triggered", At: time.Now()}
		p.incidents = append(p.incidents, page)
	case page == nil, closed && e.Action == "acknowledge":
		p.misplaced = append(p.misplaced, e.Action+" "+e.Key)
	case e.Action == "acknowledge":
		page.State = "acknowledged"
	case e.Action == "resolve":
		page.State = "resolved"
	}
	if e.Action == "trigger" {
		page.Summary, page.Severity, page.Details = e.Payload.Summary, e.Payload.Severity, string(e.Payload.Details)
		page.Links, page.Events = nil, page.Events+1
		for _, l := range e.Links {
			page.Links = append(page.Links, l.Href)
		}
	}
}
