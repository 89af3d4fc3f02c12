package alert

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/revwatch/revwatch/pkg/detect"
)

var update = flag.Bool("update", false, "write testdata/messages anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var onset = time.Date(2026, 3, 4, 13, 12, 0, 0, time.UTC)

// revoked is a mass revocation of one integration, as the detector describes it.
func revoked() detect.Incident {
	in := detect.Incident{
		Type: "incident", ID: "3f9c0a1b2c3d4e5f", Revision: 1, Milestone: 1, Status: detect.StatusOpen, Time: onset.Add(21 * time.Minute), OpenedAt: onset.Add(21 * time.Minute),
		Signal: detect.Revocations, Scope: "integration", Environment: "prod", Provider: "google-mail", Integration: "google-mail-eu", Cause: "revoked",
		Since: onset, Observed: 23, Expected: 0.4, WindowSeconds: 3600, Score: 2.6, OncePerDays: 91000, Active: 410,
		Explanation: []string{"22 of 23 with reason invalid_grant", "23 of 23 under integration google-mail-eu", "9 customer accounts, 6 of 23 of acme"},
		Affected:    23, Customers: 9, Remaining: detect.Remaining{Broken: 23}, Course: course(23),
	}
	for i := range 23 {
		in.Connections = append(in.Connections, detect.Broken{
			Integration: "google-mail-eu", Connection: fmt.Sprintf("user-%04d", 17*i+3), Account: []string{"acme", "globex", "initech"}[i%3], Reason: "invalid_grant", Time: onset.Add(time.Duration(i) * time.Minute),
		})
	}
	return in
}

// course is one of two hours, with n breaks within the last 25 minutes.
func course(n int) detect.Course {
	c := detect.Course{From: onset.Add(-95 * time.Minute), Seconds: 300, Counts: make([]int, 24), Upper: make([]float64, 24)}
	for i := range c.Upper {
		c.Upper[i] = 1.3
	}
	c.Counts[6] = 1
	for i, part := range []int{2, 8, 6, 4} {
		c.Counts[19+i] = n * part / 23
	}
	c.Counts[23] = n - n*2/23 - n*8/23 - n*6/23 - n*4/23
	return c
}

func misconfigured() detect.Incident {
	in := revoked()
	in.ID, in.Provider, in.Integration, in.Scope, in.Cause = "77aa0a1b2c3d4e5f", "hubspot", "hubspot", "provider", "misconfigured"
	in.Observed, in.Expected, in.WindowSeconds, in.Score, in.OncePerDays, in.Active = 6, 0.003, 600, 1.2, 1400, 0
	in.Explanation = []string{"6 of 6 with reason invalid_client", "6 of 6 under integration hubspot", "customer accounts are not in the rows"}
	in.Affected, in.Customers, in.Remaining, in.Course = 6, 0, detect.Remaining{Broken: 6}, course(6)
	in.Connections = in.Connections[:6]
	for i := range in.Connections {
		in.Connections[i].Integration, in.Connections[i].Account, in.Connections[i].Reason = "hubspot", "", "invalid_client"
	}
	return in
}

func strange() detect.Incident {
	in := revoked()
	in.ID, in.Signal, in.Provider, in.Integration, in.Cause = "12340a1b2c3d4e5f", detect.UnknownConnections, "github-prod", "github-prod", "unknown"
	in.Observed, in.Expected, in.WindowSeconds, in.Score, in.OncePerDays, in.Active = 41, 0, 3600, 1.9, 8000, 0
	in.Explanation, in.Affected, in.Customers, in.Remaining = []string{}, 0, 0, detect.Remaining{}
	in.Connections = in.Connections[:3]
	for i := range in.Connections {
		in.Connections[i].Integration, in.Connections[i].Account, in.Connections[i].Reason = "github-prod", "", ""
	}
	return in
}

// ended resolves an incident.
func ended(in detect.Incident) detect.Incident {
	in.Status, in.Revision, in.Milestone = detect.StatusResolved, in.Revision+1, in.Milestone+1
	in.Time = in.Since.Add(9 * time.Hour)
	in.ResolvedAt, in.Resolution = in.Time, "the rate is what is expected again"
	return in
}

func reopened(in detect.Incident) detect.Incident {
	in = ended(in)
	in.Status, in.Revision, in.Milestone = detect.StatusReopened, in.Revision+1, in.Milestone+1
	in.ResolvedAt, in.Resolution, in.Observed = time.Time{}, "", 58
	in.Since = in.Since.Add(20 * time.Hour)
	in.Time = in.Since.Add(time.Hour)
	in.Affected, in.Customers, in.Remaining = 81, 31, detect.Remaining{Reconnected: 20, Broken: 61}
	in.Explanation = []string{"57 of 58 with reason invalid_grant", "58 of 58 under integration google-mail-eu", "31 customer accounts, 6 of 58 of acme"}
	return in
}

func silence() detect.Incident {
	return detect.Incident{
		Type: "incident", ID: "51100a1b2c3d4e5f", Revision: 1, Milestone: 1, Status: detect.StatusOpen, Time: onset.Add(2 * time.Hour), OpenedAt: onset.Add(2 * time.Hour),
		Signal: detect.Silence, Scope: "all", Score: 1, Since: onset, Explanation: []string{"Rows usually come at least every 1h."},
	}
}

func child() detect.Incident {
	in := revoked()
	in.Parent, in.Revision, in.Milestone = "aaaa0a1b2c3d4e5f", 4, 2
	return in
}

func rowsAgain() detect.Incident {
	in := ended(silence())
	in.Resolution = "rows come again"
	return in
}

// everywhere is a rise of all that began in no single provider.
func everywhere() detect.Incident {
	in := revoked()
	in.ID, in.Scope, in.Environment, in.Provider, in.Integration = "a1100a1b2c3d4e5f", "all", "", "", ""
	in.Observed, in.Expected, in.Active, in.Course = 31, 4.2, 0, detect.Course{}
	in.Affected, in.Customers, in.Remaining = 44, 21, detect.Remaining{Reconnected: 2, Broken: 42}
	in.Explanation = []string{"12 of 40 providers rise in the same hour, 1.6 would by chance; most: google-mail (9), slack (5), hubspot (4)"}
	in.Connections[1].Integration, in.Connections[2].Integration = "slack", "hubspot"
	return in
}

// widened is an incident of one provider that has come to stand for all.
func widened() detect.Incident {
	in := everywhere()
	in.Environment, in.Provider = "prod", "google-mail"
	in.Explanation = append(in.Explanation, "google-mail: 9 of 9 with reason invalid_grant", "google-mail: 5 customer accounts")
	return in
}

func family() detect.Incident {
	in := revoked()
	in.Scope, in.Integration = "family", ""
	in.Affected, in.Remaining = 31, detect.Remaining{Broken: 31}
	in.Explanation = []string{"google-mail: 22 of 23 with reason invalid_grant", "also google-calendar: 8 broke, 0.2 expected"}
	return in
}

// expired is an expired client secret of one of several integrations, of a provider that does not keep its budget.
func expired() detect.Incident {
	in := misconfigured()
	in.Scope, in.Integration, in.Active = "integration", "hubspot-eu", 48
	in.Explanation = []string{"6 of 6 with reason invalid_client", "6 of 6 under integration hubspot-eu", "customer accounts are not in the rows",
		"the budget is not met for this provider: unusual 19 times in 4 weeks where 4 are promised"}
	for i := range in.Connections {
		in.Connections[i].Integration = "hubspot-eu"
	}
	return in
}

// recovered has connections that work again by themselves, so many of the 23.
func recovered(in detect.Incident, n int) detect.Incident {
	in = ended(in)
	for i := range n {
		in.Recovered = append(in.Recovered, in.Connections[i].Connection)
	}
	in.Remaining = detect.Remaining{Reconnected: n, Broken: in.Affected - n}
	return in
}

// display is what a table of display names does.
func display(provider string) string {
	if name := map[string]string{"google-mail": "Gmail", "hubspot": "HubSpot"}[provider]; name != "" {
		return name
	}
	return provider
}

// remedy is what a table of providers says.
func remedy(provider, cause string) string {
	switch provider + " " + cause {
	case "google-mail revoked":
		return "Ask the users to authorize again. When all are of one domain, its Workspace admin must trust the app."
	case "outlook misconfigured":
		return "Do not ask users to authorize again. Create a new client secret in the app registration (Entra admin centre, Certificates and secrets) and put it into the integration."
	}
	if cause == "misconfigured" {
		return "Do not ask users to authorize again. Check the client."
	}
	return "Ask the users to authorize again."
}

// wording is that of a full configuration.
func wording() Wording {
	return Wording{Display: display, Remedy: remedy, Links: Links{
		Dashboard: "https://app.nango.dev/{environment}/logs?integrations={integration}", Connection: "https://app.nango.dev/{environment}/connections/{integration}/{connection}",
		Runbook: "https://runbooks.example/revocations#{provider}",
	}}.orDefault()
}

func tell(in detect.Incident, parent *detect.Incident, p phase) delivery {
	return composed(in, parent, p, Wording{Display: display}.orDefault())
}

func composed(in detect.Incident, parent *detect.Incident, p phase, w Wording) delivery {
	return delivery{message: compose(&in, parent, p, w), in: &in, incident: in.ID, milestone: in.Milestone, revision: in.Revision}
}

// example is one thing that people are told; name is that of its file under testdata/messages.
type example struct {
	name, title string
	in          detect.Incident
	phase       phase
	silence     *Silence
	refuses     string // why another destination refuses it
	test        bool
}

// delivery is what a destination is handed.
func (e example) delivery() delivery {
	whole := revoked()
	whole.ID, whole.Scope = "aaaa0a1b2c3d4e5f", "all"
	d := composed(e.in, &whole, e.phase, wording())
	if e.silence != nil {
		d.message.silenced(*e.silence)
	}
	if e.refuses != "" {
		d.message.instead("slack", e.refuses)
	}
	if e.test {
		d.message.marked()
	}
	return d
}

func examples() []example {
	quiet := &Silence{ID: "9b1d", Author: "integrations on call", Reason: "we rotate the client secret", From: onset, Until: onset.Add(4 * time.Hour)}
	return append(patternExamples(), []example{
		{name: "revoked", title: "one OAuth client loses its connections", in: revoked(), phase: open},
		{name: "misconfigured", title: "the OAuth client itself is refused", in: misconfigured(), phase: open},
		{name: "unknown", title: "a caller asks for connections that do not exist", in: strange(), phase: open},
		{name: "unknown-resolved", title: "the caller has stopped", in: ended(strange()), phase: resolve},
		{name: "resolved", title: "it is over, nobody reconnected yet", in: ended(revoked()), phase: resolve},
		{name: "resolved-proof", title: "the same message some days later", in: proven(), phase: resolve},
		{name: "reopened", title: "worse again", in: reopened(revoked()), phase: open},
		{name: "silent", title: "no rows come", in: silence(), phase: open},
		{name: "silent-resolved", title: "rows come again", in: rowsAgain(), phase: resolve},
		{name: "folded", title: "it became part of something wider", in: child(), phase: fold},
		{name: "misconfigured-resolved", title: "the client was mended", in: ended(misconfigured()), phase: resolve},
		{name: "all", title: "many providers rise together", in: everywhere(), phase: open},
		{name: "all-resolved", title: "many are over", in: ended(everywhere()), phase: resolve},
		{name: "widened", title: "one provider was the first of many", in: widened(), phase: open},
		{name: "family", title: "two providers of one vendor", in: family(), phase: open},
		{name: "expired", title: "a client secret expired, where the budget is not met", in: expired(), phase: open},
		{name: "some-recovered", title: "some work again by themselves", in: recovered(revoked(), 7), phase: resolve},
		{name: "all-recovered", title: "all work again by themselves", in: recovered(revoked(), 23), phase: resolve},
		{name: "misconfigured-recovered", title: "a mended client's connections work again", in: recovered(misconfigured(), 4), phase: resolve},
		{name: "silenced", title: "somebody silenced it", in: revoked(), phase: hush, silence: quiet},
		{name: "instead", title: "another destination refuses it", in: revoked(), phase: open, refuses: "channel_not_found"},
		{name: "test", title: "a test", in: revoked(), phase: open, test: true},
		{name: "test-resolved", title: "the end of a test", in: ended(revoked()), phase: resolve, test: true},
		{name: "weekly", title: "the weekly line", in: weekly(), phase: open},
	}...)
}

// TestExamples holds what a person reads, word by word: each message whole, as a terminal shows it, and what stands in a notification.
func TestExamples(t *testing.T) {
	const dir = "testdata/messages"
	names := map[string]bool{}
	for _, e := range examples() {
		var out strings.Builder
		fmt.Fprintf(&out, "# %s\n\n", e.title)
		show, err := NewTerminal(&out, TerminalOptions{Width: 140})
		if err != nil {
			t.Fatal(err)
		}
		d := e.delivery()
		if _, err := show.send(context.Background(), d); err != nil {
			t.Fatal(err)
		}
		m := d.message
		fmt.Fprintf(&out, "notification: %s\n%s, environment %q, component %q, class %q\n", m.summary, m.severity, m.environment, m.component, m.class)
		file := filepath.Join(dir, e.name+".txt")
		if names[e.name+".txt"] {
			t.Errorf("two are named %s", e.name)
		}
		names[e.name+".txt"] = true
		if *update {
			if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || out.String() != string(want) {
			t.Errorf("%s changed (%v); when that is meant, run go test ./pkg/alert -run TestExamples -update\n%s", file, err, out.String())
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !names[f.Name()] {
			t.Errorf("%s is of no example", f.Name())
		}
	}
}
