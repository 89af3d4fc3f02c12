package alert

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/pkg/detect"
)

// kinds are those of all diagnoses.
func kinds() []string { return slices.Sorted(maps.Keys(patterns)) }

// TestComposeProperty: whatever an incident holds, its message is clean lines within their limits.
func TestComposeProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, parent := anyIncident(t), anyIncident(t)
		w := wording()
		w.Display = func(string) string { return in.Provider }
		w.Remedy = func(provider, _ string) string { return provider }
		m := compose(&in, rapid.SampledFrom([]*detect.Incident{nil, &parent}).Draw(t, "parent"), rapid.SampledFrom([]phase{open, resolve, fold, hush}).Draw(t, "phase"), w)
		if rapid.Bool().Draw(t, "silenced") {
			m.silenced(Silence{Author: text().Draw(t, "author"), Reason: text().Draw(t, "reason"), Until: in.Time})
		}
		if rapid.Bool().Draw(t, "instead") {
			m.instead(text().Draw(t, "destination"), text().Draw(t, "refusal"))
		}
		if rapid.Bool().Draw(t, "test") {
			m.marked()
		}
		checkMessage(t, m)
	})
}

func checkMessage(t *rapid.T, m message) {
	line := func(what, s string, limit int) {
		if s != clean(s) || utf8.RuneCountInString(s) > limit {
			t.Fatalf("%s is %q", what, s)
		}
	}
	lines := func(what string, list []string, most, limit int) {
		if len(list) > most {
			t.Fatalf("%d lines of %s: %q", len(list), what, list)
		}
		for _, s := range list {
			if line(what, s, limit); s == "" {
				t.Fatalf("an empty line of %s: %q", what, list)
			}
		}
	}
	if m.headline == "" || m.summary == "" {
		t.Fatalf("nothing said: %+v", m)
	}
	line("headline", m.headline, maxWeekly+len(testSign))
	line("summary", m.summary, 2*maxLine)
	line("spark", m.spark, 200)
	if len(m.facts) > 8 {
		t.Fatalf("%d facts: %+v", len(m.facts), m.facts)
	}
	for _, f := range m.facts {
		line(f.name, f.value, maxLine)
	}
	lines("diagnoses", m.diagnoses, maxDiagnoses, maxLine+300)
	lines("why", m.why, maxWhy+maxNotes, 2*maxLine)
	lines("samples", m.samples, maxSamples+1, 1000)
	lines("todo", m.todo, maxTodo, maxLine)
	checkLinks(t, m.links)
}

func checkLinks(t *rapid.T, links []link) {
	total := 0
	for _, l := range links {
		u, err := url.Parse(l.url)
		if err != nil || l.text != clean(l.text) || len(l.text) > 4*maxName || u.Scheme != "https" || !slices.Contains([]string{"app.nango.dev", "runbooks.example", "www.nango.dev"}, u.Host) {
			t.Fatalf("%+v: %v", l, err)
		}
		total += len(l.url)
	}
	if len(links) > maxLinks || total > maxAddresses {
		t.Fatalf("%d links, %d characters", len(links), total)
	}
}

// Every kind of diagnosis that the detector knows has its words and its place in a message.
func TestEveryDiagnosisHasWords(t *testing.T) {
	for _, kind := range []string{detect.OAuthClient, detect.TestMode, detect.Lifetime, detect.OneCustomer, detect.TokenLimit, detect.PolicyChange, detect.Outage, detect.NangoFault, detect.VendorEvent, detect.WrongPlace} {
		p := patterns[kind]
		if p.name == "" || p.todo == "" {
			t.Errorf("%s has no words", kind)
		}
		in := revoked()
		in.Diagnoses = []detect.Diagnosis{{Kind: kind, Evidence: "5 of 6 do"}}
		m := compose(&in, nil, open, wording())
		if len(m.diagnoses) != 1 || m.diagnoses[0] != p.name+": 5 of 6 do" || !slices.Contains(m.todo, p.todo) || !strings.Contains(m.summary, "Looks like "+p.name) {
			t.Errorf("%q %q", m.diagnoses, m.todo)
		}
		if n := slices.IndexFunc(m.todo, func(s string) bool { return strings.Contains(s, "still fails after that") }); (n >= 0) != p.wait {
			t.Errorf("%s: users are asked at once or not: %q", kind, m.todo)
		}
		if m = compose(&in, nil, resolve, wording()); len(m.diagnoses) > 0 || slices.Contains(m.todo, p.todo) {
			t.Errorf("%s is looked for when it is over: %q %q", kind, m.diagnoses, m.todo)
		}
	}
}

