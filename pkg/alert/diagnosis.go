package alert

import (
	"strings"

	"github.com/revwatch/revwatch/pkg/detect"
)

const (
	maxDiagnoses = 3
	maxSource    = 120
)

// pattern is what we say of a kind of diagnosis: what it looks like, and what to do about it in our own words. wait says that users are asked for
// nothing before that is done.
type pattern struct {
	name string
	todo string
	wait bool
}

var patterns = map[string]pattern{
	detect.OAuthClient: {name: "an OAuth client whose id or secret is wrong or has expired",
		todo: "Compare the client id and secret of the integration in Nango with the provider's console: was the secret replaced, did it expire, is the app still there?"},
	detect.TestMode: {name: "an OAuth app in test mode",
		todo: "Publish the OAuth app in the provider's console first: while it is in testing, what is re-authorized now breaks again in 7 days."},
	detect.Lifetime: {name: "tokens at the end of their life",
		todo: "It comes again: these tokens end after a fixed time. Plan the next re-authorization, or use a way to authorize that does not end."},
	detect.OneCustomer: {name: "one customer who leaves",
		todo: "Ask whoever looks after that customer first. If it has left, delete its connections; if not, its administrator withdrew access."},
	detect.TokenLimit: {name: "a limit of tokens per account",
		todo: "Find what authorizes the same account again and again, such as a retry, a test or a second environment with the same client: each new token pushes out the oldest."},
	detect.PolicyChange: {name: "a changed access policy",
		todo: "Find out what changed, and have an administrator allow the app first: until then a re-authorization may be refused as well."},
	detect.Outage: {name: "an outage of the provider", wait: true,
		todo: "Wait, and watch the provider's status page: do not ask users to re-authorize while it fails. Nango tries each connection again until its fourth failing day."},
	detect.NangoFault: {name: "a fault on our side", wait: true, todo: common},
	detect.VendorEvent: {name: "an event that the provider announced",
		todo: "Read the provider's announcement: it says who is hit and what to do."},
	detect.WrongPlace: {name: "calls to the wrong environment or integration",
		todo: "Point the caller to where these connections exist, named above, or make them here."},
}

// diagnosed are the diagnoses that are shown.
func (c composer) diagnosed() []detect.Diagnosis {
	return c.in.Diagnoses[:min(len(c.in.Diagnoses), maxDiagnoses)]
}

// has says that the incident shows a pattern.
func (c composer) has(kind string) bool {
	for _, d := range c.diagnosed() {
		if d.Kind == kind {
			return true
		}
	}
	return false
}

// looks says what the incident looks like: "an OAuth app in test mode: 21 of 23 broke 7 days after … (source: www.nango.dev/blog/…)".
func (c composer) looks() []string {
	var lines []string
	for _, d := range c.diagnosed() {
		line := strings.TrimRight(clip(worded(short(d.Evidence, maxLine)), maxLine, runes), ". ")
		if name := patterns[d.Kind].name; name != "" {
			line = strings.TrimSuffix(name+": "+line, ": ")
		}
		if line == "" {
			continue
		}
		if at := source(d.Source); at != nil {
			line += " (source: " + clip(at.Host+at.EscapedPath(), maxSource, runes) + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

// surest is the first pattern as a sentence of its own; without one, that the rows hold no reason where that is so.
func (c composer) surest() string {
	for _, d := range c.diagnosed() {
		if name := patterns[d.Kind].name; name != "" {
			return " Looks like " + name + "."
		}
	}
	if c.unknown() && !c.strange() {
		return " The reason is not in the rows: it may be an outage."
	}
	return ""
}

// advice is what to do about each pattern, and whether users have to wait for it.
func (c composer) advice() (lines []string, wait bool) {
	for _, d := range c.diagnosed() {
		p := patterns[d.Kind]
		if wait = wait || p.wait; p.todo != "" {
			lines = append(lines, p.todo)
		}
	}
	return lines, wait
}
