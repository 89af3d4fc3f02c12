package nango

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// secret is something that must never leave a row, and the parts of it by which it would be recognised.
type secret struct{ name, value string }

// alphabets of tokens; the tokens themselves are made when the test runs.
const (
	alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	hexa  = "0123456789abcdef"
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	lower = "abcdefghijklmnopqrstuvwxyz"
)

func random(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

func secrets() []secret {
	r := rand.New(rand.NewPCG(1, 2))
	of := func(alphabet string, n int) string { return random(r, alphabet, n) }
	b64 := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	jwt := b64(`{"alg":"none"}`) + "." + b64(`{"sub":"`+of(alnum, 12)+`"}`) + "." + of(alnum, 43)
	return []secret{
		{"bearer", "Bearer " + of(alnum, 40)}, {"jwt", jwt}, {"bearer jwt", "Authorization: Bearer " + jwt},
		{"basic", "Basic " + base64.StdEncoding.EncodeToString([]byte(of(lower, 8)+":"+of(alnum, 12)))},
		{"google refresh token", "1" + "//0" + of(alnum+"-_", 60)}, {"google access token", "ya" + "29." + of(alnum+"-_", 80)},
		{"google client secret", "GOC" + "SPX-" + of(alnum, 28)}, {"github", "gh" + "r_" + of(alnum, 36)}, {"github, lower case", "gh" + "o_" + of(lower+"0123456789", 36)},
		{"slack", "xo" + "xe-1-" + of(alnum, 30)}, {"stripe", "sk" + "_live_" + of(alnum, 24)}, {"stripe, letters", "sk" + "_live_" + of(lower, 24)}, {"microsoft", "0." + "AX" + of(alnum+"-_", 90)},
		{"microsoft client secret", of(alnum, 3) + "8Q~" + of(alnum, 34)}, {"hubspot", "na1-" + of(hexa, 8) + "-" + of(hexa, 4)}, {"salesforce", "5Aep" + of(alnum+"._", 80)},
		{"shopify", "shp" + "rt_" + of(hexa, 32)}, {"aws key", "AK" + "IA" + of(upper, 16)}, {"aws secret", of(alnum+"/+", 40)}, {"hex", of(hexa, 32)}, {"upper", of(upper, 26)},
		{"lower", of(lower, 32)}, {"uuid", of(hexa, 8) + "-" + of(hexa, 4) + "-4" + of(hexa, 3) + "-a" + of(hexa, 3) + "-" + of(hexa, 12)},
		{"e-mail", "jane." + of(lower, 6) + "@example.com"}, {"phone", "+49 30 " + of("123456789", 8)}, {"card", "4" + of("0123456789", 15)}, {"card, spaced", "4111 " + of("123456789", 4) + " " + of("123456789", 4) + " " + of("123456789", 4)},
		{"iban", "DE" + of("123456789", 20)}, {"cookie", "Set-Cookie: sid=" + of(alnum, 24) + "; HttpOnly"}, {"private key", "-----BEGIN " + "PRIVATE KEY-----" + of(alnum+"+/", 64)},
		{"connection string", "postgres://app:" + of(alnum, 12) + "@db.example.com/main"}, {"url", "https://api.example.com/cb?code=" + of(alnum, 20)}, {"password", "password: " + of(lower, 9)},
		{"password without a colon", "password " + of(lower, 9)}, {"token pair", "token=" + of(lower, 12)}, {"secret pair", "client_secret=" + of(lower, 14)}, {"key pair", "api_key: " + of(lower, 10)},
		{"quoted pair", `secret: "` + of(lower, 11) + `"`}, {"address", "10." + of("123456789", 2) + ".14.7"}, {"hash", "sha256:" + of(hexa, 64)}, {"name", "Jane Xq" + of(lower, 5)},
	}
}

// pieces are the parts of a secret that would give it away.
func (s secret) pieces() []string {
	var out []string
	for _, w := range strings.FieldsFunc(s.value, func(r rune) bool { return strings.ContainsRune(" :=;\"@?&/.", r) }) {
		switch strings.ToLower(w) {
		case "bearer", "basic", "authorization", "set-cookie", "httponly", "password", "token", "client_secret", "api_key", "secret", "https", "postgres", "api", "example", "com", "app", "main", "db", "code", "cb", "-----begin",
			"private", "jane", "sid", "10", "14", "7", "30", "4111", "+49", "1", "0", "5aep", "ya29", "na1", "sha256", "key-----":
			continue
		}
		if len(w) >= 4 {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		out = []string{s.value}
	}
	return out
}

// leaks are values with a secret wherever a row, a body, a header, a tag or a webhook has room for one.
func leaks(s string, n int) []string {
	q, _ := json.Marshal(s)
	escaped, _ := json.Marshal(string(q))
	in := string(q[1 : len(q)-1])
	twice := string(escaped[3 : len(escaped)-3])
	id := func(i int) string { return opID(worldStart, 100*n+i) }
	var out []string
	i := 0
	refusal := func(payload string, typ string) {
		i++
		out = append(out, errorLogRow(id(i), typ, 400, payload, worldStart), httpErrorRow(id(i), 400, payload, worldStart),
			operationRow(id(i), "auth", "refresh_token", "failed", whoOf(i), worldStart, worldStart))
	}
	for _, body := range []string{
		`{"error":"` + in + `"}`, `{"error":"invalid_grant","error_description":"` + in + `"}`, `{"error":"invalid_grant","error_description":"The token ` + in + ` is invalid."}`,
		`{"error":"invalid_request","message":"refresh token ` + in + ` expired"}`, `{"code":"` + in + `","name":"` + in + `","type":"` + in + `"}`, `{"error":{"message":"` + in + `","code":"` + in + `"}}`, `["` + in + `"]`, `"` + in + `"`,
		`"error=` + in + `&error_description=` + in + `"`, `"<html><title>` + in + `</title></html>"`, `"<error>` + in + `</error>"`, `"{\"error\":\"` + twice + `\"}"`, `{"refresh_token":"` + in + `","access_token":"` + in + `","error":"x1"}`,
		`{"refresh_token":["` + in + `"]}`, `{"error":"aadsts_53` + in + `","error_description":"AADSTS53` + in + `"}`, `{"errors":[{"detail":"` + in + `","field":"refresh_token","code":"` + in + `"}]}`,
		`{"error_description":"Failed for user ` + in + `. Contact ` + in + `, please. ` + in + `"}`,
	} {
		refusal(`{"dataMessage":`+body+`}`, external)
		refusal(body, external)
	}
	refusal(`{"message":"`+in+`","error":"`+in+`","code":"`+in+`"}`, external)
	refusal(`{"message":"An unhandled error of type 'x_refresh_token_request_error' with payload '\"{\\\"provider_error_payload\\\":{\\\"message\\\":\\\"x\\\"}}\"' `+in+`"}`, external)
	refusal(`{}`, in)
	refusal(`"`+in+`"`, "two_step_credentials_fetch_error")
	refusal(`{"external_message":"`+in+`","external_request_details":{"statusCode":400,"payload":{"error":"`+in+`"},"headers":{"x":"`+in+`"}},"dataMessage":{"error":"`+in+`"}}`, external)
	row := operationRow(id(90), "proxy", "call", "failed", whoOf(1), worldStart, worldStart)
	out = append(out, row[:len(row)-1]+`,"error":{"type":"`+in+`","message":"`+in+`","payload":{"error":{"code":"invalid_credentials","message":"`+in+`"}}},"meta":{"x":"`+in+`"},"request":{"url":"`+in+`","headers":{"authorization":"`+in+`","cookie":"`+in+`"},"body":"`+in+`"},"response":{"code":401,"headers":{"set-cookie":"`+in+`"}},"endUserName":"`+in+`"}`)
	out = append(out, fmt.Sprintf(`{"id":"hR7bXcRmKpLnTqWzYd00","level":"error","type":"http","message":"%s","parentId":"%s","request":{"method":"POST","url":"%s","headers":{"authorization":"%s"},"body":"%s"},"response":{"code":400,"headers":{"set-cookie":"%s"}},"error":{"name":"%s","message":"%s"},"meta":{"body":{"error":"%s"}},"createdAt":"%s"}`,
		in, id(91), in, in, in, in, in, in, in, stampOf(worldStart)), operationRow(id(91), "auth", "refresh_token", "failed", whoOf(2), worldStart, worldStart))
	hook := strings.Replace(webhookBody("refresh", 3, false), `"error":{"description":"The external API returned an error when trying to refresh the access token. Please try again later.","type":"refresh_token_external_error"}`,
		`"error":{"description":"`+in+`","type":"`+in+`"},"endUser":{"endUserEmail":"`+in+`","tags":{"note":"`+in+`"}}`, 1)
	hook = strings.Replace(hook, `"tags":{`, `"tags":{"note":"`+in+`",`, 1)
	return append(out, `{"timestamp":"2026-03-02T00:00:01Z","headers":{"x-nango-signature":"`+in+`"},"body":`+hook+`}`)
}

// No secret that a provider, a customer or a bridge wrote into a row reaches an event or the stored state.
func TestSecretsStayInTheirRows(t *testing.T) {
	for n, s := range secrets() {
		pieces := s.pieces()
		r := newReader(Options{})
		r.Open("file", 0, -1)
		stored := &bytes.Buffer{}
		keep := func(bucket, key string, value []byte) { fmt.Fprintln(stored, bucket, key, string(value)) }
		values := leaks(s.value, n)
		for i, v := range values {
			r.Read([]byte(v), Meta{Source: "file", Offset: int64(i), Key: []byte(s.value), Headers: []Header{{Key: "authorization", Value: []byte(s.value)}}})
			r.Changes(keep)
		}
		events := r.Flush()
		r.Changes(keep)
		if len(events) < 35 {
			t.Fatalf("%s: %d events of %d values", s.name, len(events), len(values))
		}
		told := fmt.Sprintf("%+v\n%s", events, stored)
		for _, p := range pieces {
			if i := strings.Index(strings.ToLower(told), strings.ToLower(p)); i >= 0 {
				t.Errorf("%s: %q is told: …%s…", s.name, p, told[max(0, i-120):min(len(told), i+len(p)+40)])
			}
		}
	}
}

// What may be told of a sentence.
func TestScrub(t *testing.T) {
	for said, want := range map[string]string{
		"Token has been expired or revoked.": "Token has been expired or revoked.",
		"AADSTS700082: The refresh token has expired due to inactivity. The token was issued on 2026-06-01T08:00:00.0000000Z": "AADSTS700082: The refresh token has expired due to inactivity. The token was issued on …",
		"Request failed with status code 503":                    "Request failed with status code 503",
		"invalid_grant: user jane@example.com is gone":           "invalid_grant: user … is gone",
		"client_secret=abcdefgh is wrong":                        "",
		"the password hunter was wrong":                          "the password …",
		"Bad token: abcdef":                                      "Bad token: …",
		"Unknown user Jane Doe of ACME":                          "Unknown user … of ACME",
		"токен отозван":                                          "",
		"":                                                       "",
		strings.Repeat("word ", 100):                             strings.TrimSpace(strings.Repeat("word ", 31)),
		"see https://example.com/x?token=1 and xkcdqwrtp please": "see …",
	} {
		if got := string(builtIn.lookup.scrub(nil, []byte(said))); got != want || len(got) > maxDetail {
			t.Errorf("%q:\n got %q\nwant %q", said, got, want)
		}
	}
}