func TestDiagnosisLines(t *testing.T) {
	for _, c := range []struct {
		d    detect.Diagnosis
		want string
	}{
		{detect.Diagnosis{Kind: "new_kind", Evidence: "7 of 9 with reason invalid_grant."}, "7 of 9 say the grant is gone [invalid_grant]"},
		{detect.Diagnosis{Kind: detect.TestMode}, "an OAuth app in test mode"},
		{detect.Diagnosis{Kind: "new_kind"}, ""},
		{detect.Diagnosis{Kind: "new_kind", Evidence: "a\nb", Source: "https://docs.example/a/b?token=1#c"}, "a b (source: docs.example/a/b)"},
		{detect.Diagnosis{Kind: "new_kind", Evidence: "a", Source: "http://docs.example/"}, "a"},
		{detect.Diagnosis{Kind: "new_kind", Evidence: "a", Source: "javascript:alert(1)"}, "a"},
	} {
		got := strings.Join(composer{in: &detect.Incident{Diagnoses: []detect.Diagnosis{c.d}}}.looks(), "|")
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.d, got, c.want)
		}
	}
}

func TestReasonsInWords(t *testing.T) {
	for line, want := range map[string]string{
		"22 of 23 with reason invalid_grant (usually 61 %)":                                    "22 of 23 say the grant is gone [invalid_grant] (usually 61 %)",
		"x: 4 of 4 with reason aadsts_700082":                                                  "x: 4 of 4 say the token expired by inactivity [aadsts_700082]",
		"all 4 with reason aadsts_7000222 under integration eu: the client secret has expired": "all 4 say the client secret has expired [aadsts_7000222] under integration eu",
		"4 of 4 with reason e_4711":                                                            "4 of 4 with reason e_4711",
		"4 of 4 with reason unreadable_body":                                                   "4 of 4 with no reason in the rows [unreadable_body]",
		"4 of 4 under integration invalid_grant":                                               "4 of 4 under integration invalid_grant",
	} {
		if got := worded(line); got != want {
			t.Errorf("%q becomes %q", line, got)
		}
	}
}

