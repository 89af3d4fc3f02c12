package baseline

// Time is UTC in slots of ten minutes. A week begins on Monday 00:00, so that hour of week i = 24·weekday + hour, and a class is weekday or weekend.
const (
	SlotsPerDay = 144 // the resolution of counting
	MaxDays     = 84  // days of History that teach: twelve whole weeks

	slotsPerHour = SlotsPerDay / hoursPerDay
	hoursPerDay  = 24
	hoursPerWeek = 168
	classHours   = 48 // hours of a weekday, then of a weekend day
)

// Step 1, scheduled batches: a slot is one when its median count is at least batchMin and above batchRatio·(the median around it + batchMargin).
const (
	batchDays      = 28  // days looked at, the newest
	batchMinDays   = 4   // of them with a usable slot, or there is no batch
	batchMinPerDay = 6.  // breaks a day in the mean over these, or there is no batch
	batchClassDays = 3   // days of a class that make a plan of its own
	batchMin       = 2.  // breaks
	batchRatio     = 3.  // times what is usual around it
	batchMargin    = 0.3 // breaks; keeps a slot in the middle of nothing from being a batch by two breaks in one of many days
	batchAround    = 6   // neighbouring slots on each side
	batchMaxShare  = 0.9 // of a day's breaks that batches are believed to hold together
)

// Step 2, the shape of the fleet: shares of a uniform week, and how much one series may say.
const (
	fleetDays      = 56  // days looked at, the newest
	fleetMinBreaks = 10  // a series with no more than these says nothing about hours
	fleetMaxWeight = 30. // w = min(√breaks, this): one large series is not the fleet
	fleetPrior     = 3.  // breaks in each hour that a flat week is worth
	fleetFlat      = 0.1 // share of the fleet's shape that stays flat
)

// Step 3, the shape of one series.
const (
	shapeHalfLife = 42.                 // days
	habitOnce     = 2.                  // breaks that one hour may teach of itself,
	habitAgain    = 1.5                 // and so many times what another of the same hour of the week had
	classPrior    = 100. / classHours   // breaks that the fleet's shape is worth, in each of the 48 hours of a class
	hourPrior     = 400. / hoursPerWeek // breaks that the shape by class is worth, in each of the 168 hours
	shapeFloor    = 0.02                // of the mean; no hour is believed to be impossible
)

// Step 4, the level: half a break in half a day, so one a day, worth half an event. It forgets with a half-life in which halfLifeBreaks breaks are expected.
const (
	priorBreaks    = 0.5 // a₀
	priorDays      = 0.5 // b₀, days
	halfLifeBreaks = 30.
	halfLifeMin    = 14. // days
	halfLifeMax    = 60. // days
	warmDays       = 10  // a longer history leaves out
	guardDays      = 2   // its newest days: an incident that is only beginning may not teach
)

// Step 6, clumping φ: the variance of counts over their mean; 1 is Poisson. It is measured in blocks of three hours with few expected breaks, where a
// wandering rate hardly shows.
const (
	dispersionDays = 56   // days looked at, the newest with rates; of step 7 too
	clumpHours     = 3    // hours of a block
	clumpMaxMean   = 4.   // only blocks with fewer expected breaks
	clumpWander    = 0.03 // squared coefficient of variation that a wandering rate adds in three hours
	clumpCapMean   = 25.  // a block counts at most 25 m + 9: one incident is not clumping
	clumpCap       = 9.
	clumpPrior     = 30.  // expected breaks that the fleet's φ is worth
	clumpMin       = 1.   // φ of a series and of the fleet
	clumpMax       = 4.   // φ of a series
	clumpStart     = 1.3  // φ before anything was seen
	fleetClump     = 200. // expected breaks that clumpStart is worth to the fleet
	fleetClumpMax  = 3.   // φ of the fleet
)

// Step 7, fluctuation v: the squared coefficient of variation of the rate itself, by the length of a window.
const (
	fluctuationStart  = 0.04  // v at one hour before anything was seen
	fluctuationShrink = 0.8   // prior at a scale, times v of the scale before: longer windows average the wandering out
	fluctuationMin    = 0.003 // no rate is perfectly known
	fluctuationPrior  = 10.   // mean blocks (of m² = Σm²/blocks, at least 1) that the prior is worth
	fluctuationCap    = 14.   // a block counts at most 14 (φ m + .06 m²) + 1: incidents are not fluctuation
	fluctuationWander = 0.06
	fluctuationSlack  = 1.
)

// The scales of Model.Fluctuation, and the longest windows that each is used for.
const (
	sixHours  = 6   // hours of a block; the scale before has one
	daysBlock = 3   // days of a block at the longest scale
	upToHour  = 12  // slots: v at 1 h serves windows up to 2 h,
	upToSix   = 72  // v at 6 h up to 12 h,
	upToDay   = 216 // v at 24 h up to 36 h, v at 72 h the longer ones
)
