package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/valyala/fastjson"

	"github.com/revwatch/revwatch/pkg/nango"
)

// input is one file of values: Kafka values, one a line, or what is exported from Elasticsearch and OpenSearch, in any of its forms. However large
// the file is, no more than one value is held.
type input struct {
	name   string
	close  func() error
	size   int64  // bytes on disk; 0: not known
	read   int64  // of these, bytes read so far
	broken string // where the file breaks off, or why the rest of it cannot be read; "" when it is whole

	packed *unpacked
	lines  *bufio.Reader
	rest   []byte   // what follows a value on its line, valid until lines is read again
	begun  bool     // the first part was looked at
	ended  bool     // there is nothing more to read
	json   splitter // of the value that is being read, where it does not end on its line
	long   []byte   // what is collected of a value that lies in several parts
	action []byte   // a line of a bulk body, for the document on the next one
	pair   []byte   // both
	parser fastjson.Parser
	offset int64
	text   []byte // the value last unwrapped
}

func newInput(name string, r io.Reader, end func() error) *input {
	in := &input{name: name, close: end}
	packed := newUnpacked(metered{r, &in.read})
	in.packed, in.lines = packed, bufio.NewReaderSize(packed, 1<<18)
	return in
}

// maxLine bounds the memory one value can take. The rest of a longer one is dropped; the reader then counts it as unreadable.
const maxLine = 64 << 20

// next returns the next value, valid until the call after; io.EOF at the end. Where the file breaks off, what was read counts, and in.broken says so.
func (in *input) next() ([]byte, nango.Meta, error) {
	for {
		value, err := in.value()
		if err != nil {
			return nil, nango.Meta{}, err
		}
		if value = bytes.TrimSpace(value); len(value) == 0 {
			continue
		}
		if isBulkAction(value) {
			in.action = append(append(in.action[:0], value...), '\n')
			continue
		}
		meta := nango.Meta{Source: in.name, Offset: in.offset}
		in.offset++
		if len(in.action) > 0 && value[0] == '{' {
			in.pair = append(append(in.pair[:0], in.action...), value...)
			in.action = in.action[:0]
			return in.pair, meta, nil
		}
		in.action = in.action[:0]
		return in.unwrap(value, &meta), meta, nil
	}
}

// value returns the next line that is a value, or the next value of JSON that is written over many lines or holds many rows. It may be empty.
func (in *input) value() ([]byte, error) {
	for {
		part, err := in.part()
		switch {
		case err == io.EOF && in.json.busy():
			return in.unfinished(), nil
		case err != nil:
			return nil, err
		}
		if in.json.busy() {
			if value, ok := in.goOn(part); ok {
				return value, nil
			}
			continue
		}
		line := part
		for len(line) > 0 && isSpace(line[0]) {
			line = line[1:]
		}
		switch {
		case len(line) == 0:
		case line[0] == ',': // what stood in a list goes on after something that could not be read
			in.rest = line[1:]
		case line[0] == '[' && beginsList(line), line[0] == '{' && (!endsObject(line) || isAnswer(line)):
			if value, ok := in.split(line); ok {
				return value, nil
			}
		case in.endsLine(part):
			return part, nil
		default:
			in.long = in.long[:0]
			return in.restOfLine(part)
		}
	}
}

// part returns what is left of the line that was begun, or the next one, or as much of it as the buffer holds.
func (in *input) part() ([]byte, error) {
	if part := in.rest; len(part) > 0 {
		in.rest = nil
		return part, nil
	}
	if in.ended {
		return nil, io.EOF
	}
	part, err := in.lines.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
	case err == io.EOF:
		in.ended = true
	case errors.Is(err, errPacked): // its beginning counts
		in.ended, in.broken = true, err.Error()
	case err != nil:
		return nil, err
	}
	if !in.begun {
		in.begun = true
		return firstPart(in.name, part)
	}
	if len(part) == 0 {
		return nil, io.EOF
	}
	return part, nil
}

// unfinished returns what is there of a value at the end of the file.
func (in *input) unfinished() []byte {
	if in.broken == "" {
		in.broken = "it ends in the middle of a value"
	}
	value := in.long
	if !in.json.inside || in.json.passing() {
		value = nil
	}
	in.json, in.long = splitter{}, in.long[:0]
	return value
}

// split looks for the end of a value of JSON.
func (in *input) split(part []byte) (value []byte, ok bool) {
	if !in.json.busy() {
		in.long = in.long[:0]
	}
	begin := 0 // of the value, where it begins in this part
	for at := 0; ; {
		n, found := in.json.scan(part[at:])
		at += n
		switch found {
		case jsonBegins, jsonPasses:
			in.long, begin = in.long[:0], at
		case jsonEnds:
			in.rest = part[at:]
			if value = part[begin:at]; len(in.long) > 0 {
				in.collect(value)
				value = in.long
			}
			return value, true
		case jsonBroken:
			return in.mend(part, begin, at)
		case jsonMore:
			if in.json.inside && !in.json.passing() {
				in.collect(part[begin:])
			}
			return nil, false
		}
	}
}

// goOn reads on in what is open. Inside of a value lines are indented: a line that is not, and begins with an object, is a value of its own, and the one
// before it was cut.
func (in *input) goOn(part []byte) ([]byte, bool) {
	n := len(in.long)
	if in.json.inside && part[0] == '{' && n > 0 && in.long[n-1] == '\n' && !in.json.opens() {
		in.json, in.rest = splitter{}, part
		return in.long, true
	}
	return in.split(part)
}

// mend goes on behind what is no JSON: with the line on which it shows, where the value began on an earlier one, else with the next line.
func (in *input) mend(part []byte, begin, at int) ([]byte, bool) {
	inside := in.json.inside
	in.json = splitter{}
	if n := len(in.long); inside && n > 0 && in.long[n-1] == '\n' && len(bytes.TrimSpace(part[:at])) == 0 {
		in.rest = part
		return in.long, true
	}
	if !inside {
		begin = at
	}
	value, err := in.restOfLine(part[begin:])
	return value, err == nil
}

// restOfLine returns what was collected, with the line that goes on with part.
func (in *input) restOfLine(part []byte) ([]byte, error) {
	for in.collect(part); !in.endsLine(part); in.collect(part) {
		var err error
		if part, err = in.part(); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
	}
	return in.long, nil
}

// endsLine reports whether nothing of a line follows.
func (in *input) endsLine(part []byte) bool { return in.ended || part[len(part)-1] == '\n' }

func (in *input) collect(part []byte) {
	if len(in.long) < maxLine {
		in.long = append(in.long, part...)
	}
}
