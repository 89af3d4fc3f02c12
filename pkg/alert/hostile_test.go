package alert

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/configs"
	"github.com/revwatch/revwatch/internal/counterpart"
	"github.com/revwatch/revwatch/pkg/detect"
)

// screen is a destination and the newest of what a person sees there.
type screen struct {
	name   string
	to     Destination
	server *counterpart.Server
	read   func() counterpart.Message // nil: a program reads it
}

// screens are all destinations of a network, without limits to their rates.
func screens(t *testing.T, n *counterpart.Network) []screen {
	s := n.Slack("slack", slackToken, slackSecret)
	h := n.Slack("hooks", slackToken, slackSecret)
	p := n.PagerDuty("pager", pagerKey)
	a, w, c := n.Alertmanager("am"), n.Webhook("receiver", "/", pagerKey), n.Teams("teams", "/")
	s.Gap, h.Gap, p.NoLimit = 0, 0, true
	last := func(s *counterpart.Slack) func() counterpart.Message {
		return func() counterpart.Message {
			all := s.Posts()
			return all[len(all)-1]
		}
	}
	return []screen{
		{"slack bot", botTo(t, n, s), &s.Server, last(s)},
		{"slack webhook", webhookTo(t, n, h), &h.Server, last(h)},
		{"pagerduty", pagerTo(t, n, p), &p.Server, func() counterpart.Message {
			all := p.Pages()
			page := all[len(all)-1]
			shown := strings.NewReplacer(`\n`, "\n", `\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(page.Details) + "\n" + page.Summary
			return counterpart.Message{Shown: shown, Notified: page.Summary, Links: page.Links}
		}},
		{"alertmanager", must(NewAlertmanager(Alertmanager{URLs: []string{a.URL}, HTTP: over(n)}))(t), &a.Server, func() counterpart.Message {
			var newest counterpart.Alert
			for _, one := range a.Alerts() {
				if one.Updated.After(newest.Updated) {
					newest = one
				}
			}
			return counterpart.Message{Shown: newest.Labels["provider"] + "\n" + newest.Annotations["description"], Notified: newest.Annotations["summary"]}
		}},
		{"webhook", must(NewWebhook(Webhook{URL: Secret(w.URL + "/"), Secret: pagerKey, HTTP: over(n)}))(t), &w.Server, nil},
		{"teams", must(NewWebhook(Webhook{Name: "teams", URL: Secret(c.URL + "/"), Template: configs.Teams, HTTP: over(n)}))(t), &c.Server, func() counterpart.Message {
			all := c.Cards()
			card := all[len(all)-1]
			return counterpart.Message{Shown: card.Shown, Notified: strings.SplitN(card.Shown, "\n", 2)[0], Links: card.Links, Mentions: card.Mentions}
		}},
	}
}

// hostile is an incident as somebody would have it who may choose every name in it.
func hostile(t *rapid.T) detect.Incident {
	in := anyIncident(t)
	in.ID = rapid.StringMatching(`[0-9a-f]{16}`).Draw(t, "our id")
	in.Status, in.Past, in.Parent = detect.StatusOpen, false, ""
	for _, at := range []*time.Time{&in.Since, &in.Time, &in.ResolvedAt, &in.Course.From} { // a row's time is near that of Kafka: nobody else chooses it
		*at = time.Unix(at.Unix()%1e9, 0)
	}
	for i := range in.Connections {
		in.Connections[i].Time = in.Since
	}
	evil := rapid.SampledFrom([]string{"", strings.Repeat("x", 1<<14), strings.Repeat("<!channel>\n", 1<<10), "[click](https://evil.example)", "<at>everyone</at>", "x\n✅ prod: all is well\n",
		"x\u202e\u2028✅ prod: all is well", "x\r✅ prod: all is well"}).Draw(t, "evil")
	spoil(&in, rapid.IntRange(0, spoilable).Draw(t, "where"), evil)
	return in
}

const spoilable = 6 // the last place that spoil knows

// spoil puts a text in one of the places that others fill.
func spoil(in *detect.Incident, where int, evil string) {
	switch where {
	case 0:
		in.Provider = evil
	case 1:
		in.Environment = evil
	case 2:
		in.Integration = evil
	case 3:
		in.Explanation = append(in.Explanation, evil, evil)
	case 4:
		in.Resolution = evil
	case 5:
		in.Connections = append(in.Connections, detect.Broken{Integration: evil, Connection: evil, Account: evil, Reason: evil, Elsewhere: evil})
		tagged(&in.Connections[len(in.Connections)-1], map[string]string{"organization_id": evil})
	case spoilable:
		in.Diagnoses = append(in.Diagnoses, detect.Diagnosis{Kind: evil, Evidence: evil, Source: evil})
		in.Ranking = append(in.Ranking, detect.Lift{Dimension: evil, Value: evil, Count: 3, Of: 3})
	}
}

// TestHostileIncidents: whatever an incident holds, every destination takes it, nobody is called, nothing can be followed that is not ours, and no
// line is there that we did not begin.
func TestHostileIncidents(t *testing.T) {
	n := counterpart.Loopback()
	t.Cleanup(n.Close)
	all := screens(t, n)
	rapid.Check(t, func(t *rapid.T) {
		in := hostile(t)
		for _, p := range []phase{open, resolve} {
			d := tell(in, nil, p)
			for _, s := range all {
				if s.to.traits().paired && p == resolve {
					continue // it says nothing of the incident
				}
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				_, err := s.to.send(ctx, d)
				cancel()
				if wrong := s.server.Wrong(); err != nil || len(wrong) > 0 {
					t.Fatalf("%s: %v, %.2000q", s.name, err, wrong)
				}
				if s.read != nil {
					checkSeen(t, s.name, s.read(), d.message)
				}
			}
		}
	})
}

// checkSeen holds what may be seen of any message.
func checkSeen(t *rapid.T, name string, m counterpart.Message, of message) {
	checkFollowed(t, m.Links, of)
	if len(m.Mentions) > 0 {
		t.Fatalf("%s: mentions %.300q", name, m.Mentions)
	}
	if m.Shown == "" || m.Notified == "" || strings.Contains(m.Notified, "\n") || len(m.Shown) > 20_000 || strings.Count(m.Shown, "\n") > 60 {
		t.Fatalf("%s: %d bytes, %d lines, notification %q", name, len(m.Shown), strings.Count(m.Shown, "\n"), m.Notified)
	}
	for _, line := range strings.Split(m.Shown+"\n"+m.Notified, "\n") {
		if strings.HasPrefix(strings.TrimLeft(line, "• "), "✅ prod: all") || !utf8.ValidString(line) {
			t.Fatalf("%s: a line of somebody else: %q", name, line)
		}
		for _, r := range line {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("%s: %q in %q", name, r, line)
			}
		}
	}
}

// TestHugeTexts: a megabyte in every place is told like anything else.
func TestHugeTexts(t *testing.T) {
	n := onLoopback(t)
	in := revoked()
	for where := range spoilable + 1 {
		spoil(&in, where, strings.Repeat("<!channel> é ", 1<<16))
	}
	d := tell(in, nil, open)
	for _, s := range screens(t, n) {
		if _, err := s.to.send(context.Background(), d); err != nil || len(s.server.Wrong()) > 0 {
			t.Errorf("%s: %v, %.300q", s.name, err, s.server.Wrong())
		}
		if s.read == nil {
			continue
		}
		if m := s.read(); len(m.Shown) > 20_000 || len(m.Mentions) > 0 {
			t.Errorf("%s: %d bytes, %.300q", s.name, len(m.Shown), m.Mentions)
		}
	}
}
