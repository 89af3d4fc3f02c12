package main

// Rivals returns the detectors that ours is held against, simple ones first. Each is written from its published formula with the parameters its authors recommend.
// Where a method leaves something open, it got what helps it: a floor for the deviation, hourly looks at daily charts, a seasonal baseline, the better of capped and
// uncapped counts. None knows the labels.
func Rivals() []Rival {
	return []Rival{
		{"fixed threshold, 1 h", "a static alert rule", fixed(anHour)},
		{"fixed threshold, 24 h", "a static alert rule", fixed(aDay)},
		{"mean + kσ, hourly", "Shewhart 1931, Economic Control of Quality of Manufactured Product; trailing baseline", meanSigma(anHour, 7*24, 24)},
		{"mean + kσ, daily", "Shewhart 1931, as above, 28 days (Tokars et al. 2009, doi 10.3201/eid1504.080616)", meanSigma(aDay, 28, 7)},
		{"spike ratio, 1 h", "jertel/elastalert2, elastalert/ruletypes.py, SpikeRule", spike(anHour)},
		{"spike ratio, 24 h", "jertel/elastalert2, elastalert/ruletypes.py, SpikeRule", spike(aDay)},
		{"burn rate", "The Site Reliability Workbook, chapter 5, Alerting on SLOs: multiwindow, multi-burn-rate alerts", burnRate},
		{"EWMA chart", "Roberts 1959, Technometrics 1:239; Lucas & Saccucci 1990, Technometrics 32:1", ewma},
		{"Holt-Winters", "Brutlag 2000, LISA XIV; two seasons: Taylor 2003, doi 10.1057/palgrave.jors.2601589", holtWinters},
		{"EARS C1", "Hutwagner et al. 2003, Journal of Urban Health 80 (suppl. 1):i89", ears(0)},
		{"EARS C2", "Hutwagner et al. 2003, as above", ears(2)},
		{"EARS C3", "Hutwagner et al. 2003, as above", earsC3},
		{"Farrington 1996", "Farrington, Andrews, Beale & Catchpole 1996, doi 10.2307/2983331", farrington(farrington1996)},
		{"farringtonFlexible", "Noufaily et al. 2013, doi 10.1002/sim.5595; cran/surveillance, R/farringtonFlexible.R", farrington(farringtonFlexible)},
		{"GLR-NB CUSUM", "Höhle & Paul 2008, doi 10.1016/j.csda.2008.02.015", glrNB},
		{"Poisson-FOCuS", "Ward, Dilillo, Eckley & Fearnhead, arXiv 2208.01494; Dilillo et al. 2024, arXiv 2312.08817", focus},
		{"promql band", "grafana/promql-anomaly-detection, rules/adaptive.yml: mean ± kσ of 26 h, last week, margin", promBand},
		{"promql adaptive rules", "grafana/promql-anomaly-detection, rules/adaptive.yml, rule by rule", promAdaptive},
		{"robust seasonal band", "the robust algorithm of Datadog's anomaly monitor as its manual describes it", seasonalBand},
		{"modified z", "Iglewicz & Hoaglin 1993, How to Detect and Handle Outliers", modifiedZ},
	}
}
