package alert

import (
	"context"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/internal/counterpart"
	"github.com/revwatch/revwatch/pkg/detect"
)

// nasty are texts that try to be more than text.
var nasty = []string{
	"", " ", "<!channel>", "<@U024BE7LH>", "<https://evil.example|Resolved>", "https://evil.example/a?b=c", "*bold* _it_ `code` ~s~ &amp; &lt;!here&gt;",
	"a\n✅ prod: all is well\nb", "a\r\nb", "\x1b[2J\x1b[31mred", "\u202egnp.exe", "a\u200bb\ufeff", "\x00", "\xff\xfe", "\u2028fake line\u2029", "@here", ":white_check_mark:",
	strings.Repeat("<&>", 4000), strings.Repeat("é", 5000), strings.Repeat("e\u0301", 5000), "z" + strings.Repeat("\u0300", 900), strings.Repeat("🇩🇪", 300), strings.Repeat("👩‍👩‍👧", 300),
	"{{.Secret}}", "%s%n", "\"quoted\"\\", "null_body",
}

// What a wider incident is called is a matter of its own provider, not of the part's.
func TestFoldNamesTheWiderIncident(t *testing.T) {
	in, parent := child(), revoked()
	in.Provider, in.Integration, parent.Scope = "hubspot", "hubspot", "family"
	m := compose(&in, &parent, fold, wording())
	if want := "It goes on as: Gmail and its sister providers are losing connections faster than usual"; !strings.HasPrefix(m.why[0], want) {
		t.Errorf("%q, %q", m.headline, m.why)
	}
	parent.Provider = strings.Repeat("x", 500)
	if why := compose(&in, &parent, fold, wording()).why[0]; strings.Contains(why, strings.Repeat("x", maxName+1)) {
		t.Errorf("%q", why)
	}
}

func text() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom(nasty), rapid.String(), rapid.StringMatching(`[a-z-]{1,20}`))
}

func anyIncident(t *rapid.T) detect.Incident {
	number := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e-300, 0.004, 9.96, 1e300}))
	moments := rapid.Map(rapid.Int64Range(-1e11, 1e12), func(s int64) time.Time { return time.Unix(s, 0) })
	in := detect.Incident{
		ID: text().Draw(t, "id"), Revision: 1, Milestone: 1,
		Status:      rapid.SampledFrom([]detect.Status{detect.StatusOpen, detect.StatusUpdate, detect.StatusReopened, detect.StatusResolved}).Draw(t, "status"),
		Signal:      rapid.SampledFrom([]string{detect.Revocations, detect.UnknownConnections, detect.Silence, "?"}).Draw(t, "signal"),
		Scope:       rapid.SampledFrom([]string{"integration", "provider", "family", "all", ""}).Draw(t, "scope"),
		Cause:       rapid.SampledFrom([]string{"revoked", "misconfigured", "unknown", ""}).Draw(t, "cause"),
		Environment: text().Draw(t, "environment"), Provider: text().Draw(t, "provider"), Integration: text().Draw(t, "integration"),
		Observed: rapid.IntRange(-1, 1e9).Draw(t, "observed"), Expected: number.Draw(t, "expected"), Score: number.Draw(t, "score"), OncePerDays: number.Draw(t, "days"),
		WindowSeconds: rapid.IntRange(-1, 1e6).Draw(t, "window"), Active: rapid.IntRange(-1, 1e9).Draw(t, "active"), Total: max(0, rapid.IntRange(-1e9, 1e9).Draw(t, "total")),
		Since: moments.Draw(t, "since"), Time: moments.Draw(t, "time"), ResolvedAt: moments.Draw(t, "resolved"), Resolution: text().Draw(t, "resolution"),
		Explanation: rapid.SliceOfN(text(), 0, 12).Draw(t, "explanation"),
	}
	for range rapid.IntRange(0, 8).Draw(t, "connections") {
		in.Connections = append(in.Connections, detect.Broken{Integration: text().Draw(t, "i"), Connection: text().Draw(t, "c"), Account: text().Draw(t, "a"),
			Reason: text().Draw(t, "r"), Time: moments.Draw(t, "at"), Elsewhere: text().Draw(t, "elsewhere")})
		tagged(&in.Connections[len(in.Connections)-1], rapid.MapOfN(rapid.SampledFrom([]string{"organization_id", "end_user_id", "plan", "site"}), text(), 0, 4).Draw(t, "tags"))
	}
	explained(t, &in, number, moments)
	return in
}

