package main

import (
	"fmt"
	"time"
)

// What learning needs.
const (
	historyLeast = 3 * 24 * time.Hour // before it nothing is judged
	historyGood  = 7 * 24 * time.Hour // before it only long windows
)

func (f *checkup) canLearn() (string, string) {
	span, where := f.history()
	switch {
	case span == 0:
		return worksNo, "there is none"
	case span < historyLeast:
		return worksNo, where + " " + ageWords(span) + " back: nothing is judged before there are three days"
	case span < historyGood:
		return worksInPart, where + " " + ageWords(span) + " back: windows shorter than a day are judged after a week"
	}
	return worksYes, where + " " + ageWords(span) + " back"
}

// history is how far back there is something to learn from.
func (f *checkup) history() (time.Duration, string) {
	if f.files > 0 {
		if oldest := f.engine.oldest; !oldest.IsZero() {
			return f.engine.reader.Newest().Sub(oldest), "the rows reach"
		}
		return 0, ""
	}
	oldest := f.engine.oldest
	for _, p := range f.topics {
		if !p.oldest.IsZero() && (oldest.IsZero() || p.oldest.Before(oldest)) {
			oldest = p.oldest
		}
	}
	if oldest.IsZero() {
		return 0, ""
	}
	return f.now.Sub(oldest), "the topic reaches at least"
}

const (
	lateAfter  = time.Hour
	staleAfter = 24 * time.Hour
)

// age is how old the newest row is; 0 where there is none.
func (f *checkup) age() time.Duration {
	if newest := f.engine.reader.Newest(); !newest.IsZero() {
		return max(f.now.Sub(newest), 0)
	}
	return 0
}

// ageWords is a duration for people.
func ageWords(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// onAge tells how old rows are, and of clocks.
func (d *adviser) onAge() {
	age := d.age()
	newest := d.engine.reader.Newest()
	if d.stats.ClockAhead > 0 {
		d.add("clock_ahead", gradeBetter, fmt.Sprintf("%s of a time more than 5 minutes after Kafka got it.", plural(int(d.stats.ClockAhead), "row")), "set the clocks of Nango and of the brokers (NTP)")
	}
	switch {
	case d.files > 0 || newest.IsZero() || age <= lateAfter, d.stuck != "": // newer rows may not have been read
		return
	case d.behind():
		d.add("behind", gradeBetter, fmt.Sprintf("Rows arrive now that are %s old: the shipper is behind, or ships history.", ageWords(age)), "wait until it has caught up, and look again; history teaches and does not page")
	case age > staleAfter:
		d.add("stopped", gradeNeeded, fmt.Sprintf("The newest row is %s old, and nothing came while the doctor looked.", ageWords(age)), "look whether the shipper still runs, and whether Nango still writes its logs")
	default:
		d.add("late", gradeBetter, fmt.Sprintf("The newest row is %s old.", ageWords(age)), "look whether the shipper still runs; a quiet Nango may be silent for an hour")
	}
}

// onHistory tells how long there is to learn, and of a topic that forgets too soon.
func (d *adviser) onHistory() {
	span, _ := d.history()
	switch {
	case d.allRows() == 0 || span >= historyGood:
		return
	case d.files > 0:
		d.add("history", gradeNote, fmt.Sprintf("The rows reach over %s. That is enough to look at; to learn from, a week is wanted, and three days at least.", ageWords(span)), "")
		return
	}
	says := fmt.Sprintf("There are %s of history. Before three days nothing is judged, before a week only what stands out over a day or more.", ageWords(span))
	next := "`detector learn --input DUMP` takes the 15 days that Nango keeps, from an export of its two indices; or wait"
	if road := d.road(); road == roadWebhooks || road == roadSpans { // Nango's cloud exports no logs
		next = "wait; only a Nango of your own has logs to export, for `detector learn --input DUMP`"
	}
	if d.keeps > 0 && d.keeps < historyGood {
		says = fmt.Sprintf("The topic keeps %s (retention.ms): shorter than the week that a daemon without a state file learns from.", ageWords(d.keeps))
		next = "raise retention.ms to two weeks or more, or " + next
	}
	d.add("history", gradeBetter, says, next)
}

// behind reports whether rows arrive that are old: history is shipped, or the shipper is slow.
func (f *checkup) behind() bool {
	return f.age() > lateAfter && f.lastRow.Sub(f.engine.reader.Newest()) > lateAfter && f.now.Sub(f.lastRow) < lateAfter
}
