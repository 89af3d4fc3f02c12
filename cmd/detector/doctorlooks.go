package main

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"unicode/utf8"

	"github.com/revwatch/revwatch/pkg/nango"
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

// onUnread tells what could not be read.
func (d *adviser) onUnread() {
	q := d.stats.Quarantined
	if n := q["cut_row"]; n > 0 {
		d.add("cut_rows", gradeBetter, fmt.Sprintf("%s in the middle: container runtimes split lines at 16 KB.", plural(int(n), "row")+map[bool]string{true: " ends", false: " end"}[n == 1]),
			"let the shipper join them (Fluent Bit: the multiline parsers docker and cri; Vector does by default)")
	}
	if n := q["no_operation_id"]; n > 0 {
		d.add("no_operation_id", gradeBetter, fmt.Sprintf("%s of an operation without its id: nobody can say how which one ended.", plural(int(n), "update")),
			"let the tee keep the path, the action line or the document id with the body, or use it as the record key")
	}
	if n := q["no_time"]; n > 0 && d.files > 0 {
		d.add("no_time", gradeNote, fmt.Sprintf("%s in the file with no time beside it; on the topic Kafka's own counts.", plural(int(n), "webhook")), "take them off the topic with kcat -J, which keeps the time")
	}
	if n := q["other_envelope"]; n > 0 && d.allRows() > 0 {
		d.add("other_envelope", gradeBetter, fmt.Sprintf("%s not accepted: envelope is %s.", plural(int(n), "record"), d.pinned), "set envelope: auto")
	}
	broken := d.looks["JSON that breaks off"]
	if broken > 0 && d.allRows() > 0 {
		d.add("broken_json", gradeBetter, fmt.Sprintf("%s JSON that breaks off.", plural(int(broken), "record")+map[bool]string{true: " holds", false: " hold"}[broken == 1]), looksHints["JSON that breaks off"])
	}
	rest := nango.Stats{Quarantined: maps.Clone(q)}
	for _, told := range []string{"cut_row", "no_operation_id", "no_time", "other_envelope"} {
		delete(rest.Quarantined, told)
	}
	if rest.Quarantined["not_json"] -= broken; rest.Quarantined["not_json"] <= 0 {
		delete(rest.Quarantined, "not_json")
	}
	if n := quarantined(rest); n > 0 && d.allRows() > 0 {
		d.add("unreadable", gradeNote, fmt.Sprintf("%s could not be read%s.", plural(int(n), "other record"), reasons(rest)), "`detector explain-record` says what is seen in single records")
	}
}
