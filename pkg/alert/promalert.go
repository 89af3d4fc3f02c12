package alert

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// Bounds of an alert's texts, in characters. Alertmanager has none of its own.
const (
	maxLabel       = 200
	maxAnnotation  = 2000
	maxDescription = 8000
)

// promTime is RFC 3339 with milliseconds: where repeats are short, a second is too coarse an end.
const promTime = "2006-01-02T15:04:05.000Z07:00"

// promAlert is an alert as Alertmanager takes it. The labels are its identity: nothing that changes while it is open is among them.
type promAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     string            `json:"startsAt"`
	EndsAt       string            `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// newPromAlert renders a message. An open alert ends by itself when it is not sent again within the time that it lasts.
func newPromAlert(d delivery, labels map[string]string, now time.Time, lasts time.Duration) promAlert {
	begin, end := extent(d, now, lasts)
	return promAlert{
		Labels: labels, Annotations: annotations(d), GeneratorURL: d.message.dashboard(),
		StartsAt: begin.UTC().Format(promTime), EndsAt: end.UTC().Format(promTime),
	}
}

// extent is when an alert begins and ends; Alertmanager takes none that ends before it begins, and none is over that ends later than now.
func extent(d delivery, now time.Time, lasts time.Duration) (begin, end time.Time) {
	begin = dated(d.in.Since)
	if begin.IsZero() || begin.After(now) {
		begin = now
	}
	switch {
	case d.message.phase == open:
		end = now.Add(lasts)
	case d.message.phase == resolve && !d.in.ResolvedAt.IsZero():
		end = dated(d.in.ResolvedAt)
	case d.message.phase.over():
		end = dated(d.in.Time)
	}
	if end.IsZero() || d.message.phase != open && end.After(now) {
		end = now
	}
	if !end.After(begin) {
		begin = end.Add(-time.Second)
	}
	return begin, end
}

// labelsOf are the labels that the alert of an incident began with, or begins with now.
func labelsOf(d delivery, extra map[string]string) map[string]string {
	var kept map[string]string
	if json.Unmarshal([]byte(d.remote), &kept) == nil && kept["alertname"] != "" {
		return kept
	}
	all := map[string]string{"signal": d.in.Signal, "environment": d.in.Environment, "cause": d.in.Cause}
	switch d.in.Signal {
	case detect.UnknownConnections:
		all["alertname"], all["integration"] = "UnknownConnections", d.in.Provider
	case detect.Silence:
		all["alertname"] = "NangoRowsSilent"
	default:
		all["alertname"], all["provider"] = "RevocationSpike", d.in.Provider
	}
	for name, value := range all {
		if all[name] = short(value, maxLabel); all[name] == "" {
			delete(all, name)
		}
	}
	if d.message.test { // so that it is never taken for the alert of a real incident, nor ends one
		all["test"] = "true"
	}
	maps.Copy(all, extra)
	return all
}

// annotations describe an alert; they change as its incident does.
func annotations(d delivery) map[string]string {
	m := d.message
	all := map[string]string{
		"summary": m.said(m.summary), "description": clip(m.description(), maxDescription, runes), "severity": string(m.severity), "incident": m.id,
		"runbook_url": m.linkTo("Runbook"), "dashboard_url": m.dashboard(),
	}
	if d.in.Signal != detect.Silence {
		all["observed"], all["expected"] = strconv.Itoa(d.in.Observed), number(d.in.Expected)
	}
	if !d.in.Since.IsZero() {
		all["since"] = d.in.Since.UTC().Format(time.RFC3339)
	}
	var links []string
	for _, l := range m.hrefs() {
		links = append(links, l.text+": "+l.url)
	}
	all["links"] = strings.Join(links, "\n")
	for name, text := range all {
		if text == "" {
			delete(all, name)
		} else if name != "description" && name != "links" && !strings.HasSuffix(name, "_url") {
			all[name] = clip(text, maxAnnotation, runes)
		}
	}
	return all
}

// description is a message as plain text.
func (m message) description() string {
	var b strings.Builder
	for _, f := range m.facts {
		b.WriteString(f.name + ": " + f.value + "\n")
	}
	section := func(title string, lines []string) {
		if text := strings.Join(lines, "\n- "); text != "" {
			b.WriteString("\n" + title + "\n- " + text + "\n")
		}
	}
	if m.spark != "" {
		b.WriteString("Course: " + m.spark + "\n")
	}
	section("Looks like", m.diagnoses)
	section("Why", m.why)
	section("Affected", m.samples)
	section("What to do", m.todo)
	return strings.TrimSpace(b.String())
}
