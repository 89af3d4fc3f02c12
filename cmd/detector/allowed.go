package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Rules of single settings: "" or what is allowed.

func needed(what string) func(string) string {
	return func(text string) string {
		if text == "" {
			return what + " is needed"
		}
		return ""
	}
}

func hostPort(text string) string {
	host, port, err := net.SplitHostPort(text)
	n, wrong := strconv.ParseUint(port, 10, 16)
	if err != nil || wrong != nil || n == 0 || host == "" || strings.ContainsAny(host, "/ ") {
		return "host:port, the port from 1 to 65535"
	}
	return ""
}

func listenAddress(text string) string {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "host:port or :port, the port from 0 (any free one) to 65535"
	}
	return ""
}

var topicNames = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

func topicName(text string) string {
	if !topicNames.MatchString(text) || text == "." || text == ".." {
		return "the name of a topic: up to 249 letters, digits, dots, _ and -"
	}
	return ""
}

// maxTags is how many tags of a connection nango.Tags holds.
const maxTags = 8

var tagNames = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// tagName refuses what may name a person: tags are shown to everybody who reads an alert.
func tagName(text string) string {
	switch lower := strings.ToLower(text); {
	case strings.Contains(lower, "mail"):
		return "tags are shown in alerts: no e-mail addresses"
	case !tagNames.MatchString(text):
		return "the key of a tag: up to 64 letters, digits, dots, _ and -"
	}
	return ""
}

func webURL(text string) string {
	if u, err := url.Parse(text); text != "" && (err != nil || strings.ContainsFunc(text, unicode.IsSpace) || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return "a URL such as https://host/path"
	}
	return ""
}

// keyURL is a URL to which a key is sent, or that is one itself.
func keyURL(text string) string {
	if u, err := url.Parse(text); err == nil && u.Scheme == "http" && keepers.MatchString(u.Hostname()) {
		return "https:// is needed: over http:// everybody on the way reads the key"
	}
	return webURL(text)
}

// keepers are hosts that are only ever spoken to with a key.
var keepers = regexp.MustCompile(`(?i)(^|\.)(slack|slack-gov|pagerduty)\.com\.?$`)

// botToken is a token of Slack; no token is allowed as well.
func botToken(text string) string {
	if text != "" && (!strings.HasPrefix(text, "xox") || strings.ContainsFunc(text, unicode.IsSpace)) {
		return "the Bot User OAuth Token of a Slack app, which begins with xoxb-"
	}
	return ""
}

// isExample reports whether a webhook's URL is that of an example, ours or Slack's own.
func isExample(text string) bool {
	rest, ok := strings.CutPrefix(text, "https://hooks.slack.com/")
	return ok && (strings.Trim(strings.TrimPrefix(rest, "services"), "/.… ") == "" || strings.HasPrefix(rest, "services/T00000000/B00000000/"))
}

var routingKeys = regexp.MustCompile(`^([A-Za-z0-9]{32})?$`)

func routingKey(text string) string {
	if !routingKeys.MatchString(text) {
		return "32 letters and digits (the integration key of an Events API v2 integration)"
	}
	return ""
}

func certificates(path string) string {
	return pemFile(path, "certificate", x509.NewCertPool().AppendCertsFromPEM)
}

func privateKey(path string) string {
	return pemFile(path, "private key", func(data []byte) bool {
		block, _ := pem.Decode(data)
		return block != nil && bytes.Contains(data, []byte("PRIVATE KEY-----"))
	})
}

// pemFile asks for a file that holds something; no file is allowed as well.
func pemFile(path, what string, holds func([]byte) bool) string {
	if path == "" {
		return ""
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Sprintf("a PEM file with a %s is needed: %v", what, reason(err))
	}
	if !holds(data) {
		return fmt.Sprintf("a PEM file with a %s is needed: it holds none", what)
	}
	return ""
}

// oneOf allows certain words.
func oneOf(words ...string) func(string) string {
	return func(text string) string {
		if !slices.Contains(words, text) {
			return "one of " + strings.Join(words, ", ")
		}
		return ""
	}
}

// openURL is a URL that holds no secret: it is shown.
func openURL(text string) string {
	if u, err := url.Parse(text); err == nil && (u.User != nil || u.RawQuery != "") {
		return "a URL without a name, a password or parameters in it"
	}
	return webURL(text)
}

// share is a part of a whole.
func share(text string) string {
	if v, err := strconv.ParseFloat(text, 64); err != nil || v > 1 {
		return "a number from 0 to 1, such as 0.2"
	}
	return ""
}

// alarmLines is a score at or above the alarm line, or 0.
func alarmLines(text string) string {
	if v, err := strconv.ParseFloat(text, 64); err != nil || v != 0 && v < 1 {
		return "0, or a number of at least 1, which is the alarm line"
	}
	return ""
}

// pattern is an entry of a route: a name, in which * may stand for any characters.
func pattern(text string) string {
	if len([]rune(text)) > 256 || strings.ContainsFunc(text, steers) {
		return "a name of at most 256 characters, in which * may stand for any"
	}
	return ""
}

var destinationNames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func destinationName(text string) string {
	if !destinationNames.MatchString(text) {
		return "a name of up to 63 letters, digits, dots, _ and -, such as slack-crm"
	}
	return ""
}

var hostNames = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$`)

// reachable is an entry of the outbound policy.
func reachable(text string) string {
	_, wide := netip.ParsePrefix(text)
	_, one := netip.ParseAddr(text)
	if wide != nil && one != nil && (!hostNames.MatchString(text) || strings.Trim(text, "0123456789.") == "") {
		return "a network such as 10.0.0.0/8, an address, or the name of a host"
	}
	return ""
}

var tokens = regexp.MustCompile(`^([!-~]{16,512})?$`)

func bearerToken(text string) string {
	if !tokens.MatchString(text) {
		return "at least 16 letters, digits and signs, without spaces"
	}
	return ""
}

// collide reports whether nobody can listen at both addresses.
func collide(a, b string) bool {
	one, port, _ := net.SplitHostPort(a)
	two, same, _ := net.SplitHostPort(b)
	return port == same && port != "0" && (one == two || isEvery(one) || isEvery(two))
}

// isEvery reports whether a host to listen at stands for every address of this machine.
func isEvery(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

// isLoopback reports whether only this machine reaches a listen address.
func isLoopback(listen string) bool {
	host, _, _ := net.SplitHostPort(listen)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
