package alert

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/configs"
)

// documentedElsewhere are the requests of docs/alerts.md that go to others than Slack.
func documentedElsewhere(opened, silenced, ending delivery) []documented {
	pager, hook := (*slackLine).pager, (*slackLine).signed
	return []documented{
		{name: "pagerduty-trigger", to: pager, shown: opened},
		{name: "pagerduty-acknowledge", to: pager, first: &opened, shown: silenced},
		{name: "pagerduty-resolve", to: pager, first: &opened, shown: ending},
		{name: "alertmanager-firing", to: prometheus(21 * time.Minute), shown: opened},
		{name: "alertmanager-resolved", to: prometheus(9 * time.Hour), first: &opened, shown: ending},
		{name: "webhook-open", to: hook, shown: few(opened)},
		{name: "webhook-resolved", to: hook, shown: few(ending)},
		{name: "teams-open", to: (*slackLine).teams, shown: opened, at: onset.Add(21 * time.Minute)},
		{name: "teams-resolved", to: (*slackLine).teams, shown: ending, at: onset.Add(9 * time.Hour)},
	}
}

// few leaves three connections of those that a webhook is told of: a reader learns nothing from the others.
func few(d delivery) delivery {
	in := *d.in
	in.Connections = in.Connections[:3]
	d.in = &in
	return d
}

func (s *slackLine) pager(t *testing.T) Destination {
	s.status = http.StatusAccepted
	return must(NewPagerDuty(PagerDuty{RoutingKey: "0123456789abcdef0123456789ABCDEF", HTTP: &http.Client{Transport: s}}))(t)
}

// prometheus is an Alertmanager that is told so long after the onset.
func prometheus(after time.Duration) func(*slackLine, *testing.T) Destination {
	return func(s *slackLine, t *testing.T) Destination {
		a := must(NewAlertmanager(Alertmanager{URLs: []string{"http://alertmanager-0.example:9093"}, Labels: map[string]string{"team": "integrations"}, HTTP: &http.Client{Transport: s}}))(t).(*alertmanager)
		a.peers.now = func() time.Time { return onset.Add(after) }
		return a
	}
}

const documentedSecret = "whsec_cmV2d2F0Y2ggc2lnbnMgd2hhdCBpdCBzYXlz"

func (s *slackLine) signed(t *testing.T) Destination {
	w := must(NewWebhook(Webhook{URL: "https://receiver.example.com/revwatch", Secret: documentedSecret, HTTP: &http.Client{Transport: s}}))(t).(*hook)
	w.now = func() time.Time { return onset.Add(21 * time.Minute) }
	return w
}

func (s *slackLine) teams(t *testing.T) Destination {
	return must(NewWebhook(Webhook{URL: "https://teams.example.com/workflow", Template: configs.Teams, HTTP: &http.Client{Transport: s}}))(t)
}

// TestDocumentedSignature: the page shows the headers of the body beside it, as they go out.
func TestDocumentedSignature(t *testing.T) {
	to, d := (&slackLine{}).signed(t).(*hook), few(say(massRevocation(), open))
	body, err := to.body(d) // TestDocumentedMessages holds it, in lines for people
	if err != nil {
		t.Fatal(err)
	}
	h := to.header(d, body)
	held(t, "webhook-signature", fmt.Sprintf("webhook-id: %s\nwebhook-timestamp: %s\nwebhook-signature: %s\n", h.Get("webhook-id"), h.Get("webhook-timestamp"), h.Get("webhook-signature")))
	if page, _ := os.ReadFile(filepath.Join(docsDir, "alerts.md")); !strings.Contains(string(page), "`"+documentedSecret+"`") {
		t.Error("the page does not say the secret of its example")
	}
}

// TestDocumentedPatterns: the page shows what is said of each pattern, and what to do about it.
func TestDocumentedPatterns(t *testing.T) {
	for _, e := range patternExamples() {
		m := e.delivery().message
		text := sign(m) + " " + m.headline + "\n"
		list := func(title string, lines []string) {
			if len(lines) > 0 {
				text += title + "\n  • " + strings.Join(lines, "\n  • ") + "\n"
			}
		}
		list("Looks like", m.diagnoses)
		list("Why", m.why)
		list("What to do", m.todo)
		held(t, e.name, text)
	}
}

