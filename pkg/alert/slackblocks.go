package alert

import "strings"

// budget is how many characters a post may still hold.
type budget int

// cut makes a text literal for Slack and takes its room: limit characters at most, counted after escaping, and no more than are left.
func (b *budget) cut(s string, limit int) string { return slackEscapes.Replace(b.literal(s, limit)) }

// literal is a text for places where Slack escapes nothing.
func (b *budget) literal(s string, limit int) string {
	s = clip(s, min(limit, int(*b)), slackCost)
	*b -= budget(cost(s))
	return s
}

func cost(s string) (n int) {
	for _, r := range s {
		n += slackCost(r)
	}
	return n
}

func (b *budget) plain(s string, limit int) *slackText {
	return &slackText{Type: "plain_text", Text: b.cut(s, limit), Emoji: new(bool)}
}

func (b *budget) facts(facts []fact) []slackBlock {
	var fields []slackText
	for _, f := range facts {
		if *b >= minRest {
			fields = append(fields, *b.plain(f.name+": "+f.value, maxField))
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return []slackBlock{{Type: "section", Fields: fields}}
}

// lines is a list under a title, in plain text.
func (b *budget) lines(title string, lines []string) []slackBlock {
	if len(lines) == 0 || *b < minRest {
		return nil
	}
	return section(b.plain(title+"\n• "+strings.Join(lines, "\n• "), maxSection))
}

// todo is the one list with markup: nothing from outside is in it.
func (b *budget) todo(lines []string) []slackBlock {
	if len(lines) == 0 || *b < minRest {
		return nil
	}
	return section(&slackText{Type: "mrkdwn", Verbatim: true, Text: b.cut("*What to do*\n• "+strings.Join(lines, "\n• "), maxSection)})
}

// spark shows the bars in a fixed width, so that they are alike, and their legend under them.
func (b *budget) spark(s string) []slackBlock {
	bars, legend, _ := strings.Cut(s, " ")
	if bars == "" || *b < minRest {
		return nil
	}
	parts := []slackText{rich("rich_text_preformatted", slackText{Type: "text", Text: b.literal(bars, maxSpark)})}
	if legend = b.literal(legend, maxSpark); legend != "" {
		parts = append(parts, rich("rich_text_section", slackText{Type: "text", Text: legend}))
	}
	return []slackBlock{{Type: "rich_text", Elements: parts}}
}

func rich(kind string, elements ...slackText) slackText {
	return slackText{Type: kind, Elements: elements}
}

// links stand in one line. An address is never cut: one that has no room is left out.
func (b *budget) links(links []link) []slackBlock {
	var line []slackText
	for _, l := range links {
		text := clip(l.text, maxName, slackCost)
		need := budget(cost(l.url) + cost(text) + len(" · "))
		if l.url == "" || text == "" || need > *b {
			continue
		}
		*b -= need
		if len(line) > 0 {
			line = append(line, slackText{Type: "text", Text: " · "})
		}
		line = append(line, slackText{Type: "link", URL: l.url, Text: text})
	}
	if len(line) == 0 {
		return nil
	}
	return []slackBlock{{Type: "rich_text", Elements: []slackText{rich("rich_text_section", line...)}}}
}
