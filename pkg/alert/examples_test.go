package alert

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/revwatch/revwatch/pkg/detect"
)

var update = flag.Bool("update", false, "write testdata/messages.txt anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var onset = time.Date(2026, 3, 4, 13, 12, 0, 0, time.UTC)

// revoked is a mass revocation of one integration, as the detector describes it.
func revoked() detect.Incident {
	in := detect.Incident{
		Type: "incident", ID: "3f9c0a1b2c3d4e5f", Revision: 1, Milestone: 1, Status: detect.StatusOpen, Time: onset.Add(21 * time.Minute), OpenedAt: onset.Add(21 * time.Minute),
		Signal: detect.Revocations, Scope: "integration", Environment: "prod", Provider: "google-mail", Integration: "google-mail-eu", Cause: "revoked",
		Since: onset, Observed: 23, Expected: 0.4, WindowSeconds: 3600, Score: 2.6, OncePerDays: 91000, Active: 410,
		Explanation: []string{"22 of 23 with reason invalid_grant", "23 of 23 under integration google-mail-eu", "9 customer accounts, most of them (6) of acme"},
	}
	for i := range 23 {
		in.Connections = append(in.Connections, detect.Broken{
			Integration: "google-mail-eu", Connection: fmt.Sprintf("user-%04d", 17*i+3), Account: []string{"acme", "globex", "initech"}[i%3], Reason: "invalid_grant", Time: onset.Add(time.Duration(i) * time.Minute),
		})
	}
	return in
}

func misconfigured() detect.Incident {
	in := revoked()
	in.ID, in.Provider, in.Integration, in.Scope, in.Cause = "77aa0a1b2c3d4e5f", "hubspot", "hubspot", "provider", "misconfigured"
	in.Observed, in.Expected, in.WindowSeconds, in.Score, in.OncePerDays, in.Active = 6, 0.003, 600, 1.2, 1400, 0
	in.Explanation = []string{"6 of 6 with reason invalid_client", "6 of 6 under integration hubspot", "customer accounts are not in the rows"}
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
	in.Explanation = []string{}
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
	in.Explanation = []string{"57 of 58 with reason invalid_grant", "58 of 58 under integration google-mail-eu", "31 customer accounts, most of them (6) of acme"}
	return in
}

func silence() detect.Incident {
	return detect.Incident{
		Type: "incident", ID: "51100a1b2c3d4e5f", Revision: 1, Milestone: 1, Status: detect.StatusOpen, Time: onset.Add(2 * time.Hour), OpenedAt: onset.Add(2 * time.Hour),
		Signal: detect.Silence, Since: onset, Explanation: []string{"the longest gap between rows of the last 7 days was 38 min"},
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
	in.Observed, in.Expected, in.Active = 31, 4.2, 0
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
	return in
}

// display is what a table of display names does.
func display(provider string) string {
	if name := map[string]string{"google-mail": "Gmail", "hubspot": "HubSpot"}[provider]; name != "" {
		return name
	}
	return provider
}

func tell(in detect.Incident, parent *detect.Incident, p phase) delivery {
	return delivery{message: compose(&in, parent, p, Wording{Display: display}.orDefault()), in: &in, incident: in.ID, milestone: in.Milestone, revision: in.Revision, status: string(in.Status), began: in.Since}
}

type example struct {
	title string
	in    detect.Incident
	phase phase
}

func examples() []example {
	return []example{
		{"one OAuth client loses its connections", revoked(), open},
		{"the OAuth client itself is refused", misconfigured(), open},
		{"a caller asks for connections that do not exist", strange(), open},
		{"it is over", ended(revoked()), resolve},
		{"worse again", reopened(revoked()), open},
		{"no rows come", silence(), open},
		{"rows come again", rowsAgain(), resolve},
		{"it became part of something wider", child(), fold},
		{"the client was mended", ended(misconfigured()), resolve},
		{"many providers rise together", everywhere(), open},
		{"many are over", ended(everywhere()), resolve},
		{"one provider was the first of many", widened(), open},
		{"two providers of one vendor", family(), open},
		{"a client secret expired, where the budget is not met", expired(), open},
		{"some work again by themselves", recovered(revoked(), 7), resolve},
		{"all work again by themselves", recovered(revoked(), 23), resolve},
		{"a mended client's connections work again", recovered(misconfigured(), 4), resolve},
	}
}

// TestExamples holds what a person reads, word by word.
func TestExamples(t *testing.T) {
	var out strings.Builder
	for _, e := range examples() {
		fmt.Fprintf(&out, "## %s\n\n", e.title)
		show, err := NewTerminal(&out, TerminalOptions{})
		if err != nil {
			t.Fatal(err)
		}
		whole := revoked()
		whole.ID, whole.Scope = "aaaa0a1b2c3d4e5f", "all"
		d := tell(e.in, &whole, e.phase)
		if _, err := show.send(context.Background(), d); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "  notification: %s\n\n", d.message.summary)
	}
	const file = "testdata/messages.txt"
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("messages changed; when that is meant, run go test ./pkg/alert -run TestExamples -update\n%s", out.String())
	}
}
