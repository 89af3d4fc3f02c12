package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/detect"
)

// Paths of the API.
const (
	ExplainPath     = "/api/v1/explain"
	IncidentsPath   = "/api/v1/incidents"
	ConnectionsPath = "/api/v1/connections"
	SilencesPath    = "/api/v1/silences" // one silence is below it
)

// Errors that get a status of their own; with any other there is nothing under this name or at this instant: 404.
var (
	ErrUnavailable = errors.New("not now")          // 503: ask again later
	ErrInstant     = errors.New("at is not a time") // 400
)

// Admin is who answers the API, and who may ask. Its errors are shown to whoever asks: they must not hold secrets. Its functions may be called from
// several goroutines at once, and return when their context ends.
type Admin struct {
	Token string // every request needs it; "" asks for none, and then requests of foreign pages are refused by their Host
	Host  string // by which this machine may be called beside localhost and addresses, when there is no token

	// Explain answers a question about a series; at is an instant as a person writes it, "" for the newest.
	Explain func(ctx context.Context, q detect.Question, at string) (detect.Answer, error)
	// Connections returns those that a filter lets through.
	Connections func(ctx context.Context, f detect.Filter) ([]detect.Connection, error)
	// Silence, EndSilence and Silences are those of an alert.Notifier, at the member that tells.
	Silence    func(s alert.Silence) (alert.Silence, error)
	EndSilence func(id string) error
	Silences   func() ([]alert.Silence, error)
}

const (
	askTimeout = 5 * time.Second // how long the owner of the core may take to answer: a batch of records, and a commit
	maxBody    = 64 << 10
)

// Admin answers the API: explain, incidents and connections by GET, silences by GET, POST and DELETE. Every answer is JSON, but for a table that is
// asked for as CSV; a refusal is {"error": sentence}.
func (s *Server) Admin(a Admin) http.Handler {
	p := api{a, s}
	mux := http.NewServeMux()
	mux.Handle(ExplainPath, methods{"GET": p.serveExplain})
	mux.Handle(IncidentsPath, methods{"GET": p.serveIncidents})
	mux.Handle(ConnectionsPath, methods{"GET": p.serveConnections})
	mux.Handle(SilencesPath, methods{"GET": p.serveSilences, "POST": p.addSilence})
	mux.Handle(SilencesPath+"/{id}", methods{"DELETE": p.endSilence})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, errors.New("there is nothing here; the API is "+strings.Join([]string{ExplainPath, IncidentsPath, ConnectionsPath, SilencesPath}, ", ")))
	})
	cross := http.NewCrossOriginProtection()
	return a.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := *r
		asked.Method = http.MethodPost // the protection would let a GET pass
		if cross.Check(&asked) != nil {
			refuse(w, http.StatusForbidden, errors.New("asked by a page of another origin"))
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

type api struct {
	Admin
	server *Server
}

// guard lets through who may ask, and of that what changes something only where no form of a page can have sent it.
func (a Admin) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case a.Token != "" && !a.holds(r.Header.Get("Authorization")):
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, errors.New("the token of http.admin_token is needed, as Authorization: Bearer"))
		case a.Token == "" && !a.isOurs(r.Host):
			refuse(w, http.StatusForbidden, errors.New("asked under a host name that is not ours: use localhost, an address, or the host of http.admin_listen"))
		case mutates(r.Method) && !isJSON(r.Header.Get("Content-Type")):
			refuse(w, http.StatusUnsupportedMediaType, errors.New("what changes something needs Content-Type: application/json"))
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			next.ServeHTTP(w, r)
		}
	})
}

// holds compares in a time that says nothing of the token.
func (a Admin) holds(authorization string) bool {
	scheme, given, _ := strings.Cut(authorization, " ")
	got, want := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(a.Token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && strings.EqualFold(scheme, "bearer")
}

// isOurs says that a page of a foreign name, which lets it stand for our address, cannot be the one who asks.
func (a Admin) isOurs(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	_, notAddress := netip.ParseAddr(strings.Trim(host, "[]"))
	return notAddress == nil || host == "localhost" || a.Host != "" && host == strings.ToLower(a.Host)
}

func mutates(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/json"
}

// methods answers by method; GET answers HEAD too.
type methods map[string]http.HandlerFunc

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if f := m[method]; f != nil {
		f(w, r)
		return
	}
	var allowed []string
	for name := range m {
		allowed = append(allowed, name)
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	refuse(w, http.StatusMethodNotAllowed, errors.New("the methods here are "+strings.Join(allowed, ", ")))
}

// parameters reads the query. A name that is not one of these is refused: answered without it, it would be another question.
func parameters(u *url.URL, names ...string) (url.Values, error) {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("the parameters cannot be read")
	}
	for name, v := range values {
		if !slices.Contains(names, name) || len(v) > 1 {
			if len(names) == 0 {
				return nil, errors.New("there are no parameters here")
			}
			return nil, errors.New("parameters are, each once: " + strings.Join(names, ", "))
		}
	}
	return values, nil
}

// refuseFor gives an error its status.
func refuseFor(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, ErrUnavailable):
		refuse(w, http.StatusServiceUnavailable, err)
	case errors.Is(err, ErrInstant):
		refuse(w, http.StatusBadRequest, err)
	default:
		refuse(w, http.StatusNotFound, err)
	}
}

func refuse(w http.ResponseWriter, status int, err error) {
	answerJSON(w, status, struct {
		Error string `json:"error"`
	}{err.Error()})
}

// answerJSON sends finite numbers, texts and times: they have a JSON form.
func answerJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer has no JSON form"}`)
	}
	answer(w, status, "application/json", append(body, '\n'))
}
