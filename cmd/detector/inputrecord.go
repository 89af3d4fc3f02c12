package main

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/revwatch/revwatch/pkg/nango"
)

// unwrap takes a record's value out of a line that describes the record: text under "value", or under "payload" beside topic, partition and offset
// (kcat -J), with its key, headers and time; or a line of Kafka's console consumer. Any other line is the value itself.
func (in *input) unwrap(line []byte, meta *nango.Meta) []byte {
	if value, ok := consumed(line, meta); ok {
		return value
	}
	if !describes(line) {
		return line
	}
	v, err := in.parser.ParseBytes(line)
	if err != nil || v.Type() != fastjson.TypeObject {
		return line
	}
	text, placed := v.Get("value"), v.Exists("topic") && v.Exists("partition") && v.Exists("offset")
	if text == nil && placed {
		text = v.Get("payload")
	}
	switch {
	case text == nil:
		return line
	case text.Type() == fastjson.TypeString:
		in.text = append(in.text[:0], text.GetStringBytes()...)
	case text.Type() == fastjson.TypeNull && placed: // a tombstone
		in.text = in.text[:0]
	default:
		return line
	}
	meta.Time = recordTime(v)
	meta.Key = bytes.Clone(v.GetStringBytes("key"))
	meta.Headers = headers(v.Get("headers"))
	return in.text
}

// describes reports whether a line may describe a record. It is asked of every line, so it is quick to say no: a value that is JSON as text has its
// quotes escaped, and one that is other text says where it stood.
func describes(line []byte) bool {
	has := func(name string) bool { return bytes.Contains(line, []byte(name)) }
	return (bytes.IndexByte(line, '\\') >= 0 || has(`"partition"`) && has(`"offset"`)) && (has(`"value"`) || has(`"payload"`))
}

// recordTime is when a record was appended, Unix ms, as the tools that export records say it; 0 when they do not.
func recordTime(v *fastjson.Value) int64 {
	for _, name := range [...]string{"ts", "timestamp", "time", "received_at"} {
		x := v.Get(name)
		if n := x.GetFloat64(); n > 0 {
			return milliseconds(int64(n))
		}
		if t := textTime(string(x.GetStringBytes())); t > 0 {
			return t
		}
	}
	return 0
}

// textTime reads a time in ISO 8601, without a zone in UTC, or a number as text; 0 when it is neither.
func textTime(s string) int64 {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return milliseconds(n)
	}
	s = strings.Replace(s, " ", "T", 1)
	for _, zone := range [...]string{"", "Z"} {
		if t, err := time.Parse(time.RFC3339, s+zone); err == nil {
			return t.UnixMilli()
		}
	}
	return 0
}

// milliseconds takes Unix time in seconds, ms, µs or ns by its size: 10^11 s are in the year 5138, 10^11 ms in 1973.
func milliseconds(n int64) int64 {
	if n > 0 && n < 1e11 {
		return n * 1000
	}
	for n >= 1e14 {
		n /= 1000
	}
	return n
}

// consumed reads a line of kafka-console-consumer with print.timestamp=true: CreateTime:1791191701339, what else it was told to print (partition,
// offset, headers, key), and the value, with tabs between. JSON begins where the rest of the line is JSON; of other values the key is not told apart.
func consumed(line []byte, meta *nango.Meta) ([]byte, bool) {
	kind, rest, ok := bytes.Cut(line, []byte(":"))
	if !ok || string(kind) != "CreateTime" && string(kind) != "LogAppendTime" {
		return nil, false
	}
	stamp, rest, ok := bytes.Cut(rest, []byte("\t"))
	at, err := strconv.ParseInt(string(stamp), 10, 64)
	if !ok || err != nil {
		return nil, false
	}
	meta.Time = at
	var key []byte
	for value := rest; ; {
		if len(value) > 0 && bytes.IndexByte([]byte(`{["`), value[0]) >= 0 && fastjson.ValidateBytes(value) == nil {
			meta.Key = bytes.Clone(key)
			return value, true
		}
		if key, value, ok = bytes.Cut(value, []byte("\t")); !ok {
			return rest, true
		}
	}
}

// headers reads {"name": "value"}, kcat's ["name", "value", …] and [{"key": "name", "value": "value"}, …].
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
		for _, x := range list {
			if x.Type() == fastjson.TypeObject {
				out = append(out, nango.Header{Key: string(x.GetStringBytes("key")), Value: bytes.Clone(x.GetStringBytes("value"))})
			}
		}
		if len(out) > 0 {
			return out
		}
		for i := 0; i+1 < len(list); i += 2 {
			out = append(out, nango.Header{Key: string(list[i].GetStringBytes()), Value: bytes.Clone(list[i+1].GetStringBytes())})
		}
	}
	return out
}
