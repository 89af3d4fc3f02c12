package alert

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/configs"
	"github.com/revwatch/revwatch/pkg/detect"
)

// TestTemplateErrors: what is wrong with a template is found when it is configured.
func TestTemplateErrors(t *testing.T) {
	for name, text := range map[string]string{
		"syntax":               `{"text": {{json .Message.Headline}`,
		"no such function":     `{"text": {{quote .Message.Headline}}}`,
		"no such field":        `{"text": {{json .Message.Title}}}`,
		"no such field inside": `{"a": [{{range .Message.Links}}{{json .Href}}{{end}}]}`,
		"no JSON":              `text={{json .Message.Headline}}`,
		"two values":           `{} {}`,
		"nothing":              ` `,
		"unquoted text":        `{"text": "{{.Message.Headline}}"}`,
		"only when resolved":   `{"text": {{if eq .Phase "resolve"}}oh{{else}}1{{end}}}`,
		"only when silenced":   `{"text": {{if eq .Phase "hush"}}"{{.Provider}}"{{else}}1{{end}}}`,
		"only a warning":       `{"text": {{if eq .Severity "warning"}}"{{.Provider}}"{{else}}1{{end}}}`,
		"only without rows":    `{"text": {{if eq .Signal "silence"}}"{{.Environment}}"{{else}}1{{end}}}`,
		"only a line":          `{"text": {{if .Message.Line}}"{{.Message.Headline}}"{{else}}1{{end}}}`,
		"only without links":   `{"text": {{range .Message.Links}}{{else}}oh{{end}}1}`,
		"commas":               `[{{range .Message.Why}}{{json .}},{{end}}]`,
	} {
		if _, err := newLayout(text); err == nil || !strings.HasPrefix(err.Error(), "webhook: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTemplateFunctions(t *testing.T) {
	d := tell(revoked(), nil, open)
	d.message.why = []string{`a "b" <c>`, "déjà vu"}
	for text, want := range map[string]string{
		`{{json .Message.Why}}`:                                          `["a \"b\" <c>","déjà vu"]`,
		`{{json (join "; " .Message.Why)}}`:                              `"a \"b\" <c>; déjà vu"`,
		`{{json (clip 8 (index .Message.Why 1))}}`:                       `"déj…"`, // é has 2 bytes, … has 3
		`{{json (replace "b" "x" (index .Message.Why 0))}}`:              `"a \"x\" <c>"`,
		`{"p": {{json .Provider}}, "n": {{.Observed}}}`:                  `{"p":"google-mail","n":23}`,
		`{"s": {{json .Severity}}, "x": {{json .Phase}}, "t":{{.Test}}}`: `{"s":"critical","x":"open","t":false}`,
	} {
		l := &layout{}
		var err error
		if l.t, err = templateOf(text); err != nil {
			t.Fatal(err)
		}
		if got, err := l.render(newPayload(d)); err != nil || string(got) != want {
			t.Errorf("%s gives %s, %v; want %s", text, got, err, want)
		}
	}
}

// TestTemplateFaults: what a template does wrong only with a certain incident is refused, not sent.
func TestTemplateFaults(t *testing.T) {
	for text, reason := range map[string]string{
		`{{if eq .Provider "google-mail"}}oh{{else}}1{{end}}`:                       "the template gives no JSON",
		`{{index .Message.Todo 9}}`:                                                 "the template gives no JSON",
		`[{{range .Connections}}{{range $.Connections}}{{json $}},{{end}}{{end}}1]`: "the template gives more than 256 KiB",
	} {
		parsed, err := templateOf(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = (&layout{parsed}).render(newPayload(tell(revoked(), nil, open)))
		if f := faultOf(err); f.verdict != refused || f.reason != reason {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestTemplateNames: a field's name in a template is its JSON name with capitals instead of underscores.
func TestTemplateNames(t *testing.T) {
	var check func(v reflect.Type)
	check = func(v reflect.Type) {
		for i := range v.NumField() {
			f := v.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous {
				check(f.Type)
			} else if name != "-" && strings.ToLower(f.Name) != strings.ReplaceAll(name, "_", "") {
				t.Errorf("%s is %s in JSON", f.Name, name)
			}
		}
	}
	for _, v := range []any{payload{}, payloadText{}, payloadFact{}, payloadLink{}, detect.Broken{}, detect.Lift{}, detect.Diagnosis{}, detect.Remaining{}, detect.Course{}} {
		check(reflect.TypeOf(v))
	}
}

// card is what Teams reads of a message.
type card struct {
	Type        string
	Attachments []struct {
		ContentType string
		Content     struct {
			Type, Version string
			Body          []cardBlock
			Actions       []struct{ Type, Title, URL string }
		}
	}
}

type cardBlock struct {
	Type    string
	Inlines []struct{ Type, Text, Color string }
}

var shipped = sync.OnceValues(func() (*layout, error) { return newLayout(configs.Teams) })

func teams(t interface {
	Helper()
	Fatal(...any)
}, d delivery) (card, []byte) {
	t.Helper()
	l, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	body, err := l.render(newPayload(d))
	if err != nil {
		t.Fatal(err)
	}
	var c card
	if err := json.Unmarshal(body, &c); err != nil {
		t.Fatal(err)
	}
	return c, body
}

func (c card) text() string {
	var lines []string
	for _, b := range c.Attachments[0].Content.Body {
		line := ""
		for _, r := range b.Inlines {
			line += r.Text
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// TestTeams reads the shipped card: what a person sees of each example, and where the texts stand.
func TestTeams(t *testing.T) {
	for _, e := range examples() {
		d := tell(e.in, nil, e.phase)
		d.message.links = []link{{"Dashboard", "https://app.nango.dev/prod/logs"}, {"Runbook", "https://wiki.example.org/x"}}
		c, body := teams(t, d)
		seen := c.text()
		if !d.message.line && !strings.Contains(seen, d.in.ID) {
			t.Errorf("%s: the card names no incident", e.title)
		}
		for _, want := range append(append([]string{d.message.headline}, d.message.why...), append(d.message.samples, d.message.todo...)...) {
			if !strings.Contains(seen, want) {
				t.Errorf("%s: no %q in the card", e.title, want)
			}
		}
		for _, f := range d.message.facts {
			if !strings.Contains(seen, f.name+": "+f.value) {
				t.Errorf("%s: no %v in the card", e.title, f)
			}
		}
		if a := c.Attachments[0].Content.Actions; len(a) != 2 || a[1].URL != "https://wiki.example.org/x" || len(body) > 10000 {
			t.Errorf("%s: %v, %d bytes", e.title, a, len(body))
		}
	}
}

func TestTeamsExample(t *testing.T) {
	d := tell(revoked(), nil, open)
	d.message.spark, d.message.diagnoses = "▁▂█ peak 23 in 1 h", []string{"Google test mode: 21 of 23 broke 7 days after their authorization"}
	d.message.links = []link{{"Dashboard", "https://app.nango.dev/prod/logs"}}
	_, body := teams(t, d)
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/teams.json", append(pretty.Bytes(), '\n'))
}

// TestTeamsLine: the weekly line is one line, a test says so first.
func TestTeamsLine(t *testing.T) {
	c, _ := teams(t, delivery{in: &detect.Incident{}, message: message{phase: open, line: true, headline: "Last week: nothing unusual", facts: []fact{{"a", "b"}}}})
	if got := c.text(); got != "📋 Last week: nothing unusual" {
		t.Errorf("%q", got)
	}
	d := tell(revoked(), nil, open)
	d.message.test = true
	if c, _ := teams(t, d); !strings.HasPrefix(c.text(), "🔴 [TEST] ") {
		t.Errorf("%q", c.text())
	}
}

// TestLargestTeamsCard: as many texts as there can be, each as long as it can be, of characters that take most bytes.
func TestLargestTeamsCard(t *testing.T) {
	long, lines := strings.Repeat("🏔", 5000), slices.Repeat([]string{strings.Repeat("🏔", 5000)}, 100)
	m := message{phase: open, test: true, headline: long, spark: long, diagnoses: lines, why: lines, samples: lines, todo: lines}
	for range 100 {
		m.facts = append(m.facts, fact{long, long})
		m.links = append(m.links, link{long, "https://h.example/" + strings.Repeat("x", 680)}, link{long, "https://h.example/" + strings.Repeat("x", 1000)})
	}
	if _, body := teams(t, delivery{message: m, in: &detect.Incident{ID: long}}); len(body) > 28000 || len(body) < 20000 {
		t.Errorf("%d bytes", len(body))
	}
}

// TestTeamsOfAnyMessage: a card of any input keeps Teams' limits, and its texts stand only where Teams reads no markup.
func TestTeamsOfAnyMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := wildMessage(t)
		in := wildIncident(t, m)
		c, body := teams(t, delivery{message: m, in: &in})
		if len(body) > 28000 {
			t.Fatalf("%d bytes", len(body))
		}
		if c.Type != "message" || len(c.Attachments) != 1 || c.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" || c.Attachments[0].Content.Type != "AdaptiveCard" {
			t.Fatalf("%s", body)
		}
		for _, b := range c.Attachments[0].Content.Body {
			if b.Type != "RichTextBlock" || len(b.Inlines) == 0 {
				t.Fatalf("a block is %+v", b)
			}
			for _, r := range b.Inlines {
				if r.Type != "TextRun" || strings.Contains(r.Text, "{{") || strings.ContainsFunc(r.Text, func(r rune) bool { return r < ' ' }) {
					t.Fatalf("an inline is %+v", r)
				}
			}
		}
		for _, a := range c.Attachments[0].Content.Actions {
			if a.Type != "Action.OpenUrl" || !strings.HasPrefix(a.URL, "https://h.example/") {
				t.Fatalf("an action is %+v", a)
			}
		}
	})
}