// The proof of a resolve adds up what became of the connections, and says nothing that is not known.
func TestProof(t *testing.T) {
	for _, c := range []struct {
		affected  int
		remaining detect.Remaining
		recovered int
		cause     string
		want      string
	}{
		{23, detect.Remaining{Reconnected: 18, Deleted: 3, Broken: 2}, 0, "revoked", "18 of 23 reconnected, 3 deleted, 2 still need re-authorization."},
		{23, detect.Remaining{Reconnected: 22, Broken: 1}, 0, "revoked", "22 of 23 reconnected, 1 still needs re-authorization."},
		{23, detect.Remaining{Reconnected: 23}, 0, "revoked", "23 of 23 reconnected."},
		{23, detect.Remaining{Deleted: 23}, 0, "revoked", "0 of 23 reconnected, 23 deleted."},
		{23, detect.Remaining{Reconnected: 9, Broken: 14}, 4, "revoked", "9 of 23 working again (4 without a new authorization), 14 still need re-authorization."},
		{23, detect.Remaining{Reconnected: 4, Broken: 19}, 4, "unknown", "4 of 23 working again without a new authorization, 19 still need re-authorization."},
		{6, detect.Remaining{Reconnected: 6}, 0, "misconfigured", "6 of 6 working again."},
		{12000, detect.Remaining{Reconnected: 9000, Broken: 3000}, 0, "revoked", "9000 of at least 12000 reconnected, 3000 still need re-authorization."},
		{0, detect.Remaining{}, 2, "revoked", "2 of 5 working again without a new authorization; what became of the others is not known."},
		{0, detect.Remaining{}, 0, "revoked", "What became of what broke (5 connections) is not known."},
	} {
		in := detect.Incident{Signal: detect.Revocations, Cause: c.cause, Affected: c.affected, Remaining: c.remaining, Observed: 5, Recovered: make([]string, c.recovered)}
		m := compose(&in, nil, resolve, wording())
		if m.why[0] != "The rate is back to normal." || m.why[1] != c.want || !strings.HasSuffix(m.summary, c.want) {
			t.Errorf("%q, want %q", m.why, c.want)
		}
		if asks := len(m.todo) > 0; asks != (c.remaining.Broken > 0 || c.affected == 0) {
			t.Errorf("%s: %q", c.want, m.todo)
		}
	}
}

// What has happened since the onset is said where it is more than the window shows.
func TestSoFar(t *testing.T) {
	for _, c := range []struct {
		affected, customers int
		remaining           detect.Remaining
		since, observed     string
	}{
		{23, 0, detect.Remaining{Broken: 23}, "", "23 connections newly broken in 1 h"},
		{23, 1, detect.Remaining{Broken: 23}, "", "23 connections of 1 customer newly broken in 1 h"},
		{23, 0, detect.Remaining{Reconnected: 2, Deleted: 1, Broken: 20}, "; 2 reconnected, 1 deleted", "23 connections newly broken in 1 h"},
		{31, 19, detect.Remaining{Reconnected: 5, Broken: 26}, "; in all 31 connections of 19 customers, 5 reconnected", "23 connections newly broken in 1 h"},
		{31, 0, detect.Remaining{Deleted: 2, Broken: 29}, "; in all 31 connections, 2 deleted", "23 connections newly broken in 1 h"},
		{10000, 0, detect.Remaining{Broken: 10000}, "; in all at least 10000 connections", "23 connections newly broken in 1 h"},
		{0, 0, detect.Remaining{}, "", "23 connections newly broken in 1 h"},
	} {
		in := revoked()
		in.Affected, in.Customers, in.Remaining = c.affected, c.customers, c.remaining
		m := compose(&in, nil, open, wording())
		for _, f := range m.facts {
			switch {
			case f.name == "Since" && f.value != "13:12 UTC, 4 Mar 2026"+c.since,
				f.name == "Observed" && f.value != c.observed+", 0.4 expected":
				t.Errorf("%+v", f)
			}
		}
		if len(m.facts) != 8 {
			t.Errorf("%d facts", len(m.facts))
		}
	}
}

// What broke beyond the connections that are followed is counted as at least so many, however few these are.
func TestBeyondIsAtLeast(t *testing.T) {
	in := revoked()
	in.Affected, in.Customers, in.Beyond = 31, 0, true
	m := compose(&in, nil, open, wording())
	if !slices.ContainsFunc(m.facts, func(f fact) bool {
		return f.name == "Since" && strings.HasSuffix(f.value, "; in all at least 31 connections")
	}) {
		t.Errorf("%+v", m.facts)
	}
}

