package web

// entry is what the page on metrics says of a metric beyond its description: the unit, and what a person looks at it for.
type entry struct{ name, unit, look string }

// section is a part of the page.
type section struct {
	title   string
	entries []entry
}

// catalogue has every metric, in the order of the page.
var catalogue = []section{
	{"The program", []entry{
		{"build_info", "always 1", "which version runs where; its absence is the sign that none runs"},
		{"config_hash_info", "always 1", "whether all members have the same file"},
		{"ready", "1 or 0", "whether it is of use; `/readyz` says in words what is not"},
		{"check_ok", "1 or 0", "which condition of readiness does not hold"},
		{"shadow", "1 or 0", "whether it is still in its first week"},
		{"snapshot_timestamp_seconds", "Unix time", "whether the loop moves: it is a second ago at most, a few in a large installation. All below stands still when it does"},
	}},
	{"Reading Kafka", []entry{
		{"owner", "1 or 0", "who reads. What the others show of rows, series, incidents and destinations is of the time before, so ask for `and on (job, instance) revwatch_owner == 1`"},
		{"group_joined", "1 or 0", "whether a member could take over"},
		{"input_failing", "1 or 0", "errors of Kafka; the log and `/readyz` have their text"},
		{"partition_lag_records", "records", "how much waits; beside the event lag, which says how old it is"},
		{"partition_position", "offset", "its rate is the records read of a partition"},
		{"offset_gap_records_total", "records", "how much was lost before it was read; kept over restarts"},
		{"offset_gap_timestamp_seconds", "Unix time", "when that was. A topic that was cut back or made anew has a time, though nobody knows how much it held"},
		{"sources", "partitions", "partitions that hold everything back, and those that nobody waits for any more"},
		{"skipped_batches_total", "batches", "`control` and `aborted` are as it should be; the others are gaps"},
		{"fetched_bytes_total", "bytes", "what the network carries, compressed as it is"},
		{"stalls_total", "readings", "trouble between here and the brokers"},
	}},
	{"What the records are", []entry{
		{"records_total", "records", "`quarantined` against all but `skipped`: the share that cannot be read. `skipped` are most of a healthy topic"},
		{"quarantined_total", "records", "why: `detector explain-record` takes one apart"},
		{"damaged_records_total", "records", "lines that were cut, lists with a broken row"},
		{"bad_utf8_records_total", "records", "a shipper that changes bytes"},
		{"envelopes_total", "records", "by which road rows come"},
		{"rows_total", "rows", "whether both kinds come: `operation` and `update`, and `message_log` or `message_http`"},
		{"clock_ahead_rows_total", "rows", "a clock that is wrong"},
		{"duplicate_rows_total", "rows", "how much a shipper sends twice; they count once"},
		{"schema_drift", "1 or 0", "rows that are no longer what they were: blind in part or in all"},
		{"accounts", "accounts", "more than one share this detector, which takes their names for the same"},
	}},
	{"What the rows were joined into", []entry{
		{"refreshes_total", "operations", "with the reasons: how many of the failures say why"},
		{"reasons_total", "operations", "as above"},
		{"events_total", "events", "life: `active` comes with every proxy call that works"},
		{"failures_total", "failures", "the share of `unknown`; `transient` alone rises in an outage of a provider"},
		{"refresh_failures_total", "failures", "the causes over time, of one provider"},
		{"refresh_token_external_errors_total", "failures", "the figure that Nango itself has, before revocations are told from outages"},
		{"echoes_total", "failures", "whether two roads tell of the same; they count once"},
		{"merged_events_total", "events", "nothing is lost with them"},
		{"unjoined_total", "reasons", "the operations index does not come, or not in time"},
		{"unnamed_failures_total", "failures", "rows that lost the name of their connection"},
		{"late_records_total", "events", "a shipper that is days behind"},
		{"evicted_total", "operations", "`join.max` is too small for what waits"},
		{"held", "operations", "steps up when operations come and their messages do not"},
	}},
	{"Time", []entry{
		{"event_lag_seconds", "seconds", "how late an alert would be. On a quiet topic it grows as well: it is lag where records wait too"},
		{"watermark_timestamp_seconds", "Unix time", "up to when everything is judged"},
		{"newest_row_timestamp_seconds", "Unix time", "when Nango last wrote something that arrived"},
		{"source_silent", "1 or 0", "whether rows come at all; an incident of its own tells the same"},
	}},
	{"What is unusual", []entry{
		{"broken_connections_total", "connections", "each connection once, when it newly broke, however often it fails; kept over restarts"},
		{"revoked_connections", "connections", "the count against its expectation and its bound, in each window"},
		{"expected", "connections", "what is normal here"},
		{"upper_bound", "connections", "the line that the count must reach to open an incident"},
		{"score", "alarm lines", "at 1 an incident opens; comparable over all series, as 1 is where the budget of each lies"},
		{"budget_days", "days", "how rare 1 is"},
		{"expected_false_alarms_per_week", "alarms a week", "what the settings promise in all"},
		{"series_excursions", "times", "the record of a series against its promise"},
		{"series_excursions_promised", "times", "as above"},
		{"budget_met", "1 or 0", "series whose alerts may be false more often than promised; they say so"},
		{"series", "series", "how many are too young to be judged as usual"},
		{"learning_until_timestamp_seconds", "Unix time", "when the youngest is judged by every window"},
		{"connections_broken", "connections", "how many need somebody now"},
		{"connections_active", "connections", "of how many"},
		{"dropped_breaks_total", "connections", "breaks of times that are not kept, or of more providers and environments than are followed; kept over restarts"},
		{"detection_delay_seconds", "seconds", "how fast an incident is found: from its newest break, at the clock of the machine"},
	}},
	{"Incidents", []entry{
		{"incident", "1 or 0", "what is open; annotations of a dashboard: `revwatch_incident == 1`. An incident of all has a sample for each of its environments"},
		{"incidents_open", "incidents", "how many, by how soon somebody should look"},
		{"incidents_muted", "incidents", "why there was no message"},
		{"silences", "silences", "whether somebody has asked for quiet: `detector silence list`"},
	}},
	{"Telling people", []entry{
		{"notifications_total", "requests", "`refused` and `doubtful`; a request that failed is made again"},
		{"outbox_depth", "incidents", "what a destination has not been told yet"},
		{"outbox_oldest_seconds", "seconds", "for how long"},
		{"destination_down", "1 or 0", "who has to be mended: a key, a channel, an address"},
	}},
	{"Nango's API", []entry{
		{"connections", "connections", "how many there are: of so many are those broken"},
		{"directory_connections", "connections", "how many the last list had"},
		{"directory_last_success_timestamp_seconds", "Unix time", "how old it is"},
		{"directory_requests_total", "requests", "what hinders it; [rows.md](rows.md#who-and-how-many-nangos-api) says what to do about each"},
	}},
	{"The state file", []entry{
		{"state_commit_seconds", "seconds", "a slow disk; reading waits for each commit"},
		{"state_last_commit_timestamp_seconds", "Unix time", "a second ago while it reads"},
		{"state_set_aside", "1 or 0", "what the topic no longer held is forgotten"},
	}},
}

