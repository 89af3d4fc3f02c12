package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// set parses the value of one setting, after variables in it are replaced and, for a secret, its file is read.
func (a *applier) set(s *setting, name string, n *yaml.Node, fromFile bool) {
	if s.unused || n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // "key:" with nothing behind it keeps the default
	}
	switch t := s.target.(type) {
	case *[]string:
		a.list(t, s, name, n)
		return
	case *map[string]time.Duration:
		a.durations(t, name, n)
		return
	case *map[string]string:
		a.texts(t, s, name, n)
		return
	case **yaml.Node:
		*t = a.sequence(name, n)
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
	case *float64:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || !(v >= 0) || math.IsInf(v, 0) {
			return "a number of at least 0"
		}
		if s.check != nil && s.check(text) != "" {
			return s.check(text)
		}
		*t = v
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
	out := []string{} // empty where nothing is listed: that is not the default
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
			if out = append(out, part); len(out) == s.most+1 && s.most > 0 {
				a.fault(node, "%s: %q is one too many: at most %d", name, part, s.most)
			}
		}
	}
	*t = out
}

// sequence is a list whose values somebody else reads; nil for an empty one.
func (a *applier) sequence(name string, n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.SequenceNode {
		a.fault(n, "%s: a list is expected here", name)
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return nil
	}
	return n
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
		if strings.ContainsAny(key, "*?") {
			a.fault(n.Content[i], "%s.%s: one provider by its exact name is expected here, such as google-mail", name, key)
		}
		out[key] = d
	}
	*t = out
}

// texts takes pairs. Those of a secret setting may be in files of their own: then _file is added to the key.
func (a *applier) texts(t *map[string]string, s *setting, name string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		a.fault(n, "%s: pairs of a name and a text are expected here", name)
		return
	}
	out := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		text, ok := a.text(name+"."+key, value)
		if bare, file := strings.CutSuffix(key, "_file"); file && s.secret && ok {
			text, _ = a.secretFile(name+"."+key, value, text)
			key = bare
		}
		if _, twice := out[key]; twice {
			a.fault(n.Content[i], "%s.%s is set twice", name, key)
		}
		out[key] = text
	}
	*t = out
}

var (
	variable = regexp.MustCompile(`[$%]\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}`)
	opened   = regexp.MustCompile(`[$%]\{`)
)

var errVariable = errors.New("${ and %{ begin a variable: ${NAME} or ${NAME:-default} is expected, without a variable in the default")

// expand replaces ${NAME}, ${NAME:-default} and %{NAME}. It works on parsed values, so a variable cannot inject YAML.
func expand(text string, lookup func(string) (string, bool)) (string, error) {
	if opened.MatchString(variable.ReplaceAllString(text, "$3")) {
		return "", errVariable
	}
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
