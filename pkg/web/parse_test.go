package web

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// parsed is one family as a strict reader of the text format understands it.
type parsed struct {
	kind, help string
	samples    map[string]float64 // by name and labels, as written
	labels     []map[string]string
}

// parse reads the Prometheus text format 0.0.4, and takes nothing that any reader of it might refuse: a family in two places, a description
// after its samples or twice, a sample twice, an unknown escape, a repeated label, text that is not UTF-8.
func parse(text string) (map[string]*parsed, error) {
	all := map[string]*parsed{}
	if text != "" && !strings.HasSuffix(text, "\n") {
		return nil, fmt.Errorf("the last line does not end")
	}
	current := ""
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if !utf8.ValidString(line) || strings.ContainsAny(line, "\x00\r") {
			return nil, fmt.Errorf("not clean: %q", line)
		}
		var err error
		if strings.HasPrefix(line, "#") {
			err = parseComment(all, &current, line)
		} else if line != "" {
			err = parseSample(all, &current, line)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
	}
	return all, nil
}

var commentForm = regexp.MustCompile(`^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$`)

func parseComment(all map[string]*parsed, current *string, line string) error {
	m := commentForm.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("malformed comment")
	}
	f := all[m[2]]
	if f == nil {
		f = &parsed{samples: map[string]float64{}}
		all[m[2]] = f
	} else if *current != m[2] || len(f.samples) > 0 {
		return fmt.Errorf("described after its samples or far from its description")
	}
	*current = m[2]
	if m[1] == "HELP" {
		if f.help != "" || strings.Contains(m[3], `\`) {
			return fmt.Errorf("bad help")
		}
		f.help = m[3]
		return nil
	}
	if f.kind != "" || m[3] != "counter" && m[3] != "gauge" && m[3] != "histogram" {
		return fmt.Errorf("bad type")
	}
	f.kind = m[3]
	return nil
}

var (
	sampleForm = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ ]+)$`)
	labelForm  = regexp.MustCompile(`^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:, ?|$)`)
	unescape   = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")
	suffixes   = regexp.MustCompile(`_(bucket|sum|count)$`)
)

func parseSample(all map[string]*parsed, current *string, line string) error {
	m := sampleForm.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("malformed sample")
	}
	v, err := strconv.ParseFloat(m[3], 64)
	if err != nil {
		return err
	}
	name := m[1]
	if base := suffixes.ReplaceAllString(name, ""); all[base] != nil && all[base].kind == "histogram" {
		name = base
	}
	f := all[name]
	if f == nil {
		f = &parsed{samples: map[string]float64{}}
		all[name] = f
	} else if *current != name {
		return fmt.Errorf("family in two places")
	}
	*current = name
	labels, err := parseLabels(m[2])
	if err != nil {
		return err
	}
	id := m[1] + "{" + m[2] + "}"
	if _, twice := f.samples[id]; twice {
		return fmt.Errorf("sample in two places")
	}
	f.samples[id], f.labels = v, append(f.labels, labels)
	return nil
}

func parseLabels(text string) (map[string]string, error) {
	labels := map[string]string{}
	for text != "" {
		m := labelForm.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("malformed labels at %q", text)
		}
		if _, twice := labels[m[1]]; twice {
			return nil, fmt.Errorf("label %s twice", m[1])
		}
		labels[m[1]] = unescape.Replace(m[2])
		text = text[len(m[0]):]
	}
	return labels, nil
}

func TestParserIsStrict(t *testing.T) {
	for _, bad := range []string{
		"a 1", "a{b=\"\\x\"} 1\n", "a{b=\"1\",b=\"2\"} 1\n", "a{b=\"\"c\"} 1\n", "a{b=\"c\" 1\n", "a one\n", "1a 1\n", "a 1\na 2\n", "a 1\nb 1\na{c=\"d\"} 1\n",
		"# TYPE a gauge\n# TYPE a gauge\n", "a 1\n# TYPE a gauge\n", "# TYPE a thing\n", "a{b=\"\xff\"} 1\n", "a{b=\"\x00\"} 1\n", "#comment\n", "# HELP a\n",
	} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	good := "# HELP h times\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4.5\nh_count 3\na{b=\"\\\"\\\\\\n\"} +Inf\n"
	all, err := parse(good)
	if err != nil || len(all) != 2 || all["a"].labels[0]["b"] != "\"\\\n" || len(all["h"].samples) != 4 {
		t.Errorf("%v %v", all, err)
	}
}
