package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/revwatch/revwatch/pkg/directory"
)

// nangoSettings say where Nango's API is asked for connections and whose they are. Off without a secret key.
type nangoSettings struct {
	url, secretKey string
	environment    string        // that the key belongs to
	every          time.Duration // between two listings
	more           *yaml.Node    // environments with keys of their own

	others []nangoKey // what more says
}

// nangoKey is the secret key of an environment.
type nangoKey struct {
	environment, key string
	line             int
}

func (n *nangoSettings) settings() []setting {
	return []setting{
		{name: "nango.url", target: &n.url, check: openURL},
		{name: "nango.secret_key", target: &n.secretKey, secret: true, check: secretKey},
		{name: "nango.environment", target: &n.environment, check: needed("a name")},
		{name: "nango.every", target: &n.every, min: int64(time.Minute)},
		{name: "nango.environments", target: &n.more},
	}
}

// secretKey is sent in a header; none is allowed as well.
func secretKey(text string) string {
	if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return "an API key of the environment, as Nango's dashboard shows it, without white space"
	}
	return ""
}

// readLists reads the environments with keys of their own.
func (n *nangoSettings) readLists(where places) error {
	var faults []error
	for _, entry := range entries(n.more) {
		k := nangoKey{line: entry.Line}
		_, err := applyEntry(where.file, entry, []setting{
			{name: "environment", target: &k.environment},
			{name: "secret_key", target: &k.key, secret: true, check: secretKey},
		})
		if err == nil && (k.environment == "" || k.key == "") {
			err = fault{where.file, entry.Line, "nango.environments: each entry needs environment and secret_key (or secret_key_file)"}
		}
		n.others, faults = append(n.others, k), append(faults, err)
	}
	return errors.Join(faults...)
}

// keys are those of all environments that are asked about.
func (n *nangoSettings) keys() (all []nangoKey) {
	if n.secretKey != "" {
		all = append(all, nangoKey{environment: n.environment, key: n.secretKey})
	}
	return append(all, n.others...)
}

// asks reports whether Nango's API is asked about an environment.
func (n *nangoSettings) asks(environment string) bool {
	return slices.ContainsFunc(n.keys(), func(k nangoKey) bool { return k.environment == environment })
}

// validate holds the rules that concern more than one setting.
func (n *nangoSettings) validate(where places, bad func(line int, format string, args ...any)) {
	keys := n.keys()
	for i, k := range keys {
		for _, other := range keys[:i] {
			switch line := max(k.line, where.line(&n.environment)); {
			case other.environment == k.environment:
				bad(line, "nango.environments: %q is named twice", k.environment)
			case other.key == k.key:
				bad(line, "nango.environments: %q and %q have the same secret key: a key belongs to one environment", other.environment, k.environment)
			}
		}
	}
}

// directories are who asks about each environment. They share one pace: the limit is that of the Nango account.
func (c *config) directories(now func() time.Time) (all []*directory.Client, err error) {
	pace := directory.NewPace()
	for _, k := range c.nango.keys() {
		d, err := directory.New(directory.Options{
			URL: c.nango.url, Key: k.key, Environment: k.environment, Account: c.account, Tags: slices.Concat([]string{}, c.tags), Now: now, Pace: pace,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// words say what Nango's API is asked, "" when it is not.
func (n *nangoSettings) words() string {
	var names []string
	for _, k := range n.keys() {
		names = append(names, k.environment)
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("Nango's API at %s every %s whose connections those of %s are, and how many there are", n.url, formatDuration(n.every), strings.Join(names, ", "))
}

// doubts are what is allowed and may not be meant.
func (n *nangoSettings) doubts() []string {
	u, err := url.Parse(n.url)
	if err != nil || u.Scheme != "http" || len(n.keys()) == 0 || inHouse(u.Hostname()) {
		return nil
	}
	return []string{fmt.Sprintf("nango.url: over http:// everybody on the way to %s reads the secret key: https:// is better", u.Hostname())}
}

// inHouse reports whether a host is of this machine, of a private network or, having no dot in its name, of the cluster.
func inHouse(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
	}
	return !strings.Contains(host, ".") || slices.ContainsFunc([]string{".local", ".internal", ".svc", ".svc.cluster.local"}, func(end string) bool { return strings.HasSuffix(host, end) })
}