// explained draws what explains an incident and proves its end.
func explained(t *rapid.T, in *detect.Incident, number *rapid.Generator[float64], moments *rapid.Generator[time.Time]) {
	some := rapid.OneOf(rapid.IntRange(-1, 30), rapid.IntRange(-1, 1<<60))
	in.Affected, in.Customers = some.Draw(t, "affected"), some.Draw(t, "customers")
	in.Remaining = detect.Remaining{Reconnected: some.Draw(t, "reconnected"), Deleted: some.Draw(t, "deleted"), Broken: some.Draw(t, "broken")}
	in.Recovered = rapid.SliceOfN(text(), 0, 9).Draw(t, "recovered")
	in.Course = detect.Course{From: moments.Draw(t, "from"), Seconds: rapid.IntRange(-1, 1<<40).Draw(t, "step"),
		Counts: rapid.SliceOfN(some, 0, 30).Draw(t, "counts"), Upper: rapid.SliceOfN(number, 0, 30).Draw(t, "upper")}
	for range rapid.IntRange(0, 5).Draw(t, "diagnoses") {
		in.Diagnoses = append(in.Diagnoses, detect.Diagnosis{Kind: rapid.SampledFrom(append(kinds(), "?")).Draw(t, "kind"), Evidence: text().Draw(t, "evidence"),
			Source: rapid.SampledFrom([]string{"", googleSource, "javascript:alert(1)", "http://evil.example/", "https://a@evil.example/", "https://evil.example/<b>", "https://evil.example\n/"}).Draw(t, "source")})
	}
}

// tagged gives a connection tags.
func tagged(b *detect.Broken, tags map[string]string) {
	text, err := json.Marshal(map[string]any{"tags": tags})
	if err == nil {
		err = json.Unmarshal(text, b)
	}
	if err != nil {
		panic(err)
	}
}

