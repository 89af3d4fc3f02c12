package window

import (
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// refused notes that a connection was refused before anybody watched, unless a failure of it is known: that says more. It is no sign that later ones
// are measured by: rows from before it are judged as ever.
func (n *entry) refused(e nango.Event) {
	n.Seen = later(n.Seen, e.Time)
	if n.Failed.IsZero() && !n.counts() && !n.Deleted {
		n.Refused, n.BeforeStart = e.Time, true
	}
}

// unrefused takes that back when a failure, exhaustion or authorization from before then turns up after all, which say more; or a failure that passes: so
// may what was seen then. Who was authorized before the refusal has not recovered from it.
func (n *entry) unrefused(e nango.Event) {
	passes := e.Cause == nango.Transient || e.Cause == nango.Other
	if !n.Refused.IsZero() && (passes || !e.Time.After(n.Refused)) {
		n.Refused, n.BeforeStart = time.Time{}, false
	}
}
