package main

import (
	"errors"
	"fmt"
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
	name    string   // canonical, dotted, words joined by _
	target  any      // *string, *[]string, *int, *bool, *time.Duration, *map[string]time.Duration
	allowed []string // of a string: the values there are; empty: any
	min     int64    // of a number or a duration in nanoseconds: the least allowed
	auto    bool     // of a duration: "auto" is allowed and means 0
	secret  bool     // never printed; may come from a file named by the setting's name + _file
}

// fault is one thing wrong in a configuration file.
type fault struct {
	file   string
	line   int
	reason string
}

func (f fault) Error() string { return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.reason) }

// canon makes the spellings of one name equal: group.id, group_id and group-id are the same key.
func canon(name string) string {
	return strings.NewReplacer("_", ".", "-", ".").Replace(strings.ToLower(name))
}

// applyYAML sets what the document says. It goes on after a fault and returns all of them, joined.
func applyYAML(file string, data []byte, settings []setting) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return fault{file, errorLine(err), "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if len(doc.Content) == 0 {
		return nil
	}
	known := map[string]*setting{}
	for i := range settings {
		known[canon(settings[i].name)] = &settings[i]
	}
	a := applier{file: file, known: known, seen: map[string]int{}}
	a.walk("", doc.Content[0])
	return errors.Join(a.faults...)
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
	file   string
	known  map[string]*setting
	seen   map[string]int
	faults []error
}

func (a *applier) fault(n *yaml.Node, format string, args ...any) {
	a.faults = append(a.faults, fault{a.file, n.Line, fmt.Sprintf(format, args...)})
}

// walk flattens nested mappings into dotted names until a name is a setting.
func (a *applier) walk(prefix string, n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		a.fault(n, "%s: expected settings below it, found %q", strings.TrimSuffix(prefix, "."), n.Value)
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		name := prefix + key.Value
		c := canon(name)
		s, file := a.known[c], false
		if s == nil && strings.HasSuffix(c, ".file") {
			if s = a.known[strings.TrimSuffix(c, ".file")]; s != nil && !s.secret {
				s = nil
			}
			file = s != nil
		}
		switch {
		case s == nil && a.isSection(c):
			if value.Tag != "!!null" {
				a.walk(name+".", value)
			}
		case s == nil:
			a.fault(key, "unknown setting %q%s", name, a.suggest(c))
		case a.seen[c] > 0:
			a.fault(key, "%s is already set in line %d", name, a.seen[c])
		default:
			a.seen[c] = key.Line
			a.set(s, name, value, file)
		}
	}
}

func (a *applier) isSection(c string) bool {
	for k := range a.known {
		if strings.HasPrefix(k, c+".") {
			return true
		}
	}
	return false
}

// suggest names the nearest known setting when it is near enough to be a slip of the pen.
func (a *applier) suggest(c string) string {
	best, dist := "", 1<<30
	for k, s := range a.known {
		d := distance(c, k)
		if last := k[strings.LastIndexByte(k, '.')+1:]; c == last || strings.HasSuffix(k, "."+c) {
			d = 1
		}
		if d < dist || d == dist && s.name < best {
			best, dist = s.name, d
		}
	}
	if dist > 2+len(c)/4 {
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
		list, ok := a.list(name, n)
		if ok {
			*t = list
		}
		return
	case *map[string]time.Duration:
		a.durations(t, name, n)
		return
	}
	text, ok := a.text(name, n)
	if !ok {
		return
	}
	if fromFile {
		raw, err := os.ReadFile(text)
		if err != nil {
			a.fault(n, "%s: %v", name, err)
			return
		}
		text = strings.TrimSpace(string(raw))
	}
	if reason := s.parse(text); reason != "" {
		shown := strconv.Quote(text)
		if s.secret {
			shown = "the value"
		}
		a.fault(n, "%s: %s is not allowed: %s", name, shown, reason)
	}
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
	if n.Kind != yaml.ScalarNode {
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
func (a *applier) list(name string, n *yaml.Node) ([]string, bool) {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	var out []string
	for _, node := range nodes {
		text, ok := a.text(name, node)
		if !ok {
			return nil, false
		}
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out, true
}

func (a *applier) durations(t *map[string]time.Duration, name string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		a.fault(n, "%s: pairs such as `google-mail: 30d` are expected here", name)
		return
	}
	out := map[string]time.Duration{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		d, err := parseDuration(n.Content[i+1].Value)
		if err != nil || d < 24*time.Hour {
			a.fault(n.Content[i+1], "%s.%s: %q is not allowed: a duration such as 30d of at least 1d", name, n.Content[i].Value, n.Content[i+1].Value)
			continue
		}
		out[n.Content[i].Value] = d
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
