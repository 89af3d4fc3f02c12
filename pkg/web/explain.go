package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// ExplainPath is where Explain is asked.
const ExplainPath = "/api/v1/explain"

// Errors of an Explain that get a status of their own; with any other there is nothing under this name or at this instant: 404.
var (
	ErrUnavailable = errors.New("not now")          // 503: ask again later
	ErrInstant     = errors.New("at is not a time") // 400
)

// Explain answers a question about a series; at is an instant as a person writes it, "" for the newest. Its errors are shown to whoever asks: they
// must not hold secrets. It may be called from several goroutines at once, and returns when ctx ends.
type Explain func(ctx context.Context, q detect.Question, at string) (detect.Answer, error)

// explainTimeout is how long the owner of the core may take to answer: a batch of records, and a commit.
const explainTimeout = 5 * time.Second

// Explain sets who answers /api/v1/explain.
func (s *Server) Explain(f Explain) { s.explain.Store(&f) }

// serveExplain answers with a detect.Answer, or with {"error": sentence}.
func (s *Server) serveExplain(w http.ResponseWriter, r *http.Request) {
	q, at, err := question(r.URL)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	f := s.explain.Load()
	if f == nil {
		refuse(w, http.StatusServiceUnavailable, errors.New("still starting"))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), explainTimeout)
	defer cancel()
	a, err := (*f)(ctx, q, at)
	switch {
	case errors.Is(err, ErrUnavailable):
		refuse(w, http.StatusServiceUnavailable, err)
	case errors.Is(err, ErrInstant):
		refuse(w, http.StatusBadRequest, err)
	case err != nil:
		refuse(w, http.StatusNotFound, err)
	default:
		answerJSON(w, http.StatusOK, a)
	}
}

var questionNames = []string{"signal", "environment", "provider", "cause", "at"}

// question reads the parameters. A name that is not one of them is refused: answered without it, it would be another question.
func question(u *url.URL) (q detect.Question, at string, err error) {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return q, "", errors.New("the parameters cannot be read")
	}
	for name, v := range values {
		if !slices.Contains(questionNames, name) || len(v) > 1 {
			return q, "", errors.New("parameters are, each once: " + strings.Join(questionNames, ", "))
		}
	}
	q = detect.Question{Signal: values.Get("signal"), Environment: values.Get("environment"), Provider: values.Get("provider"), Cause: values.Get("cause")}
	return q, values.Get("at"), nil
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
