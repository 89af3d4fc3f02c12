package main

import (
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// maxRuleNodes bounds what aliases can multiply.
const maxRuleNodes = 50_000

// withoutAliases is a copy in block style with every alias replaced by what it stands for. budget falls below 0 when that is too much.
func withoutAliases(n *yaml.Node, budget *int) *yaml.Node {
	n = follow(n)
	out := &yaml.Node{Kind: n.Kind, Style: n.Style &^ yaml.FlowStyle, Tag: n.Tag, Value: n.Value, Line: n.Line, Column: n.Column}
	for _, c := range n.Content {
		if *budget--; *budget < 0 {
			break
		}
		out.Content = append(out.Content, withoutAliases(c, budget))
	}
	return out
}

// pairLines notes for each line of a copy the line of the original.
func pairLines(n, written *yaml.Node, at map[int]int) {
	if _, known := at[written.Line]; !known && n.Line > 0 {
		at[written.Line] = n.Line
	}
	for i := range min(len(n.Content), len(written.Content)) {
		pairLines(n.Content[i], written.Content[i], at)
	}
}

// below is the value of a key; an empty node when there is none.
func below(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return &yaml.Node{}
}

// checkNodes refuses what a table would take in silence: no value where one is meant, and a key that is set twice.
func checkNodes(file string, doc *yaml.Node) error {
	var faults []error
	for i := 0; i+1 < len(doc.Content); i += 2 {
		if list := doc.Content[i+1]; !isNull(list) { // "rules:" with nothing behind it adds nothing
			faults = append(faults, noNulls(file, doc.Content[i].Value, list))
		}
	}
	return errors.Join(append(faults, noTwins(file, doc))...)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// noNulls refuses an entry or a condition that holds nothing: a rule would fit without it.
func noNulls(file, name string, n *yaml.Node) error {
	if isNull(n) {
		return fault{file, n.Line, name + ": a value is needed here, or remove it"}
	}
	var faults []error
	for i, c := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode:
			faults = append(faults, noNulls(file, fmt.Sprintf("%s[%d]", name, i), c))
		case i%2 == 1:
			faults = append(faults, noNulls(file, name+"."+n.Content[i-1].Value, c))
		}
	}
	return errors.Join(faults...)
}

func noTwins(file string, n *yaml.Node) error {
	var faults []error
	first := map[string]int{}
	for i, c := range n.Content {
		faults = append(faults, noTwins(file, c))
		if n.Kind != yaml.MappingNode || i%2 == 1 || c.Kind != yaml.ScalarNode {
			continue
		}
		if line, twice := first[c.Value]; twice {
			faults = append(faults, fault{file, c.Line, fmt.Sprintf("key %q is already set in line %d", c.Value, line)})
		} else {
			first[c.Value] = c.Line
		}
	}
	return errors.Join(faults...)
}

// listKeys are the keys of rules and providers that hold a list of texts. One text alone is a list of one.
var listKeys = []string{"code", "with", "word", "status", "text", "also", "type", "shape", "keys"}

// forgiveScalars makes lists of single values: `status: 400` is `status: [400]`.
func forgiveScalars(doc *yaml.Node) {
	each := func(list *yaml.Node) {
		for _, entry := range list.Content {
			for i := 0; i+1 < len(entry.Content) && entry.Kind == yaml.MappingNode; i += 2 {
				if v := entry.Content[i+1]; v.Kind == yaml.ScalarNode && slices.Contains(listKeys, entry.Content[i].Value) {
					entry.Content[i+1] = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: v.Line, Column: v.Column, Content: []*yaml.Node{v}}
				}
			}
		}
	}
	each(below(doc, "always"))
	each(below(doc, "rules"))
	each(below(doc, "providers"))
	for _, p := range below(doc, "providers").Content {
		each(below(p, "rules"))
	}
}
