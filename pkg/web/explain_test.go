package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/revwatch/revwatch/pkg/detect"
)

// TestExplain: every parameter reaches the one who answers, and each kind of refusal has its status and a sentence.
func TestExplain(t *testing.T) {
	var got detect.Question
	var at string
	var fails error
	asked := 0
	explain := func(ctx context.Context, q detect.Question, instant string) (detect.Answer, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("asked without a deadline")
		}
		got, at, asked = q, instant, asked+1
		return detect.Answer{Type: "explanation", Provider: q.Provider, Windows: []detect.WindowAnswer{}, Verdict: []string{"a < b"}}, fails
	}
	s := New(Options{}).Admin(Admin{Explain: explain})
	status, body := tell(s, "GET", ExplainPath+"?provider=a%26b&environment=prod&cause=revoked&signal=revocations&at=14:05")
	var a detect.Answer
	if err := json.Unmarshal([]byte(body), &a); err != nil || status != 200 || a.Provider != "a&b" || a.Verdict[0] != "a < b" {
		t.Errorf("%d %s %v", status, body, err)
	}
	if want := (detect.Question{Signal: "revocations", Environment: "prod", Provider: "a&b", Cause: "revoked"}); got != want || at != "14:05" {
		t.Errorf("asked %+v at %q", got, at)
	}
	for _, c := range []struct {
		query  string
		err    error
		status int
		says   string
	}{
		{"", errors.New(`no series "x"`), 404, `no series "x"`},
		{"", fmt.Errorf("%w: busy", ErrUnavailable), 503, "not now: busy"},
		{"at=x", fmt.Errorf("%w: x", ErrInstant), 400, "at is not a time: x"},
		{"providr=a", nil, 400, "parameters are, each once: signal, environment, provider, cause, at"},
		{"provider=a&provider=b", nil, 400, "parameters are"},
		{"provider=%zz", nil, 400, "cannot be read"},
	} {
		fails, asked = c.err, 0
		status, body := tell(s, "GET", ExplainPath+"?"+c.query)
		var refused map[string]string
		if err := json.Unmarshal([]byte(body), &refused); err != nil || status != c.status || len(refused) != 1 || !strings.Contains(refused["error"], c.says) {
			t.Errorf("%q, %v: %d %s %v", c.query, c.err, status, body, err)
		}
		if (asked > 0) != (c.err != nil) {
			t.Errorf("%q: asked %d times", c.query, asked)
		}
	}
	if status, _ := tell(s, "POST", ExplainPath, "Content-Type", "application/json"); status != 405 {
		t.Errorf("POST: %d", status)
	}
}

// TestExplainHasAlwaysJSON: an answer that has no JSON form is our fault, and said so.
func TestExplainHasAlwaysJSON(t *testing.T) {
	zero := 0.0
	s := New(Options{}).Admin(Admin{Explain: func(context.Context, detect.Question, string) (detect.Answer, error) {
		return detect.Answer{Line: 1 / zero}, nil
	}})
	if status, body := tell(s, "GET", ExplainPath); status != 500 || !json.Valid([]byte(body)) {
		t.Errorf("%d %s", status, body)
	}
}
