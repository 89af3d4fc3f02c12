package alert

import (
	"fmt"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

const googleSource = "https://www.nango.dev/blog/google-oauth-invalid-grant-token-has-been-expired-or-revoked"

// patternExamples are one incident of each kind of diagnosis, as the detector describes them.
func patternExamples() []example {
	return []example{
		{name: "pattern-oauth-client", title: "the client secret has expired", in: secretExpired(), phase: open},
		{name: "pattern-test-mode", title: "an app in test mode", in: testMode(), phase: open},
		{name: "pattern-lifetime", title: "tokens at the end of their life", in: lifetime(), phase: open},
		{name: "pattern-one-customer", title: "one customer leaves", in: oneCustomer(), phase: open},
		{name: "pattern-token-limit", title: "new authorizations push out old tokens", in: tokenLimit(), phase: open},
		{name: "pattern-policy-change", title: "an administrator blocked the app", in: policyChange(), phase: open},
		{name: "pattern-provider-outage", title: "the provider fails for other reasons too", in: outage(), phase: open},
		{name: "pattern-nango-fault", title: "all providers at once", in: nangoFault(), phase: open},
		{name: "pattern-vendor-event", title: "the provider announced it", in: vendorEvent(), phase: open},
		{name: "pattern-wrong-place", title: "unknown connections that exist elsewhere", in: wrongPlace(), phase: open},
	}
}

// of is an incident of one provider and n connections, all with one reason.
func of(provider string, n int, reason string, lines ...string) detect.Incident {
	in := revoked()
	in.ID = fmt.Sprintf("%08x0a1b2c3d", len(provider)*1000+n)
	in.Provider, in.Integration, in.Scope = provider, provider, "provider"
	in.Observed, in.Affected, in.Customers, in.Remaining, in.Explanation = n, n, 0, detect.Remaining{Broken: n}, lines
	in.Course, in.Active = course(n), 20*n
	in.Connections = in.Connections[:min(n, 23)]
	for i := range in.Connections {
		b := &in.Connections[i]
		b.Integration, b.Reason, b.Account = provider, reason, []string{"acme", "globex", "initech"}[i%3]
	}
	return in
}

func secretExpired() detect.Incident {
	in := of("outlook", 12, "aadsts_7000222", "12 of 12 with reason aadsts_7000222 (usually 2 %, 50 times as often)", "all under integration outlook", "7 customer accounts")
	in.Cause, in.Customers = "misconfigured", 7
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.OAuthClient, Evidence: "12 of 12 under integration outlook with reason aadsts_7000222.",
		Source: "https://github.com/NangoHQ/nango/tree/master/docs/api-integrations/outlook"}}
	return in
}

func testMode() detect.Incident {
	in := of("google-mail", 23, "invalid_grant", "21 of 23 of age about 7 days (usually 11 %, 8 times as often)", "23 of 23 with reason invalid_grant (usually 91 %)", "19 customer accounts")
	in.Customers = 19
	for i := range in.Connections {
		in.Connections[i].Created = in.Connections[i].Time.AddDate(0, 0, -7)
	}
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.TestMode, Evidence: "21 of 23 broke 7 days after their authorization", Source: googleSource}}
	return in
}

func lifetime() detect.Incident {
	in := of("facebook", 14, "token_invalidated", "13 of 14 of age 1 to 3 months (usually 30 %, 3.1 times as often)", "14 of 14 with reason token_invalidated (usually 88 %)")
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.Lifetime, Evidence: "13 of 14 broke 60 days after their authorization", Source: "https://developers.facebook.com/docs/graph-api/using-graph-api/error-handling/"}}
	return in
}

func oneCustomer() detect.Incident {
	in := of("hubspot", 9, "refresh_token_refused", "9 of 9 of customer acme (usually 4 %, 25 times as often)")
	in.Customers = 1
	for i := range in.Connections {
		in.Connections[i].Account = "acme"
	}
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.OneCustomer, Evidence: "9 of 9 are of customer acme"}}
	return in
}