// People see whose a connection is, not only its id; what says the same is said once.
func TestSamplesSayWhose(t *testing.T) {
	in := detect.Incident{Connections: make([]detect.Broken, 4)}
	for i, b := range []struct {
		account string
		tags    map[string]string
	}{
		{"org_c0ff", map[string]string{"end_user_id": "eu_c0ffee", "organization_id": "org_c0ff"}}, {"acme", map[string]string{"end_user_id": "eu_1\n2"}},
		{"acme", nil}, {"", map[string]string{"a": "1", "b": "1", "c": "2", "d": "3", "organization_id": "4"}},
	} {
		in.Connections[i] = detect.Broken{Connection: "c0ffee00", Account: b.account, Reason: "invalid_grant"}
		tagged(&in.Connections[i], b.tags)
	}
	got := composer{in: &in}.samples()
	want := []string{"org_c0ff / eu_c0ffee · c0ffee00, invalid_grant", "eu_1 2 · c0ffee00, customer acme, invalid_grant", "c0ffee00, customer acme, invalid_grant", "4 / 1 / 2 · c0ffee00, invalid_grant"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// tame is the same incident with every text from outside replaced, but for the reasons, on which our own words depend.
func tame(in detect.Incident) detect.Incident {
	in.ID, in.Environment, in.Provider, in.Integration, in.Resolution, in.Explanation = "x", "x", "x", "x", "x", []string{"x"}
	list, looks := in.Connections, in.Diagnoses
	recovered := in.Recovered
	in.Connections, in.Diagnoses, in.Recovered = nil, nil, nil
	for range recovered {
		in.Recovered = append(in.Recovered, "again")
	}
	for _, d := range looks {
		d.Evidence, d.Source = "x", ""
		in.Diagnoses = append(in.Diagnoses, d)
	}
	for _, c := range list {
		was := c.Connection
		c.Integration, c.Connection, c.Account, c.Elsewhere = "x", "x", "x", "x"
		if slices.Contains(recovered, was) {
			c.Connection = "again"
		}
		if c.Tags != "" {
			tagged(&c, map[string]string{"x": "x"})
		}
		in.Connections = append(in.Connections, c)
	}
	return in
}

var entity = regexp.MustCompile(`&(amp|lt|gt);`)

// checkSlackText holds what may be in any text of a post.
func checkSlackText(t *rapid.T, s string) {
	if strings.ContainsAny(s, "<>") || strings.Contains(entity.ReplaceAllString(s, ""), "&") {
		t.Fatalf("not escaped: %q", s)
	}
	for _, r := range s {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029') {
			t.Fatalf("%q in %q", r, s)
		}
	}
	if !utf8.ValidString(s) {
		t.Fatalf("not UTF-8: %q", s)
	}
}

// TestMessageProperty: whatever an incident holds, each destination gets a message within its limits in which nothing from outside is more
// than text.
func TestMessageProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, parent := anyIncident(t), anyIncident(t)
		p := rapid.SampledFrom([]phase{open, resolve, fold, hush}).Draw(t, "phase")
		d := tell(in, rapid.SampledFrom([]*detect.Incident{nil, &parent}).Draw(t, "parent"), p)
		for _, s := range []string{"NaN", "Inf", "infinit"} {
			if b := string(encode(newPost(tell(numbersOnly(in), nil, p)))); strings.Contains(b, s) {
				t.Fatalf("a number that is none: %s", b)
			}
		}
		checkPost(t, newPost(d), d.message)
		checkPost(t, newNote(d, slackRemote{Channel: "C", TS: "1"}), d.message)
		checkOwnWords(t, newPost(d), newPost(tell(tame(in), nil, p)))
		checkEvent(t, d)
		checkTerminal(t, d)
	})
}

func numbersOnly(in detect.Incident) detect.Incident {
	in = tame(in)
	in.Connections = nil
	return in
}

func checkPost(t *rapid.T, p slackPost, m message) {
	saw, err := counterpart.ReadSlack(encode(p))
	if err != nil || len(saw.Mentions) > 0 || len(p.Blocks) > 12 || saw.Units > 8000 {
		t.Fatalf("%v, %v, %d characters: %s", err, saw.Mentions, saw.Units, encode(p))
	}
	checkFollowed(t, saw.Links, m)
	checkSlackText(t, p.Text)
	if strings.Contains(p.Text, "\n") {
		t.Fatalf("lines in the notification: %q", p.Text)
	}
	lines := 0
	for _, b := range p.Blocks {
		texts := append(b.Fields, b.Elements...)
		if b.Text != nil {
			texts = append(texts, *b.Text)
		}
		for _, x := range texts {
			checkSlackText(t, x.Text)
			lines += strings.Count(x.Text, "\n")
			if x.Type == "plain_text" && (x.Emoji == nil || *x.Emoji) {
				t.Fatalf("emoji names become pictures: %+v", x)
			}
		}
	}
	if most := len(m.why) + len(m.samples) + len(m.todo) + len(m.diagnoses); lines > most {
		t.Fatalf("%d lines of %d: %s", lines, most, encode(p))
	}
}

// checkFollowed: what can be followed is a link of the message.
func checkFollowed(t *rapid.T, found []string, m message) {
	for _, l := range found {
		if !slices.ContainsFunc(m.links, func(own link) bool { return own.url == l }) {
			t.Fatalf("a link that is not ours: %q", l)
		}
	}
}

// checkOwnWords: what has markup does not depend on what comes from outside.
func checkOwnWords(t *rapid.T, got, want slackPost) {
	own := func(p slackPost) (s string) {
		for _, b := range p.Blocks {
			for _, x := range append(append(b.Fields, b.Elements...), deref(b.Text)) {
				if x.Type == "mrkdwn" {
					s += x.Text
				}
			}
		}
		return s
	}
	if own(got) != own(want) {
		t.Fatalf("text from outside has markup: %q", own(got))
	}
}

