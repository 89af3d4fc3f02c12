package alert

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// Bounds of a payload. Texts are cut to them, in characters; of the connections fewer are listed when the whole would be larger.
const (
	maxPayload = 256 << 10 // bytes
	maxSaid    = 500       // of a line
	maxWord    = 200       // of a name
	maxTagText = 4 << 10   // bytes of all tags of a connection; with more, none is listed
)

// payload is what a webhook sends: the incident as one line of `detector replay --output json`, and what messages say of it. A template sees the
// same value under the names of its fields: once_per_days is .OncePerDays, message.headline is .Message.Headline.
type payload struct {
	detect.Incident
	Phase    phase       `json:"phase"`    // open; resolve: it is over; fold: it went on as part of the incident in parent; hush: somebody silenced it
	Severity severity    `json:"severity"` // warning, critical
	Test     bool        `json:"test"`     // it is a test: nothing happened
	Message  payloadText `json:"message"`
}

// payloadText is a message. Its texts are clean lines: no control characters, no markup, nothing escaped.
type payloadText struct {
	Line      bool          `json:"line,omitempty"` // it is no incident: the headline is all there is
	Headline  string        `json:"headline"`       // one sentence without its full stop
	Summary   string        `json:"summary"`        // what matters most, in one line
	Facts     []payloadFact `json:"facts"`
	Course    string        `json:"course,omitempty"` // of the counts, as bars
	Diagnoses []string      `json:"diagnoses"`
	Why       []string      `json:"why"`
	Samples   []string      `json:"samples"` // connections, as a person reads them
	Todo      []string      `json:"todo"`
	Links     []payloadLink `json:"links"`
}

type payloadFact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type payloadLink struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

func newPayload(d delivery) payload {
	m := d.message
	t := payloadText{
		Line: m.line, Headline: m.said(short(m.headline, maxSaid)), Summary: m.said(short(m.summary, 2*maxSaid)), Course: short(m.spark, maxSaid),
		Facts: []payloadFact{}, Links: []payloadLink{},
		Diagnoses: shortLines(m.diagnoses, 4), Why: shortLines(m.why, 10), Samples: shortLines(m.samples, 8), Todo: shortLines(m.todo, 10),
	}
	for _, f := range m.facts[:min(len(m.facts), 10)] {
		t.Facts = append(t.Facts, payloadFact{short(f.name, maxWord), short(f.value, maxSaid)})
	}
	for _, l := range m.hrefs() {
		t.Links = append(t.Links, payloadLink{short(l.text, maxWord), l.url})
	}
	return payload{Incident: bounded(d.in), Phase: m.phase, Severity: m.severity, Test: m.test, Message: t}
}

func shortLines(lines []string, most int) []string {
	out := []string{}
	for _, s := range lines[:min(len(lines), most)] {
		out = append(out, short(s, maxSaid))
	}
	return out
}

// body is the payload as JSON, at most maxPayload bytes.
func (p payload) body() ([]byte, error) {
	for {
		b, err := plainJSON(p)
		if err != nil {
			return nil, &fault{verdict: refused, reason: "the incident cannot be written as JSON"}
		}
		if n := len(p.Connections); len(b) > maxPayload && n > 0 {
			p.Connections = p.Connections[:n/2]
			continue
		}
		return b, nil
	}
}

// plainJSON is JSON in which < > & stand for themselves.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// bounded copies an incident with clean texts of bounded length and numbers and times that JSON can hold.
func bounded(from *detect.Incident) detect.Incident {
	in := *from
	for _, s := range []*string{&in.ID, &in.Parent, (*string)(&in.Status), &in.Signal, &in.Scope, &in.Environment, &in.Provider, &in.Integration, &in.Cause} {
		*s = short(*s, maxWord)
	}
	for _, t := range []*time.Time{&in.Time, &in.Since, &in.Course.From} {
		*t = dated(*t)
	}
	for _, x := range []*float64{&in.Expected, &in.Score, &in.OncePerDays} {
		*x = finite(*x)
	}
	in.Explanation = shortLines(in.Explanation, 10)
	in.Connections = slices.Clone(in.Connections[:min(len(in.Connections), listLimit)])
	for i := range in.Connections {
		b := &in.Connections[i]
		for _, s := range []*string{&b.Integration, &b.Connection, &b.Account, &b.Reason, &b.Elsewhere} {
			*s = short(*s, maxWord)
		}
		b.Time, b.Created = dated(b.Time), dated(b.Created)
		if len(b.Tags) > maxTagText {
			b.Tags = ""
		}
	}
	in.Ranking = slices.Clone(in.Ranking[:min(len(in.Ranking), 5)])
	for i := range in.Ranking {
		r := &in.Ranking[i]
		r.Dimension, r.Value, r.Usual, r.Lift = short(r.Dimension, maxWord), short(r.Value, maxWord), finite(r.Usual), finite(r.Lift)
	}
	in.Diagnoses = slices.Clone(in.Diagnoses[:min(len(in.Diagnoses), 5)])
	for i := range in.Diagnoses {
		g := &in.Diagnoses[i]
		g.Kind, g.Evidence, g.Source = short(g.Kind, maxWord), short(g.Evidence, maxSaid), short(g.Source, maxSaid)
	}
	steps := min(len(in.Course.Counts), len(in.Course.Upper), 500)
	in.Course.Counts = in.Course.Counts[:steps:steps]
	in.Course.Upper = slices.Clone(in.Course.Upper[:steps])
	for i := range in.Course.Upper {
		in.Course.Upper[i] = finite(in.Course.Upper[i])
	}
	return in
}

// dated is a time in UTC, none when its year is not one of those that JSON can hold.
func dated(t time.Time) time.Time {
	t = t.UTC()
	if y := t.Year(); y < 1 || y > 9999 {
		return time.Time{}
	}
	return t
}

func finite(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return max(-math.MaxFloat64, min(math.MaxFloat64, x))
}
