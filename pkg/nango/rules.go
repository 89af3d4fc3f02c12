package nango

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Rules is a validated table of failure causes and provider knowledge (configs/providers.yaml explains the format).
// It is immutable.
type Rules struct {
	always  []rule // stand above a provider's own rules
	generic []rule
	groups  []group
	remedy  map[Cause]string

	lookup   table
	own      []int          // the groups that have rules
	keys     map[string]int // provider key → group
	prefixes map[string]int // the same for keys that end with "*", without it
}

type rule struct {
	Cause  Cause    `yaml:"cause"`
	Reason string   `yaml:"reason"`
	Code   []string `yaml:"code"`
	With   []string `yaml:"with"`
	Word   []string `yaml:"word"`
	Status []string `yaml:"status"`
	Text   []string `yaml:"text"`
	Also   []string `yaml:"also"`
	Type   []string `yaml:"type"`
	Shape  []string `yaml:"shape"`

	code, with, word wanted // the same as numbers of the lookup table
	text, also       bits
}

type group struct {
	Family     string            `yaml:"family"`
	Name       string            `yaml:"name"`
	Keys       []string          `yaml:"keys"`
	Names      map[string]string `yaml:"names"`
	Behaviours []behaviour       `yaml:"behaviours"`
	Remedy     map[Cause]string  `yaml:"remedy"`
	Rules      []rule            `yaml:"rules"`

	known    []Behaviour
	remedies map[Cause]string // with the generic ones under its own
}

// rulesFile is the form of a table on paper.
type rulesFile struct {
	Texts     any              `yaml:"texts"` // lists that rules name by anchors; nothing reads them from here
	Remedy    map[Cause]string `yaml:"remedy"`
	Always    []rule           `yaml:"always"`
	Rules     []rule           `yaml:"rules"`
	Providers []group          `yaml:"providers"`
}

// ParseRules reads a table of causes. It is strict: an unknown key, cause or shape, a rule without a condition, a
// duplicate rule, a behaviour without a source, or a provider key claimed twice is an error that names the place.
func ParseRules(data []byte) (*Rules, error) { return new(Rules).With(data) }

// With returns the table with another of the same form laid over it. The other's rules are judged before those of the same
// list here; a provider entry whose family is known extends it: its rules come first, its keys, names and behaviours are
// added, its remedies replace. r is not changed. Errors are those of ParseRules and name the place in data.
func (r *Rules) With(data []byte) (*Rules, error) {
	var file rulesFile
	if !blank(data) {
		if err := yaml.Load(data, &file, yaml.WithKnownFields()); err != nil {
			return nil, fmt.Errorf("parse provider rules: %w", err)
		}
	}
	errs := []error{checkRules("always", file.Always), checkRules("rules", file.Rules), checkRemedy("remedy", file.Remedy)}
	for i := range file.Providers {
		g := &file.Providers[i]
		errs = append(errs, g.check(fmt.Sprintf("providers[%d] (%s)", i, g.Family), r.family(g.Family) >= 0))
	}
	out := &Rules{
		always: slices.Concat(file.Always, r.always), generic: slices.Concat(file.Rules, r.generic),
		groups: slices.Clone(r.groups), remedy: overlay(r.remedy, file.Remedy),
	}
	errs = append(errs, out.addGroups(file.Providers, len(r.groups)))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	out.compile()
	out.index()
	return out, nil
}