func tokenLimit() detect.Incident {
	in := of("salesforce", 8, "invalid_grant", "8 of 8 with reason invalid_grant (usually 80 %)")
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.TokenLimit, Evidence: "6 of 8 broke within a day of a new authorization of the same account; 5 tokens live at a time",
		Source: "https://www.nango.dev/blog/salesforce-oauth-refresh-token-invalid-grant"}}
	return in
}

func policyChange() detect.Incident {
	in := of("outlook", 16, "aadsts_65001", "16 of 16 with reason aadsts_65001 (usually 3 %, 33 times as often)", "15 of 16 of customer globex (usually 5 %, 19 times as often)")
	in.Customers = 2
	in.Affected, in.Remaining = 20, detect.Remaining{Reconnected: 1, Deleted: 2, Broken: 17}
	in.Diagnoses = []detect.Diagnosis{
		{Kind: detect.PolicyChange, Evidence: "16 of 16 with reason aadsts_65001, usually 3 %", Source: "https://nango.dev/blog/microsoft-oauth-refresh-token-invalid-grant"},
		{Kind: detect.OneCustomer, Evidence: "15 of 16 are of customer globex"},
	}
	return in
}

func outage() detect.Incident {
	in := of("zendesk", 11, "http_500", "11 of 11 with reason http_500 (usually 6 %, 17 times as often)")
	in.Cause = "unknown"
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.Outage, Evidence: "140 refreshes failed for passing reasons in the same hour, 3 expected"}}
	return in
}

func nangoFault() detect.Incident {
	in := everywhere()
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.NangoFault, Evidence: "12 of 40 providers rise in the same hour, 1.6 would by chance"}}
	return in
}

func vendorEvent() detect.Incident {
	in := of("shopify", 31, "invalid_token", "31 of 31 with reason invalid_token (usually 70 %)")
	in.Since, in.Time = time.Date(2027, 1, 1, 6, 10, 0, 0, time.UTC), time.Date(2027, 1, 1, 7, 0, 0, 0, time.UTC)
	in.Course.From = in.Since.Add(-95 * time.Minute)
	for i := range in.Connections {
		in.Connections[i].Time = in.Since.Add(time.Duration(i) * time.Minute)
	}
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.VendorEvent, Evidence: "1 Jan 2027: Offline tokens of public apps that do not expire stop working.",
		Source: "https://shopify.dev/docs/apps/build/authentication-authorization/migrate-to-expiring-offline-access-tokens"}}
	return in
}

func wrongPlace() detect.Incident {
	in := strange()
	in.Observed = 5
	in.Connections = append(in.Connections, in.Connections[:2]...)
	for i, at := range []string{"in environment dev", "in environment dev", "in environment dev", "under integration github-eu", ""} {
		in.Connections[i].Connection, in.Connections[i].Elsewhere = fmt.Sprintf("repo-%d", 7*i+1), at
	}
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.WrongPlace, Evidence: "4 of 5 ids exist elsewhere"}}
	return in
}

// proven is an incident that ended, of which most connections were reconnected since.
func proven() detect.Incident {
	in := ended(revoked())
	in.Proof, in.Remaining = 3, detect.Remaining{Reconnected: 18, Deleted: 3, Broken: 2}
	return in
}

func weekly() detect.Incident {
	closed, going, alarm := ended(revoked()), misconfigured(), silence()
	closed.Since, going.Since, alarm.Since = onset.Add(time.Hour), onset.Add(2*time.Hour), onset
	alarm.Status = detect.StatusResolved
	line := WeeklyLine([]detect.Week{{Environment: "dev", Broken: 2, Expected: 3.1, Reconnected: 1}, {Environment: "prod", Broken: 41, Expected: 18.4, Reconnected: 30, StillBroken: 112}},
		[]detect.Incident{going, closed, alarm}, display)
	return detect.Incident{Type: "incident", ID: "weekly-2026-03-09", Revision: 1, Milestone: 1, Status: detect.StatusOpen, Signal: detect.Weekly, Time: onset.AddDate(0, 0, 5), Since: onset.AddDate(0, 0, -2),
		Explanation: []string{line}}
}
