package counterpart

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Nango is its API for listing connections: one environment, with one key. It is as strict as the real one: an unknown parameter, a limit beyond 2000 or a
// wrong key is refused, and an account has so many requests a minute.
type Nango struct {
	Server
	Limit  int    // requests a minute; 0: any number
	Older  bool   // a release that lists at /connection only, and knows no pages
	Most   int    // connections a page at most, whatever is asked for; 0: as asked
	Paging func() // called before each page is made, as its connections are at that moment

	key         string
	connections []Connection // newest first
	made        int
	rate        sliding
	pages       []url.Values
}

// Connection is one of Nango's, in the form of its API.
type Connection struct {
	ID          int               `json:"id"`
	Connection  string            `json:"connection_id"`
	Integration string            `json:"provider_config_key"`
	Provider    string            `json:"provider"`
	Created     time.Time         `json:"created"`
	Metadata    map[string]any    `json:"metadata"`
	Tags        map[string]string `json:"tags"`
	Errors      []ConnectionError `json:"errors"`
	EndUser     *EndUser          `json:"end_user"`
}

// ConnectionError is why a connection does not work.
type ConnectionError struct {
	Type string `json:"type"` // auth or sync
	Log  string `json:"log_id"`
}

// EndUser is whose a connection is.
type EndUser struct {
	ID           string            `json:"id"`
	Email        string            `json:"email"`
	Name         string            `json:"display_name"`
	Tags         map[string]string `json:"tags"`
	Organization *Organization     `json:"organization"`
}

// Organization is the customer of an EndUser.
type Organization struct {
	ID   string `json:"id"`
	Name string `json:"display_name"`
}

// Nango starts it, without connections.
func (n *Network) Nango(name, key string) *Nango {
	a := &Nango{key: key}
	n.serve(&a.Server, name, a.list)
	return a
}

// Add makes connections, each after the ones before. What is left out is made up.
func (a *Nango) Add(all ...Connection) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Adding(all...)
}

// Adding is Add for who is called while a request is worked on.
func (a *Nango) Adding(all ...Connection) {
	for _, c := range all {
		a.made++
		c.ID = a.made
		if c.Created.IsZero() {
			c.Created = time.Date(2026, 1, 1, 0, 0, a.made, 0, time.UTC)
		}
		if c.Tags == nil {
			c.Tags = map[string]string{}
		}
		if c.Errors == nil {
			c.Errors = []ConnectionError{}
		}
		a.connections = append(a.connections, c)
	}
	slices.SortStableFunc(a.connections, func(x, y Connection) int {
		return cmp.Or(y.Created.Compare(x.Created), cmp.Compare(y.ID, x.ID))
	})
}

// Delete removes the connections of these ids.
func (a *Nango) Delete(ids ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Deleting(ids...)
}

// Deleting is Delete for who is called while a request is worked on.
func (a *Nango) Deleting(ids ...string) {
	a.connections = slices.DeleteFunc(a.connections, func(c Connection) bool { return slices.Contains(ids, c.Connection) })
}

// Refuse gives the connections of these ids an error of their authorization, or takes it from them.
func (a *Nango) Refuse(refused bool, ids ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.connections {
		if c := &a.connections[i]; slices.Contains(ids, c.Connection) {
			c.Errors = []ConnectionError{}
			if refused {
				c.Errors = append(c.Errors, ConnectionError{"auth", "VrnbtykXJFckCm3HP93t"})
			}
		}
	}
}

// Names are the ids of all connections, newest first, for who is called while a request is worked on.
func (a *Nango) Names() (all []string) {
	for _, c := range a.connections {
		all = append(all, c.Connection)
	}
	return all
}

// Pages are the parameters of the pages that were given.
func (a *Nango) Pages() []url.Values {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.pages)
}

type apiError struct {
	Error struct {
		Code string `json:"code"`
	} `json:"error"`
}

func refuse(w http.ResponseWriter, status int, code string) {
	var e apiError
	e.Error.Code = code
	answer(w, status, e)
}

func (a *Nango) list(w http.ResponseWriter, r *http.Request) {
	known := r.URL.Path == "/connection" || r.URL.Path == "/connections" && !a.Older
	if r.Method != http.MethodGet || !known {
		refuse(w, http.StatusNotFound, "not_found")
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+a.key {
		refuse(w, http.StatusUnauthorized, "unknown_account")
		return
	}
	if !a.admits(w) {
		return
	}
	if a.Paging != nil {
		a.Paging()
	}
	page, ok := a.page(r.URL.Query())
	if !ok {
		a.errorf("asked for %q", r.URL.RawQuery)
		refuse(w, http.StatusBadRequest, "invalid_query_params")
		return
	}
	a.pages = append(a.pages, r.URL.Query())
	answer(w, http.StatusOK, map[string]any{"connections": page})
}

// admits counts a request against the limit of the account, and says how many are left.
func (a *Nango) admits(w http.ResponseWriter) bool {
	if a.Limit == 0 {
		return true
	}
	now := time.Now()
	a.rate.within, a.rate.most = time.Minute, a.Limit
	wait := a.rate.wait(now)
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(a.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(a.Limit-len(a.rate.at)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(now.Add(time.Minute).Unix(), 10))
	if wait > 0 {
		a.errorf("more than %d requests a minute", a.Limit)
		h.Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
		refuse(w, http.StatusTooManyRequests, "too_many_request")
	}
	return wait == 0
}

func (a *Nango) page(q url.Values) (page []Connection, ok bool) {
	limit, number := 10_000, 0
	for name, values := range q {
		n, err := strconv.Atoi(strings.Join(values, ","))
		switch {
		case err != nil:
			return nil, false
		case name == "limit" && n >= 1 && n <= 2000:
			limit = n
		case name == "page" && n >= 0:
			number = n
		default:
			return nil, false
		}
	}
	if a.Older {
		return slices.Clone(a.connections), true
	}
	from := min(limit*number, len(a.connections))
	if a.Most > 0 {
		limit = min(limit, a.Most)
		from = min(limit*number, len(a.connections))
	}
	page = a.connections[from:min(from+limit, len(a.connections))]
	return append([]Connection{}, page...), true
}