// Where unknown connections exist is answered from the rows.
func TestFound(t *testing.T) {
	for _, c := range []struct {
		places   []string
		observed int
		want     []string
	}{
		{[]string{"in environment dev", "in environment dev", "under integration y", "", ""}, 5,
			[]string{"2 of 5 ids exist in environment dev", "1 of 5 ids exists under integration y", "2 of 5 ids were never seen in these rows"}},
		{[]string{"", ""}, 9, []string{"2 of 2 listed ids were never seen in these rows"}},
		{[]string{"as A", "as B", "as C", "as D"}, 4, []string{"1 of 4 ids exists as A", "1 of 4 ids exists as B", "2 of 4 ids exist elsewhere"}},
		{nil, 3, nil},
	} {
		in := detect.Incident{Signal: detect.UnknownConnections, Observed: c.observed}
		for i, at := range c.places {
			in.Connections = append(in.Connections, detect.Broken{Connection: fmt.Sprint(i), Elsewhere: at})
		}
		if got := compose(&in, nil, open, wording()).why; !slices.Equal(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// What a fact, a diagnosis or a line with a comparison says is not said again.
func TestToldOnce(t *testing.T) {
	for _, c := range []struct {
		scope       string
		diagnosis   detect.Diagnosis
		explanation []string
		want        string
	}{
		{"integration", detect.Diagnosis{}, []string{"22 of 23 with reason invalid_grant", "23 of 23 under integration google-mail-eu", "9 customer accounts"}, "22 of 23 say the grant is gone [invalid_grant]"},
		{"integration", detect.Diagnosis{}, []string{"22 of 23 under integration google-mail-eu", "8 customer accounts", "9 customer accounts, 6 of 23 of acme"},
			"22 of 23 under integration google-mail-eu|8 customer accounts|9 customer accounts, 6 of 23 of acme"},
		{"integration", detect.Diagnosis{}, []string{"all 23 under integration google-mail-eu (usually 2 %)"}, "all 23 under integration google-mail-eu (usually 2 %)"},
		{"integration", detect.Diagnosis{Kind: detect.OAuthClient, Evidence: "all 23 with reason invalid_client under integration x"}, []string{"23 of 23 with reason invalid_client", "23 of 23 with reason invalid"}, "23 of 23 with reason invalid"},
		{"integration", detect.Diagnosis{Kind: detect.PolicyChange, Evidence: "all 23 with reason aadsts_65001, of 9 customer accounts"}, []string{"23 of 23 with reason aadsts_65001"}, ""},
		{"integration", detect.Diagnosis{Kind: detect.OneCustomer, Evidence: "all 23 are of customer account acme, who has 24 of the 80 connections in use"}, []string{"all of one customer account: acme"}, ""},
		{"integration", detect.Diagnosis{}, []string{"all 23 of customer account acme (usually 4 %)", "all of one customer account: acme"}, "all 23 of customer account acme (usually 4 %)"},
		{"integration", detect.Diagnosis{}, []string{"all of one customer account: acme"}, "all of one customer account: acme"},
		{"family", detect.Diagnosis{}, []string{"google-mail: 23 of 23 under integration google-mail", "google-mail: 23 of 23 under integration mail-eu"}, "google-mail: 23 of 23 under integration mail-eu"},
	} {
		in := revoked()
		in.Scope, in.Explanation = c.scope, c.explanation
		if c.diagnosis.Kind != "" {
			in.Diagnoses = []detect.Diagnosis{c.diagnosis}
		}
		if got := strings.Join(compose(&in, nil, open, wording()).why, "|"); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	in := strange()
	in.Explanation = []string{"41 different connection ids were asked for under integration github-prod", "4 different connection ids were asked for"}
	if got := strings.Join(compose(&in, nil, open, wording()).why, "|"); got != "3 of 3 listed ids were never seen in these rows|4 different connection ids were asked for" {
		t.Errorf("%q", got)
	}
}

// Where the rows do not say why, an outage is only what it may be, and nobody is asked for anything before that is known.
func TestUnreadMayBeAnOutage(t *testing.T) {
	in := unread()
	in.Explanation = in.Explanation[:2]
	m := compose(&in, nil, open, wording())
	if todo := strings.Join(m.todo[:3], "|"); !strings.HasPrefix(todo, "The reason is not in the rows: it may be an outage") || !strings.Contains(todo, "|Ask no user to re-authorize before") || !strings.Contains(todo, "|Re-authorize each connection that still fails after that") {
		t.Error(todo)
	}
	if !strings.HasSuffix(m.summary, "expected. The reason is not in the rows: it may be an outage.") || len(m.diagnoses) > 0 {
		t.Errorf("%s %q", m.summary, m.why)
	}
}

// After the end more works again, and who authorized which is not known then: it is not said of fewer than the truth.
func TestProofAfterTheEndNamesNoShare(t *testing.T) {
	in := ended(misconfigured())
	in.Affected, in.Remaining, in.Recovered, in.Proof = 81, detect.Remaining{Reconnected: 50, Broken: 31}, make([]string, 33), 2
	got := compose(&in, nil, resolve, wording()).why[1]
	if !strings.HasPrefix(got, "50 of 81 working again, 31 not yet: they work again at their next refresh once the client is mended;") {
		t.Error(got)
	}
}

// The connections in use are counted of the whole provider; an integration is told by its own name, not by that of a provider it begins like.
func TestWhoseConnectionsAreInUse(t *testing.T) {
	in, asked := revoked(), strange()
	asked.Provider, asked.Integration, asked.Scope = "google-mail", "google-mail", "integration"
	if got := compose(&in, nil, open, wording()); !slices.Contains(got.facts, fact{"In use", "23 of 410 connections of Gmail seen active in 7 days"}) {
		t.Errorf("%q", got.facts)
	}
	if got := compose(&asked, nil, open, wording()).headline; got != "google-mail: unusually many requests for connections that do not exist" {
		t.Error(got)
	}
}

// Where Nango's API lists all connections, the share is of all: of the provider, of its family, of everything; else the words are those without.
func TestShareOfAll(t *testing.T) {
	for _, c := range []struct {
		change func(*detect.Incident)
		want   string
	}{
		{func(in *detect.Incident) { in.Total = 512 }, "23 of 512 connections of Gmail"},
		{func(in *detect.Incident) { in.Total, in.Active, in.Scope = 512, 0, "provider" }, "23 of 512 connections"},
		{func(in *detect.Incident) { in.Total, in.Scope, in.Affected = 900, "family", 41 }, "41 of 900 connections of Gmail and sisters"},
		{func(in *detect.Incident) { in.Total, in.Scope = 4000, "all" }, "23 of 4000 connections of all providers"},
		{func(in *detect.Incident) { in.Total, in.Scope = 20, "provider" }, "20 connections"}, // some that broke are gone
		{func(in *detect.Incident) { in.Total, in.Scope, in.Observed = 1, "provider", 1 }, "1 of 1 connection"},
	} {
		in := revoked()
		c.change(&in)
		m := compose(&in, nil, open, wording())
		if !slices.Contains(m.facts, fact{"Of all", c.want}) || slices.ContainsFunc(m.facts, func(f fact) bool { return f.name == "In use" }) {
			t.Errorf("%q, want %s", m.facts, c.want)
		}
	}
	asked := strange()
	asked.Total = 512
	if m := compose(&asked, nil, open, wording()); slices.ContainsFunc(m.facts, func(f fact) bool { return f.name == "Of all" }) {
		t.Errorf("%q", m.facts)
	}
}

// More are told of only when there are more: the window may hold breaks of before the onset.
func TestMoreAreOfTheIncident(t *testing.T) {
	in := revoked()
	in.Connections, in.Observed, in.Affected = in.Connections[:3], 4, 3
	if got := compose(&in, nil, open, wording()).samples; len(got) != 3 {
		t.Errorf("%q", got)
	}
}

// A refused client has a day by which it must be mended, and words of their own when that day is past.
func TestDeadline(t *testing.T) {
	last := func(in detect.Incident) string {
		m := compose(&in, nil, open, wording())
		if m.todo[0] != "Do not ask users to re-authorize: their grants are not the fault." {
			t.Errorf("%q", m.todo)
		}
		return m.todo[len(m.todo)-1]
	}
	in := misconfigured()
	in.Remaining = detect.Remaining{Reconnected: 5, Broken: 1}
	if got := last(in); !strings.HasPrefix(got, "1 connection exhausts on 7 Mar 2026 unless it is done") {
		t.Error(got)
	}
	in.Remaining, in.Affected = detect.Remaining{Broken: 16}, 17 // opened again: the first to break are not listed
	if got := last(in); !strings.HasPrefix(got, "16 connections exhaust from 7 Mar 2026 or earlier unless it is done") {
		t.Error(got)
	}
	many := misconfigured()
	many.Affected, many.Remaining, many.Connections = 80, detect.Remaining{Broken: 80}, slices.Repeat(many.Connections[:1], listLimit)
	for scope, want := range map[string]string{"provider": "from 7 Mar 2026 unless", "family": "from 7 Mar 2026 or earlier unless", "all": "from 7 Mar 2026 or earlier unless"} {
		many.Scope = scope
		if got := last(many); !strings.Contains(got, want) {
			t.Errorf("%s: %s", scope, got)
		}
	}
	in.Remaining, in.Affected = detect.Remaining{Broken: 6}, 6
	in.Time = in.Time.AddDate(0, 0, 3)
	if got := last(in); !strings.HasPrefix(got, "Since 7 Mar 2026 Nango gives up what broke") {
		t.Error(got)
	}
	for i := range 8 {
		in.Diagnoses = append(in.Diagnoses, detect.Diagnosis{Kind: kinds()[i]})
	}
	if got := last(in); !strings.HasPrefix(got, "Since 7 Mar 2026") {
		t.Errorf("no deadline among much advice: %s", got)
	}
	over := ended(misconfigured()) // no new ones broke, and the old ones are not mended
	if todo := compose(&over, nil, resolve, wording()).todo; len(todo) != 2 || !strings.HasPrefix(todo[1], "6 connections exhaust from 7 Mar 2026 if the client still refuses them") {
		t.Errorf("%q", todo)
	}
	in.Remaining = detect.Remaining{Reconnected: 6}
	if got := last(in); strings.Contains(got, "7 Mar") {
		t.Errorf("nothing is broken: %s", got)
	}
}

// What the table says of a provider is added to our own words, and not where it only repeats them.
func TestRemedy(t *testing.T) {
	for _, c := range []struct {
		provider, cause, scope, want string
	}{
		{"google-mail", "revoked", "provider", "When all are of one domain, its Workspace admin must trust the app."},
		{"google-mail", "revoked", "all", ""},
		{"hubspot", "revoked", "provider", ""},
		{"outlook", "misconfigured", "provider", "Create a new client secret in the app registration (Entra admin centre, Certificates and secrets) and put it into the integration."},
		{"hubspot", "misconfigured", "provider", ""},
	} {
		in := detect.Incident{Provider: c.provider, Cause: c.cause, Scope: c.scope}
		got := strings.Join(composer{in: &in, phase: open, words: wording()}.remedy(), "|")
		if todo := compose(&in, nil, open, wording()).todo; got != c.want || c.want != "" && !slices.Contains(todo, c.want) {
			t.Errorf("%+v: %q in %q", c, got, todo)
		}
	}
}

// A test says so first, once, and before anything else.
func TestMarked(t *testing.T) {
	in := revoked()
	m := compose(&in, nil, open, wording())
	m.silenced(Silence{Author: "a\nb"})
	m.marked()
	m.marked()
	if !m.test || strings.Count(m.headline+m.summary, "[TEST]") != 2 || !strings.HasPrefix(m.headline, "[TEST] ") || !strings.HasPrefix(m.summary, "[TEST] ") ||
		m.why[0] != "This is a test: nothing happened." || m.why[1] != "Silenced by a b until not known: no reason given" {
		t.Errorf("%+v", m)
	}
}
