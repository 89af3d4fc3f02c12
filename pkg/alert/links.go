package alert

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	maxTemplate    = 1000
	maxAddress     = 3000
	maxAddresses   = 4000 // of a message together
	maxLinks       = 8
	maxLinkSamples = 3
)

// placeholders are the names that a template may hold; the connection in the template of one connection only.
var placeholders = []string{"environment", "provider", "integration", "incident", "connection"}

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// Check says what is wrong with the templates: each has to be an http or https address, no name may stand in its host, and every name in braces has
// to be one of those of Links, {connection} in Connection only. The error holds nothing of a template.
func (l Links) Check() error {
	return errors.Join(checkLink("dashboard", l.Dashboard, false), checkLink("connection", l.Connection, true), checkLink("runbook", l.Runbook, false))
}

func checkLink(name, template string, connection bool) error {
	if template == "" {
		return nil
	}
	if len(template) > maxTemplate {
		return fmt.Errorf("links.%s: longer than %d characters", name, maxTemplate)
	}
	known := placeholders
	if !connection {
		known = known[:len(known)-1]
	}
	names := map[string]string{}
	for _, found := range placeholder.FindAllStringSubmatch(template, -1) {
		if !slices.Contains(known, found[1]) {
			return fmt.Errorf("links.%s: the names in braces may be {%s}", name, strings.Join(known, "}, {"))
		}
		names[found[1]] = "x"
	}
	_, rest, _ := strings.Cut(template, "://")
	if host := rest[:len(rest)-len(strings.TrimLeft(rest, hostLetters))]; len(host) < len(rest) && !strings.ContainsRune("/?#", rune(rest[len(host)])) {
		return fmt.Errorf("links.%s: want a plain host name after http:// or https://, with an optional port", name)
	}
	if expand(template, names) == "" {
		return fmt.Errorf("links.%s: want an address such as https://app.nango.dev/{environment}/logs", name)
	}
	return nil
}

// hostLetters are those of a host and its port.
const hostLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]"

// expand puts percent-encoded names into a template. It is "" when one of the names is not there or is not fit for an address.
func expand(template string, names map[string]string) string {
	whole := true
	s := placeholder.ReplaceAllStringFunc(template, func(p string) string {
		v := names[p[1:len(p)-1]]
		if v == "" || len(v) > maxAddress || v != clean(v) || v == "." || v == ".." { // dots are steps of a path even when they are encoded
			whole = false
		}
		return strings.ReplaceAll(url.QueryEscape(v), "+", "%20")
	})
	if at := address(s); at != nil && whole {
		return s
	}
	return ""
}

var plainAddress = regexp.MustCompile(`^https?://[A-Za-z0-9.\-:\[\]]+([/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?$`)

// address reads an http or https address, nil when it is none, too long, or anything but plain: characters beyond those of RFC 3986, a user's name.
func address(s string) *url.URL {
	if len(s) > maxAddress || !plainAddress.MatchString(s) {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return nil
	}
	return u
}

// source reads the address of the page that a diagnosis rests on.
func source(s string) *url.URL {
	if u := address(s); u != nil && u.Scheme == "https" {
		return u
	}
	return nil
}

// links are the addresses of a message: the dashboard, the runbook, the first connections, the pages that diagnoses rest on.
func (c composer) links() []link {
	names := map[string]string{"environment": c.in.Environment, "provider": c.in.Provider, "integration": c.in.Integration, "incident": c.in.ID}
	if c.in.Scope == "all" { // it is of several
		delete(names, "provider")
		delete(names, "integration")
	}
	all := []link{{"Dashboard", expand(c.words.Links.Dashboard, names)}, {"Runbook", expand(c.words.Links.Runbook, names)}}
	if c.going() && !c.strange() {
		for i := range c.in.Connections[:min(maxLinkSamples, len(c.in.Connections))] {
			b := &c.in.Connections[i]
			names["connection"], names["integration"] = b.Connection, b.Integration
			all = append(all, link{short(b.Connection, maxOwner), expand(c.words.Links.Connection, names)})
		}
	}
	if c.going() {
		for _, d := range c.diagnosed() {
			if at := source(d.Source); at != nil {
				all = append(all, link{"Source: " + at.Hostname(), d.Source})
			}
		}
	}
	return affordable(all)
}

// affordable leaves out what is no address, what is there already, and what is too much for one message.
func affordable(all []link) (list []link) {
	room := maxAddresses
	for _, l := range all {
		known := slices.ContainsFunc(list, func(o link) bool { return o.url == l.url })
		if l.url == "" || known || len(l.url) > room || len(list) == maxLinks {
			continue
		}
		list, room = append(list, l), room-len(l.url)
	}
	return list
}
