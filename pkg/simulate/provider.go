package simulate

// provider is an API with its way of refusing. Sizes and rates are invented.
type provider struct {
	name         string
	integrations []integration
	perDay       float64 // connections that die on a working day
	refused      answer  // a dead refresh token
	client       answer  // an expired client secret
	mute         bool    // rows do not hold why the token was refused
}

// integration is an OAuth client at a provider.
type integration struct {
	name        string
	size        int
	provider    *provider
	number      int
	connections []*connection
	secret      *Happened // its client secret is expired
}

// answer is what comes of a token request, and what Nango makes of it.
type answer struct {
	cause   string // one of the causes, "" when the rows do not hold it
	typ     string // Nango's error type
	status  int    // Nango's own status
	payload string // JSON
	code    int    // of the logged request; noResponse; 0: the request is not logged
	body    string // JSON; "": none
}

// The causes of breaks, as in Series.
const (
	revoked       = "revoked"
	misconfigured = "misconfigured"
	transient     = "transient"
)

const (
	external   = "refresh_token_external_error"
	noResponse = -1
)

// says is a provider that answers JSON.
func says(cause string, code int, body string) answer {
	return answer{cause, external, 400, `{"dataMessage":` + body + `}`, code, body}
}

// throws is a fault that Nango only knows by a sentence.
func throws(cause, sentence string, code int) answer {
	return answer{cause, external, 400, `{"message":"` + sentence + `"}`, code, ""}
}

const slackSentence = "The Slack API returned an error when trying to refresh the access token. Error: "

var (
	invalidGrant  = says(revoked, 400, `{"error":"invalid_grant"}`)
	invalidClient = says(misconfigured, 401, `{"error":"invalid_client","error_description":"invalid client credentials"}`)
)

// outage is how a provider that is down shows. The last two do not hold their cause, respectively are not logged as requests.
var outage = []answer{
	says(transient, 503, `{"error":"temporarily_unavailable","error_description":"Service unavailable."}`),
	throws(transient, "DNS resolution failed.", noResponse),
	throws(transient, "Cannot use 'in' operator to search for 'payload' in null", 0),
	{"", external, 400, `{}`, 406, ""},
}

func providers() []*provider {
	return []*provider{
		{name: "google-mail", perDay: 3, integrations: []integration{{name: "google-mail", size: 220}, {name: "google-mail-eu", size: 90}},
			refused: says(revoked, 400, `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`), client: invalidClient},
		{name: "outlook", perDay: 1.6, integrations: []integration{{name: "outlook", size: 180}},
			refused: says(revoked, 400, `{"error":"invalid_grant","error_description":"AADSTS700082: The refresh token has expired due to inactivity.","error_codes":[700082]}`),
			client:  says(misconfigured, 401, `{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired.","error_codes":[7000222]}`)},
		{name: "hubspot", perDay: 1.4, integrations: []integration{{name: "hubspot", size: 160}},
			refused: says(revoked, 400, `{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}`),
			client:  says(misconfigured, 400, `{"status":"BAD_CLIENT_SECRET","message":"missing or invalid client secret"}`)},
		{name: "salesforce", perDay: 1, integrations: []integration{{name: "salesforce", size: 120}, {name: "salesforce-legacy", size: 30}},
			refused: says(revoked, 400, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`), client: invalidClient},
		{name: "slack", perDay: .6, integrations: []integration{{name: "slack", size: 120}},
			refused: throws(revoked, slackSentence+"invalid_refresh_token", 0), client: throws(misconfigured, slackSentence+"bad_client_secret", 0)},
		{name: "jira", perDay: .4, integrations: []integration{{name: "jira", size: 60}},
			refused: says(revoked, 403, `{"error":"unauthorized_client","error_description":"refresh_token is invalid"}`), client: invalidClient},
		{name: "github", perDay: .4, integrations: []integration{{name: "github", size: 80}}, mute: true, client: invalidClient,
			refused: answer{"", "unhandled_refresh_token_parsing_error", 500, `{"cause":{"type":"unhandled_incomplete_raw_credentials"}}`, 200, ""}},
		{name: "quickbooks", perDay: .2, integrations: []integration{{name: "quickbooks", size: 40}}, refused: invalidGrant, client: invalidClient},
	}
}
