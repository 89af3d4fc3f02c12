package alert

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/internal/counterpart"
)

// everything is a message with every part that a message can have.
func everything() message {
	d := tell(revoked(), nil, open)
	m := d.message
	m.spark = "▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂▁▁▃▅█▇▆▃▂ from 11:30 to 13:30 UTC, 5 min a bar; most 8 in the one from 12:40, up to 1 is usual; 6 bars above the usual"
	m.diagnoses = []string{"an OAuth app in test mode: 21 of 23 broke 7 days after their authorization (developers.google.com/identity/protocols/oauth2)"}
	m.links = []link{{"Open in Nango", "https://app.nango.dev/prod/logs?integrations=google-mail-eu&status=error"}, {"Runbook", "https://wiki.example.com/oauth"}}
	return m
}

// TestPostHasEveryPart: each part stands where a reader looks for it, what is urgent first.
func TestPostHasEveryPart(t *testing.T) {
	var got []string
	for _, b := range newPost(delivery{message: everything()}).Blocks {
		title := b.Type
		if b.Text != nil {
			title, _, _ = strings.Cut(b.Text.Text, "\n")
		}
		if b.Type == "rich_text" {
			title = b.Elements[0].Type
		}
		got = append(got, title)
	}
	want := []string{"🔴 Gmail (google-mail-eu) is losing connections faster than usual", "section", "rich_text_preformatted", "Looks like", "Why", "Affected", "*What to do*", "rich_text_section", "context"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("blocks are\n%q, want\n%q", got, want)
	}
}

// TestWeeklyLineIsOneLine: no header, no foot, nothing to do.
func TestWeeklyLineIsOneLine(t *testing.T) {
	p := newPost(delivery{message: message{line: true, headline: "Last week: prod 41 newly broken <38 expected>; nothing unusual", summary: "s", facts: []fact{{"a", "b"}}}})
	const want = "Last week: prod 41 newly broken &lt;38 expected&gt;; nothing unusual"
	if len(p.Blocks) != 1 || p.Blocks[0].Type != "section" || p.Blocks[0].Text.Text != want || p.Text != want {
		t.Errorf("%s", encode(p))
	}
}

func TestSign(t *testing.T) {
	for _, c := range []struct {
		m    message
		want string
	}{
		{message{phase: open, severity: critical}, "🔴"}, {message{phase: open, severity: warning}, "🟠"}, {message{phase: resolve, severity: critical}, "✅"},
		{message{phase: fold}, "➡️"}, {message{phase: hush, severity: critical}, "🔕"}, {message{phase: resolve, test: true}, "🧪"},
	} {
		if got := sign(c.m); got != c.want {
			t.Errorf("%+v is %s, want %s", c.m, got, c.want)
		}
	}
}

// anyMessage holds more than compose would let through; its texts are clean, as it promises.
func anyMessage(t *rapid.T) message {
	line := rapid.Map(text(), clean)
	lines := rapid.SliceOfN(line, 0, 12)
	m := message{
		id: line.Draw(t, "id"), headline: line.Draw(t, "headline"), summary: line.Draw(t, "summary"), spark: line.Draw(t, "spark"),
		phase: rapid.SampledFrom([]phase{open, resolve, fold, hush}).Draw(t, "phase"), severity: critical,
		diagnoses: lines.Draw(t, "diagnoses"), why: lines.Draw(t, "why"), samples: lines.Draw(t, "samples"), todo: lines.Draw(t, "todo"),
		line: rapid.IntRange(0, 9).Draw(t, "line") == 0, test: rapid.Bool().Draw(t, "test"),
	}
	for range rapid.IntRange(0, 8).Draw(t, "facts") {
		m.facts = append(m.facts, fact{"Fact", line.Draw(t, "fact")})
	}
	for range rapid.IntRange(0, 4).Draw(t, "links") {
		m.links = append(m.links, link{line.Draw(t, "text"), "https://nango.example/" + strings.Repeat("a%20b&", rapid.IntRange(0, 500).Draw(t, "url"))})
	}
	return m
}

// TestPostProperty: whatever a message holds, its post and its note are within every limit, and a person sees no line, mention or link that is
// not of the message's own making.
func TestPostProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage(t)
		d := delivery{message: m, incident: "3f9c0a1b2c3d4e5f"}
		for _, p := range []slackPost{newPost(d), newNote(d, slackRemote{Channel: "C1", TS: "1"})} {
			checkPost(t, p, m)
			for _, b := range p.Blocks {
				checkRich(t, b.Elements, m)
			}
		}
	})
}

// checkRich: rich text holds texts and the message's own links, whole.
func checkRich(t *rapid.T, elements []slackText, m message) {
	for _, e := range elements {
		checkRich(t, e.Elements, m)
		if e.Type != "link" && e.URL != "" {
			t.Fatalf("an address in %+v", e)
		}
		known := e.URL == ""
		for _, l := range m.links {
			known = known || l.url == e.URL
		}
		if !known {
			t.Fatalf("a link that nobody configured: %q", e.URL)
		}
		if strings.ContainsFunc(e.Text, func(r rune) bool { return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			t.Fatalf("a hidden character in %q", e.Text)
		}
	}
}

// TestPostMakesRoom: when all does not fit, what to do stays whole and the samples give way.
func TestPostMakesRoom(t *testing.T) {
	m := everything()
	long := strings.Repeat("<", 290)
	m.why, m.diagnoses, m.samples = []string{long, long}, []string{long}, []string{long, long, long}
	for i := range m.links {
		m.links[i].url += strings.Repeat("x", 1200)
	}
	p := newPost(delivery{message: m})
	all := string(encode(p))
	if n := wireUnits(t, p); n > maxPost {
		t.Errorf("%d characters", n)
	}
	if !strings.Contains(all, m.todo[len(m.todo)-1]) || strings.Count(all, `"link"`) != 2 {
		t.Errorf("what matters was cut: %s", all)
	}
}

func wireUnits(t *testing.T, p slackPost) int {
	t.Helper()
	m, err := counterpart.ReadSlack(encode(p))
	if err != nil {
		t.Fatal(err)
	}
	return m.Units
}
