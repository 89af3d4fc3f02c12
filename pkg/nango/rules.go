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
	generic []rule
	groups  []group
}

// Provider is what is known of a provider key.
type Provider struct {
	Name   string // for people; the key itself when the table does not name it
	Family string // keys of one API vendor share it; the key itself when the table does not know it
}

type rule struct {
	Cause  Cause    `yaml:"cause"`
	Reason string   `yaml:"reason"`
	Code   []string `yaml:"code"`
	Status []string `yaml:"status"`
	Text   []string `yaml:"text"`
	Type   []string `yaml:"type"`
	Shape  []string `yaml:"shape"`
}

type group struct {
	Family string            `yaml:"family"`
	Name   string            `yaml:"name"`
	Keys   []string          `yaml:"keys"`
	Names  map[string]string `yaml:"names"`
	Rules  []rule            `yaml:"rules"`
}

// ParseRules reads a table of causes. It is strict: an unknown key, cause or shape, a rule without a condition, a
// duplicate rule, or a provider key claimed twice is an error that names the place.
func ParseRules(data []byte) (*Rules, error) {
	var file struct {
		Rules     []rule  `yaml:"rules"`
		Providers []group `yaml:"providers"`
	}
	if err := yaml.Load(data, &file, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("parse provider rules: %w", err)
	}
	r := &Rules{generic: file.Rules, groups: file.Providers}
	errs := []error{checkRules("rules", r.generic), checkGroups(r.groups)}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return r, nil
}

func checkRules(where string, rules []rule) error {
	var errs []error
	seen := map[string]bool{}
	for i := range rules {
		if err := rules[i].check(); err != nil {
			errs = append(errs, fmt.Errorf("%s[%d]: %w", where, i, err))
		}
		key := fmt.Sprint(rules[i].Code, rules[i].Status, rules[i].Text, rules[i].Type, rules[i].Shape)
		if seen[key] {
			errs = append(errs, fmt.Errorf("%s[%d]: duplicate: an earlier rule has the same conditions", where, i))
		}
		seen[key] = true
	}
	return errors.Join(errs...)
}

func (r *rule) check() error {
	switch r.Cause {
	case Revoked, Transient, Misconfigured, Other, Unknown:
	default:
		return fmt.Errorf("cause %q: want revoked, transient, misconfigured, other or unknown", r.Cause)
	}
	bare := strings.NewReplacer("{code}", "", "{status}", "").Replace(r.Reason)
	if r.Reason == "" || bare != "" && !isCode(bare) {
		return fmt.Errorf("reason %q: want lower case letters, digits and _", r.Reason)
	}
	if strings.Contains(r.Reason, "{code}") && len(r.Code) == 0 || strings.Contains(r.Reason, "{status}") && len(r.Status) == 0 {
		return fmt.Errorf("reason %q: stands for a condition that the rule does not have", r.Reason)
	}
	if len(r.Code)+len(r.Status)+len(r.Text)+len(r.Type)+len(r.Shape) == 0 {
		return errors.New("no condition")
	}
	return r.checkConditions()
}

func (r *rule) checkConditions() error {
	for _, c := range r.Code {
		if c != normalCode([]byte(c)) && !strings.HasSuffix(c, "*") {
			return fmt.Errorf("code %q: want lower case, with _ for -", c)
		}
	}
	for _, s := range r.Status {
		n, err := strconv.Atoi(strings.ReplaceAll(s, "xx", "00"))
		if err != nil || n < 100 || n > 599 {
			return fmt.Errorf("status %q: want 100 to 599, 4xx or 5xx", s)
		}
	}
	for _, t := range r.Text {
		if len(t) < 4 || t != strings.ToLower(t) {
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

func checkGroups(groups []group) error {
	var errs []error
	families := map[string]bool{}
	type claim struct{ key, family string }
	var claims []claim
	for i := range groups {
		g := &groups[i]
		where := fmt.Sprintf("providers[%d] (%s)", i, g.Family)
		if g.Family == "" || g.Name == "" || len(g.Keys) == 0 {
			errs = append(errs, fmt.Errorf("%s: family, name and keys are required", where))
		}
		if families[g.Family] {
			errs = append(errs, fmt.Errorf("%s: duplicate family", where))
		}
		families[g.Family] = true
		for _, k := range g.Keys {
			for _, c := range claims {
				if overlap(k, c.key) {
					errs = append(errs, fmt.Errorf("%s: key %q is already claimed by %s (%q)", where, k, c.family, c.key))
				}
			}
			claims = append(claims, claim{k, g.Family})
		}
		errs = append(errs, checkRules(where, g.Rules))
	}
	return errors.Join(errs...)
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

// Provider returns what the table knows of a provider key.
func (r *Rules) Provider(key string) Provider {
	g := r.group(key)
	if g == nil {
		return Provider{Name: key, Family: key}
	}
	if n, ok := g.Names[key]; ok {
		return Provider{Name: n, Family: g.Family}
	}
	if len(g.Keys) > 0 && g.Keys[0] == key {
		return Provider{Name: g.Name, Family: g.Family}
	}
	return Provider{Name: g.Name + " (" + key + ")", Family: g.Family}
}

func (r *Rules) group(key string) *group {
	for i := range r.groups {
		if slices.ContainsFunc(r.groups[i].Keys, func(k string) bool { return matches(k, key) }) {
			return &r.groups[i]
		}
	}
	return nil
}