func deref(x *slackText) slackText {
	if x == nil {
		return slackText{}
	}
	return *x
}

func checkEvent(t *rapid.T, d delivery) {
	d.incident = "3f9c0a1b2c3d4e5f" // ids are ours
	e := newEvent(pagerKey, d)
	if n := len(encode(e)); n > 512000 {
		t.Fatalf("an event of %d bytes", n)
	}
	if e.DedupKey != d.incident || (e.Action == "resolve") != d.message.phase.over() {
		t.Fatalf("%+v", e)
	}
	if e.Payload == nil {
		return
	}
	p := e.Payload
	if p.Summary == "" || utf8.RuneCountInString(p.Summary) > 1024 || p.Source == "" || len(encode(p)) > 100000 {
		t.Fatalf("%+v", p)
	}
	for _, s := range p.Details {
		for _, r := range s {
			if r != '\n' && unicode.IsControl(r) {
				t.Fatalf("%q in %q", r, s)
			}
		}
	}
}

var ours = regexp.MustCompile("\x1b\\[(0|1|2|31|32|33)m")

func checkTerminal(t *rapid.T, d delivery) {
	for _, o := range []TerminalOptions{{}, {Color: true, Box: true, Width: 60}} {
		var out strings.Builder
		to, err := NewTerminal(&out, o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.send(context.Background(), d); err != nil {
			t.Fatal(err)
		}
		s := out.String()
		if o.Color {
			s = ours.ReplaceAllString(s, "")
		}
		for _, line := range strings.Split(s, "\n") {
			if n := utf8.RuneCountInString(line); n > to.(*terminal).o.Width {
				t.Fatalf("%d columns: %q", n, line)
			}
			if strings.ContainsFunc(line, unicode.IsControl) {
				t.Fatalf("a control character in %q", line)
			}
		}
	}
}

// TestMessageSays holds what issue and runbook ask of a message.
func TestMessageSays(t *testing.T) {
	all := func(in detect.Incident, p phase) string { return string(encode(newPost(tell(in, nil, p)))) }
	unsaidReason := revoked()
	unsaidReason.Explanation = nil
	for i := range unsaidReason.Connections {
		unsaidReason.Connections[i].Reason = "null_body"
	}
	gone := revoked()
	gone.Active, gone.Expected = 12, 0
	for _, c := range []struct {
		text, yes, no string
	}{
		{all(revoked(), open), "reconnect", "Do not ask users"},
		{all(misconfigured(), open), "Do not ask users to re-authorize", "/connect/sessions"},
		{all(misconfigured(), open), "6 connections exhaust from 7 Mar 2026 unless it is done", ""},
		{all(unsaidReason, open), "23 of 23: reason not in the rows", "null_body"},
		{all(unsaidReason, open), "may be an outage", ""},
		{all(gone, open), "23 connections of 9 customers newly broken in 1 h, 0 expected", "of 12"},
		{all(ended(revoked()), resolve), "0 of 23 reconnected, 23 still need re-authorization", ""},
		{all(silence(), open), "No log rows since 13:12 UTC", "Observed"},
	} {
		if !strings.Contains(c.text, c.yes) || c.no != "" && strings.Contains(c.text, c.no) {
			t.Errorf("want %q, not %q: %s", c.yes, c.no, c.text)
		}
	}
}

func TestSeverity(t *testing.T) {
	for _, c := range []struct {
		in   detect.Incident
		want severity
	}{
		{detect.Incident{Scope: "all"}, critical}, {detect.Incident{Scope: "family"}, critical}, {detect.Incident{Observed: 50}, critical},
		{detect.Incident{Observed: 49, Score: 1.9}, warning}, {detect.Incident{Observed: 10, Score: 2}, critical}, {detect.Incident{Observed: 9, Score: 9}, warning}, {silence(), critical},
	} {
		if got := DefaultSeverity.of(&c.in); got != c.want {
			t.Errorf("%+v is %s", c.in, got)
		}
	}
}

// Each condition counts by itself, a share or a rarity only of ten connections and more.
func TestSeverityConditions(t *testing.T) {
	for _, c := range []struct {
		s    Severity
		in   detect.Incident
		want string
	}{
		{DefaultSeverity, detect.Incident{Observed: 10, Active: 50}, "critical"},
		{DefaultSeverity, detect.Incident{Observed: 10, Active: 51}, "warning"},
		{DefaultSeverity, detect.Incident{Observed: 9, Active: 9}, "warning"},
		{DefaultSeverity, detect.Incident{Observed: 40}, "warning"}, // how many are in use is not known
		{DefaultSeverity, detect.Incident{Observed: 10, Active: -1}, "warning"},
		{DefaultSeverity, detect.Incident{Observed: 10, Active: 11, Total: 51}, "warning"}, // all that there are are known
		{DefaultSeverity, detect.Incident{Observed: 10, Total: 50}, "critical"},
		{Severity{Share: 0.5}, detect.Incident{Observed: 10, Affected: 25, Total: 50, Scope: "family"}, "critical"},
		{Severity{Connections: 3}, detect.Incident{Observed: 3}, "critical"},
		{Severity{Connections: 3}, detect.Incident{Observed: 2, Active: 2, Score: 9, Scope: "all"}, "warning"},
		{Severity{Scopes: []string{"integration"}}, detect.Incident{Scope: "integration"}, "critical"},
		{Severity{Score: 3}, detect.Incident{Observed: 10, Score: 3}, "critical"},
		{Severity{}, detect.Incident{Observed: 1000, Score: 99, Active: 1000, Scope: "all"}, "warning"},
	} {
		if got := c.s.Of(&c.in); got != c.want {
			t.Errorf("%+v of %+v is %s", c.in, c.s, got)
		}
	}
	if w := (Wording{}).orDefault(); w.Severity.Of(&detect.Incident{Scope: "all"}) != "critical" {
		t.Error("no default severity")
	}
}

func TestSeverityCheck(t *testing.T) {
	if err := DefaultSeverity.Check(); err != nil {
		t.Error(err)
	}
	for name, s := range map[string]Severity{
		"connections": {Connections: -1}, "share": {Share: 1.01}, "score": {Score: 0.5}, "scopes": {Scopes: []string{"everything"}},
	} {
		if err := s.Check(); err == nil || !strings.HasPrefix(err.Error(), "severity."+name+": want ") {
			t.Errorf("%+v: %v", s, err)
		}
	}
	for _, s := range []Severity{{Share: math.NaN()}, {Share: -1}, {Score: math.NaN()}, {Score: math.Inf(1)}} {
		if s.Check() == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

func TestNumbersInWords(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.004: "less than 0.01", 0.04: "0.04", 0.4: "0.4", 1: "1", 3.2: "3.2", 9.96: "10", 23.4: "23", 1e300: "very many", -1: "?"} {
		if got := number(x); got != want {
			t.Errorf("number(%v) = %q, want %q", x, got, want)
		}
	}
	for d, want := range map[time.Duration]string{45 * time.Minute: "45 min", 3 * time.Hour: "3 h", 190 * time.Minute: "3 h 10 min", 52 * time.Hour: "2 days 4 h", 72*time.Hour + time.Minute: "3 days"} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q", d, got)
		}
	}
}

// TestClipProperty: a cut text fits, is a beginning of the whole one, and says that it was cut.
func TestClipProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := clean(text().Draw(t, "text"))
		limit := rapid.IntRange(0, 60).Draw(t, "limit")
		got := clip(s, limit, slackCost)
		total := 0
		for _, r := range got {
			total += slackCost(r)
		}
		rest, cut := strings.CutSuffix(got, "…")
		switch {
		case total > limit:
			t.Fatalf("%q costs %d of %d", got, total, limit)
		case got == s || got == "":
		case !cut || !strings.HasPrefix(s, rest):
			t.Fatalf("%q of %q", got, s)
		default:
			if next, _ := utf8.DecodeRuneInString(strings.TrimLeft(s[len(rest):], " ")); unicode.Is(unicode.M, next) {
				t.Fatalf("cut before a mark: %q of %q", got, s)
			}
		}
	})
}
