package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What is read is taken apart into values where a person would.
func TestRecordsOfAnInput(t *testing.T) {
	const doc = "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}"
	for name, c := range map[string]struct {
		in    string
		whole bool
		want  string // line: value, joined by |
	}{
		"a value a line":        {"{\"a\":1}\n\n{\"b\":2}\n", false, `1: {"a":1}|3: {"b":2}`},
		"pretty-printed":        {doc, false, "1: " + doc},
		"several, after jq":     {"\n" + doc + "\n" + doc + "\n", false, "2: " + doc + "|8: " + doc},
		"a bad line":            {"{\"a\":1}\n{\"b\":\n[3]\n", false, `1: {"a":1}|2: {"b":|3: [3]`},
		"breaks off":            {"{\n  \"a\": 1,\n", false, "1: {\n  \"a\": 1,"},
		"console lines":         {"12:00:00 info operation({\"a\":1})\n12:00:01 info hello\n", false, "1: 12:00:00 info operation({\"a\":1})|2: 12:00:01 info hello"},
		"colours":               {"\x1b[32minfo\x1b[39m a\nb", false, "1: \x1b[32minfo\x1b[39m a|2: b"},
		"protobuf":              {"\n\x05\x00{}\n{}", false, "1: \n\x05\x00{}\n{}"},
		"no UTF-8":              {"\n\xff{}\n{}", false, "1: \n\xff{}\n{}"},
		"a bulk body":           {"{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}\n", false, "1: {\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}"},
		"one value, as is said": {"{}\n{}\n", true, "1: {}\n{}\n"},
		"kcat -J":               {`{"topic":"t","partition":0,"offset":7,"key":"k","payload":"{\"a\":1}"}`, false, `1: {"a":1}`},
		"a value in JSON":       {"{\n\"value\": \"{\\\"a\\\":1}\"}\n{\"value\": \"{\\\"b\\\":1}\"}", false, `1: {"a":1}|3: {"b":1}`},
	} {
		got, err := readRecords("-", strings.NewReader(c.in), c.whole, io.Discard)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var shown []string
		for _, r := range got {
			shown = append(shown, fmt.Sprintf("%d: %s", r.line, r.value))
		}
		if s := strings.Join(shown, "|"); s != c.want {
			t.Errorf("%s:\ngot  %q\nwant %q", name, s, c.want)
		}
	}
	if _, err := readRecords("-", strings.NewReader(" \n"), false, io.Discard); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("nothing to read gave %v", err)
	}
}

// Whatever is read, nothing of it is lost but white space, and lines are where they are said to be.
func TestRecordsLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"{", "}", "[]", "\n", "{\"a\":1}", "\"", " ", "x", "1", "{\n}", "\x00", ","})).Draw(t, "parts")
		in := strings.Join(parts, "")
		var got strings.Builder
		for _, r := range split([]byte(in), false) {
			got.Write(r.value)
			if line := strings.Split(in, "\n")[r.line-1:]; !strings.Contains(strings.Join(line, "\n"), string(r.value)) {
				t.Fatalf("%q is not in line %d of %q", r.value, r.line, in)
			}
		}
		bare := strings.NewReplacer("\n", "", " ", "")
		if bare.Replace(got.String()) != bare.Replace(in) {
			t.Fatalf("%q became %q", in, got.String())
		}
	})
}
