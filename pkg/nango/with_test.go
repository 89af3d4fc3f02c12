package nango

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const userTable = `
rules:
  - {cause: transient, reason: our_proxy, text: [corporate proxy]}
  - {cause: other, reason: "{code}", code: [invalid_grant], text: [tenant asleep]}
remedy: {unknown: Ask the platform team.}
providers:
  - family: hubspot
    keys: [our-hubspot]
    names: {our-hubspot: Our HubSpot}
    remedy: {revoked: Call the customer.}
    behaviours: [{what: "They rotate on Mondays.", source: "https://wiki.example.com/hubspot", every: 7d}]
    rules: [{cause: other, reason: own_word, code: [bad_refresh_token]}]
  - family: acme-crm
    name: Acme
    keys: [acme-crm, acme-crm-*]
    rules: [{cause: revoked, reason: "{code}", code: ["x77*"]}]
`

func withUserTable(t testing.TB) *Rules {
	t.Helper()
	rules, err := builtIn.With([]byte(userTable))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// A user's table stands above the built-in one: his generic rules above the generic ones, his words of a provider above that provider's.
func TestWith(t *testing.T) {
	rules := withUserTable(t)
	for _, tt := range []struct {
		provider, body string
		cause          Cause
		reason         string
	}{
		{"hubspot", `{"status":"BAD_REFRESH_TOKEN"}`, Other, "own_word"},
		{"our-hubspot", `{"status":"BAD_REFRESH_TOKEN"}`, Other, "own_word"},
		{"our-hubspot", `{"status":"BAD_CLIENT_ID"}`, Misconfigured, "bad_client_id"},
		{"slack", `{"status":"BAD_REFRESH_TOKEN"}`, Revoked, "bad_refresh_token"},
		{"xero", `{"error":"invalid_grant","error_description":"Tenant asleep"}`, Other, "invalid_grant"},
		{"xero", `{"error":"invalid_grant"}`, Revoked, "invalid_grant"},
		{"xero", `{"message":"The corporate proxy said no"}`, Transient, "our_proxy"},
		{"acme-crm-eu", `{"error":"X77_GONE"}`, Revoked, "x_77_gone"},
		{"acme-crm", `{"error":"x77-` + strings.Repeat("ab1", 9) + `"}`, Revoked, "x77"},
		{"other", `{"error":"X77_GONE"}`, Unknown, "http_400"},
	} {
		id := opID(worldStart, 1)
		op := strings.Replace(operationRow(id, "auth", "refresh_token", "failed", whoOf(1), worldStart, worldStart), "google-mail", tt.provider, 1)
		got, _ := read(t, Options{Rules: rules}, httpErrorRow(id, 400, tt.body, worldStart), errorLogRow(id, external, 400, `{"dataMessage":`+tt.body+`}`, worldStart), op)
		if len(got) != 1 || got[0].Cause != tt.cause || got[0].Reason != tt.reason {
			t.Errorf("%s %s: got %+v, want %s %s", tt.provider, tt.body, got, tt.cause, tt.reason)
		}
	}
}

func TestWithKnowledge(t *testing.T) {
	p := withUserTable(t).Provider("our-hubspot")
	if p.Name != "Our HubSpot" || p.Family != "hubspot" || p.Remedy[Revoked] != "Call the customer." || p.Remedy[Unknown] != "Ask the platform team." || p.Remedy[Misconfigured] == "" {
		t.Errorf("got %+v", p)
	}
	last := p.Behaviours[len(p.Behaviours)-1]
	if len(p.Behaviours) < 2 || last.Every != 7*24*time.Hour || last.Source != "https://wiki.example.com/hubspot" {
		t.Errorf("got %+v", p.Behaviours)
	}
	if before := builtIn.Provider("hubspot"); len(before.Behaviours) >= len(p.Behaviours) || before.Remedy[Revoked] == p.Remedy[Revoked] || builtIn.Provider("our-hubspot").Family != "our-hubspot" {
		t.Error("the table below was changed")
	}
}

// Nothing laid over it, a table judges as before; and twice the same is refused or the same.
func TestWithNothing(t *testing.T) {
	for _, nothing := range []string{"", "\n", "# nothing\n", "rules: []", "{}"} {
		same, err := builtIn.With([]byte(nothing))
		if err != nil {
			t.Errorf("%q: %v", nothing, err)
			continue
		}
		for i, a := range answers(t) {
			if i%41 != 0 {
				continue
			}
			got, _ := read(t, Options{Rules: same}, a.rows(i)...)
			want, _ := read(t, Options{}, a.rows(i)...)
			sameEvents(t, got, want)
		}
	}
}

func TestWithRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ yaml, want string }{
		"bad rule":               {"rules: [{cause: gone, reason: a, code: [x1]}]", "rules[0]: cause"},
		"bad rule of always":     {"always: [{cause: other, reason: a, code: [x1]}, {cause: other, reason: A}]", "always[1]: reason"},
		"rule of a known family": {"providers: [{family: hubspot, rules: [{cause: other, reason: a}]}]", "providers[0] (hubspot)[0]: no condition"},
		"new family, no name":    {"providers: [{family: new, keys: [new]}]", "providers[0] (new): family, name and keys are required"},
		"key of another":         {"providers: [{family: new, name: New, keys: [google-mail]}]", "already claimed by google"},
		"own key twice":          {"providers: [{family: new, name: New, keys: [n1, n1]}]", "there twice"},
		"family twice":           {"providers: [{family: hubspot}, {family: hubspot}]", "providers[1] (hubspot): duplicate family"},
		"no source":              {"providers: [{family: hubspot, behaviours: [{what: x}]}]", "behaviours[0]: source"},
		"plain http":             {"providers: [{family: hubspot, behaviours: [{what: x, source: 'http://a.example'}]}]", "behaviours[0]: source"},
		"no what":                {"providers: [{family: hubspot, behaviours: [{source: 'https://a.example'}]}]", "behaviours[0]: what"},
		"length of time":         {"providers: [{family: hubspot, behaviours: [{what: x, source: 'https://a.example', every: week}]}]", `"week"`},
		"day":                    {"providers: [{family: hubspot, behaviours: [{what: x, source: 'https://a.example', date: 1.1.2027}]}]", "1.1.2027"},
		"remedy":                 {"providers: [{family: hubspot, remedy: {gone: x}}]", "remedy"},
		"unknown key":            {"providers: [{family: hubspot, key: x}]", "key"},
	} {
		_, err := builtIn.With([]byte(tt.yaml))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error that says %q", name, err, tt.want)
		}
	}
}

