package alert

import (
	"fmt"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

func (c composer) silent() bool { return c.in.Signal == detect.Silence }

func (c composer) silenceHeadline() string {
	switch {
	case c.phase.over():
		return "Log rows arrive again"
	case c.in.Status == detect.StatusReopened:
		return "Again no log rows since " + moment(c.in.Since)
	}
	return "No log rows since " + moment(c.in.Since)
}

func (c composer) silenceGist() string {
	if c.phase.over() {
		return c.remains()
	}
	return "Detection is blind until rows come again."
}

func (c composer) silenceFacts() []fact {
	var fs []fact
	if c.in.Environment != "" {
		fs = append(fs, fact{"Environment", c.environment()})
	}
	if c.phase.over() {
		return append(fs, fact{"Silent from", moment(c.in.Since)}, fact{"Until", c.ending()})
	}
	fs = append(fs, fact{"Newest row", moment(c.in.Since)})
	if d := c.in.Time.Sub(c.in.Since); !c.in.Since.IsZero() && d > 0 {
		fs = append(fs, fact{"Silent for", span(d)})
	}
	return append(fs,
		fact{"Meanwhile", "new revocations are not seen; open incidents stay as they are"},
		fact{"Severity", string(c.words.Severity.of(c.in))})
}

// span writes a duration as a person says it: 45 min, 3 h 10 min, 2 days 4 h.
func span(d time.Duration) string {
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch {
	case h >= 48 && h%24 == 0:
		return fmt.Sprintf("%d days", h/24)
	case h >= 48:
		return fmt.Sprintf("%d days %d h", h/24, h%24)
	case h == 0:
		return fmt.Sprintf("%d min", m)
	case m == 0:
		return fmt.Sprintf("%d h", h)
	}
	return fmt.Sprintf("%d h %d min", h, m)
}

func (c composer) silenceTodo() []string {
	if c.phase.over() {
		return nil
	}
	return []string{
		"Is Nango writing? Look in its log store for operations newer than the newest row above.",
		"Is the shipper running? It copies those rows into Kafka: look at its process, its credentials, its errors.",
		"Is Revwatch reading? Its metrics show the lag and the errors of each partition.",
		"Mind the retention of the log store and of the topic: rows that expire before they are read are never counted.",
	}
}
