package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/valyala/fastjson"

	"github.com/revwatch/revwatch/pkg/nango"
)

// input is one file of Kafka values, one a line.
type input struct {
	name   string
	close  func() error
	size   int64 // bytes; 0: not known
	read   int64 // bytes read so far
	lines  *bufio.Reader
	long   []byte // a line that is longer than the buffer of lines
	parser fastjson.Parser
	offset int64
	text   []byte // the value last unwrapped
}

// openInputs opens every file, or none. "-" is in.
func openInputs(paths []string, in io.Reader) ([]*input, error) {
	var files []*input
	seen := map[string]bool{}
	for _, path := range paths {
		if seen[path] {
			closeInputs(files)
			return nil, usageError{fmt.Sprintf("--input %s is given twice", path)}
		}
		seen[path] = true
		if path == "-" {
			files = append(files, newInput(path, in, func() error { return nil }))
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			closeInputs(files)
			return nil, err
		}
		next := newInput(path, f, f.Close)
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			next.size = info.Size()
		}
		files = append(files, next)
	}
	return files, nil
}

func newInput(name string, r io.Reader, end func() error) *input {
	return &input{name: name, close: end, lines: bufio.NewReaderSize(r, 1<<18)}
}

func closeInputs(files []*input) {
	for _, f := range files {
		f.close()
	}
}

// next returns the value of the next line that is not empty, valid until the call after; io.EOF at the end.
func (in *input) next() ([]byte, nango.Meta, error) {
	for {
		line, err := in.line()
		if err != nil && !(err == io.EOF && len(line) > 0) {
			return nil, nango.Meta{}, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		in.read += int64(len(line)) + 1
		meta := nango.Meta{Source: in.name, Offset: in.offset}
		in.offset++
		return in.unwrap(line, &meta), meta, nil
	}
}

// maxLine bounds the memory one line can take. The rest of a longer one is dropped; the reader then counts it as unreadable.
const maxLine = 64 << 20

func (in *input) line() ([]byte, error) {
	part, err := in.lines.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return part, err
	}
	in.long = append(in.long[:0], part...)
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = in.lines.ReadSlice('\n')
		if len(in.long) < maxLine {
			in.long = append(in.long, part...)
		}
	}
	return in.long, err
}

// unwrap takes a record's value out of a line that describes the record: text under "value", or a line of kcat -J (text under "payload" beside
// topic, partition and offset), with its headers and its time "ts" in Unix milliseconds. Any other line is the value itself.
func (in *input) unwrap(line []byte, meta *nango.Meta) []byte {
	if bytes.IndexByte(line, '\\') < 0 { // JSON as text has its quotes escaped
		return line
	}
	if !bytes.Contains(line, []byte(`"value"`)) && !bytes.Contains(line, []byte(`"payload"`)) {
		return line
	}
	v, err := in.parser.ParseBytes(line)
	if err != nil || v.Type() != fastjson.TypeObject {
		return line
	}
	text := v.Get("value")
	if text == nil && v.Exists("topic") && v.Exists("partition") && v.Exists("offset") {
		text = v.Get("payload")
	}
	if text == nil || text.Type() != fastjson.TypeString {
		return line
	}
	in.text = append(in.text[:0], text.GetStringBytes()...)
	meta.Time = v.GetInt64("ts")
	meta.Key = bytes.Clone(v.GetStringBytes("key"))
	meta.Headers = headers(v.Get("headers"))
	return in.text
}

// headers reads {"name": "value"} and kcat's ["name", "value", …].
func headers(v *fastjson.Value) []nango.Header {
	var out []nango.Header
	switch {
	case v == nil:
	case v.Type() == fastjson.TypeObject:
		v.GetObject().Visit(func(k []byte, value *fastjson.Value) {
			out = append(out, nango.Header{Key: string(k), Value: bytes.Clone(value.GetStringBytes())})
		})
	case v.Type() == fastjson.TypeArray:
		list := v.GetArray()
		for i := 0; i+1 < len(list); i += 2 {
			out = append(out, nango.Header{Key: string(list[i].GetStringBytes()), Value: bytes.Clone(list[i+1].GetStringBytes())})
		}
	}
	return out
}
