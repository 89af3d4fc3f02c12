package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/revwatch/revwatch/pkg/detect"
)

// layout is a Go text/template that turns a payload into the JSON that some other program wants. Beside what Go has it knows:
//
//	json VALUE           the value as JSON, a text with its quotes
//	clip N TEXT          a text that is at most N bytes as JSON, without its quotes
//	replace OLD NEW TEXT
//	join SEPARATOR LINES
type layout struct{ t *template.Template }

var layoutFuncs = template.FuncMap{
	"json":    func(v any) (string, error) { b, err := plainJSON(v); return string(b), err },
	"clip":    func(limit int, s string) string { return clip(s, limit, jsonCost) },
	"replace": func(from, to, s string) string { return strings.ReplaceAll(s, from, to) },
	"join":    func(between string, lines []string) string { return strings.Join(lines, between) },
}

// newLayout parses a template and tries it on a payload that has everything, quotes too, and on one that has nothing.
func newLayout(text string) (*layout, error) {
	t, err := templateOf(text)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	l := &layout{t}
	for _, p := range samplePayloads() {
		if _, err := l.run(p); err != nil {
			return nil, fmt.Errorf("webhook: %w", err)
		}
	}
	return l, nil
}

func templateOf(text string) (*template.Template, error) {
	return template.New("template").Funcs(layoutFuncs).Parse(text)
}

var errNoJSON = errors.New("the template gives no JSON; a text is written with its quotes as {{json .Message.Headline}}")

// render gives the compact JSON that the template makes of p.
func (l *layout) render(p payload) ([]byte, error) {
	b, err := l.run(p)
	if err != nil {
		return nil, &fault{verdict: refused, reason: "the template gives no JSON"}
	}
	if len(b) > maxPayload {
		return nil, &fault{verdict: refused, reason: "the template gives more than 256 KiB"}
	}
	return b, nil
}

func (l *layout) run(p payload) ([]byte, error) {
	var b, compact bytes.Buffer
	if err := l.t.Execute(&b, p); err != nil {
		return nil, err
	}
	if json.Compact(&compact, b.Bytes()) != nil || !utf8.Valid(b.Bytes()) {
		return nil, errNoJSON
	}
	return compact.Bytes(), nil
}

// jsonCost counts the bytes of a character in a JSON text.
func jsonCost(r rune) int {
	switch {
	case r == '"' || r == '\\':
		return 2
	case r < ' ' || r == '\u2028' || r == '\u2029' || r == utf8.RuneError:
		return len(`\u0000`)
	}
	return utf8.RuneLen(r)
}

// samplePayloads are what a template is tried on: every phase and signal, each with two entries in every list and with what has to be escaped in
// every text, and nothing at all.
func samplePayloads() []payload {
	all := []payload{newPayload(delivery{in: &detect.Incident{}})}
	for _, p := range []phase{open, resolve, fold, hush} {
		for _, signal := range []string{"", detect.Revocations, detect.UnknownConnections, detect.Silence, detect.Weekly} {
			for _, s := range []severity{warning, critical} {
				one := payload{Phase: p, Severity: s, Test: s == critical}
				one.Signal, one.Message.Line = signal, signal == detect.Weekly
				one.Connections = make([]detect.Broken, 2)
				one.Ranking, one.Diagnoses = make([]detect.Lift, 2), make([]detect.Diagnosis, 2)
				one.Message.Facts, one.Message.Links = make([]payloadFact, 2), make([]payloadLink, 2)
				fill(reflect.ValueOf(&one).Elem())
				all = append(all, one)
			}
		}
	}
	return all
}

// fill writes a text with quotes into every empty text, and two of them into every empty list of texts.
func fill(v reflect.Value) {
	const text = "a \"quoted\" \\ text"
	switch v.Kind() {
	case reflect.String:
		if v.Len() == 0 && v.Type().PkgPath() == "" {
			v.SetString(text)
		}
	case reflect.Slice:
		if v.Len() == 0 && v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.ValueOf([]string{text, text}))
		}
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i))
			}
		}
	}
}
