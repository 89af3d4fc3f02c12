package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// setting binds one name of the configuration file to a field of config.
type setting struct {
	name    string              // canonical, dotted, words joined by _
	target  any                 // *string, *[]string, *int, *bool, *time.Duration, *map[string]time.Duration
	allowed []string            // of a string: the values there are; empty: any
	check   func(string) string // of a string, or of each in a list: "" or what is allowed
	min     int64               // of a number or a duration in nanoseconds: the least allowed
	auto    bool                // of a duration: "auto" is allowed and means 0
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
	file string
	at   map[any]place
}

type place struct {
	name string // as it is spelled there
	line int
}

// line is where the first of the settings that the file holds is set; 1 when it holds none.
func (p places) line(targets ...any) int {
	for _, t := range targets {
		if at, ok := p.at[t]; ok {
			return at.line
		}
	}
	return 1
}

// canon makes the spellings of one name equal: group.id, group_id and group-id are the same key.
func canon(name string) string {
	return strings.NewReplacer("_", ".", "-", ".").Replace(strings.ToLower(name))
}

// applyYAML sets what the document says, and returns where it says it. It goes on after a fault and returns all of them, joined.
func applyYAML(file string, data []byte, settings []setting) (places, error) {
	a := applier{places: places{file: file, at: map[any]place{}}, known: map[string]*setting{}, names: map[string]string{}}
	for i := range settings {
		a.learn(&settings[i])
	}
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

var lineOf = regexp.MustCompile(`line (\d+)`)

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

func (a *applier) learn(s *setting) {
	c := canon(s.name)
	a.known[c], a.names[c] = s, s.name
	if s.secret {
		a.names[c+".file"] = s.name + "_file"
	}
	if section, _, ok := strings.Cut(s.name, "."); ok {
		a.names[section] = section
	}
}

func (a *applier) fault(n *yaml.Node, format string, args ...any) {
	a.faults = append(a.faults, fault{a.file, n.Line, fmt.Sprintf(format, args...)})
}

// refuse is the fault of a value. Secrets are not shown, nor what may be a URL with a password in it.
func (a *applier) refuse(s *setting, name string, n *yaml.Node, text, allowed string) {
	shown := strconv.Quote(text)
	if s.secret || strings.Contains(text, "@") {
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
	case value.Kind == yaml.MappingNode && a.isSection(c):
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

// find is the setting of a canonical name, and whether the name asks for it from a file; nil when there is none.
func (a *applier) find(c string) (*setting, bool) {
	if s := a.known[c]; s != nil {
		return s, false
	}
	if s := a.known[strings.TrimSuffix(c, ".file")]; s != nil && s.secret {
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

// suggest names the nearest name there is when it is near enough to be a slip of the pen, or else the same key in another section.
func (a *applier) suggest(c, key string) string {
	limit := 2 + len(c)/4
	best, dist := "", limit+1
	for k, shown := range a.names {
		d := distance(c, k)
		if strings.HasSuffix(k, "."+key) {
			d = min(d, limit)
		}
		if d < dist || d == dist && shown < best {
			best, dist = shown, d
		}
	}
	if best == "" {
		return "; configs/detector.yaml shows every setting"
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost = 1 + min(diag, row[j], row[j+1])
			}
			diag, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// set parses the value of one setting, after variables in it are replaced and, for a secret, its file is read.
func (a *applier) set(s *setting, name string, n *yaml.Node, fromFile bool) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // "key:" with nothing behind it keeps the default
	}
	switch t := s.target.(type) {
	case *[]string:
		a.list(t, s, name, n)
		return
	case *map[string]time.Duration:
		a.durations(t, name, n)
		return
	}
	text, ok := a.text(name, n)
	if ok && fromFile {
		text, ok = a.secretFile(name, n, text)
	}
	if !ok {
		return
	}
	if allowed := s.parse(text); allowed != "" {
		a.refuse(s, name, n, text, allowed)
	}
}

// secretFile reads a secret. The path stays out of the fault: it may be the secret itself, written to the wrong name.
func (a *applier) secretFile(name string, n *yaml.Node, path string) (string, bool) {
	raw, err := os.ReadFile(path)
	text := strings.TrimSpace(string(raw))
	if err != nil {
		a.fault(n, "%s: the file cannot be read: %v", name, reason(err))
	} else if text == "" {
		a.fault(n, "%s: the file is empty", name)
	}
	return text, text != ""
}

// reason is an error of the file system without the path.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// parse sets the target and returns "" or what is allowed.
func (s *setting) parse(text string) string {
	switch t := s.target.(type) {
	case *string:
		if len(s.allowed) > 0 {
			i := slices.IndexFunc(s.allowed, func(v string) bool { return strings.EqualFold(v, text) })
			if i < 0 {
				return "one of " + strings.Join(s.allowed, ", ")
			}
			text = s.allowed[i]
		}
		if s.check != nil {
			if allowed := s.check(text); allowed != "" {
				return allowed
			}
		}
		*t = text
	case *int:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < s.min {
			return fmt.Sprintf("a whole number of at least %d", s.min)
		}
		*t = int(n)
	case *bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return "true or false"
		}
		*t = b
	case *time.Duration:
		return s.parseDuration(t, text)
	}
	return ""
}

func (s *setting) parseDuration(t *time.Duration, text string) string {
	if s.auto && text == "auto" {
		*t = 0
		return ""
	}
	if _, err := strconv.Atoi(text); err == nil && strings.HasSuffix(s.name, "_ms") {
		text += "ms"
	}
	d, err := parseDuration(text)
	if err == nil && int64(d) >= s.min {
		*t = d
		return ""
	}
	if allowed := "a duration such as 90s, 10m, 6h or 14d of at least " + formatDuration(time.Duration(s.min)); s.auto {
		return allowed + ", or auto"
	} else {
		return allowed
	}
}

func (a *applier) text(name string, n *yaml.Node) (string, bool) {
	if n = follow(n); n.Kind != yaml.ScalarNode {
		a.fault(n, "%s: one value is expected here", name)
		return "", false
	}
	text, err := expand(n.Value, os.LookupEnv)
	if err != nil {
		a.fault(n, "%s: %v", name, err)
	}
	return text, err == nil
}

// list takes a sequence, or one text with commas between its parts.
func (a *applier) list(t *[]string, s *setting, name string, n *yaml.Node) {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	var out []string
	for _, node := range nodes {
		text, _ := a.text(name, node)
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			if s.check != nil {
				if allowed := s.check(part); allowed != "" {
					a.refuse(s, name, node, part, allowed)
				}
			}
			out = append(out, part)
		}
	}
	*t = out
}

func (a *applier) durations(t *map[string]time.Duration, name string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		a.fault(n, "%s: pairs such as `google-mail: 30d` are expected here", name)
		return
	}
	out := map[string]time.Duration{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		text, ok := a.text(name+"."+key, value)
		d, err := parseDuration(text)
		if ok && (err != nil || d < 24*time.Hour) {
			a.fault(value, "%s.%s: %q is not allowed: a duration such as 30d of at least 1d", name, key, text)
		}
		if out[key] > 0 {
			a.fault(n.Content[i], "%s.%s is set twice", name, key)
		}
		out[key] = d
	}
	*t = out
}

var variable = regexp.MustCompile(`[$%]\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}`)

// expand replaces ${NAME}, ${NAME:-default} and %{NAME}. It works on parsed values, so a variable cannot inject YAML.
func expand(text string, lookup func(string) (string, bool)) (string, error) {
	var missing error
	out := variable.ReplaceAllStringFunc(text, func(m string) string {
		part := variable.FindStringSubmatch(m)
		if v, ok := lookup(part[1]); ok && (v != "" || part[2] == "") {
			return v
		}
		if part[2] == "" {
			missing = fmt.Errorf("the environment variable %s is not set", part[1])
		}
		return part[3]
	})
	return out, missing
}

var days = regexp.MustCompile(`^(\d+)([dw])`)

// parseDuration is time.ParseDuration with d (24 h) and w (7 d) in front.
func parseDuration(text string) (time.Duration, error) {
	var whole time.Duration
	rest := text
	for m := days.FindStringSubmatch(rest); m != nil; m = days.FindStringSubmatch(rest) {
		n, err := strconv.ParseInt(m[1], 10, 32)
		if err != nil || n > 36500 {
			return 0, fmt.Errorf("%q is not a duration", text)
		}
		unit := 24 * time.Hour
		if m[2] == "w" {
			unit *= 7
		}
		whole += time.Duration(n) * unit
		rest = rest[len(m[0]):]
	}
	if rest == "" && text != "" {
		return whole, nil
	}
	d, err := time.ParseDuration(rest)
	return whole + d, err
}

// formatDuration writes a duration as people write it in the file: 14d, 6h, 1m.
func formatDuration(d time.Duration) string {
	if d >= 48*time.Hour && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
