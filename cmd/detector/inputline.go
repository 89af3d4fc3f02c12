package main

import "regexp"

// endsObject reports whether a line ends with an object, as one does that is a value.
func endsObject(line []byte) bool {
	n := len(line)
	for n > 0 && isSpace(line[n-1]) {
		n--
	}
	return n > 0 && line[n-1] == '}'
}

// beginsList reports whether a line that begins with [ is, or begins, a list of objects or lists; what else does is text, such as [info].
func beginsList(line []byte) bool {
	for _, c := range line[1:] {
		if !isSpace(c) {
			return c == '{' || c == '['
		}
	}
	return true
}

// isAnswer reports whether a line is an answer of Elasticsearch or OpenSearch, by its beginning. It is asked of every line, so it is quick to say no.
func isAnswer(line []byte) bool {
	if len(line) < 4 {
		return false
	}
	switch string(line[:4]) {
	case `{"to`, `{"_s`, `{"pi`, `{"hi`, `{"ti`, `{"re`, `{"do`:
		return answerBegins.Match(line)
	}
	return false
}

var answerBegins = regexp.MustCompile(`^\{"(took|_scroll_id|pit_id|hits|timed_out|responses|docs)"`)

// bulkAction is the first line of a bulk body.
var bulkAction = regexp.MustCompile(`^\s*\{\s*"(index|create|update|delete)"\s*:\s*\{[^{}]*\}\s*\}\s*(\n|$)`)

// isBulkAction reports whether a value is the line of a bulk body that names the document on the next one.
func isBulkAction(line []byte) bool {
	if len(line) < 4 {
		return false
	}
	switch string(line[:4]) {
	case `{"in`, `{"cr`, `{"up`, `{ "i`, `{ "c`, `{ "u`:
		return bulkAction.Match(line)
	}
	return false
}