// labelled says what stands in a label, of a single metric where the same label means another thing there.
var labelled = []struct{ label, of, values string }{
	{"environment", "", "an environment of Nango as the rows name it; `other`: all beyond the first 1,000 names; `unknown`: the rows have none; `all`: an incident that is of none in particular"},
	{"provider", "", "Nango's provider key; `other`, `unknown` and `all` as above. In metrics with a `signal`, an integration stands for its provider where connections were asked for that do not exist"},
	{"integration", "", "Nango's Integration ID; `other` and `unknown` as above"},
	{"cause", "", listed(causes[:]) + "; in series and incidents `revoked`, `misconfigured` and `unknown` alone"},
	{"cause", "incident", "as in series; `none` when no rows come"},
	{"signal", "", "`revocations`, `unknown_connections`; of incidents also `silence`: no rows come"},
	{"scope", "incident", "`provider`: one provider or one of its integrations; `family`: several of one vendor; `all`"},
	{"severity", "incidents_open", "`warning`, `critical`"},
	{"window", "", "`10m`, `1h`, `6h`, `24h`, `72h`"},
	{"state", "series", "`learning`, `quiet`, `open`"},
	{"state", "sources", "`open`, `behind`, `stalled`"},
	{"partition", "", "topic/number, of the partitions that this member reads"},
	{"result", "records_total", "`understood`, `ignored`, `skipped` (cannot matter), `quarantined` (cannot be read)"},
	{"result", "notifications_total", "`sent`; `repeated`: an unchanged state that has to be sent again; `failed`: will be made again; `doubtful`: may have arrived; `refused`: for good"},
	{"result", "directory_requests_total", "`ok`; `unauthorized`, `forbidden`, `not_found`, `refused`, `rate_limited`, `server_error`, `unreachable`, `unreadable`"},
	{"reason", "quarantined_total", "`empty`, `too_large`, `not_json`, `not_an_object`, `not_otlp`, `cut_row`, `too_deep`, `too_dense`, `too_many_rows`, `too_much_nesting`, `span_too_large`, `other_envelope`, `no_operation_id`, `no_connection`, `no_time`, `implausible_time`, `future`"},
	{"reason", "skipped_batches_total", "`control`, `aborted`; `retention`, `truncated`, `corrupt`, `oversize`, `old_format`"},
	{"envelope", "", "the outermost one: a name of [rows.md](rows.md#envelopes)"},
	{"kind", "rows_total", "`operation`, `update`, `message_log`, `message_http`, `webhook`, `span`; `other_operation`, `other_message`: of no meaning here"},
	{"kind", "events_total", "`failure`, `reconnected`, `active`, `seen`, `exhausted`, `deleted`, `unknown_connection`"},
	{"kind", "schema_drift", "`no_nango_rows`, `no_causes`, `no_refreshes`"},
	{"destination", "", "the name of a destination, as configured"},
	{"check", "", "`kafka`, `partitions`, `state`"},
	{"version, go, hash", "", "one value each"},
	{"le", "", "bounds of a histogram, in seconds"},
}