// held compares a block of docs/alerts.md, which stands after a comment with its name, or writes it with -update.
func held(t *testing.T, name, want string) {
	t.Helper()
	file := filepath.Join(docsDir, "alerts.md")
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile("(<!-- " + name + " -->\n```\n)([^`]*)```").FindSubmatchIndex(page)
	switch {
	case at == nil:
		t.Errorf("docs/alerts.md has no block of %s", name)
	case string(page[at[4]:at[5]]) == want:
	case *update:
		if err := os.WriteFile(file, []byte(string(page[:at[4]])+want+string(page[at[5]:])), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/alerts.md says of %s\n%s, want\n%s; when that is meant, run go test ./pkg/alert -run TestDocumented -update", name, page[at[4]:at[5]], want)
	}
}

// drawnCard is what Teams draws of an Adaptive Card: rich text and buttons.
func drawnCard(body []byte) (string, error) {
	var p struct {
		Attachments []struct {
			Content struct {
				Body    []cardRow `json:"body"`
				Actions []struct {
					Type  string `json:"type"`
					Title string `json:"title"`
				} `json:"actions"`
			} `json:"content"`
		} `json:"attachments"`
	}
	if err := json.Unmarshal(body, &p); err != nil || len(p.Attachments) != 1 {
		return "", fmt.Errorf("no card: %v", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<!doctype html><meta charset="utf-8"><style>%s</style><body class="t"><div class="card">`, pictureStyle+cardStyle)
	for _, x := range p.Attachments[0].Content.Body {
		if x.Type != "RichTextBlock" {
			return "", fmt.Errorf("a block of type %s is not drawn", x.Type)
		}
		fmt.Fprintf(&b, `<div class="ts%s">`, x.Spacing)
		for _, r := range x.Inlines {
			fmt.Fprintf(&b, `<span class="tw%s tz%s tc%s tf%s tu%t">%s</span>`, r.Weight, r.Size, r.Color, r.Font, r.Subtle, html.EscapeString(r.Text))
		}
		b.WriteString("</div>")
	}
	b.WriteString(`<div class="buttons">`)
	for _, a := range p.Attachments[0].Content.Actions {
		fmt.Fprintf(&b, "<button>%s</button>", html.EscapeString(cmp.Or(a.Title, a.Type)))
	}
	b.WriteString("</div></div></body>")
	return b.String(), nil
}

type cardRow struct {
	Type    string `json:"type"`
	Spacing string `json:"spacing"`
	Inlines []struct {
		Text   string `json:"text"`
		Weight string `json:"weight"`
		Size   string `json:"size"`
		Color  string `json:"color"`
		Font   string `json:"fontType"`
		Subtle bool   `json:"isSubtle"`
	} `json:"inlines"`
}

const cardStyle = `.t{background:#f5f5f5}.card{background:#fff;border:1px solid #e0e0e0;border-radius:4px;padding:12px 16px;font:14px/20px Lato,"Noto Color Emoji",sans-serif;color:#242424;overflow-wrap:anywhere}
.ts,.tsSmall{margin-top:4px}.tsMedium{margin-top:16px}.twBolder{font-weight:700}.tzLarge{font-size:18px;line-height:26px}.tzSmall{font-size:12px}.tcAttention{color:#c4314b}.tcWarning{color:#835b00}.tcGood{color:#237b4b}.tcAccent{color:#5b5fc7}
.tfMonospace{font:12px "DejaVu Sans Mono",monospace}.tutrue{color:#616161}.buttons{margin-top:16px;display:flex;flex-wrap:wrap;gap:8px}button{border:1px solid #d1d1d1;border-radius:4px;background:#fff;font:700 14px/20px Lato;padding:5px 12px;color:#242424}`
