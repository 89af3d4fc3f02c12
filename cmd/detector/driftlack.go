package main

import (
	"slices"
	"time"
)

const (
	driftWindow = 10 * time.Minute // the shortest window of detection
	driftSettle = 5 * time.Minute  // a reason may come by another partition, or with the next round of a poller: until then its absence is none;
	driftLate   = 15 * time.Minute // so long at most, where they were seen to come that late
	driftRead   = 30 * time.Second // so long at least: what was appended long ago may be shipped row by row
	driftMemory = 1 << 20          // so many weigh in a share; older ones fade
)

// lack judges the absence of one thing among many of another: of rows among records, of causes among refreshes.
//
// Evidence is how many came since the last good one, times the share that used to be good; 1 where none ever was. A topic on which one record in a
// thousand is Nango's so has to show a thousand times as many. The alarm is raised when there is the least of it and a whole window was without a good
// one; or at once when it is plenty, if the share is known from a window or more. It ends with the next good one.
type lack struct {
	kind          string
	least, plenty float64
	late          bool // what is good may be found later than what lacks it: it has to settle first

	learned
	more, good int64     // came since the last look
	without    int64     // how many came since the last good one
	since      time.Time // append time of the first record that brought them; zero: none did
	from       time.Time // that of the last record in the same batch
	young      []arrival // those that have not settled, oldest first, one in ten seconds
	on         bool
}

// learned is what a lack knows of the time before. It is stored.
type learned struct {
	Of, Good int64         // how many came, and how many of them were good
	Since    time.Time     // append time of the first good ones
	Delay    time.Duration // by how much the good were later, at most, in append times
}

// arrival is how many came at a time.
type arrival struct {
	at    time.Time // clock
	stamp time.Time // append time of the newest
	n     int64
}

// moment is when is judged.
type moment struct {
	now         time.Time // clock
	read        time.Time // clock at which everything there was had been read; zero: something waits, and nothing is judged
	first, last time.Time // append times of the first and the last record of the last batch
}

// took notes how many came, and how many of them, or of earlier ones, are good.
func (l *lack) took(more, good int64) { l.more, l.good = l.more+more, l.good+good }

// saw judges what came so far. It reports whether the alarm was raised or ended, and how many came without a good one.
func (l *lack) saw(m moment) (changed bool, without int64) {
	without = l.without + l.more
	if l.good > 0 {
		changed = l.on
		l.learn(m)
		*l = lack{kind: l.kind, least: l.least, plenty: l.plenty, late: l.late, learned: l.learned}
		return changed, without
	}
	if l.more > 0 {
		l.arrived(m)
	}
	changed = without > 0 && !l.on && !m.read.IsZero() && l.missing(m)
	l.on = l.on || changed
	return changed, without
}

func (l *lack) arrived(m moment) {
	if l.since.IsZero() {
		l.since, l.from = m.first, m.last
	}
	if last := len(l.young) - 1; last >= 0 && m.now.Sub(l.young[last].at) < 10*time.Second {
		l.young[last].n += l.more
		if m.last.After(l.young[last].stamp) {
			l.young[last].stamp = m.last
		}
	} else if l.late {
		l.young = append(l.young, arrival{m.now, m.last, l.more})
	}
	l.without += l.more
	l.more = 0
}

// learn takes good ones into the share, and how long they were waited for into the delay.
func (l *lack) learn(m moment) {
	if l.Since.IsZero() {
		l.Since = m.last
	}
	if waited := m.first.Sub(l.from); l.late && l.without > 0 && waited <= driftLate {
		l.Delay = max(l.Delay, waited)
	}
	if l.Of, l.Good = l.Of+l.without+l.more, l.Good+l.good; l.Of > driftMemory {
		l.Of, l.Good = l.Of/2, max(1, l.Good/2)
	}
}

func (l *lack) missing(m moment) bool {
	evidence := float64(l.without-l.unsettled(m)) * l.share()
	known := l.Good > 0 && m.read.Sub(l.Since) >= driftWindow
	return evidence >= l.least && m.read.Sub(l.since) >= driftWindow || evidence >= l.plenty && known
}

// unsettled counts what is too young to be judged.
func (l *lack) unsettled(m moment) (n int64) {
	settle := l.settle()
	l.young = slices.DeleteFunc(l.young, func(a arrival) bool {
		return m.read.Sub(a.stamp) >= settle && m.read.Sub(a.at) >= driftRead
	})
	for _, a := range l.young {
		n += a.n
	}
	return n
}

// settle is how long a good one is waited for: a whole window before the first, and then a quarter more than the longest that was seen.
func (l *lack) settle() time.Duration {
	if l.Good == 0 {
		return driftWindow
	}
	return min(max(driftSettle, l.Delay+l.Delay/4), driftLate)
}

// share is how many of those before the absence were good.
func (l *lack) share() float64 {
	if l.Good > 0 && l.Of > 0 {
		return min(1, float64(l.Good)/float64(l.Of))
	}
	return 1
}
