package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// authRow is an operation row of a connection that lasted no time.
func authRow(at time.Time, action, state, connection, more string) string {
	stamp := at.Format("2006-01-02T15:04:05.000Z")
	return fmt.Sprintf(`{"id":"%d_%s","type":"operation","operation":{"type":"auth","action":"%s"},"state":"%s","environmentName":"prod","providerName":"box","integrationName":"box-prod","connectionName":"%s","createdAt":"%s","endedAt":"%s"%s}`,
		at.UnixMilli(), connection, action, state, connection, stamp, stamp, more)
}

// refusal is the rows of a refused refresh: they do not say whose the connection is.
func refusal(at time.Time, connection string) []string {
	return []string{authRow(at, "refresh_token", "failed", connection, ""), fmt.Sprintf(`{"parentId":"%d_%s","type":"log","level":"error","source":"internal","createdAt":"%s","meta":{"type":"refresh_token_external_error","payload":{"dataMessage":{"error":"invalid_grant"}}}}`,
		at.UnixMilli(), connection, at.Add(2*time.Millisecond).Format("2006-01-02T15:04:05.000Z"))}
}

// refusalHook is what Nango delivers about it: it does.
func refusalHook(at time.Time, connection, account string) string {
	return fmt.Sprintf(`{"timestamp":"%s","from":"nango","type":"auth","operation":"refresh","success":false,"connectionId":"%s","providerConfigKey":"box-prod","provider":"box","environment":"prod","tags":{"organization_id":"%s"}}`,
		at.Format("2006-01-02T15:04:05.000Z"), connection, account)
}

// A failure is of the customer that its own webhook names some moments later, or that any row named before.
func TestFailuresSayTheirAccount(t *testing.T) {
	at := time.Date(2026, 10, 5, 9, 15, 1, 208e6, time.UTC)
	list := slices.Concat(
		[]string{authRow(at.AddDate(0, 0, -20), "create_connection", "success", "c2", `,"endUser":{"organizationId":"globex"}`)},
		refusal(at, "c1"), []string{refusalHook(at.Add(700*time.Millisecond), "c1", "acme")}, refusal(at.Add(time.Hour), "c2"),
	)
	for range 2 {
		got := output(t, strings.Join(list, "\n"), "replay", "--output", "json", "--only", "failure", "--input", "-")
		for _, want := range []string{`"connection":"c1","account":"acme","cause":"revoked"`, `"connection":"c2","account":"globex","cause":"revoked"`} {
			if strings.Count(got, want) != 1 || strings.Count(got, "\n") != 2 {
				t.Errorf("said %s\nwant two lines, one with %s", got, want)
			}
		}
		slices.Reverse(list)
	}
}

// One customer that leaves is no incident, also where only the webhook of each failure says that it is one. Twelve that leave are.
func TestOneCustomerLeaves(t *testing.T) {
	at := time.Date(2026, 10, 5, 9, 15, 1, 0, time.UTC)
	for account, want := range map[string]string{"acme": `"incidents":0`, "acme-%d": `"incidents":1`} {
		var list []string
		for day := range 30 {
			for slot := range 144 {
				list = append(list, authRow(at.AddDate(0, 0, -day).Add(time.Duration(slot)*-10*time.Minute), "refresh_token", "success", "alive", ""))
			}
		}
		for i := range 12 {
			when, c := at.Add(time.Duration(i)*20*time.Second), fmt.Sprint("c", i)
			list = append(append(list, refusal(when, c)...), refusalHook(when.Add(15*time.Millisecond), c, strings.ReplaceAll(account, "%d", c)))
		}
		if got := output(t, strings.Join(list, "\n"), "replay", "--output", "json", "--only", "summary", "--input", "-"); !strings.Contains(got, `"connections":12,`+want) {
			t.Errorf("%s: said %s, want %s", account, got, want)
		}
	}
}
