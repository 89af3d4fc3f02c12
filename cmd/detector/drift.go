package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// drift notices when what is read no longer has the shape of Nango's logs: a new release of Nango, a shipper that was set up anew, a wrong topic.
// Without it a detector that understands nothing looks like one that has nothing to tell.
type drift struct {
	rows   lack // records arrive, none is a Nango row
	causes lack // refresh operations arrive, none gets a cause
	probe  probe

	read          nango.Stats // after the last batch
	looked, found int64       // records looked at so far, and rows of Nango's logs found in them
}

// The kinds of drift, as metrics name them.
const (
	driftNoRows   = "no_nango_rows"
	driftNoCauses = "no_causes"
)

const (
	driftWindow = 10 * time.Minute // within one window, the shortest of detection, what is enough is told
	driftSettle = 5 * time.Minute  // a reason may come by another partition, or with the next round of a poller: until then its absence is none
	driftProbes = 64               // records looked at in a batch without a row
)

func newDrift(c *config) *drift {
	return &drift{
		rows:   lack{kind: driftNoRows, least: 10, plenty: 100},
		causes: lack{kind: driftNoCauses, least: 5, plenty: 5, settle: driftSettle},
		probe:  probe{config: c},
	}
}

// lack judges the absence of one thing among many of another: of rows among records, of causes among refreshes.
//
// Evidence is how many came since the last good one, times the share that used to be good; 1 where none ever was. A topic on which one record in a
// thousand is Nango's so has to show a thousand times as many. The alarm is raised at once when the evidence is plenty, and at the end of the window
// when there is the least of it; it ends with the next good one.
type lack struct {
	kind          string
	least, plenty float64
	settle        time.Duration // what came so lately is no evidence yet

	of, good int64     // how many came so far, and how many of them were good
	without  int64     // how many came since the last good one
	since    time.Time // when the first of these came; zero: not yet
	young    []arrival // those that have not settled, oldest first, one in ten seconds
	on       bool
}

// arrival is how many came at a time.
type arrival struct {
	at   time.Time // clock
	from time.Time // the oldest row that came with them
	n    int64
}

// moment is when is judged.
type moment struct {
	now    time.Time // clock
	read   time.Time // clock at which everything there was had been read; zero: something waits, and nothing is judged
	newest time.Time // row that was read
	from   time.Time // oldest row of the last batch
}

// saw takes how many came so far and how many of them were good. It reports whether the alarm was raised or ended, and how many came without a good one.
func (l *lack) saw(m moment, of, good int64) (changed bool, without int64) {
	more := of - l.of
	without = l.without + more
	l.of, l.without = of, without
	if good > l.good {
		changed = l.on
		*l = lack{kind: l.kind, least: l.least, plenty: l.plenty, settle: l.settle, of: of, good: good}
		return changed, without
	}
	if more > 0 {
		l.arrived(m, more)
	}
	if l.on || without == 0 || m.read.IsZero() {
		return false, without
	}
	evidence := float64(without-l.unsettled(m)) * l.share()
	if evidence >= l.plenty || evidence >= l.least && m.read.Sub(l.since) >= driftWindow {
		l.on = true
	}
	return l.on, without
}

func (l *lack) arrived(m moment, n int64) {
	if l.since.IsZero() {
		l.since = m.now
	}
	if last := len(l.young) - 1; last >= 0 && m.now.Sub(l.young[last].at) < 10*time.Second {
		l.young[last].n += n
		l.young[last].from = earlier(l.young[last].from, m.from)
	} else if l.settle > 0 {
		l.young = append(l.young, arrival{m.now, m.from, n})
	}
}

// unsettled counts what is too young to be judged. Of rows shipped long after they were written, what belongs to them came with them, or not at all.
func (l *lack) unsettled(m moment) (n int64) {
	l.young = slices.DeleteFunc(l.young, func(a arrival) bool {
		waited := m.read.Sub(a.at)
		return waited >= l.settle || waited >= driftSettle/10 && m.newest.Sub(a.from) >= driftWindow
	})
	for _, a := range l.young {
		n += a.n
	}
	return n
}

// share is how many of those before the absence were good.
func (l *lack) share() float64 {
	if before := l.of - l.without; l.good > 0 && before > 0 {
		return min(1, float64(l.good)/float64(before))
	}
	return 1
}

// batch takes what a batch of n records came to. Most rows of a healthy topic are never read, so where no row was recognised some records are
// looked at: value returns that of a record.
func (d *drift) batch(n int, after nango.Stats, value func(i int) []byte) {
	looked := after.Records - d.read.Records - (after.Skipped - d.read.Skipped)
	found := min(looked, rowsOf(after)-rowsOf(d.read))
	probes := min(n, driftProbes)
	for i := 0; i < probes && found == 0; i++ {
		looked = min(int64(n), looked+1)
		if d.probe.row(value(i * n / probes)) {
			found = 1
		}
	}
	d.read = after
	d.looked, d.found = d.looked+looked, d.found+found
}

// look judges what came so far. That no record is a row shows in those that are read; that none has a reason only when all are.
func (d *drift) look(m moment, told func(l *lack, without int64)) {
	if changed, without := d.causes.saw(m, d.read.Refreshes, d.read.Reasons); changed {
		told(&d.causes, without)
	}
	m.read = m.now
	if changed, without := d.rows.saw(m, d.looked, d.found); changed {
		told(&d.rows, without)
	}
}

// state says of each kind whether it is there.
func (d *drift) state() map[string]bool {
	return map[string]bool{driftNoRows: d.rows.on, driftNoCauses: d.causes.on}
}

// doubt notes of files whether they hold rows at all.
type doubt struct {
	probe
	found bool
}

func (d *doubt) take(value []byte) { d.found = d.found || d.row(value) }

// print says what is lacking, in one line; nothing when nothing is.
func (d *doubt) print(errs io.Writer, s nango.Stats) {
	switch {
	case s.Records == 0:
	case !d.found && rowsOf(s) == 0:
		fmt.Fprintf(errs, "warning: of %s none is a row of Nango's logs: `detector explain-record` says what is seen in them\n", plural(int(s.Records), "record"))
	case s.Refreshes > 0 && s.Reasons == 0:
		fmt.Fprintf(errs, "warning: of %s none has a cause: are the message rows there? `detector explain-record` says what is seen in single records\n", plural(int(s.Refreshes), "failed refresh"))
	}
}

// probe looks into single records, whatever the prefilter says of them. It has a reader of its own, so that what it sees changes no event.
type probe struct {
	config *config
	reader *nango.Reader
	read   int
}

// row reports whether a value holds a row of Nango's logs.
func (p *probe) row(value []byte) bool {
	if p.reader == nil || p.read == 1000 { // it keeps what it read
		p.read = 0
		p.reader = nango.NewReader(nango.Options{Envelope: p.config.envelope, Rules: p.config.table()})
	}
	p.read++
	before := rowsOf(p.reader.Stats())
	p.reader.Read(value, nango.Meta{Source: "probe", Time: probeTime}) // a reader reads every record at an offset of 0
	return rowsOf(p.reader.Stats()) > before
}

// probeTime is any append time: a row is a row whenever it was written.
var probeTime = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// rowsOf counts all rows of Nango's logs that were read, those of no meaning as well.
func rowsOf(s nango.Stats) (n int64) {
	for _, x := range s.Rows {
		n += x
	}
	return n
}
