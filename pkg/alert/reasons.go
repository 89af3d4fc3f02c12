package alert

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// meanings say reason codes in words, those of which the meaning is sure: the codes of RFC 6749 and OpenID Connect, Microsoft's numbers as its page
// of AADSTS error codes has them, and our own.
var meanings = map[string]string{
	"invalid_grant":                "the grant is gone",
	"refresh_token_refused":        "the refresh token is refused",
	"token_invalidated":            "the token is no longer valid",
	"invalid_client":               "the OAuth client is refused",
	"unauthorized_client":          "the OAuth client may not do this",
	"client_refused":               "the OAuth client is refused",
	"client_credentials_refused":   "the client credentials are refused",
	"client_mismatch":              "the token belongs to another OAuth client",
	"stored_connection_incomplete": "what Nango has stored of it is incomplete",
	"access_denied":                "access is denied",
	"invalid_scope":                "the scopes are refused",
	"login_required":               "a new login is asked for",
	"interaction_required":         "a new login is asked for",
	"consent_required":             "consent is asked for",
	"mfa_required":                 "a second factor is asked for",
	"ip_restricted":                "the address or the hour is not allowed",
	"policy_denied":                "a policy denies it",
	"terms_not_accepted":           "the provider's terms are not accepted",
	"invalid_rapt":                 "a policy asks for a new login",
	"disabled_by_admin":            "an administrator disabled the app",
	"aadsts_50034":                 "the user does not exist any more",
	"aadsts_50055":                 "the user's password has expired",
	"aadsts_50057":                 "the user's account is disabled",
	"aadsts_50076":                 "a second factor is asked for",
	"aadsts_50079":                 "a second factor is asked for",
	"aadsts_50173":                 "a user or an administrator revoked it, or the password changed",
	"aadsts_53003":                 "conditional access blocks it",
	"aadsts_65001":                 "consent is missing",
	"aadsts_70008":                 "the token expired by inactivity",
	"aadsts_700082":                "the token expired by inactivity",
	"aadsts_700084":                "the token of a single-page app reached the end of its life",
	"aadsts_700016":                "the app is not in the customer's directory",
	"aadsts_7000215":               "the client secret is wrong",
	"aadsts_7000222":               "the client secret has expired",
}

// unsaid are the reasons that mean: the rows do not hold one.
var unsaid = []string{"", "unknown", "no_reason", "null_body", "empty_body", "unreadable_body", "broken_json", "no_response"}

// reason is a code from outside, or that there is none.
func reason(s string) string {
	if s = short(s, maxName); slices.Contains(unsaid, s) {
		return "reason not in the rows"
	}
	return s
}

// saying is what follows on a number of connections that have a reason in common: " say the grant is gone [invalid_grant]".
func saying(code string) string {
	switch words := meanings[code]; {
	case words != "":
		return fmt.Sprintf(" say %s [%s]", words, code)
	case slices.Contains(unsaid, code):
		return " with no reason in the rows [" + code + "]"
	}
	return " with reason " + code
}

var withReason = regexp.MustCompile(` with reason [a-z0-9_]+`)

// worded says the reason that a line of the explanation names in words, where it is known, and once.
func worded(line string) string {
	code := func(s string) string { return s[len(" with reason "):] }
	for _, s := range withReason.FindAllString(line, -1) {
		if words := meanings[code(s)]; words != "" {
			line = strings.TrimSuffix(line, ": "+words)
		}
	}
	return withReason.ReplaceAllStringFunc(line, func(s string) string { return saying(code(s)) })
}
