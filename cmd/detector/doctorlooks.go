package main

import (
	"bytes"
	"unicode/utf8"
)

// looksLike says in words what a record without a row looks like. Nothing of what stands in it is said: it may be secret.
func looksLike(value []byte, why string) string {
	begins := func(with string) bool { return bytes.HasPrefix(value, []byte(with)) }
	text := bytes.TrimSpace(value)
	switch {
	case len(value) == 0:
		return "empty (tombstones)"
	case why == "too_large":
		return "larger than 8 MB"
	case why == "cut_row":
		return "rows that are cut"
	case why == "other_envelope":
		return "in an envelope that the configuration does not accept"
	case why == "no_operation_id":
		return "updates that do not name their operation"
	case begins("\x1f\x8b"), begins("\x28\xb5\x2f\xfd"), begins("BZh"):
		return "packed by the shipper (gzip, zstd)"
	case len(value) > 5 && value[0] == 0 && bytes.IndexByte([]byte(`{["`), value[5]) < 0:
		return "binary behind the id of a schema registry (Avro, Protobuf)"
	case !utf8.Valid(value) || bytes.IndexByte(value, 0) >= 0:
		return "binary"
	case len(text) == 0:
		return "white space"
	case text[0] == '{' && why == "not_json", text[0] == '[' && why == "not_json":
		return "JSON that breaks off"
	case text[0] == '{':
		return "JSON objects of something else"
	case text[0] == '[':
		return "JSON lists of something else"
	}
	return "lines of text"
}

// looksHints say what to do where most records look so.
var looksHints = map[string]string{
	"binary behind the id of a schema registry (Avro, Protobuf)": "let the connector write JSON (value.converter=org.apache.kafka.connect.json.JsonConverter)",
	"packed by the shipper (gzip, zstd)":                         "let the producer pack (compression.type), which Kafka unpacks itself, not the values",
	"JSON that breaks off":                                       "let the shipper join what it splits, and raise its limit on the length of a line",
	"lines of text":                                              "if this is the output of Nango's own processes: its rows are in the two log indices of Elasticsearch or OpenSearch, not in its standard output",
	"empty (tombstones)":                                         "these records only delete: let the shipper write the rows as values, not as keys",
	"in an envelope that the configuration does not accept":      "set envelope: auto, or the name of what the shipper writes",
}
