package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/store"
)

const week = 7 * 24 * time.Hour

// falseAlarms says what is promised of each kind of series.
func (c *config) falseAlarms() string {
	text := fmt.Sprintf("at most one false alarm in %s over all series of revocations together, one in %s over all of unknown connections",
		formatDuration(shared(c.falseAlarmsEvery)), formatDuration(shared(c.unknownEvery)))
	if c.budget > 0 {
		text = fmt.Sprintf("at most one false alarm in %s per series", formatDuration(c.budget))
	}
	for _, provider := range slices.Sorted(maps.Keys(c.budgets)) {
		text += fmt.Sprintf(", for %s one in %s per series", provider, formatDuration(c.budgets[provider]))
	}
	return text
}

// total says how many false alarms that makes in all, whatever the series are. A budget per series is promised for ten; of a provider with a budget
// of its own one series is counted.
func (c *config) total() string {
	weekly := per(shared(c.falseAlarmsEvery)) + per(shared(c.unknownEvery))
	series := fmt.Sprintf("with up to %d series", min(detect.MaxBudget/shared(c.falseAlarmsEvery), detect.MaxBudget/shared(c.unknownEvery)))
	if c.budget > 0 {
		weekly, series = 10*per(c.budget), "with 10 series"
	}
	for _, own := range c.budgets {
		weekly += per(own)
	}
	if n := len(c.budgets); n > 0 {
		series += fmt.Sprintf(" and %s with a budget of its own", plural(n, "provider"))
	}
	return fmt.Sprintf("in all at most %s, %s", rate(weekly), series)
}

func shared(every time.Duration) time.Duration { return min(every, detect.MaxBudget) }

// per is "once in this time" as a number a week.
func per(every time.Duration) float64 { return float64(week) / float64(every) }

// rate says a number of false alarms a week in two ways.
func rate(weekly float64) string {
	if !(weekly > 0) {
		return "no false alarm"
	}
	return fmt.Sprintf("one false alarm in %s (%.2g a week)", duration(7/weekly), weekly)
}

// present is what is expected of the series that there are.
type present struct {
	series int
	weekly float64 // false alarms
	unmet  int     // series that do not keep their budget
	source string
}

// errNothingYet is a place where nothing has run.
var errNothingYet = errors.New("no state file")

// present asks the state file, or the daemon that has it in use.
func (c *config) present(ctx context.Context) (p present, err error) {
	g := newEngine(c, time.Time{})
	switch err := store.View(c.statePath, g.detector.Restore); {
	case errors.Is(err, fs.ErrNotExist):
		return p, errNothingYet
	case errors.Is(err, store.ErrLocked):
		return daemonAt("", c.listen).present(ctx)
	case err != nil:
		return p, err
	}
	p.source = "the state file " + c.statePath
	for _, x := range g.detector.Series() {
		p.series++
		p.weekly += 7 / x.BudgetDays
		if !x.BudgetMet {
			p.unmet++
		}
	}
	return p, nil
}

// present reads the metrics of the daemon.
func (d runningDaemon) present(ctx context.Context) (p present, err error) {
	_, body, err := d.call(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return p, err
	}
	found := false
	for s := bufio.NewScanner(bytes.NewReader(body)); s.Scan(); {
		line := s.Text()
		v, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		family := line[:strings.IndexAny(line+" ", "{ ")]
		switch {
		case err != nil:
		case family == "revwatch_expected_false_alarms_per_week":
			p.weekly, found = v, true
		case family == "revwatch_series":
			p.series += int(v)
		case family == "revwatch_budget_met" && v == 0:
			p.unmet++
		}
	}
	if p.source = "the daemon at " + d.String(); !found {
		return p, fmt.Errorf("%s does not say yet how many series there are", p.source)
	}
	return p, nil
}

func (p present) String() string {
	text := fmt.Sprintf("%s: %s expected, by %s", plural(p.series, "series"), rate(p.weekly), p.source)
	if p.unmet > 0 {
		text += fmt.Sprintf("; %d of them do not keep their budget", p.unmet)
	}
	return text
}
