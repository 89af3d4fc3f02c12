package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/revwatch/revwatch/pkg/nango"
)

// whys and waits say the codes of a Finding in words.
var (
	whys = map[string]string{
		"prefilter":  "nothing in its bytes can matter, so it is dropped before it is parsed, as most rows of a healthy topic are",
		"no_row":     "it holds no row of Nango's logs",
		"no_meaning": "its rows say nothing of whether a connection works",
		"not_json":   "neither JSON nor another form that is known",
		"not_otlp":   "binary, and no message of OpenTelemetry",
		"empty":      "there is nothing in it",
		"too_large":  "it is larger than 8 MB",
		"too_deep":   "it is nested too deeply",
		"future":     "it is stamped later than now",
		"cut_row":    "a row that ends in its middle: let the shipper join the lines that the container runtime splits at 16 KB",

		"too_much_nesting": "too much JSON inside JSON",
		"not_an_object":    "it is a single value; rows are objects",
		"no_operation_id":  "a row, or an update, that does not name its operation: keep the document id in the path, the action line or the record key",
		"no_connection":    "a webhook that names no connection",
		"no_time":          "it has no time of its own, as webhooks, and this input does not tell when it was appended (kcat -J does; -h lists the forms); run takes Kafka's time",
		"implausible_time": "a row of a time when there was no Nango, or will be none",
	}
	waits = map[string]string{
		"its operation row": "its operation row, which alone says whose connection it is",
		"its error row":     "its error row, which says why",
		"its request row":   "the row of its token request, which may say more; what the rows say so far, no rule knows",
		"its end":           "the row that says how it ended",
		"the watermark":     "nothing more; it is told in its turn, after the rows before it",
	}
)

// waitText says what a row waits for, and what that means by the road it came.
func (t *explainText) waitText(row nango.FoundRow) string {
	switch {
	case row.Waits == "its error row" && slices.Contains(row.Envelope, "console"):
		return "its error row, which does not come by this road: console lines carry no messages; it is told as it is after " + t.grace
	case row.Waits == "the watermark" && (row.Kind == "webhook" || row.Kind == "span"):
		return waits[row.Waits] + ", unless rows of this connection say the same: then it is an echo"
	}
	return inWords(waits, row.Waits)
}

// why adds to the code of a quarantine, which metrics count by, what it means.
func (t *explainText) why(code string) string {
	words := whys[code]
	if code == "other_envelope" {
		words = "the configuration accepts one outermost envelope only: " + t.pinned
	}
	switch {
	case words == "":
		return code
	case code == "prefilter" || code == "no_row" || code == "no_meaning":
		return words
	}
	return code + ": " + words
}

func inWords(words map[string]string, code string) string {
	if w := words[code]; w != "" {
		return w
	}
	return code
}

// kindWords say what the kinds of events mean.
var kindWords = map[nango.Kind]string{
	nango.Reconnected:       "it works again",
	nango.Active:            "it works: a call with it succeeded",
	nango.Seen:              "it is there; whether it works is not said",
	nango.Exhausted:         "it is broken, and Nango refreshes it no more",
	nango.Deleted:           "it is gone",
	nango.UnknownConnection: "somebody asked for it, and it does not exist",
}

// eventText is an event in one line.
func eventText(e *nango.Event) string {
	what := strings.ReplaceAll(e.Kind.String(), "_", " ")
	if e.Kind == nango.Failure {
		what += ", " + string(e.Cause) + " (" + e.Reason + ")"
		if e.Status != 0 {
			what += ", HTTP " + strconv.Itoa(e.Status)
		}
	} else {
		what += " (" + kindWords[e.Kind] + ")"
	}
	what += ": connection " + e.Connection
	if e.Integration != "" {
		what += " of " + e.Integration
	}
	if e.Provider != "" {
		what += " (" + e.Provider + ")"
	}
	if e.Environment != "" {
		what += " in " + e.Environment
	}
	what += ", " + e.Time.UTC().Format("2006-01-02 15:04:05 UTC")
	var tags []string
	for k, v := range e.Tags.All() {
		tags = append(tags, k+" "+v)
	}
	if len(tags) > 0 {
		what += "; tags: " + strings.Join(tags, ", ")
	}
	if e.Detail != "" {
		what += `; the provider says "` + e.Detail + `"`
	}
	return what
}
