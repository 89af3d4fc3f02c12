package nango

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// finds reports whether a text condition fits what a provider says.
func finds(condition, said string) bool {
	var t table
	t.texts, t.heads = map[string]int{}, map[[4]byte][]int{}
	t.text(condition)
	return len(t.search(spoken(nil, []byte(said)), nil)) == 1
}

func TestSaidOfTheToken(t *testing.T) {
	for _, tt := range []struct {
		condition, said string
		want            bool
	}{
		{"refresh token ~ expired", "The refresh_token has expired", true},
		{"refresh token ~ expired", "Refresh token (id 12) provided by the user was expired", false}, // too far
		{"refresh token ~ expired", "Refresh token '0a-1' is expired", true},
		{"refresh token ~ expired", "Error: Refresh token is invalid or expired.", true},
		{"refresh token ~ expired", "Refresh token: expired certificate", false},
		{"refresh token ~ expired", "The refresh token is not expired", false},
		{"refresh token ~ expired", "The refresh token cache has expired", false},
		{"refresh token ~ expired", "Refresh tokens of others have expired", false},
		{"refresh token ~ expired", "Lock on the refresh token expired", false},
		{"refresh token ~ expired", "Could not refresh token, expired lock", false},
		{"refresh token ~ expired", "/v1/refresh-token expired", false},
		{"refresh token ~ expired", "The refresh token is unexpired", false},
		{"token expired", "Token expired", true},
		{"token expired", "Lock on refresh token expired", false},
		{"token expired", "client token expired", false},
		{"invalid token", "Invalid token.", true},
		{"invalid token", "Invalid token provided", true},
		{"invalid token", "Invalid tokens", false},
		{"invalid token", "invalid_token_endpoint", false},
		{"id token", "ID token signature", true},
		{"id token", "invalid token", false},
		{"app is disabled", "The app is disabled", true},
		{"app is disabled", "Whatsapp is disabled", false},
	} {
		if finds(tt.condition, tt.said) != tt.want {
			t.Errorf("%q in %q is not %v", tt.condition, tt.said, tt.want)
		}
	}
}

// Whatever stands in a text, searching it neither fails nor finds what is not written there.
func TestSearchHolds(t *testing.T) {
	words := []string{"refresh token", "token", "/", ":", " ", "is", "not", "expired", "invalid", "of", "(", "'", "endpoint", "s", "\n", "é", "client"}
	rapid.Check(t, func(t *rapid.T) {
		said := spoken(nil, []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 12).Draw(t, "said"), " ")))
		for _, n := range builtIn.lookup.search(said, nil) {
			if x := builtIn.lookup.found[n]; !bytes.Contains(said, []byte(x.head)) || !bytes.Contains(said, []byte(x.tail)) {
				t.Fatalf("%q found in %q", x, said)
			}
		}
	})
}
