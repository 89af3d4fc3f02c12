package counterpart

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// do makes a request and gives the status and the body of its answer.
func do(t *testing.T, n *Network, method, url, body string, header ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	c := n.Over(&http.Transport{DisableKeepAlives: true})
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := c.Do(req)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(b)), resp.Header
}

func post(blocks string) string {
	return `{"channel":"C1","text":"t","unfurl_links":false,"blocks":[` + blocks + `]}`
}

func texts(n int, format string) string {
	return strings.TrimSuffix(strings.Repeat(fmt.Sprintf(format, "x")+",", n), ",")
}

// TestSlackReadsMessages: what Slack would refuse is refused with its code, and what it would show is shown.
func TestSlackReadsMessages(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	section := `{"type":"section","text":{"type":"plain_text","text":"%s"}}`
	rich := func(elements string) string {
		return post(`{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[` + elements + `]}]}`)
	}
	for _, c := range []struct{ name, body, refusal string }{
		{"no text", `{"channel":"C1","text":"","unfurl_links":false}`, "no_text"},
		{"unknown field", `{"channel":"C1","text":"t","unfurl_links":false,"colour":"red"}`, "invalid_arguments"},
		{"two values", post("") + "{}", "invalid_arguments"},
		{"unfurled", `{"channel":"C1","text":"t"}`, "invalid_arguments"},
		{"long text", `{"channel":"C1","text":"` + long(4001) + `","unfurl_links":false}`, "msg_too_long"},
		{"metadata", `{"channel":"C1","text":"t","unfurl_links":false,"metadata":{"event_type":""}}`, "invalid_metadata_format"},
		{"51 blocks", post(texts(51, section)), "invalid_blocks"},
		{"50 blocks", post(texts(50, section)), ""},
		{"unknown block", post(`{"type":"table"}`), "invalid_blocks"},
		{"unknown field of a block", post(`{"type":"section","text":{"type":"plain_text","text":"x"},"colour":"red"}`), "invalid_blocks"},
		{"long header", post(`{"type":"header","text":{"type":"plain_text","text":"` + long(151) + `"}}`), "invalid_blocks"},
		{"header of markup", post(`{"type":"header","text":{"type":"mrkdwn","text":"x"}}`), "invalid_blocks"},
		{"long section", post(fmt.Sprintf(section, long(3001))), "invalid_blocks"},
		{"long in UTF-16", post(fmt.Sprintf(section, strings.Repeat("😀", 1501))), "invalid_blocks"},
		{"empty section", post(fmt.Sprintf(section, "")), "invalid_blocks"},
		{"section of nothing", post(`{"type":"section"}`), "invalid_blocks"},
		{"11 fields", post(`{"type":"section","fields":[` + texts(11, `{"type":"plain_text","text":"%s"}`) + `]}`), "invalid_blocks"},
		{"long field", post(`{"type":"section","fields":[{"type":"plain_text","text":"` + long(2001) + `"}]}`), "invalid_blocks"},
		{"11 elements", post(`{"type":"context","elements":[` + texts(11, `{"type":"plain_text","text":"%s"}`) + `]}`), "invalid_blocks"},
		{"emoji of markup", post(`{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":true}}`), "invalid_blocks"},
		{"verbatim plain text", post(`{"type":"section","text":{"type":"plain_text","text":"x","verbatim":true}}`), "invalid_blocks"},
		{"too long in all", post(texts(5, fmt.Sprintf(section, long(2999))[:0]+`{"type":"section","text":{"type":"plain_text","text":"`+long(2700)+`%s"}}`)), "msg_blocks_too_long"},
		{"rich text without elements", post(`{"type":"rich_text","elements":[]}`), "invalid_blocks"},
		{"text in the wrong place", post(`{"type":"rich_text","elements":[{"type":"text","text":"x"}]}`), "invalid_blocks"},
		{"empty rich text", rich(`{"type":"text","text":""}`), "invalid_blocks"},
		{"unknown style", rich(`{"type":"text","text":"x","style":{"blink":true}}`), "invalid_blocks"},
		{"unknown element", rich(`{"type":"table"}`), "invalid_blocks"},
		{"a link to nowhere", rich(`{"type":"link","url":"javascript:alert(1)"}`), "invalid_blocks"},
		{"user in preformatted", post(`{"type":"rich_text","elements":[{"type":"rich_text_preformatted","elements":[{"type":"user","user_id":"U1"}]}]}`), "invalid_blocks"},
		{"list of texts", post(`{"type":"rich_text","elements":[{"type":"rich_text_list","style":"bullet","elements":[{"type":"text","text":"x"}]}]}`), "invalid_blocks"},
		{"list", post(`{"type":"rich_text","elements":[{"type":"rich_text_list","style":"bullet","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"x"}]}]}]}`), ""},
	} {
		if _, err := ReadSlack([]byte(c.body)); err == nil && c.refusal != "" || err != nil && (c.refusal == "" || !strings.HasPrefix(err.Error(), c.refusal)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.refusal)
		}
	}
}

