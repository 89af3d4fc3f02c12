package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/detect"
)

// weekly tells once a week how things are, in one line: the proof that the pipeline is alive and right. The line is told as an incident of its own
// signal, which never resolves.
type weekly struct {
	when  moments
	told  notices   // each for weeklyKept
	since time.Time // the oldest row that was ever read
	past  time.Time // the newest moment that was told, or passed over
	said  time.Time // the next moment, as it was logged
	dirty bool
}

const (
	bucketWeekly = "weekly"
	weeklyKept   = 7 * 24 * time.Hour
	weeklyLate   = 24 * time.Hour // a line that is later than this is left out
)

// moments are those at which a line is due: a day of the week and a time of that day, in UTC.
type moments struct {
	day time.Weekday
	at  time.Duration
	off bool
}

func parseWeekly(text string) (m moments, err error) {
	if strings.EqualFold(text, "off") {
		return moments{off: true}, nil
	}
	name, clock, _ := strings.Cut(strings.ToLower(text), " ")
	at, err := time.Parse("15:04", clock)
	for m.day = range 7 {
		if strings.ToLower(m.day.String()) == name {
			m.at = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
			return m, err
		}
	}
	return m, errors.New("no day of the week")
}

// last is the newest moment that is not after t.
func (m moments) last(t time.Time) time.Time {
	day := t.UTC().Truncate(24 * time.Hour)
	for ; day.Weekday() != m.day || day.Add(m.at).After(t); day = day.AddDate(0, 0, -1) {
	}
	return day.Add(m.at)
}

// saw notes that a row of this time was read; zero: none was.
func (w *weekly) saw(t time.Time) {
	if t.IsZero() {
		return
	}
	if w.since.IsZero() || t.Before(w.since) {
		w.since, w.dirty = t, true
	}
}

// due says whether a line has to be told now, and of which moment. read is the clock at which everything there was had been read. What others had
// read up to a time is theirs to tell. The first look of all only notes where in the week it is.
func (w *weekly) due(read, others time.Time) (moment time.Time, ok bool) {
	if read.IsZero() {
		return moment, false
	}
	n := len(w.told)
	w.told = slices.DeleteFunc(w.told, func(x *detect.Incident) bool { return read.Sub(x.OpenedAt).Abs() > weeklyKept })
	w.dirty = w.dirty || len(w.told) != n
	if w.when.off {
		return moment, false
	}
	moment = w.when.last(read)
	first := w.past.IsZero()
	if w.past.Sub(read) > weeklyLate { // by a clock that was wrong
		w.past, w.dirty = moment, true
	}
	if !moment.After(w.past) {
		return moment, false
	}
	w.past, w.dirty = moment, true
	enough := !w.since.IsZero() && !w.since.After(moment.Add(-week))
	return moment, !first && enough && read.Sub(moment) <= weeklyLate && others.Before(moment)
}

// tell makes the incident that carries the line.
func (w *weekly) tell(moment, now time.Time, line string) {
	w.told, w.dirty = append(w.told, newWeekly(moment, now, line)), true
}

func newWeekly(moment, now time.Time, line string) *detect.Incident {
	id := sha256.Sum256(fmt.Appendf(nil, "%q %d", detect.Weekly, moment.UnixMilli()))
	return &detect.Incident{
		Type: "incident", ID: hex.EncodeToString(id[:8]), Status: detect.StatusOpen, Revision: 1, Milestone: 1, Time: now, OpenedAt: now, Since: moment.Add(-week),
		Signal: detect.Weekly, Connections: []detect.Broken{}, Explanation: []string{line},
	}
}

// tellWeek tells the line of the week when its moment has come and everything up to it is read.
func (f *follower) tellWeek(now time.Time) {
	if f.behind || f.oldest.IsZero() && f.weekly.since.IsZero() {
		return
	}
	f.weekly.saw(f.oldest)
	moment, due := f.weekly.due(f.positions.reached(), f.positions.told())
	if next := f.weekly.past.Add(week); !f.weekly.past.IsZero() && !next.Equal(f.weekly.said) {
		f.weekly.said = next
		f.log.Info("the next weekly line", zap.Time("due", next))
	}
	if !due {
		return
	}
	line := f.engine.weekLine(moment, f.silence.told.incidents(), f.words.Display)
	f.weekly.tell(moment, now, line)
	f.changed = true
	f.log.Info("weekly line", zap.String("text", line), f.would(f.weekly.told[len(f.weekly.told)-1]))
}

// weekLine is the line of the seven days that the detector counts at a moment, with its incidents and others.
func (g *engine) weekLine(moment time.Time, others []detect.Incident, display func(string) string) string {
	end := moment
	if closed := g.detector.Closed(); !closed.IsZero() && closed.Before(end) {
		end = closed
	}
	told := slices.DeleteFunc(append(others, g.detector.Incidents()...), func(x detect.Incident) bool { return x.Past })
	return alert.WeeklyLine(end.Truncate(24*time.Hour), g.detector.Week(moment), told, display)
}

type storedWeekly struct {
	Since, Past time.Time
	Told        []storedNotice
}

func (w *weekly) changes(put func(bucket, key string, value []byte)) {
	if !w.dirty {
		return
	}
	w.dirty = false
	value, err := json.Marshal(storedWeekly{w.since, w.past, w.told.stored()})
	if err != nil {
		panic(err) // plain structs of finite numbers, strings and times
	}
	put(bucketWeekly, bucketWeekly, value)
}

func (w *weekly) restore(bucket, _ string, value []byte) error {
	if bucket != bucketWeekly {
		return nil
	}
	var stored storedWeekly
	if err := json.Unmarshal(value, &stored); err != nil {
		return fmt.Errorf("restore %s: %w", bucket, err)
	}
	w.since, w.past, w.told = stored.Since, stored.Past, restoredNotices(stored.Told)
	return nil
}
