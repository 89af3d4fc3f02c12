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
		{name: "pattern-no-reason", title: "the rows do not say why", in: unread(), phase: open},
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

const microsoftCodes = "https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes"

func secretExpired() detect.Incident {
	in := of("outlook", 12, "aadsts_7000222", "12 of 12 with reason aadsts_7000222", "12 of 12 under integration outlook", "7 customer accounts, 3 of 12 of acme")
	in.Cause, in.Scope, in.Customers = "misconfigured", "integration", 7
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.OAuthClient, Evidence: "all 12 with reason aadsts_7000222 under integration outlook: the client secret has expired", Source: microsoftCodes}}
	return in
}

func testMode() detect.Incident {
	in := of("google-mail", 23, "invalid_grant", "21 of 23 broke about 7 days after their authorization (usually 11 %, 8.3 times as often)", "23 of 23 with reason invalid_grant",
		"23 of 23 under integration google-mail", "19 customer accounts")
	in.Customers = 19
	for i := range in.Connections {
		in.Connections[i].Created = in.Connections[i].Time.AddDate(0, 0, -7)
	}
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.TestMode, Evidence: "21 of 23 broke 7 days after their authorization", Source: googleSource}}
	return in
}

func lifetime() detect.Incident {
	in := of("github", 14, "bad_refresh_token", "13 of 14 broke 3 to 6 months after their authorization (usually 30 %, 3.1 times as often)", "14 of 14 with reason bad_refresh_token",
		"14 of 14 under integration github", "3 customer accounts, 5 of 14 of acme")
	in.Customers = 3
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.Lifetime, Evidence: "13 of 14 broke 180 days after their authorization",
		Source: "https://docs.github.com/en/enterprise-server@3.15/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens"}}
	return in
}

func oneCustomer() detect.Incident {
	in := of("hubspot", 9, "refresh_token_refused", "all 9 of customer account acme (usually 4 %, 25 times as often)", "9 of 9 with reason refresh_token_refused",
		"9 of 9 under integration hubspot", "all of one customer account: acme", "7 of 9 do not count in how rare this is: of one customer at most two within a day do")
	in.Customers = 1
	for i := range in.Connections {
		in.Connections[i].Account = "acme"
	}
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.OneCustomer, Evidence: "all 9 are of customer account acme, who has 11 of the 180 connections in use"}}
	return in
}

func tokenLimit() detect.Incident {
	in := of("salesforce", 8, "invalid_grant", "8 of 8 with reason invalid_grant", "8 of 8 under integration salesforce", "3 customer accounts, 3 of 8 of acme")
	in.Customers = 3
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.TokenLimit, Source: "https://www.nango.dev/blog/salesforce-oauth-refresh-token-invalid-grant",
		Evidence: "in the 24 h before, customers of 6 of 8 authorized anew who have 5 connections or more, and at most 5 tokens live at a time"}}
	return in
}

func policyChange() detect.Incident {
	in := of("outlook", 16, "aadsts_65001", "all 16 with reason aadsts_65001 (usually 3 %, 33 times as often)", "15 of 16 of customer account globex (usually 5 %, 19 times as often)", "16 of 16 under integration outlook")
	in.Customers, in.Affected, in.Remaining = 2, 20, detect.Remaining{Reconnected: 1, Deleted: 2, Broken: 17}
	for i := range in.Connections[1:] {
		in.Connections[i+1].Account = "globex"
	}
	in.Diagnoses = []detect.Diagnosis{
		{Kind: detect.PolicyChange, Evidence: "all 16 with reason aadsts_65001, 15 of customer account globex: its administrator changed who has access", Source: microsoftCodes},
		{Kind: detect.OneCustomer, Evidence: "15 of 16 are of customer account globex, who has 17 of the 320 connections in use"},
	}
	return in
}

func outage() detect.Incident {
	in := of("zendesk", 11, "refresh_token_refused", "11 of 11 with reason refresh_token_refused", "11 of 11 under integration zendesk", "customer accounts are not in the rows")
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.Outage, Evidence: "140 connections failed for passing reasons in the same window, 3.1 usually do"}}
	return in
}

// unread is a provider whose rows do not say why its connections broke.
func unread() detect.Incident {
	return of("zendesk", 11, "no_reason", "11 of 11 with reason no_reason", "11 of 11 under integration zendesk", "customer accounts are not in the rows")
}

func nangoFault() detect.Incident {
	in := everywhere()
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.NangoFault, Evidence: "12 of 40 providers, of 9 vendors, rise in the same hour"}}
	return in
}

func vendorEvent() detect.Incident {
	in := of("shopify", 31, "invalid_token", "31 of 31 with reason invalid_token", "31 of 31 under integration shopify", "3 customer accounts, 11 of 31 of acme")
	in.Customers = 3
	in.Since, in.Time = time.Date(2027, 1, 1, 6, 10, 0, 0, time.UTC), time.Date(2027, 1, 1, 7, 0, 0, 0, time.UTC)
	in.Course.From = in.Since.Add(-95 * time.Minute)
	for i := range in.Connections {
		in.Connections[i].Time = in.Since.Add(time.Duration(i) * time.Minute)
	}
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.VendorEvent, Evidence: "announced for 1 January 2027: Offline tokens of public apps that do not expire stop working",
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
	in.Diagnoses = []detect.Diagnosis{{Kind: detect.WrongPlace, Evidence: "4 of 5 ids are known elsewhere, most (3) in environment dev"}}
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
	line := WeeklyLine(weekEnd, []detect.Week{{Environment: "dev", Broken: 2, Expected: 3.1, Reconnected: 1}, {Environment: "prod", Broken: 41, Expected: 18.4, Reconnected: 30, StillBroken: 112}},
		[]detect.Incident{going, closed, alarm}, display)
	return detect.Incident{Type: "incident", ID: "weekly-2026-03-09", Revision: 1, Milestone: 1, Status: detect.StatusOpen, Signal: detect.Weekly, Time: onset.AddDate(0, 0, 5), Since: onset.AddDate(0, 0, -2),
		Explanation: []string{line}}
}