// TestSlackSeesMentionsAndLinks wherever they can be.
func TestSlackSeesMentionsAndLinks(t *testing.T) {
	block := func(kind, text, more string) string {
		return post(fmt.Sprintf(`{"type":"section","text":{"type":%q,"text":%q%s}}`, kind, text, more))
	}
	for _, c := range []struct {
		body            string
		mentions, links int
		shown           string
	}{
		{block("mrkdwn", "a <!channel> <@U1> <#C1> <!subteam^S1>", ""), 4, 0, "a <!channel> <@U1> <#C1> <!subteam^S1>"},
		{block("mrkdwn", "<https://x.example|ok> https://y.example", ""), 0, 2, ""},
		{block("mrkdwn", "https://y.example", `,"verbatim":true`), 0, 0, ""},
		{block("mrkdwn", "&lt;!channel&gt;", ""), 0, 0, "<!channel>"},
		{block("plain_text", "&lt;!channel&gt; https://x.example", ""), 0, 0, "<!channel> https://x.example"},
		{block("plain_text", "<!channel>", ""), 1, 0, ""},
		{`{"channel":"C1","text":"<!here> https://x.example","unfurl_links":false}`, 1, 1, "<!here> https://x.example"},
		{`{"channel":"C1","text":"<!here> https://x.example","unfurl_links":false,"blocks":[{"type":"divider"}]}`, 1, 0, ""},
		{post(`{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"<!channel> &amp; "},{"type":"broadcast","range":"here"},{"type":"user","user_id":"U1"},
			{"type":"link","url":"https://x.example/","text":"there"}]}]}`), 2, 1, "<!channel> &amp; @here@U1there"},
	} {
		m, err := ReadSlack([]byte(c.body))
		if err != nil || len(m.Mentions) != c.mentions || len(m.Links) != c.links || c.shown != "" && m.Shown != c.shown {
			t.Errorf("%s: %v, %q, %q, %q", c.body, err, m.Mentions, m.Links, m.Shown)
		}
	}
}

// TestSlackChannel: posts, edits, threads, the search, the rate and who may come in.
func TestSlackChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := InMemory()
		defer n.Close()
		s := n.Slack("slack", "token", "/hook")
		call := func(method, body string) string {
			_, answer, _ := do(t, n, http.MethodPost, s.URL+"/api/"+method, body, "Authorization", "Bearer token")
			return answer
		}
		with := func(more string) string { return strings.TrimSuffix(post(""), "}") + more + "}" }
		if _, answer, _ := do(t, n, http.MethodPost, s.URL+"/api/chat.postMessage", post("")); !strings.Contains(answer, "invalid_auth") {
			t.Error(answer)
		}
		if answer := call("chat.postMessage", with(`,"metadata":{"event_type":"e","event_payload":{"id":"1"}}`)); !strings.Contains(answer, `"ok":true`) {
			t.Error(answer)
		}
		if status, _, h := do(t, n, http.MethodPost, s.URL+"/hook", `{"text":"t","unfurl_links":false}`); status != 429 || h.Get("Retry-After") != "1" {
			t.Errorf("%d %v", status, h)
		}
		time.Sleep(time.Second)
		if status, answer, _ := do(t, n, http.MethodPost, s.URL+"/hook", `{"text":"<!here>","unfurl_links":false}`); status != 200 || answer != "ok" {
			t.Errorf("%d %s", status, answer)
		}
		time.Sleep(time.Second)
		ts := s.Posts()[0].TS
		for what, answer := range map[string]string{
			"thread_not_found":  call("chat.postMessage", with(`,"thread_ts":"1.2"`)),
			"message_not_found": call("chat.update", `{"channel":"C1","ts":"1.2","text":"t"}`),
			"channel_not_found": call("chat.update", `{"channel":"C2","ts":"1.2","text":"t"}`),
			"invalid_arguments": call("chat.update", `{"channel":"C1","ts":"`+ts+`","text":"t","unfurl_links":false}`),
		} {
			if !strings.Contains(answer, what) {
				t.Errorf("%s: %s", what, answer)
			}
		}
		call("chat.postMessage", with(`,"thread_ts":"`+ts+`"`))
		for range 51 {
			call("chat.update", `{"channel":"C1","ts":"`+ts+`","text":"edited"}`)
		}
		if posts := s.Posts(); len(posts) != 2 || posts[0].Notified != "edited" || len(s.Notes()) != 1 || len(s.Edits()) != 50 || !slices.Equal(s.Mentions(), []string{"<!here>"}) {
			t.Errorf("%+v %+v %d %v", posts, s.Notes(), len(s.Edits()), s.Mentions())
		}
		search := s.URL + "/api/conversations.history?channel=C1&limit=9&include_all_metadata=true"
		if _, answer, _ := do(t, n, http.MethodGet, search, "", "Authorization", "Bearer token"); strings.Count(answer, `"ts"`) != 2 || !strings.Contains(answer, `"event_type":"e"`) {
			t.Error(answer)
		}
		s.Delete(ts)
		if len(s.Posts()) != 1 {
			t.Error("a deleted post is there")
		}
	})
}
