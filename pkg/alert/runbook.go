package alert

import (
	"slices"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// failingDays is on how many calendar days a connection may fail before Nango stops to refresh it: it gives up at the
// first failure of the fourth day.
const failingDays = 4

// todo says what a person does about the incident. It is our own text: the only thing from outside in it is a date.
func (c composer) todo() []string {
	var lines []string
	switch {
	case c.phase == fold:
	case c.silent():
		lines = c.silenceTodo()
	case c.strange() && c.going():
		lines = c.find()
	case c.strange(), c.phase == resolve && c.remaining().Broken == 0:
	case c.in.Cause == "misconfigured":
		lines = c.mend()
	default:
		lines = c.reauthorize()
	}
	return lines[:min(len(lines), maxTodo)]
}

// find helps to find the caller that asks for connections which do not exist.
func (c composer) find() []string {
	lines, _ := c.advice()
	return append(lines,
		"Check which secret key the caller uses: it belongs to one environment, and a connection exists in one environment only.",
		"Check the Integration ID it sends: a connection exists under one integration only, and a renamed integration is another one.",
		"Check the Connection ID it sends: one that was deleted, or that is written in another way, looks the same.",
	)
}

// common is what to do first when many rise at once.
const common = "Look at our own side first: a deploy of Nango, its database and encryption key, the way out to the internet, a clock."

// mend says how to get a refused OAuth client accepted again, and by when.
func (c composer) mend() []string {
	if c.phase == resolve { // which may be because all are broken that can be
		lines := []string{"Mend the client if it is refused still. Ask users to re-authorize only the connections that Nango gave up on."}
		if s := c.deadline(); s != "" {
			lines = append(lines, s)
		}
		return lines
	}
	advice, _ := c.advice()
	switch {
	case len(advice) > 0:
	case c.in.Scope == "all":
		advice = []string{common}
	default:
		advice = []string{"Mend the OAuth client: its id, secret, redirect URL and state in the provider's console, then the integration's settings in Nango."}
	}
	lines := append([]string{"Do not ask users to re-authorize: their grants are not the fault."}, advice...)
	lines = append(lines, c.remedy()...)
	if s := c.deadline(); s != "" {
		lines = append(lines[:min(len(lines), maxTodo-1)], s)
	}
	return lines
}

// deadline says from when on Nango gives up connections: "6 connections exhaust from 7 Mar 2026 unless it is done".
func (c composer) deadline() string {
	day, n := c.exhausts(), c.remaining().Broken
	when, unless := date(day), " unless it is done"
	if !c.firstListed() {
		when += " or earlier"
	}
	if c.phase == resolve {
		unless = " if the client still refuses them"
	}
	switch {
	case day.IsZero() || n <= 0:
		return ""
	case !day.After(c.in.Time):
		return "Since " + date(day) + " Nango gives up what broke, each connection on its fourth failing day: the users of those have to re-authorize after all."
	case n == 1:
		return "1 connection exhausts on " + when + unless + ": Nango gives it up on its fourth failing day, and its user has to re-authorize after all."
	}
	return count(n, "connection") + " exhaust from " + when + unless + ": Nango gives each up on its fourth failing day, and its user has to re-authorize after all."
}

// firstListed says that those that broke first are among the listed connections. They are not where the incident was open before, and the list of a
// rise of several is of one hour.
func (c composer) firstListed() bool {
	n := len(c.in.Connections)
	return n >= c.all() || n >= listLimit && !c.wide() && c.in.Status != detect.StatusReopened
}

// exhausts is the day on which the first listed connection that is still broken fails for the fourth day, zero when none has a time. It may be too
// early by those that were reconnected since, and too late by those that are not listed.
func (c composer) exhausts() time.Time {
	first := time.Time{}
	for i := range c.in.Connections {
		b := &c.in.Connections[i]
		if !b.Time.IsZero() && (first.IsZero() || b.Time.Before(first)) && !slices.Contains(c.in.Recovered, b.Connection) {
			first = b.Time
		}
	}
	if first.IsZero() {
		return first
	}
	return first.UTC().Truncate(24*time.Hour).AddDate(0, 0, failingDays-1)
}

func date(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

// reconnect is how a connection is authorized anew.
const reconnect = ": open a reconnect session for it with POST /connect/sessions/reconnect and its Connection ID, and send its user there."

func (c composer) reauthorize() []string {
	lines, wait := []string{}, false
	if c.going() {
		lines, wait = c.causes()
	}
	which := "Re-authorize each connection"
	switch {
	case wait:
		which += " that still fails after that"
	case c.phase == resolve:
		which += " that is still broken"
	}
	lines = append(lines, which+reconnect, "Connections that were not made through a connect session have no reconnect: their users connect anew.")
	if !wait && c.going() && !c.has(detect.TestMode) { // which the table's own words repeat
		lines = append(lines, c.remedy()...)
	}
	return lines
}

// causes says what to look for before users are asked, and whether that has to be ruled out first.
func (c composer) causes() (lines []string, wait bool) {
	lines, wait = c.advice()
	if c.unknown() {
		lines, wait = append(lines, "The reason is not in the rows: it may be an outage of the provider. Check its status page before users are asked."), true
	}
	switch {
	case c.in.Scope == "all" && !c.has(detect.NangoFault):
		lines, wait = append(lines, common), true
	case len(lines) == 0:
		lines = append(lines, "Look for one cause first: the state of the OAuth app in the provider's console, a changed policy, an administrator who withdrew access.")
	}
	if wait && (c.unknown() || !c.has(detect.Outage)) { // which says so itself
		lines = append(lines, "Ask no user to re-authorize before that is ruled out.")
	}
	return lines, wait
}

// remedy is what the table says of this provider, without what it only repeats of our own words. It says nothing of many providers.
func (c composer) remedy() []string {
	if c.in.Scope == "all" {
		return nil
	}
	s := clean(c.words.Remedy(c.in.Provider, c.in.Cause))
	if s == clean(c.words.Remedy("", c.in.Cause)) { // it is said of every provider
		return nil
	}
	for _, known := range []string{"Do not ask users to authorize again. ", "Ask the users to authorize again. "} {
		s = strings.TrimPrefix(s, known)
	}
	if s = short(s, maxLine); s == "" {
		return nil
	}
	return []string{sentence(s)}
}

// unknown says that the rows hold no reason for most of the listed connections.
func (c composer) unknown() bool {
	if c.in.Cause == "unknown" {
		return true
	}
	n := 0
	for i := range c.in.Connections {
		if slices.Contains(unsaid, short(c.in.Connections[i].Reason, maxName)) {
			n++
		}
	}
	return n > 0 && 2*n >= len(c.in.Connections)
}
