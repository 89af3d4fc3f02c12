package alert

import (
	"slices"
	"time"
)

// failingDays is on how many calendar days a connection may fail before Nango stops to refresh it: it gives up at the
// first failure of the fourth day.
const failingDays = 4

// todo says what a person does about the incident. It is our own text: the only thing from outside in it is a date.
func (c composer) todo() []string {
	switch {
	case c.phase == fold:
		return nil
	case c.silent():
		return c.silenceTodo()
	case c.strange() && c.phase == open:
		return []string{
			"Check which secret key the caller uses: it belongs to one environment, and a connection exists in one environment only.",
			"Check the Integration ID and the Connection ID it sends: a renamed integration or a deleted connection looks the same.",
		}
	case c.strange():
		return nil
	case c.recovered():
		return nil
	case c.in.Cause == "misconfigured":
		return c.mend()
	}
	return c.reauthorize()
}

// common is what to do first when many rise at once.
const common = "Look first for what they have in common, which is on our side: a deploy of Nango, its database and encryption key, the way out to the internet, a clock."

func (c composer) mend() []string {
	if c.phase == resolve {
		return []string{"Ask users to re-authorize only the connections that Nango gave up on."}
	}
	lines := []string{
		"Do not ask users to re-authorize: their grants are not the fault.",
		"Mend the OAuth client: its id, secret, redirect URL and state in the provider's console, then the integration's settings in Nango.",
	}
	if c.in.Scope == "all" {
		lines = []string{lines[0], common}
	}
	day := c.exhausts()
	switch n := count(c.in.Observed, "connection"); {
	case day.IsZero():
	case day.After(c.in.Time):
		lines = append(lines, "Do it before "+date(day)+": then Nango begins to give up what broke, now "+n+", each on its fourth failing day, and their users have to re-authorize after all.")
	default:
		lines = append(lines, "Since "+date(day)+" Nango gives up what broke, each connection on its fourth failing day: the users of those have to re-authorize after all.")
	}
	return lines
}

// exhausts is the day on which the first listed connection fails for the fourth day, zero when none has a time.
func (c composer) exhausts() time.Time {
	first := time.Time{}
	for i := range c.in.Connections {
		if t := c.in.Connections[i].Time; !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if first.IsZero() {
		return first
	}
	return first.UTC().Truncate(24*time.Hour).AddDate(0, 0, failingDays-1)
}

func date(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

func (c composer) reauthorize() []string {
	var lines []string
	if c.phase == open && c.unknown() {
		lines = append(lines, "The reason is not in the rows: it may be an outage of the provider. Check its status page before users are asked.")
	}
	if c.phase == open && c.in.Scope == "all" {
		lines = append(lines, common, "Ask no user to re-authorize before that is ruled out.")
	} else if c.phase == open {
		lines = append(lines, "Look for one cause first: the state of the OAuth app in the provider's console, a changed policy, an administrator who withdrew access.")
	}
	return append(lines,
		"Re-authorize each connection: open a reconnect session for it with POST /connect/sessions/reconnect and its Connection ID, and send its user there.",
		"Connections that were not made through a connect session have no reconnect: their users connect anew.")
}

// unknown says that the rows hold no reason for most of the listed connections.
func (c composer) unknown() bool {
	if c.in.Cause == "unknown" {
		return true
	}
	n := 0
	for i := range c.in.Connections {
		if slices.Contains(unsaid, clean(c.in.Connections[i].Reason)) {
			n++
		}
	}
	return n > 0 && 2*n >= len(c.in.Connections)
}
