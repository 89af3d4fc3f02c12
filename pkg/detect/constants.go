package detect

import (
	"time"

	"github.com/revwatch/revwatch/pkg/window"
)

// MaxBudget is the most days between two false alarms that one series gets of a budget that all share: measured to be honest up to here.
const MaxBudget = 3000 * day

// The constants of the method, each with its unit. Their values were set on simulated streams (docs/detection.md); those of the fit are in
// pkg/baseline.

const (
	slot        = window.Slot
	slotsPerDay = window.SlotsPerDay
	hour        = 6 // slots
)

// windows are the lengths scanned, in slots: 10 min, 1 h, 6 h, 24 h, 72 h.
var windows = [5]int{1, 6, 36, 144, 432}

const longest = 432 // slots of the longest window

// The score.
const (
	minCount     = 3    // fewer breaks are never unusual
	minCustomers = 3    // nor are breaks of fewer customers, where those are known
	minRise      = 1.3  // the least rise over what is expected that is worth a message
	continuity   = 0.5  // taken off a count before it is compared with a continuous distribution
	misread      = 0.05 // ρ: revocations expected for each connection whose refresh fails transiently, misread as such
)

// What a young series may say.
const (
	silentStart   = 2 * slotsPerDay // no window begins in the first two days,
	learningUntil = 7 * slotsPerDay // and until the seventh only those of a day or more are judged
)

// shapesFrom is how long rows must have come before the week that all series have in common is learned.
const shapesFrom = 7 * slotsPerDay

// surfaceWithin is the time, in slots, in which breaks that nobody observed show at the next retry.
const surfaceWithin = slotsPerDay

// The tail guard: how the extremes that a series really shows correct its scores.
const (
	excursionFrom   = 0.6931471805599453 // u = log 2: an excursion is a score above this,
	excursionRest   = 72                 // and ends after so many observed slots at or below it
	excursionKept   = 84                 // days an excursion is remembered
	excursionsDrop  = 45                 // of the excursions of so many days the largest one is not counted: it may be an incident
	excursionsClear = 2                  // so many in which a stretch began are not counted: they are incidents
	excursionCap    = 8                  // what one excursion counts at most above u
	tailPrior       = 25.0               // excursions of mean 1 that are taken for seen beforehand
	ratePrior       = 12.0               // excursions at the promised rate that are taken for seen beforehand
	promisedShare   = 0.8                // of the excursions above u that are seen apart: others melt into one
)

// The promise that is checked: excursions above log 7 come once a week.
const (
	promiseScore = 1.9459101490552132 // log 7
	promiseDays  = 28
	promiseRatio = 3 // more often than so many times as promised for 4 weeks: the budget is not met
)

// Stretches that may not teach what is normal.
const (
	maskScore    = 9.210340371976184 // log 10,000; a lower limit lets the baseline sink and feeds itself
	maskRise     = 1.82              // and with so many times what was expected
	maskDecayed  = 4.0               // evidence for the old rate that ends a stretch
	maskThetaMin = 1.5               // bounds of the rise that the end is tested against
	maskThetaMax = 40.0
	maskQuiet    = 1 // breaks in the last day that end a stretch older than a day
)

// Incidents.
const (
	thetaMin     = 1.5 // bounds of the rise that the end is tested against
	thetaMax     = 20.0
	decayed      = 2.5              // evidence for the old rate that ends an incident: at 1.5 most rises of 2 to 4 times that last for days end in between, at 4 one hangs for days
	acceptAfter  = 14 * slotsPerDay // observed slots after which a rise that goes on is the new normal
	quietSlots   = slotsPerDay      // observed slots without a break that end an incident
	reopenWithin = 72 * time.Hour
	riseScore    = 4.605170185988092 // log 100: re-opened, it is told again when the score is so much above what was last told,
	riseCount    = 2                 // or the count so many times
	growth       = 4                 // an incident that goes on is told again when so many times as many broke as were told
	shown        = 50                // connections of an incident that are handed on
)

// Budgets, and how long things are kept.
const (
	day          = 24 * time.Hour
	budgetMin    = 90 * day // per series, however few there are
	liveFor      = 84 * day // a series without a break for so long takes no part of the budget
	keepResolved = 7 * day  // how long a resolved incident is told
)

// Incidents that cover several series.
const (
	familyWithin  = time.Hour         // onsets of one family so near to each other are one incident
	wideBefore    = time.Hour         // what opened so long before all providers rose is part of it,
	wideAfter     = 6 * time.Hour     // and what opens so long after
	breadthTail   = 0.05              // a series rises when its last hour reaches the count that so rarely is reached,
	breadthFloor  = 0.05              // or one, where less than this is expected in an hour
	breadthVary   = 0.02              // added to the variance of the rate of each series
	breadthCommon = 0.05              // variance of the number of series that rise, from what moves them together
	breadthMin    = 5                 // series that rise at least
	breadthFrom   = 28 * slotsPerDay  // by then the week of the fleet is known: before, offices that open look like a rise of all
	breadthOnce   = 5.899897353582491 // log 365: the days between two false alarms of this kind
	breadthScans  = 3.871201010907891 // log 48: independent looks a day
)
