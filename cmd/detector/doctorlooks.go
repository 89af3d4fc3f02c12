package main

import (
	"bytes"
	"regexp"
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
	case searchRefused.Match(text):
		return "refusals of Elasticsearch or OpenSearch"
	case string(text) == "[]", nothingFound.Match(text):
		return "answers of a search that found nothing"
	case hitBegins.Match(text) && !bytes.Contains(text, []byte(`"_source"`)):
		return "hits of a search without their _source"
	case text[0] == '{' && why == "not_json", text[0] == '[' && why == "not_json":
		return "JSON that breaks off"
	case text[0] == '{':
		return "JSON objects of something else"
	case text[0] == '[':
		return "JSON lists of something else"
	}
	return "lines of text"
}

// What else Elasticsearch and OpenSearch answer than rows.
var (
	searchRefused = regexp.MustCompile(`(?s)^\{\s*"error"\s*:.*"(root_cause|status)"`)
	nothingFound  = regexp.MustCompile(`(?s)^\{\s*"(took|_scroll_id|pit_id)"\s*:.*"hits"\s*:\s*\[\s*\]`)
	hitBegins     = regexp.MustCompile(`^\{\s*"_(id|index)"\s*:\s*"`)
)

// looksHints say what to do where most records look so.
var looksHints = map[string]string{
	"binary behind the id of a schema registry (Avro, Protobuf)": "let the connector write JSON (value.converter=org.apache.kafka.connect.json.JsonConverter)",
	"packed by the shipper (gzip, zstd)":                         "let the producer pack (compression.type), which Kafka unpacks itself, not the values",
	"JSON that breaks off":                                       "let the shipper join what it splits, and raise its limit on the length of a line",
	"lines of text":                                              "if this is the output of Nango's own processes: its rows are in the two log indices of Elasticsearch or OpenSearch, not in its standard output",
	"empty (tombstones)":                                         "these records only delete: let the shipper write the rows as values, not as keys",
	"in an envelope that the configuration does not accept":      "set envelope: auto, or the name of what the shipper writes",
	"refusals of Elasticsearch or OpenSearch":                    "read what it refuses: the user, the password, or the name of the index; then export again",
	"answers of a search that found nothing":                     "look at the name of the index and the times that were asked for; the indices are 20250724_operations and 20240528_messages",
	"hits of a search without their _source":                     "let the search return whole documents: \"_source\": true, and no fields",
	"larger than 8 MB":                                           "let a record hold fewer rows: a row a line in a file (such as jq -c '.data[]' writes where they stand under data), smaller batches of the shipper",
}