// The table says of every provider that the built-in one names what to do, and of every behaviour who says so.
func TestProviderKnowledge(t *testing.T) {
	if n := len(builtIn.groups); n < 60 {
		t.Errorf("%d families, want 60", n)
	}
	for _, g := range builtIn.groups {
		p := builtIn.Provider(strings.TrimSuffix(g.Keys[0], "*"))
		if p.Family != g.Family || p.Name == "" {
			t.Errorf("%s: %+v", g.Family, p)
		}
		for _, c := range []Cause{Revoked, Transient, Misconfigured, Other, Unknown} {
			if p.Remedy[c] == "" {
				t.Errorf("%s: nothing to do about %s", g.Family, c)
			}
		}
	}
	google := builtIn.Provider("google-drive").Behaviours
	if len(google) < 3 || google[0].Every != 7*24*time.Hour || !google[0].Testing || google[1].Testing || google[1].After == 0 || google[2].Tokens != 100 {
		t.Errorf("got %+v", google)
	}
	if d := builtIn.Provider("shopify").Behaviours[0].Date; !d.Equal(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("got %v", d)
	}
}

// Spelling does not matter, and a code inside a longer word is none.
func TestSpellingOfCodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := strings.Split(rapid.SampledFrom([]string{"invalid_grant", "bad_refresh_token", "invalid_client", "server_error", "interaction_required"}).Draw(t, "code"), "_")
		join := rapid.SampledFrom([]string{"_", "-", " ", "."}).Draw(t, "between")
		s := strings.Join(words, join)
		switch rapid.IntRange(0, 2).Draw(t, "case") {
		case 1:
			s = strings.ToUpper(s)
		case 2:
			for i, w := range words {
				words[i] = strings.ToUpper(w[:1]) + w[1:]
			}
			s = strings.Join(words, rapid.SampledFrom([]string{"", join}).Draw(t, "joined"))
		}
		s += rapid.SampledFrom([]string{"", ".", ":", " ", "!"}).Draw(t, "end")
		if f := factsOf(builtIn, s); len(f.codes) != 1 {
			t.Fatalf("%q is not known", s)
		}
		if f := factsOf(builtIn, "q"+s+"q"); len(f.codes) != 0 {
			t.Fatalf("%q is known", "q"+s+"q")
		}
	})
}
