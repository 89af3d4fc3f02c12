package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/revwatch/revwatch/configs"
	"github.com/revwatch/revwatch/pkg/nango"
)

// ownRules is what a user adds to the table of causes: in the configuration file itself, in a file of its own, or both.
type ownRules struct {
	rules, providers *yaml.Node // as they stand in the configuration; nil: not there
	file             string
	table            *nango.Rules // the built-in table with all of it laid over; nil: nothing was added
	count, families  int          // rules and providers added
}

// table is the table of causes in force.
func (c *config) table() *nango.Rules {
	if c.own.table != nil {
		return c.own.table
	}
	return providerRules()
}

// layRules lays the user's file over the built-in table, and what the configuration itself says over that.
func (c *config) layRules(where places) error {
	var faults []error
	if path := c.own.file; path != "" {
		if !filepath.IsAbs(path) { // beside the configuration, wherever the process was started
			path = filepath.Join(filepath.Dir(where.file), path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return fault{where.file, where.line(&c.own.file), fmt.Sprintf("rules_file: %q cannot be read: %v", path, reason(err))}
		}
		faults = append(faults, c.layFile(path, data))
	}
	doc := &yaml.Node{Kind: yaml.MappingNode}
	for _, part := range []struct {
		name string
		node *yaml.Node
	}{{"rules", c.own.rules}, {"providers", c.own.providers}} {
		if part.node != nil {
			doc.Content = append(doc.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: part.name, Line: part.node.Line}, part.node)
		}
	}
	if len(doc.Content) > 0 {
		faults = append(faults, c.own.lay(where.file, doc))
	}
	return errors.Join(faults...)
}

func (c *config) layFile(path string, data []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return fault{path, errorLine(err), "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return fault{path, 1, "`rules:` or `providers:` is expected, as in configs/providers.yaml"}
	}
	c.hash = hashOf([]byte(c.hash), data)
	return c.own.lay(path, doc.Content[0])
}

// lay reads one mapping of rules and providers. The table reads text, not nodes: the text is written anew without aliases, every value on a line
// of its own, and the lines of its errors are taken back to those of the file.
func (o *ownRules) lay(file string, doc *yaml.Node) error {
	budget := maxRuleNodes
	doc = withoutAliases(doc, &budget)
	if budget < 0 {
		return fault{file, max(doc.Line, 1), fmt.Sprintf("rules and providers hold more than %d values", maxRuleNodes)}
	}
	if err := checkNodes(file, doc); err != nil {
		return err
	}
	forgiveScalars(doc)
	text, err := yaml.Marshal(doc)
	if err != nil {
		return fault{file, max(doc.Line, 1), err.Error()}
	}
	var again yaml.Node
	if err := yaml.Unmarshal(text, &again); err != nil {
		return fault{file, max(doc.Line, 1), err.Error()}
	}
	if o.table == nil {
		o.table = providerRules()
	}
	table, err := o.table.With(text)
	if err != nil {
		at := map[int]int{}
		pairLines(doc, again.Content[0], at)
		return ruleFaults(file, doc, at, err)
	}
	o.table = table
	o.count += len(below(doc, "always").Content) + len(below(doc, "rules").Content)
	for _, p := range below(doc, "providers").Content {
		o.families++
		o.count += len(below(p, "rules").Content)
	}
	return nil
}

var (
	ruleLine    = regexp.MustCompile(`(?:^|; |: )line (\d+): `)
	rulePlace   = regexp.MustCompile(`^(always|rules|providers)\[(\d+)\](?: \([^)]*\))?(?:(?:: )?(behaviours)?\[(\d+)\])?`)
	unknownKey  = regexp.MustCompile(`^field (\S+) not found in type (\S+)`)
	wrongForm   = regexp.MustCompile("^cannot construct !!(\\w+)(?: `([^`]*)`)? into (.+)$")
	formOfAType = map[string]string{
		"[]string": "a list such as [a, b]", "[]nango.rule": "a list of rules such as {cause: revoked, reason: a_code, code: [a_code]}",
		"nango.rule": "a rule such as {cause: revoked, reason: a_code, code: [a_code]}", "[]nango.group": "a list of providers", "nango.group": "a provider with family, name and keys",
	}
)

