package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/revwatch/revwatch/pkg/alert"
)

const (
	hook   = "https://hooks.example.com/SECRET"
	twoOf  = "slack.webhook_url: " + hook + "\npagerduty.routing_key: " + key32 + "\n"
	adminT = "http.admin_token: "
)

func TestFaultsOfTelling(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"alerts:\n  shaddow: true\n", `:2: unknown setting "alerts.shaddow"; did you mean "alerts.shadow"?`},
		{"alerts:\n  shadow: perhaps\n", `:2: alerts.shadow: "perhaps" is not allowed: true or false`},
		{"alerts:\n  weekly: someday 09:00\n", `:2: alerts.weekly: "someday 09:00" is not allowed: a day of the week`},
		{"alerts.weekly: monday 25:00\n", "a day of the week and a time in UTC"},
		{"alerts:\n  allow:\n    - 10.0.0.0/8\n    - 10.0.0.0/99\n", `:4: alerts.allow: "10.0.0.0/99" is not allowed: a network`},
		{"alerts.allow: [1.2.3.4.5]\n", `"1.2.3.4.5" is not allowed`},
		{"alerts.allow: ['http://a']\n", `"http://a" is not allowed`},
		{twoOf + "alerts:\n  routes:\n    - {provider: [a], to: [slack]}\n    - {providr: [a], to: [slack]}\n", `:6: unknown setting "providr"; did you mean "provider"?`},
		{twoOf + "alerts.routes:\n  - to: [slack, pager]\n", `:4: alerts.routes: no destination is named "pager": there is slack, pagerduty`},
		{twoOf + "alerts.routes:\n  - {to: [slack]}\n  - provider: [a]\n", ":5: alerts.routes: to is needed"},
		{twoOf + "alerts.routes:\n  - {to: [slack]}\n  - slack\n", ":5: settings are expected in each entry"},
		{twoOf + "alerts.routes: {to: [slack]}\n", ":3: alerts.routes: a list is expected here"},
		{"alerts.routes:\n  - {severity: bad, to: []}\n", `:2: severity: "bad" is not allowed: one of warning, critical`},
		{"alerts.routes:\n  - {cause: [transient], to: []}\n", `:2: cause: "transient" is not allowed: one of revoked, misconfigured, unknown`},
		{"alerts.routes:\n  - {signal: [x], to: []}\n", "one of revocations, unknown_connections, silence, weekly"},
		{"alerts.routes:\n  - {scope: [x], to: []}\n", "one of integration, provider, family, all"},
		{"alerts.routes:\n  - {provider: [\"a\\u001bb\"], to: []}\n", "a name of at most 256 characters"},
		{"\nalerts.fallback: [slack]\n", `:2: alerts.fallback: no destination is named "slack": there is none`},
		{"\nseverity.share: 1.5\n", `:2: severity.share: "1.5" is not allowed: a number from 0 to 1`},
		{"severity.share: -0.1\n", "a number of at least 0"},
		{"severity.score: NaN\n", "a number of at least 0"},
		{"severity.score: 0.5\n", "which is the alarm line"},
		{"severity.connections: -1\n", "a whole number of at least 0"},
		{"severity.scopes: [every]\n", "one of integration, provider, family, all"},
		{"\nlinks.runbook: javascript:alert(1)\n", ":2: links.runbook: want"},
		{"slack.channel: C1\n", "needs slack.bot_token"},
		{"\npagerduty.previous_routing_key: " + key32 + "\n", ":2: pagerduty.previous_routing_key: needs pagerduty.routing_key as well"},
		{"alertmanager:\n  urls: [ftp://a]\n", `:2: alertmanager.urls: "ftp://a" is not allowed: a URL`},
		{"alertmanager:\n  urls: ['http://u:SECRET@a']\n", ":2: alertmanager.urls: the value is not allowed: a URL without a name, a password or parameters"},
		{"alertmanager:\n  urls: ['http://a/?key=SECRET']\n", ":2: alertmanager.urls: the value is not allowed: a URL without a name, a password or parameters"},
		{"alertmanager:\n  username: u\n", ":2: alertmanager.username: needs alertmanager.urls"},
		{"alertmanager:\n  urls: [http://a]\n  password: SECRET\n", ":3: alertmanager.password: needs alertmanager.username"},
		{"alertmanager: {urls: [http://a], username: u, password: p, token: t}\n", "either token or username and password"},
		{"alertmanager:\n  labels: [a]\n", ":2: alertmanager.labels: pairs of a name and a text"},
		{"alertmanager:\n  labels:\n    a: b\n    a: c\n", ":4: alertmanager.labels.a is set twice"},
		{"webhook:\n  template: teams\n", ":2: webhook.template: needs webhook.url as well"},
		{"webhook:\n  url: " + hook + "\n  template: nowhere.tmpl\n", `:3: webhook.template: "nowhere.tmpl" cannot be read: no such file`},
		{"webhook:\n  url: " + hook + "\n  follow: everything\n", ":3: webhook.follow: \"everything\" is not allowed: one of auto, revisions, milestones"},
		{"webhook:\n  headers: {A_file: /does/not/exist}\n", ":2: webhook.headers.A_file: the file cannot be read"},
		{"webhook:\n  headers_file: /x\n", `unknown setting "webhook.headers_file"; did you mean "webhook.headers"?`},
		{"\nwebhook: {url: " + hook + ", headers: {X Y: SECRET}}\n", `:2: webhook: "X Y" cannot name a header`},
		{"destinations:\n  - {name: hook, webhook: {url: " + hook + ", secret: whsec_SECRET}}\n", ":2: hook: the secret after whsec_ is not base64"},
		{"destinations:\n  - slack: {webhook_url: " + hook + "}\n", ":2: destinations: name is needed"},
		{"destinations:\n  - {name: a b, slack: {webhook_url: " + hook + "}}\n", `:2: name: "a b" is not allowed: a name of up to 63 letters`},
		{"destinations:\n  - name: crm\n", `:2: destinations: "crm" tells nobody: slack, pagerduty, alertmanager or webhook is needed`},
		{"destinations:\n  - {name: crm, slack: {webhook: x}}\n", `:2: unknown setting "slack.webhook"; did you mean "slack.webhook_url"?`},
		{"destinations:\n  - {name: crm, slack: {webhook_url: " + hook + "}, pagerduty: {routing_key: " + key32 + "}}\n", `:2: destinations: "crm" is slack and pagerduty: an entry for each`},
		{"destinations:\n  - {name: crm, slack: {webhook_url: https://hooks.slack.com/services/...}}\n", ":2: slack.webhook_url: this is still the example"},
		{"destinations:\n  - name: crm\n    slack:\n      bot_token: xoxb-1\n", ":4: slack.bot_token: needs slack.channel"},
		{twoOf + "destinations:\n  - {name: slack, slack: {webhook_url: " + hook + "}}\n", ":4: destinations: two destinations are named \"slack\""},
		{"destinations: {a: b}\n", ":1: destinations: a list is expected here"},
		{"\nhttp.admin_listen: :9848\n", `:2: http.admin_listen: ":9848" is not of this machine alone: it needs http.admin_token`},
		{"http.admin_listen: 10.0.0.1:9848\n", "it needs http.admin_token"},
		{"http:\n  admin_token: short\n", ":2: http.admin_token: the value is not allowed: at least 16"},
		{"http.listen: 127.0.0.1:9848\n", "are one address: two are needed"},
		{"\nhttp.listen: :9848\n", `:2: http.admin_listen: "127.0.0.1:9848" and http.listen ":9848" are one address: two are needed`},
		{adminT + "SECRETSECRETSECRET\nhttp.admin_listen: 0.0.0.0:9847\n", `:2: http.admin_listen: "0.0.0.0:9847" and http.listen ":9847" are one address`},
	} {
		_, err := loadConfig(write(t, test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %q in it", test.text, err, test.want)
		} else if strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), key32) {
			t.Errorf("%q: a secret is shown: %v", test.text, err)
		}
	}
}