// blank reports whether a table says nothing: comments at most.
func blank(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

// addGroups lays provider entries over the first known ones.
func (r *Rules) addGroups(more []group, known int) error {
	var errs []error
	seen := map[string]bool{}
	for i, g := range more {
		where := fmt.Sprintf("providers[%d] (%s)", i, g.Family)
		if seen[g.Family] {
			errs = append(errs, fmt.Errorf("%s: duplicate family", where))
		}
		seen[g.Family] = true
		for n, k := range g.Keys {
			errs = append(errs, r.claimed(where, g.Family, k))
			if slices.ContainsFunc(g.Keys[:n], func(o string) bool { return overlap(k, o) }) {
				errs = append(errs, fmt.Errorf("%s: key %q is there twice", where, k))
			}
		}
		if at := r.family(g.Family); at >= 0 && at < known {
			r.groups[at] = r.groups[at].with(g)
		} else {
			r.groups = append(r.groups, g)
		}
	}
	return errors.Join(errs...)
}

func (r *Rules) claimed(where, family, key string) error {
	for i := range r.groups {
		if r.groups[i].Family == family {
			continue
		}
		for _, k := range r.groups[i].Keys {
			if overlap(key, k) {
				return fmt.Errorf("%s: key %q is already claimed by %s (%q)", where, key, r.groups[i].Family, k)
			}
		}
	}
	return nil
}

func (r *Rules) family(name string) int {
	return slices.IndexFunc(r.groups, func(g group) bool { return g.Family == name })
}

func checkRules(where string, rules []rule) error {
	var errs []error
	seen := map[string]bool{}
	for i := range rules {
		if err := rules[i].check(); err != nil {
			errs = append(errs, fmt.Errorf("%s[%d]: %w", where, i, err))
		}
		r := &rules[i]
		key := fmt.Sprint(r.Code, r.With, r.Word, r.Status, r.Text, r.Also, r.Type, r.Shape)
		if seen[key] {
			errs = append(errs, fmt.Errorf("%s[%d]: duplicate: an earlier rule has the same conditions", where, i))
		}
		seen[key] = true
	}
	return errors.Join(errs...)
}

func (r *rule) check() error {
	if !r.Cause.known() {
		return fmt.Errorf("cause %q: want revoked, transient, misconfigured, other or unknown", r.Cause)
	}
	if bare := fill(r.Reason, "", ""); r.Reason == "" || len(r.Reason) > 64 || bare != "" && !isCode(bare) {
		return fmt.Errorf("reason %q: want lower case letters, digits and _", r.Reason)
	}
	if strings.Contains(r.Reason, "{code}") && len(r.Code)+len(r.Word) == 0 || strings.Contains(r.Reason, "{status}") && len(r.Status) == 0 {
		return fmt.Errorf("reason %q: stands for a condition that the rule does not have", r.Reason)
	}
	if len(r.Code)+len(r.Word)+len(r.Status)+len(r.Text)+len(r.Type)+len(r.Shape) == 0 {
		return errors.New("no condition")
	}
	return r.checkConditions()
}

func (c Cause) known() bool {
	return slices.Contains([]Cause{Revoked, Transient, Misconfigured, Other, Unknown}, c)
}

func (r *rule) checkConditions() error {
	for _, c := range slices.Concat(r.Code, r.With, r.Word) {
		if stem := strings.TrimSuffix(c, "*"); !isCode(stem) || len(squeezed(stem)) == 0 || len(c) > maxCode {
			if better := codeOf(stem); isCode(better) && better != stem && len(c) <= maxCode {
				return fmt.Errorf("code %q: write %s%s", c, better, c[len(stem):])
			}
			return fmt.Errorf("code %q: want 1 to 64 lower case letters, digits and _", c)
		}
	}
	for _, s := range r.Status {
		n, err := strconv.Atoi(strings.ReplaceAll(s, "xx", "00"))
		if err != nil || n < 100 || n > 599 {
			return fmt.Errorf("status %q: want 100 to 599, 4xx or 5xx", s)
		}
	}
	for _, t := range slices.Concat(r.Text, r.Also) {
		if n := newNeedle(t); len(n.head) < 4 || t != strings.ToLower(t) {
			return fmt.Errorf("text %q: want at least four characters, lower case", t)
		}
	}
	for _, s := range r.Shape {
		if !slices.Contains(shapes, s) {
			return fmt.Errorf("shape %q: want one of %s", s, strings.Join(shapes, ", "))
		}
	}
	return nil
}

// codeOf is s in the form of a code, as far as that is a matter of case and signs.
func codeOf(s string) string {
	return strings.NewReplacer("-", "_", ".", "_", " ", "_").Replace(strings.ToLower(s))
}

// overlap reports whether some provider key matches both patterns.
func overlap(a, b string) bool {
	return matches(a, strings.TrimSuffix(b, "*")) && (!strings.HasSuffix(b, "*") || strings.HasSuffix(a, "*")) ||
		matches(b, strings.TrimSuffix(a, "*")) && (!strings.HasSuffix(a, "*") || strings.HasSuffix(b, "*"))
}

// matches reports whether s is pattern, or begins with it when the pattern ends with "*".
func matches(pattern, s string) bool {
	if p, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(s, p)
	}
	return pattern == s
}