// ruleFaults makes faults with a place out of what the table says of its text.
func ruleFaults(file string, doc *yaml.Node, at map[int]int, err error) error {
	text := strings.TrimPrefix(err.Error(), "parse provider rules: ")
	var faults []error
	if found := ruleLine.FindAllStringSubmatchIndex(text, -1); found != nil {
		for i, f := range found {
			end := len(text)
			if i+1 < len(found) {
				end = found[i+1][0]
			}
			n, _ := strconv.Atoi(text[f[2]:f[3]])
			faults = append(faults, fault{file, max(at[n], 1), plainYAML(text[f[1]:end])})
		}
		return errors.Join(faults...)
	}
	for line := range strings.SplitSeq(text, "\n") {
		faults = append(faults, fault{file, max(ruleNode(doc, line).Line, 1), line})
	}
	return errors.Join(faults...)
}

// ruleNode is what an error such as "providers[2] (acme)[0]: …" speaks of.
func ruleNode(doc *yaml.Node, text string) *yaml.Node {
	m := rulePlace.FindStringSubmatch(text)
	if m == nil {
		return doc
	}
	list := below(doc, m[1])
	i, _ := strconv.Atoi(m[2])
	if i >= len(list.Content) {
		return doc
	}
	n := list.Content[i]
	if j, err := strconv.Atoi(m[4]); err == nil {
		if own := below(n, cmp.Or(m[3], "rules")).Content; j < len(own) {
			return own[j]
		}
	}
	return n
}

// tableKeys are the keys that the built-in table, its rules and its providers have.
func tableKeys() (table, rule, provider []string) {
	var file yaml.Node
	if err := yaml.Unmarshal(configs.Providers, &file); err != nil {
		panic(err) // a test loads it
	}
	doc := file.Content[0]
	lists := []*yaml.Node{below(doc, "always"), below(doc, "rules")}
	groups := below(doc, "providers")
	for _, g := range groups.Content {
		lists = append(lists, below(g, "rules"))
	}
	return keysOf(doc), keysOf(lists...), keysOf(groups)
}

// keysOf are the keys of mappings, or of those in lists.
func keysOf(nodes ...*yaml.Node) []string {
	known := map[string]bool{}
	for _, n := range nodes {
		if n.Kind == yaml.SequenceNode {
			for _, k := range keysOf(n.Content...) {
				known[k] = true
			}
			continue
		}
		for i := 0; i < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
			known[n.Content[i].Value] = true
		}
	}
	return slices.Sorted(maps.Keys(known))
}

// plainYAML says without the names of our types what the YAML library says with them.
func plainYAML(text string) string {
	if m := unknownKey.FindStringSubmatch(text); m != nil {
		known, rule, provider := tableKeys()
		switch m[2] {
		case "nango.rule":
			known = rule
		case "nango.group":
			known = provider
		}
		return fmt.Sprintf("unknown key %q: one of %s; configs/providers.yaml explains them", m[1], strings.Join(known, ", "))
	}
	if m := wrongForm.FindStringSubmatch(text); m != nil {
		expected := formOfAType[m[3]]
		if expected == "" {
			expected = "another form; see configs/providers.yaml"
		}
		if m[1] == "seq" || m[1] == "map" {
			return map[string]string{"seq": "a list", "map": "a mapping"}[m[1]] + " is not allowed here: " + expected
		}
		return fmt.Sprintf("%q is not allowed here: %s", m[2], expected)
	}
	return text
}

// addedRules says what the user added: "3 rules of your own"; "" when nothing.
func (c *config) addedRules() string {
	switch {
	case c.own.count > 0:
		return plural(c.own.count, "rule") + " of your own"
	case c.own.families > 0:
		return plural(c.own.families, "provider") + " of your own"
	}
	return ""
}