func TestAdminListens(t *testing.T) {
	const token = "0123456789abcdef"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"http.admin_listen: 127.8.8.8:1\n", "http.admin_listen: '[::1]:1'\n", "http.admin_listen: localhost:1\n", "http: {admin_listen: ':1', admin_token_file: " + file + "}\n", adminT + token + "\n"} {
		c, err := loadConfig(write(t, text))
		if err != nil || strings.Contains(text, "token") != (c.admin.token == token) {
			t.Errorf("%q: %q, %v", text, c.admin.token, err)
		}
	}
}

// Each kind of destination, in a section and in a list, with everything that can be said of it.
func TestDestinations(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"secret": hook, "card.tmpl": `{"text":"told"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("REVWATCH_TEST_TOKEN", "s3cr3t")
	path := filepath.Join(dir, "detector.yaml")
	text := `
slack: {webhook_url_file: ` + filepath.Join(dir, "secret") + `}
pagerduty: {routing_key: ` + key32 + `, previous_routing_key: ` + strings.ToLower(key32) + `}
alertmanager: {urls: [http://a:9093/am, http://b:9093], username: u, password: p, labels: {team: Integrations}}
webhook: {url: ` + hook + `, secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, template: teams, headers: {Authorization: "Bearer ${REVWATCH_TEST_TOKEN}", X-Key_file: ` + filepath.Join(dir, "secret") + `}}
destinations:
  - {name: crm, slack: {bot_token: xoxb-1, channel: C1}}
  - name: card
    webhook: {url: ` + hook + `, template: card.tmpl, follow: milestones}
alerts:
  fallback: [crm]
  routes:
    - {provider: [google-*, outlook], environment: prod, cause: [revoked], severity: critical, to: [pagerduty, crm]}
    - {signal: [weekly], to: []}
    - to: [slack, card, alertmanager, webhook]
severity: {connections: 100, share: 0.5, score: 0, scopes: []}
links: {dashboard: "https://app.example/{environment}"}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	to, err := c.alertTo()
	if err != nil || len(to) != 6 {
		t.Fatalf("%d destinations, %v", len(to), err)
	}
	if w := c.webhook; w.headers["Authorization"] != "Bearer s3cr3t" || w.headers["X-Key"] != hook || w.text == "" || c.slack.webhookURL != hook || c.alertmanager.labels["team"] != "Integrations" {
		t.Errorf("read %+v", c.channels)
	}
	if d := c.alerts.more[1]; d.webhook.text != `{"text":"told"}` || d.webhook.follow != "milestones" || d.slack.apiURL == "" {
		t.Errorf("read %+v", d)
	}
	o := c.notifying(to)
	want := []alert.Route{
		{Match: alert.Match{Provider: []string{"google-*", "outlook"}, Environment: []string{"prod"}, Cause: []string{"revoked"}, Severity: "critical"}, To: []string{"pagerduty", "crm"}},
		{Match: alert.Match{Signal: []string{"weekly"}}, To: []string{}},
		{To: []string{"slack", "card", "alertmanager", "webhook"}},
	}
	if !reflect.DeepEqual(o.Routes, want) || !reflect.DeepEqual(o.Fallback, []string{"crm"}) || o.Shadow || o.Wording.Links.Dashboard != "https://app.example/{environment}" {
		t.Errorf("told %+v", o)
	}
	if s := o.Wording.Severity; s.Connections != 100 || s.Share != 0.5 || s.Score != 0 || s.Scopes == nil || len(s.Scopes) != 0 {
		t.Errorf("severity %+v", s)
	}
	if got := o.Wording.Remedy("google-mail", "revoked"); got == "" || got == o.Wording.Remedy("google-mail", "misconfigured") {
		t.Errorf("remedy %q", got)
	}
}

// What check says of telling, in words and without a secret.
func TestCheckSaysWhoIsTold(t *testing.T) {
	code, out, errs := checked(t, twoOf+`
alertmanager.urls: [http://am:9093]
alertmanager.token: SECRET
destinations:
  - {name: crm, slack: {bot_token: xoxb-SECRET, channel: C1}}
  - {name: cards, webhook: {url: `+hook+`, template: teams}}
  - {name: lonely, webhook: {url: `+hook+`}}
alerts:
  shadow: true
  weekly: "off"
  allow: [am, 10.0.0.0/8]
  fallback: [crm]
  routes:
    - {environment: [dev], to: []}
    - {provider: [google-*], severity: critical, to: [pagerduty, slack]}
    - {provider: [google-mail], severity: critical, cause: [revoked], to: [cards]}
    - {provider: [google-mail], to: [alertmanager, cards]}
severity: {connections: 0, share: 0, score: 0, scopes: []}
links: {runbook: "https://wiki.example/{provider}"}
http.admin_token: SECRETSECRETSECRET
`)
	if code != exitOK || strings.Contains(out+errs, "SECRET") || strings.Contains(out+errs, key32) {
		t.Fatalf("exit code %d, said\n%s%s", code, out, errs)
	}
	for _, want := range []string{
		"tells    Slack (incoming webhook), PagerDuty, Alertmanager (http://am:9093), crm: Slack (channel C1), cards: Teams, lonely: webhook; nothing whose",
		"shadow   is on: incidents are decided, logged and shown, and nothing is sent to anybody",
		"route    1: incidents of environment dev: nobody",
		"route    2: incidents of provider google-*, severity critical: pagerduty, slack",
		"route    4: incidents of provider google-mail: alertmanager, cards",
		"route    all else: nobody\n",
		"route    that no rows come: slack, pagerduty, alertmanager, crm, cards, lonely\n",
		"route    what another one refuses for good: crm",
		"grades   every incident is a warning",
		"reaches  public addresses, am, 10.0.0.0/8",
		"links    runbook at wiki.example",
		"/api/v1 on 127.0.0.1:9848, with its token",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("did not say %q in\n%s", want, out)
		}
	}
	for _, want := range []string{
		"warning: route 3 (line 18) is never used: route 2 (line 17) comes first and matches all that it matches",
		"warning: nobody is told of incidents that no route matches: a last route with only to: [slack] would tell of them",
		"warning: lonely is never told: no route names it",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("did not warn %q in\n%s", want, errs)
		}
	}
	if n := strings.Count(errs, "warning:"); n != 3 || strings.Contains(out, "\nweekly ") {
		t.Errorf("%d warnings, said\n%s%s", n, out, errs)
	}
	if _, out, errs := checked(t, twoOf+"alerts.routes: [{severity: critical, to: [pagerduty]}, {to: [slack]}]\n"); errs != "" ||
		!strings.Contains(out, "route    2: every incident: slack\nroute    that no rows come: pagerduty\ngrades") || !strings.Contains(out, "weekly   one line on monday 09:00 UTC: slack\n") {
		t.Errorf("said\n%s%s", out, errs)
	}
	for text, want := range map[string]string{
		"alerts.fallback: [slack]\nslack.webhook_url: " + hook + "\n":                       "alerts.fallback names the one destination there is: nobody is told what it refuses",
		twoOf + "alerts.fallback: [slack]\n":                                                "",
		twoOf + "destinations: [{name: Slack, slack: {webhook_url: " + hook + "}}]\n":       "the destinations slack and Slack are told apart by capital letters alone",
		twoOf + "alerts.routes: [{environment: [dev], to: []}, {to: [slack, pagerduty]}]\n": "",
		twoOf + "alerts.routes: [{to: [slack, pagerduty]}, {to: [slack]}]\n":                "route 2 (line 3) is never used: route 1 (line 3) comes first",
	} {
		if code, _, errs := checked(t, text); code != exitOK || want == "" && errs != "" || want != "" && (!strings.HasPrefix(errs, "warning: "+want) || strings.Count(errs, "\n") != 1) {
			t.Errorf("%q: exit code %d, said\n%swant %s", text, code, errs, want)
		}
	}
	if _, out, _ := checked(t, "pagerduty.routing_key: "+key32+"\n"); !strings.Contains(out, "weekly   one line on monday 09:00 UTC: nobody\n") {
		t.Errorf("said\n%s", out)
	}
}

