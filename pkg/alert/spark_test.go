package alert

import (
	"math"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

func TestSpark(t *testing.T) {
	long := detect.Course{From: onset, Seconds: 3600, Counts: make([]int, 30)}
	long.Counts[2], long.Counts[29] = 9, 3
	for _, c := range []struct {
		course detect.Course
		want   string
	}{
		{detect.Course{}, ""},
		{detect.Course{From: onset, Seconds: 600, Counts: []int{0, 0, 0}}, ""},
		{detect.Course{From: onset, Seconds: 600, Counts: []int{4}}, ""},
		{detect.Course{From: onset, Seconds: 0, Counts: []int{4, 5}}, ""},
		{detect.Course{From: onset, Seconds: math.MaxInt, Counts: []int{4, 5}}, ""},
		{detect.Course{From: onset, Seconds: 600, Counts: []int{0, 1, 2, 4, 8, -3}}, "▁▂▃▅█▁ from 13:12 to 14:12 UTC, 10 min a bar; most 8 in the one from 13:52"},
		{detect.Course{From: onset, Seconds: 600, Counts: []int{0, 1, 2}, Upper: []float64{0.4, 1.9, 1.9}}, "▁▅█ from 13:12 to 13:42 UTC, 10 min a bar; most 2 in the one from 13:32, up to 1 is usual; 1 bar above the usual"},
		{detect.Course{From: onset, Seconds: 600, Counts: []int{0, 1}, Upper: []float64{0, 0.9}}, "▁█ from 13:12 to 13:32 UTC, 10 min a bar; most 1 in the one from 13:22, none is usual; 1 bar above the usual"},
		{detect.Course{From: onset, Seconds: 600, Counts: []int{5, 1}, Upper: []float64{math.NaN(), 1}}, "█▃ from 13:12 to 13:32 UTC, 10 min a bar; most 5 in the one from 13:12"},
		{detect.Course{From: onset, Seconds: 600, Counts: []int{5, 1000000}, Upper: []float64{1}}, "▂█ from 13:12 to 13:32 UTC, 10 min a bar; most 1000000 in the one from 13:22"},
		{detect.Course{From: onset, Seconds: 600, Counts: []int{3, 685732081549}}, "▂█ from 13:12 to 13:32 UTC, 10 min a bar; most 685732081549 in the one from 13:22"},
		{long, "▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█ from 4 Mar 19:12 to 5 Mar 19:12 UTC, 1 h a bar; most 3 in the one from 5 Mar 18:12"},
	} {
		c.course.From = c.course.From.In(time.FixedZone("", 7200))
		if got := spark(c.course); got != c.want {
			t.Errorf("%v: %q, want %q", c.course.Counts, got, c.want)
		}
	}
}
