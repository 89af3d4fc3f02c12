package main

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/revwatch/revwatch/pkg/detect"
)

func TestLearningText(t *testing.T) {
	judged, until := time.Date(2026, 11, 26, 14, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 14, 0, 0, 0, time.UTC)
	for want, l := range map[string]detect.Learning{
		"": {},
		"7 series are still learning: until 26 Nov 2026 14:00 nothing is judged, until 1 Dec 2026 14:00 only windows of a day or more":              {Series: 7, Blind: 7, Judged: judged, Until: until},
		"7 series are still learning: until 26 Nov 2026 14:00 nothing is judged of 2 of them, until 1 Dec 2026 14:00 only windows of a day or more": {Series: 7, Blind: 2, Judged: judged, Until: until},
		"1 series is still learning: until 1 Dec 2026 14:00 only windows of a day or more are judged":                                               {Series: 1, Until: until},
	} {
		if got := learningText(l); got != want {
			t.Errorf("%+v: %q, want %q", l, got, want)
		}
	}
	if got := learningText(detect.Learning{Judged: judged, Until: until}); !strings.HasPrefix(got, "there is no series yet") {
		t.Errorf("without a series: %q", got)
	}
}

// One line when what can be seen changes, none while the history is read, and none for every series that is new.
func TestLearningIsLoggedOnce(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	f := &follower{log: zap.New(core), behind: true}
	judged, until := time.Date(2026, 11, 26, 14, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 14, 0, 0, 0, time.UTC)
	young := detect.Learning{Series: 1, Blind: 1, Judged: judged, Until: until}
	look := func(l detect.Learning, want int) {
		t.Helper()
		for range 3 {
			f.watchLearning(l)
		}
		if lines.Len() != want {
			t.Fatalf("%d lines, want %d: %v", lines.Len(), want, lines.All())
		}
	}
	look(young, 0)
	f.behind = false
	look(young, 1)
	young.Series, young.Blind = 9, 9
	look(young, 1)
	look(detect.Learning{Series: 9, Until: until}, 2)
	look(detect.Learning{}, 3)
	if last := lines.All()[2].Message; !strings.Contains(last, "every length") {
		t.Errorf("at the end: %q", last)
	}
}
