package ship

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

const (
	signatureHeader = "X-Nango-Hmac-Sha256"
	legacyHeader    = "X-Nango-Signature"

	maxKeys     = 64 // each of them costs a digest a delivery
	shortestKey = 16 // Nango's are UUIDs; a comment beside them must not become a key that can be guessed
)

// SigningKeys are the webhook signing keys of Nango's environments. They are never printed.
type SigningKeys struct{ keys [][]byte }

// NewSigningKeys reads keys with white space between them: of several environments, or an old one beside the one that follows it.
func NewSigningKeys(text string) (SigningKeys, error) {
	var s SigningKeys
	for _, key := range strings.Fields(text) {
		if len(key) < shortestKey {
			return SigningKeys{}, fmt.Errorf("each signing key has at least %d characters; Nango shows it in the settings of the environment", shortestKey)
		}
		s.keys = append(s.keys, []byte(key))
	}
	if len(s.keys) > maxKeys {
		return SigningKeys{}, fmt.Errorf("at most %d signing keys are allowed", maxKeys)
	}
	return s, nil
}

// Len is how many there are.
func (s SigningKeys) Len() int { return len(s.keys) }

// String tells nothing but their number.
func (s SigningKeys) String() string { return fmt.Sprintf("%d signing keys", len(s.keys)) }

// GoString is String: %#v does not print them either.
func (s SigningKeys) GoString() string { return s.String() }

// signed reports whether digest is the HMAC-SHA256 of body by one of the keys. How long it takes tells nothing of keys or digests.
func (s SigningKeys) signed(body, digest []byte) bool {
	found := false
	for _, key := range s.keys {
		mac := hmac.New(sha256.New, key)
		mac.Write(body)
		found = hmac.Equal(mac.Sum(nil), digest) || found
	}
	return found
}

// signatureOf takes the digest out of the headers. Anything but one header of 64 hexadecimal digits is none; the outcome says which. Nango's older
// signature, SHA-256 of the key and the body behind it, is not looked at: who has seen one such digest can make another for a longer body without the
// key. Nango sends the two side by side.
func signatureOf(h http.Header) ([]byte, *outcome) {
	values := h[signatureHeader]
	switch {
	case len(values) == 0 && len(h[legacyHeader]) > 0:
		return nil, legacyOnly
	case len(values) == 0:
		return nil, noSignature
	}
	digest, err := hex.DecodeString(values[0])
	if err != nil || len(digest) != sha256.Size || len(values) > 1 {
		return nil, badSignature
	}
	return digest, nil
}
