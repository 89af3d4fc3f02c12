package detect

import (
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/window"
)

// broke returns when the user of a connection that newly broke had last authorized it, Unix ms.
func (d *Detector) broke(k key, e nango.Event) int64 {
	_, created := d.ledger.Origin(e.Environment, e.Integration, e.Connection)
	if k.Signal != Revocations || created.IsZero() {
		return 0
	}
	return created.UnixMilli()
}

// created is when the user of a connection had last authorized it before it broke; zero: not known.
func created(b *window.Break) time.Time {
	if b.Created == 0 {
		return time.Time{}
	}
	return time.UnixMilli(b.Created).UTC()
}
