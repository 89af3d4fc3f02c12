package web

import (
	"io"
	"time"
)

// writeReading writes what became of the records: nothing is dropped without a count.
func writeReading(w io.Writer, x *Snapshot) {
	s := x.Reader
	bad := int64(0)
	for _, n := range s.Quarantined {
		bad += n
	}
	write(w,
		addAll(newFamily(counter, "revwatch_records_total", "Records read, by what was in them."), "result", map[string]int64{
			"skipped": s.Skipped, "understood": s.Understood, "ignored": s.Ignored, "quarantined": bad,
		}),
		addAll(newFamily(counter, "revwatch_quarantined_total", "Records that could not be read, by reason."), "reason", s.Quarantined),
		count("revwatch_damaged_records_total", "Records understood in part: a row in them could not be read.", s.Damaged),
		count("revwatch_bad_utf8_records_total", "Records understood although they are not valid UTF-8.", s.BadUTF8),
		count("revwatch_clock_ahead_rows_total", "Rows stamped more than 5 minutes ahead of their arrival; the arrival counts.", s.ClockAhead),
		count("revwatch_duplicate_rows_total", "Rows of operations that were already counted.", s.Duplicates),
		addAll(newFamily(counter, "revwatch_rows_total", "Nango log rows read, by kind."), "kind", s.Rows),
		addAll(newFamily(counter, "revwatch_envelopes_total", "Records understood, by the outermost envelope around their rows."), "envelope", s.Envelopes),
		count("revwatch_refreshes_total", "Refresh operations seen in rows.", s.Refreshes),
		count("revwatch_reasons_total", "Refresh operations whose rows held a reason.", s.Reasons),
		count("revwatch_echoes_total", "Failures that another route told again; they count once.", s.Echoes),
		single(gauge, "revwatch_accounts", "Nango accounts whose rows were seen; one is expected.", float64(s.Accounts)),
		events(x),
		addAll(newFamily(counter, "revwatch_failures_total", "Failed refreshes, by the class of their cause."), "cause", s.Failures),
		count("revwatch_late_records_total", "Events complete more than 72 h behind the watermark; they count no more.", s.Late),
		count("revwatch_unjoined_total", "Reasons whose operation never came.", s.Unjoined),
		count("revwatch_unnamed_failures_total", "Failures that name no connection.", s.Unnamed),
		count("revwatch_evicted_total", "Operations decided before their time because too many were waiting.", s.Evicted),
		count("revwatch_merged_events_total", "Signs of life too close to the one before; they tell nothing new.", s.Merged),
		count("revwatch_dropped_breaks_total", "Broken connections that no series could take.", x.Detector.Dropped),
		single(gauge, "revwatch_held", "Operations waiting for their other rows or for the watermark.", float64(s.Held)),
		sources(x),
		drift(x),
	)
}

func drift(x *Snapshot) *family {
	f := newFamily(gauge, "revwatch_schema_drift", "1 while no_nango_rows: no record is a row of Nango's logs; no_causes: no failed refresh gets a reason; no_refreshes: no reason gets its operation.")
	for kind, on := range x.Drift {
		f.add(labels("kind", clean(kind)), bit(on))
	}
	return f
}

func count(name, help string, n int64) *family { return single(counter, name, help, float64(n)) }

func events(x *Snapshot) *family {
	f := newFamily(counter, "revwatch_events_total", "What the rows were joined into, by kind.")
	for kind, n := range x.Reader.Events {
		f.add(labels("kind", kind.String()), float64(n))
	}
	return f
}

func sources(x *Snapshot) *family {
	f := newFamily(gauge, "revwatch_sources", "Partitions that are read; behind: hold everything back; stalled: unreadable for 10 minutes.")
	f.add(labels("state", "open"), float64(x.Reader.Sources))
	f.add(labels("state", "behind"), float64(x.Reader.Behind))
	f.add(labels("state", "stalled"), float64(x.Reader.Stalled))
	return f
}

func writeInput(w io.Writer, in Input) {
	lag := newFamily(gauge, "revwatch_partition_lag_records", "Records between our position and the end of the partition.")
	position := newFamily(gauge, "revwatch_partition_position", "Next offset of the partition.")
	gap := newFamily(counter, "revwatch_offset_gap_records_total", "Records of the partition that were lost before they were read.")
	found := newFamily(gauge, "revwatch_offset_gap_timestamp_seconds", "When a gap in the partition was last found; kept over restarts, missing when there never was one.")
	for _, p := range in.Partitions {
		l := labels("partition", clean(p.Name))
		lag.add(l, float64(p.Lag))
		position.add(l, float64(p.Position))
		gap.add(l, float64(p.Gap))
		if !p.GapAt.IsZero() {
			found.raise(l, unix(p.GapAt))
		}
	}
	write(w,
		single(gauge, "revwatch_group_joined", "1 while we are a member of the consumer group.", bit(in.Joined)),
		single(gauge, "revwatch_owner", "1 on the one member that reads; the others stand by.", bit(in.Owner)),
		single(gauge, "revwatch_input_failing", "1 while an error hinders reading.", bit(in.Error != "")),
		lag, position, gap, found,
		addAll(newFamily(counter, "revwatch_skipped_batches_total", "Batches of records left out, by reason."), "reason", in.Skipped),
		count("revwatch_fetched_bytes_total", "Bytes of record batches fetched.", in.Bytes),
		count("revwatch_stalls_total", "Stalled readings that were begun anew.", int64(in.Stalled)),
	)
}

// writeTimes writes the times that are known. The lag is measured now: it grows when nothing is published any more.
func writeTimes(w io.Writer, x *Snapshot, now time.Time) {
	lag := newFamily(gauge, "revwatch_event_lag_seconds", "How far the judged events are behind the clock.")
	if !x.Watermark.IsZero() {
		lag.add("", age(now, x.Watermark))
	}
	write(w,
		lag,
		instant("revwatch_watermark_timestamp_seconds", "Every event before it was judged.", x.Watermark),
		instant("revwatch_newest_row_timestamp_seconds", "Newest row that was read.", x.Newest),
		single(gauge, "revwatch_source_silent", "1 when no row came for longer than is usual.", bit(x.Silent)),
		instant("revwatch_learning_until_timestamp_seconds", "From then on all series are judged by windows of every length; missing when they are.", x.Learning.Until),
		instant("revwatch_state_last_commit_timestamp_seconds", "Last commit of the state.", x.Committed),
		instant("revwatch_snapshot_timestamp_seconds", "When these figures were taken.", x.At),
	)
}

// instant has no sample for the zero time.
func instant(name, help string, t time.Time) *family {
	f := newFamily(gauge, name, help)
	if !t.IsZero() {
		f.add("", unix(t))
	}
	return f
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
