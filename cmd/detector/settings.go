package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// setting binds one name of the configuration file to a field of config.
type setting struct {
	name    string              // canonical, dotted, words joined by _
	target  any                 // *string, *[]string, *int, *float64, *bool, *time.Duration, *map[string]time.Duration, *map[string]string; **yaml.Node: kept as it is
	allowed []string            // of a string: the values there are; empty: any
	check   func(string) string // of a string, a number, or of each in a list: "" or what is allowed
	min     int64               // of a number or a duration in nanoseconds: the least allowed
	most    int                 // of a list: so many at most; 0: any number
	auto    bool                // of a duration: "auto" is allowed and means 0
	unused  bool                // what is set is not looked at
	secret  bool                // never printed; may come from a file named by the setting's name + _file
}

// fault is one thing wrong in a configuration file.
type fault struct {
	file   string
	line   int
	reason string
}

func (f fault) Error() string { return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.reason) }

// places is where a file sets what: its settings by target.
type places struct {
	file  string
	first int // line where the settings begin; 0: the first
	at    map[any]place
}

type place struct {
	name string // as it is spelled there
	line int
}

// line is where the first of the settings that the file holds is set; where they begin when it holds none.
func (p places) line(targets ...any) int {
	for _, t := range targets {
		if at, ok := p.at[t]; ok {
			return at.line
		}
	}
	return max(p.first, 1)
}

// canon makes the spellings of one name equal: group.id, group_id and group-id are the same key.
func canon(name string) string {
	return strings.NewReplacer("_", ".", "-", ".").Replace(strings.ToLower(name))
}

// applyYAML sets what the document says, and returns where it says it. It goes on after a fault and returns all of them, joined.
func applyYAML(file string, data []byte, settings []setting) (places, error) {
	a := newApplier(file, settings)
	var doc, second yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	err := d.Decode(&doc)
	if err == nil {
		a.document(doc.Content[0])
		err = d.Decode(&second)
	}
	switch {
	case err == nil:
		a.fault(&second, "a second document begins here: one is expected")
	case !errors.Is(err, io.EOF):
		return a.places, fault{file, errorLine(err), "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	return a.places, errors.Join(a.faults...)
}

// applyEntry sets what one entry of a list says, as applyYAML does for a document.
func applyEntry(file string, n *yaml.Node, settings []setting) (places, error) {
	a := newApplier(file, settings)
	a.first = n.Line
	if n = follow(n); n.Kind == yaml.MappingNode {
		a.walk("", n)
	} else {
		a.fault(n, "settings are expected in each entry of this list")
	}
	return a.places, errors.Join(a.faults...)
}

var lineOf = regexp.MustCompile(`(?:line |at L)(\d+)`)

func errorLine(err error) int {
	if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 1
}

type applier struct {
	places
	known  map[string]*setting // by canonical spelling
	names  map[string]string   // settings, secret files and sections, as suggestions show them, by canonical spelling
	faults []error
}

func newApplier(file string, settings []setting) *applier {
	a := &applier{places: places{file: file, at: map[any]place{}}, known: map[string]*setting{}, names: map[string]string{}}
	for i := range settings {
		a.learn(&settings[i])
	}
	return a
}

func (a *applier) learn(s *setting) {
	c := canon(s.name)
	a.known[c], a.names[c] = s, s.name
	if s.fromFile() {
		a.names[c+".file"] = s.name + "_file"
	}
	if section, _, ok := strings.Cut(s.name, "."); ok {
		a.names[section] = section
	}
}

func (a *applier) fault(n *yaml.Node, format string, args ...any) {
	a.faults = append(a.faults, fault{a.file, n.Line, fmt.Sprintf(format, args...)})
}

// refuse is the fault of a value. Secrets are not shown, nor what may be a URL with a password or a key in it.
func (a *applier) refuse(s *setting, name string, n *yaml.Node, text, allowed string) {
	shown := strconv.Quote(text)
	if s.secret || strings.ContainsAny(text, "@?") {
		shown = "the value"
	}
	a.fault(n, "%s: %s is not allowed: %s", name, shown, allowed)
}

func (a *applier) document(n *yaml.Node) {
	switch {
	case n.Kind == yaml.MappingNode:
		a.walk("", n)
	case n.Kind == yaml.SequenceNode:
		a.fault(n, "the file holds a list: settings such as `kafka.brokers: [localhost:9092]` are expected")
	case n.Tag != "!!null":
		a.fault(n, "the file holds a single value: settings such as `kafka.brokers: [localhost:9092]` are expected")
	}
}

// walk flattens nested mappings into dotted names until a name is a setting.
func (a *applier) walk(prefix string, n *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		a.entry(prefix, n.Content[i], follow(n.Content[i+1]))
	}
}

func (a *applier) entry(prefix string, key, value *yaml.Node) {
	name := prefix + key.Value
	c := canon(name)
	s, file := a.find(c)
	switch {
	case value.Kind == yaml.MappingNode && a.isSection(c) && !s.raw():
		a.walk(name+".", value)
	case s != nil && a.once(s, name, key):
		a.set(s, name, value, file)
	case s != nil:
	case !strings.Contains(c, ".") && a.isSection(c):
		if value.Tag != "!!null" {
			a.fault(key, "%s: expected settings below it", name)
		}
	default:
		a.fault(key, "unknown setting %q%s", name, a.suggest(c, canon(key.Value)))
	}
}

// follow is the node that an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// raw reports whether the setting takes its YAML as it is.
func (s *setting) raw() bool {
	if s == nil {
		return false
	}
	_, raw := s.target.(**yaml.Node)
	return raw
}

// fromFile reports whether the value may be in a file of its own.
func (s *setting) fromFile() bool {
	_, text := s.target.(*string)
	return s.secret && text
}

// find is the setting of a canonical name, and whether the name asks for it from a file; nil when there is none.
func (a *applier) find(c string) (*setting, bool) {
	if s := a.known[c]; s != nil {
		return s, false
	}
	if s := a.known[strings.TrimSuffix(c, ".file")]; s != nil && s.fromFile() {
		return s, true
	}
	return nil, false
}

// once notes where a setting is set. A second time, in whatever spelling, is a fault.
func (a *applier) once(s *setting, name string, key *yaml.Node) bool {
	first, twice := a.at[s.target]
	if twice {
		a.fault(key, "%s is already set in line %d as %s", name, first.line, first.name)
	} else {
		a.at[s.target] = place{name, key.Line}
	}
	return !twice
}

func (a *applier) isSection(c string) bool {
	for k := range a.known {
		if strings.HasPrefix(k, c+".") {
			return true
		}
	}
	return false
}
