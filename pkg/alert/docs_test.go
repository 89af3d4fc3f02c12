package alert

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

var pictures = flag.Bool("pictures", false, "with -update: also draw docs/alerts/*.png (needs chromium and the fonts Lato, DejaVu and Noto Color Emoji)")

const docsDir = "../../docs"

// documented is one request of docs/alerts.md.
type documented struct {
	name  string
	to    func(*slackLine, *testing.T) Destination
	first *delivery // told before
	shown delivery
	at    time.Time // when a person sees it, for the picture; zero: there is none
	step  int       // which of the requests that it takes is shown
}

// documentedMessages are those of docs/alerts.md, in its order.
func documentedMessages() []documented {
	bot, hook := (*slackLine).bot, (*slackLine).webhook
	mass, over := massRevocation(), ended(massRevocation())
	over.Remaining, over.Proof = detect.Remaining{Reconnected: 18, Deleted: 3, Broken: 2}, 4
	opened, ending := say(mass, open), say(over, resolve)
	at, end := onset.Add(21*time.Minute), onset.Add(9*time.Hour)
	silenced, marked := say(mass, hush), say(mass, open)
	silenced.message.silenced(Silence{Author: "oncall", Reason: "we publish the app today", Until: onset.Add(5 * time.Hour)})
	marked.message.marked()
	return append([]documented{
		{name: "slack-revoked", to: hook, shown: opened, at: at},
		{name: "slack-misconfigured", to: hook, shown: say(misconfigured(), open), at: at},
		{name: "slack-unknown-connections", to: hook, shown: say(strange(), open), at: at},
		{name: "slack-many-providers", to: hook, shown: say(everywhere(), open), at: at},
		{name: "slack-resolved", to: hook, shown: ending, at: end},
		{name: "slack-no-rows", to: hook, shown: say(silence(), open), at: onset.Add(2 * time.Hour)},
		{name: "slack-bot-post", to: bot, shown: opened, at: at},
		{name: "slack-bot-edit", to: bot, first: &opened, shown: ending, at: at},
		{name: "slack-bot-thread", to: bot, first: &opened, shown: ending, at: end, step: 1},
		{name: "slack-bot-silenced", to: bot, first: &opened, shown: silenced, at: at},
		{name: "slack-weekly", to: hook, shown: say(weekly(), open), at: time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC)},
		{name: "slack-test", to: hook, shown: marked, at: at},
	}, documentedElsewhere(opened, silenced, ending)...)
}

// massRevocation is an OAuth app in test mode, seven days after many customers authorized it, with all that an incident can say.
func massRevocation() detect.Incident {
	in := newborn()
	for i := range in.Connections {
		in.Connections[i].Created = in.Connections[i].Time.Add(-7*24*time.Hour - 20*time.Minute)
	}
	in.Affected, in.Customers, in.Remaining = 23, 9, detect.Remaining{Broken: 23}
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.TestMode, Evidence: "21 of 23 broke 7 days after their authorization",
		Source: "https://www.nango.dev/blog/google-oauth-invalid-grant-token-has-been-expired-or-revoked"}}
	in.Course = detect.Course{From: onset.Add(-95 * time.Minute), Seconds: 300, Counts: []int{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 5, 5, 5, 5, 2}}
	in.Course.Upper = slices.Repeat([]float64{1.2}, len(in.Course.Counts))
	return in
}

// say composes a message with every setting there is.
func say(in detect.Incident, p phase) delivery {
	d := tell(in, nil, p)
	d.message = compose(&in, nil, p, Wording{Display: display, Links: Links{
		Dashboard: "https://app.nango.dev/{environment}/logs?integrations={integration}", Runbook: "https://wiki.example.com/runbooks/oauth/{provider}",
		Connection: "https://app.nango.dev/{environment}/connections/{integration}/{connection}",
	}}.orDefault())
	return d
}

// body is the request as it goes out, set in lines for people.
func (m documented) body(t *testing.T) []byte {
	t.Helper()
	line := &slackLine{}
	to, remote := m.to(line, t), ""
	if m.first != nil {
		remote = line.whole(t, to, *m.first, "")
	}
	line.took()
	line.whole(t, to, m.shown, remote)
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(line.bodies[m.step]), "", "  "); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

// TestDocumentedMessages: docs/alerts holds exactly what goes out, each picture is of the body beside it, and docs/alerts.md shows all of them and
// names nothing else.
func TestDocumentedMessages(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(docsDir, "alerts.md"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, m := range documentedMessages() {
		m.compare(t)
		for _, file := range m.files() {
			files = append(files, file)
			if !strings.Contains(string(text), "(alerts/"+file+")") {
				t.Errorf("docs/alerts.md does not show %s", file)
			}
		}
	}
	there, err := os.ReadDir(filepath.Join(docsDir, "alerts"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range there {
		if !slices.Contains(files, f.Name()) {
			t.Errorf("docs/alerts/%s is of no message", f.Name())
		}
	}
}

func (m documented) files() []string {
	if m.at.IsZero() {
		return []string{m.name + ".json"}
	}
	return []string{m.name + ".json", m.name + ".png"}
}

const writeAnew = "when that is meant, run go test ./pkg/alert -run TestDocumentedMessages -update -pictures"

// compare holds one message against its files, or writes them.
func (m documented) compare(t *testing.T) {
	t.Helper()
	body, file := m.body(t), filepath.Join(docsDir, "alerts", m.name)
	if *update {
		if err := os.WriteFile(file+".json", body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file + ".json")
	if err != nil || !bytes.Equal(want, body) {
		t.Errorf("%s.json is not what goes out (%v); %s", m.name, err, writeAnew)
	}
	if m.at.IsZero() {
		return
	}
	page, err := drawn(body, m.at)
	if err != nil {
		t.Fatalf("%s: %v", m.name, err)
	}
	picture, _ := os.ReadFile(file + ".png")
	switch fresh := sourceOf(picture) == digest(page); {
	case !fresh && *update && *pictures:
		photograph(t, page, file+".png")
	case !fresh:
		t.Errorf("%s.png is not of that message; %s", m.name, writeAnew)
	}
}

// TestDrawn: the picture shows texts as they are, and markup where Slack has it.
func TestDrawn(t *testing.T) {
	body := encode(slackPost{Thread: "1", Blocks: []slackBlock{
		{Type: "header", Text: &slackText{Type: "plain_text", Text: "*a* &lt;b&gt;"}},
		{Type: "section", Text: &slackText{Type: "mrkdwn", Text: "*What to do*\n• `x`"}},
		{Type: "rich_text", Elements: []slackText{rich("rich_text_section", slackText{Type: "link", Text: "<i>&amp;", URL: "https://h/"})}},
	}})
	page, err := drawn(body, onset)
	for _, want := range []string{"<h3>*a* &lt;b&gt;</h3>", "<b>What to do</b>\n• <code>x</code>", "<a>&lt;i&gt;&amp;amp;</a>", "replied to a thread", "1:12 PM"} {
		if err != nil || !strings.Contains(page, want) {
			t.Errorf("no %q in %s, %v", want, page, err)
		}
	}
	if _, err := drawn([]byte(`{"blocks":[{"type":"video"}]}`), onset); err == nil {
		t.Error("an unknown block was drawn")
	}
}
