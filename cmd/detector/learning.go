package main

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/detect"
)

// learningText says what cannot be seen yet, without a full stop; "" when nothing is too young to be judged as usual.
func learningText(l detect.Learning) string {
	who := plural(l.Series, "series") + " are still learning"
	switch {
	case l.Until.IsZero():
		return ""
	case l.Series == 0:
		who = "there is no series yet, and one that begins now has to learn"
	case l.Series == 1:
		who = "1 series is still learning"
	}
	blind := "nothing is judged"
	if l.Blind < l.Series {
		blind = fmt.Sprintf("nothing is judged of %d of them", l.Blind)
	}
	days := fmt.Sprintf("until %s only windows of a day or more", minute(l.Until))
	if l.Judged.IsZero() {
		return who + ": " + days + " are judged"
	}
	return fmt.Sprintf("%s: until %s %s, %s", who, minute(l.Judged), blind, days)
}

// minute is a time to the minute, in UTC.
func minute(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04") }

// watchLearning logs what cannot be seen yet: when the history is read, and when it changes.
func (f *follower) watchLearning(l detect.Learning) {
	if f.behind || l.Until.Equal(f.learning.Until) && l.Judged.Equal(f.learning.Judged) {
		return
	}
	f.learning = l
	text := learningText(l)
	if text == "" {
		text = "every series is judged by windows of every length now"
	}
	f.log.Info(text, zap.Int("learning", l.Series), zap.Int("blind", l.Blind))
}