func TestCovers(t *testing.T) {
	of := func(providers ...string) alert.Match { return alert.Match{Provider: providers} }
	for _, c := range []struct {
		a, b alert.Match
		want bool
	}{
		{of(), of(), true}, {of("*"), of(), true}, {of("a", "*"), of(), true}, {of(), of("a"), true}, {of("a"), of(), false}, {of("*"), of("a"), true}, {of("google-*"), of("google-mail"), true}, {of("google-*"), of("google-*"), true},
		{of("google-mail"), of("google-*"), false}, {of("g*l"), of("g*e*l"), true}, {of("g*e*l"), of("g*l"), false}, {of("a", "b"), of("b"), true}, {of("a"), of("a", "b"), false},
		{of("a*a"), of("a"), false}, {of("*a*b*"), of("xaybz"), true}, {of("*a*b*"), of("xbya"), false}, {of("a"), of("A"), false},
		{alert.Match{Severity: "critical"}, alert.Match{}, false}, {alert.Match{Severity: "warning"}, alert.Match{}, true}, {alert.Match{}, alert.Match{Severity: "critical"}, true},
		{alert.Match{Scope: []string{"all"}}, alert.Match{Scope: []string{"all"}, Cause: []string{"revoked"}}, true}, {alert.Match{Environment: []string{"p*"}}, alert.Match{Environment: []string{"dev"}}, false},
	} {
		if got := covers(c.a, c.b); got != c.want {
			t.Errorf("%+v covers %+v: %t", c.a, c.b, got)
		}
	}
}
