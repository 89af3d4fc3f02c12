package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTake(t *testing.T) {
	for _, test := range []struct {
		body   string
		status int
		shown  string
	}{
		{`{"text":"hello","unfurl_links":false,"unfurl_media":false,"blocks":[{"type":"header","text":{"type":"plain_text","text":"mail is losing connections"}}]}`, 200, "| mail is losing connections\n"},
		{`{"blocks":[]}`, 400, "refused: no_text"},
		{`{"text":"hello","colour":"red"}`, 400, "refused: invalid_arguments"},
		{strings.Repeat("x", maxBody+1), 400, ""},
	} {
		var out strings.Builder
		answer := httptest.NewRecorder()
		take(answer, httptest.NewRequest("POST", path, strings.NewReader(test.body)), &out)
		if answer.Code != test.status || !strings.Contains(out.String(), test.shown) {
			t.Errorf("%.60s: %d %q, want %d %q", test.body, answer.Code, out.String(), test.status, test.shown)
		}
	}
}
