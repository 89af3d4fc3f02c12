package nango

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Provider is what is known of a provider key. It is shared and must not be changed.
type Provider struct {
	Name       string           // for people; the key itself when the table does not know it
	Family     string           // keys of one vendor share it; the key itself when the table does not know it
	Behaviours []Behaviour      // why its connections are known to break; nil when nothing is known
	Remedy     map[Cause]string // what to do, one or two sentences; Revoked and Misconfigured are always there in the built-in table
}

// Behaviour is one known habit of a provider that breaks connections, most often many at a time.
type Behaviour struct {
	What   string        // one sentence
	Source string        // the https address of the page that says so
	Every  time.Duration // a connection breaks so long after its authorization, 0 = not so
	After  time.Duration // a connection breaks after so long without use, 0 = not so
	Tokens int           // so many tokens live at a time, the oldest dies for one more; 0 = not so
	Date   time.Time     // the day (UTC) of an announced mass event, zero = none

	Testing bool // it is so of an app in testing only: publishing the app ends it
}

type behaviour struct {
	What   string `yaml:"what"`
	Source string `yaml:"source"`
	Every  string `yaml:"every"`
	After  string `yaml:"after"`
	Tokens int    `yaml:"tokens"`
	Date   string `yaml:"date"`

	Testing bool `yaml:"testing"`
}

// Provider returns what the table knows of a provider key.
func (r *Rules) Provider(key string) Provider {
	g := r.group(key)
	if g == nil {
		return Provider{Name: key, Family: key, Remedy: r.remedy}
	}
	p := Provider{Name: g.Name + " (" + key + ")", Family: g.Family, Behaviours: g.known, Remedy: g.remedies}
	if n, ok := g.Names[key]; ok {
		p.Name = n
	} else if len(g.Keys) > 0 && g.Keys[0] == key {
		p.Name = g.Name
	}
	return p
}

func (r *Rules) group(key string) *group {
	i, ok := r.keys[key]
	for n := 1; !ok && n <= len(key); n++ {
		i, ok = r.prefixes[key[:n]]
	}
	if !ok {
		return nil
	}
	return &r.groups[i]
}

func (r *Rules) index() {
	r.keys, r.prefixes = map[string]int{}, map[string]int{}
	for i := range r.groups {
		for _, k := range r.groups[i].Keys {
			if p, ok := strings.CutSuffix(k, "*"); ok {
				r.prefixes[p] = i
			} else {
				r.keys[k] = i
			}
		}
	}
}

// check validates an entry; one that extends a known family needs no name or keys of its own.
func (g *group) check(where string, extends bool) error {
	var errs []error
	if g.Family == "" || !extends && (g.Name == "" || len(g.Keys) == 0) {
		errs = append(errs, fmt.Errorf("%s: family, name and keys are required", where))
	}
	for i, b := range g.Behaviours {
		known, err := b.parse()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: behaviours[%d]: %w", where, i, err))
		}
		g.known = append(g.known, known)
	}
	return errors.Join(append(errs, checkRemedy(where+": remedy", g.Remedy), checkRules(where, g.Rules))...)
}

func checkRemedy(where string, remedy map[Cause]string) error {
	for _, c := range slices.Sorted(maps.Keys(remedy)) {
		if !c.known() || remedy[c] == "" || len(remedy[c]) > 400 {
			return fmt.Errorf("%s: %q: want a cause and at most 400 bytes of what to do", where, c)
		}
	}
	return nil
}

func (b behaviour) parse() (Behaviour, error) {
	out := Behaviour{What: b.What, Source: b.Source, Tokens: b.Tokens, Testing: b.Testing}
	if b.What == "" || len(b.What) > 240 {
		return out, fmt.Errorf("what %q: want one sentence", b.What)
	}
	if host, ok := strings.CutPrefix(b.Source, "https://"); !ok || host == "" || strings.ContainsAny(host, " \"<>") {
		return out, fmt.Errorf("source %q: want an https address", b.Source)
	}
	var errs [3]error
	out.Every, errs[0] = parseDays(b.Every)
	out.After, errs[1] = parseDays(b.After)
	if b.Date != "" {
		out.Date, errs[2] = time.Parse(time.DateOnly, b.Date)
	}
	if b.Tokens < 0 {
		return out, fmt.Errorf("tokens %d: want a number above 0", b.Tokens)
	}
	return out, errors.Join(errs[:]...)
}

// parseDays reads a length of time such as 90d or 24h; "" is 0.
func parseDays(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 10_000 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	} else if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return d, nil
	}
	return 0, fmt.Errorf("%q: want a length of time such as 90d or 24h", s)
}

// with returns the entry extended by another of its family.
func (g group) with(o group) group {
	g.Keys = slices.Concat(g.Keys, o.Keys)
	g.Rules = slices.Concat(o.Rules, g.Rules)
	g.known = slices.Concat(g.known, o.known)
	g.Remedy, g.Names = overlay(g.Remedy, o.Remedy), overlay(g.Names, o.Names)
	if o.Name != "" {
		g.Name = o.Name
	}
	return g
}

// overlay returns a with the values of b over its own.
func overlay[K comparable, V any](a, b map[K]V) map[K]V {
	out := make(map[K]V, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}
