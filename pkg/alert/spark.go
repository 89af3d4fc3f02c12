package alert

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

const (
	maxBars = 24
	maxStep = 366 * 24 * 3600 // seconds
)

// bars are the heights of a step: the lowest is none at all, the highest the most that any step has.
var bars = []rune("▁▂▃▄▅▆▇█")

// spark draws a course as bars and says the same in words: "▁▁▃█▂▁ from 12:10 to 13:10 UTC, 10 min a bar; most 8 in the one from 12:40, up to 1 is usual; 2 bars
// above the usual". It is "" for a course without a break.
func spark(c detect.Course) string {
	if c.Seconds <= 0 || c.Seconds > maxStep {
		return ""
	}
	first := max(0, len(c.Counts)-maxBars)
	counts, step := c.Counts[first:], time.Duration(c.Seconds)*time.Second
	peak := 0
	for i, n := range counts {
		if n > counts[peak] {
			peak = i
		}
	}
	if len(counts) < 2 || counts[peak] <= 0 {
		return ""
	}
	from := c.From.UTC().Add(time.Duration(first) * step)
	till, form := from.Add(time.Duration(len(counts))*step), "15:04"
	if till.Sub(from) >= 24*time.Hour {
		form = "2 Jan 15:04"
	}
	return fmt.Sprintf("%s from %s to %s UTC, %s a bar; most %d in the one from %s%s", heights(counts, counts[peak]), from.Format(form), till.Format(form), window(c.Seconds),
		counts[peak], from.Add(time.Duration(peak)*step).Format(form), band(c, first, first+peak))
}

// heights draws one bar a count.
func heights(counts []int, most int) string {
	var b strings.Builder
	for _, n := range counts {
		share := float64(max(0, n)) / float64(most) // at most 1, also when it is rounded
		b.WriteRune(bars[int(math.Ceil(share*float64(len(bars)-1)))])
	}
	return b.String()
}

// band says what is usual at the peak and how many bars are above what is usual there.
func band(c detect.Course, first, peak int) string {
	if len(c.Upper) != len(c.Counts) || !(c.Upper[peak] >= 0 && c.Upper[peak] < 1e9) {
		return ""
	}
	above := 0
	for i := first; i < len(c.Counts); i++ {
		if float64(c.Counts[i]) > c.Upper[i] {
			above++
		}
	}
	usual := "none"
	if c.Upper[peak] >= 1 {
		usual = fmt.Sprintf("up to %d", int(c.Upper[peak]))
	}
	return fmt.Sprintf(", %s is usual; %s above the usual", usual, count(above, "bar"))
}
