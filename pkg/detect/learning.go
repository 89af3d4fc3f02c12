package detect

import (
	"time"

	"github.com/revwatch/revwatch/pkg/window"
)

// firstJudged is when the first window of a series is judged: one of a day that begins when the silent start is over.
const firstJudged = silentStart + slotsPerDay

// Learning is what is too young to be judged as usual. The zero value: nothing is.
type Learning struct {
	Series int       // that are so young
	Blind  int       // of them, those of which nothing is judged yet
	Judged time.Time // from then on the youngest of these is judged, by windows of a day or more; zero: all are
	Until  time.Time // from then on the youngest is judged by every window
}

// Learning says which series learn at the last closed slot. A detector that saw no series yet learns of all: what breaks now is of a series that
// began with the rows.
func (d *Detector) Learning() (l Learning) {
	if !d.begun {
		return l
	}
	youngest := d.began
	if len(d.order) > 0 {
		youngest = 0
	}
	for _, s := range d.order {
		youngest = max(youngest, s.first)
		if d.edge-s.first < learningUntil {
			l.Series++
		}
		if d.edge-s.first < firstJudged {
			l.Blind++
		}
	}
	if d.edge-youngest < learningUntil {
		l.Until = window.SlotTime(youngest + learningUntil)
	}
	if d.edge-youngest < firstJudged {
		l.Judged = window.SlotTime(youngest + firstJudged)
	}
	return l
}
