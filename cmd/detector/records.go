package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/revwatch/revwatch/pkg/nango"
)

// record is one Kafka value, and where it stood in what was read.
type record struct {
	line  int // of its beginning, from 1
	value []byte
	meta  nango.Meta
}

// maxExplained bounds what is read to be explained.
const maxExplained = 64 << 20

// readRecords takes what is read apart into values: JSON values one after the other, on a line each or on many; else a value a line. What is no text,
// and the body of a bulk request, whose lines belong together, are one value. A packed file is unpacked, and read as far as it goes.
func readRecords(name string, r io.Reader, whole bool, warn io.Writer) ([]record, error) {
	from := newUnpacked(r)
	defer from.finish()
	data, err := io.ReadAll(io.LimitReader(from, maxExplained+1))
	if errors.Is(err, errPacked) && len(data) > 0 {
		fmt.Fprintf(warn, "warning: %s breaks off (%v): what comes before counts\n", name, err)
		err = nil
	}
	if err == nil && !whole {
		data, err = firstPart(name, data)
	}
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxExplained:
		return nil, fmt.Errorf("%s holds more than %d MB: explain-record is for single records, replay reads all of them", name, maxExplained>>20)
	}
	var in input // only to unwrap
	var records []record
	for _, v := range split(data, whole) {
		meta := nango.Meta{Source: name, Offset: int64(len(records))}
		v.value = bytes.Clone(in.unwrap(v.value, &meta))
		v.meta = meta
		records = append(records, v)
	}
	if len(records) == 0 {
		return nil, errors.New(name + " is empty")
	}
	return records, nil
}

func split(data []byte, whole bool) []record {
	text := bytes.TrimSpace(data)
	switch {
	case whole || binary(data):
		return []record{{line: 1, value: data}}
	case bulkAction.Match(data):
		return []record{{line: 1, value: text}}
	}
	if all := jsonValues(data); all != nil {
		return all
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	if len(text) > 0 && bytes.IndexByte([]byte(`{["`), text[0]) >= 0 && !json.Valid(first) {
		return []record{{line: 1, value: text}} // JSON on many lines that breaks off
	}
	var all []record
	for i, line := range bytes.Split(data, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			all = append(all, record{line: i + 1, value: line})
		}
	}
	return all
}

// jsonValues takes a stream of JSON values apart; nil when it is none.
func jsonValues(data []byte) (all []record) {
	d := json.NewDecoder(bytes.NewReader(data))
	for line, seen := 1, 0; ; {
		var v json.RawMessage
		if err := d.Decode(&v); err == io.EOF {
			return all
		} else if err != nil {
			return nil
		}
		begin := int(d.InputOffset()) - len(v)
		line, seen = line+bytes.Count(data[seen:begin], []byte("\n")), begin
		all = append(all, record{line: line, value: v})
	}
}

// binary reports whether data is no text: a protobuf message, or one with the framing of a schema registry.
func binary(data []byte) bool {
	return !utf8.Valid(data) || bytes.ContainsFunc(data, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\x1b' })
}
