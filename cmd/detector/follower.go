package main

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/directory"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/store"
	"github.com/revwatch/revwatch/pkg/stream"
	"github.com/revwatch/revwatch/pkg/web"
)

// commitEvery is how often the daemon commits its state.
const commitEvery = time.Second

// follower feeds the engine from Kafka. It is the owner of the whole core: all of it runs on the consumer's goroutine. Nothing is told to
// anybody before it is committed, together with the positions it came from.
type follower struct {
	*engine
	store    *store.Store
	silence  *silence
	weekly   *weekly
	drift    *drift
	consumer *stream.Consumer
	notifier *alert.Notifier
	server   *web.Server
	now      func() time.Time
	log      *zap.Logger
	watch    func(web.Snapshot) // told of each snapshot
	every    time.Duration      // between two commits, at least, unless an incident changed
	asked    *questions         // of other goroutines, about the core
	words    alert.Wording
	shadow   bool // nothing is sent to anybody

	positions positions
	changed   bool      // an incident changed since the last commit
	tried     time.Time // last commit, by the machine's clock
	published time.Time
	committed time.Time
	logged    map[string]int // milestone of each open incident that was logged
	behind    bool           // the topic is not read to its end yet
	mixed     bool           // rows of a second Nango account were seen
	learning  detect.Learning
	listing   []*directory.Client // of the environments that Nango's API is asked about
	strange   map[string]bool     // environments of which it was said that no listed connection is in the rows
	failing   error               // the state cannot be committed: nothing is fetched until it can
}

// Assigned implements stream.Handler. Where the group is ahead of our state, another member has read on, or our state was lost: what is relearned
// from those records was told already.
func (f *follower) Assigned(topic string, partition int, end, committed int64) (int64, bool) {
	p := f.positions.at(topic, partition)
	p.others = -1
	if committed > p.Next && committed <= end { // beyond the end: of a log that is no more
		p.others = committed
	}
	p.owned, p.end, p.reached, f.behind = true, end, time.Time{}, true
	f.reader.Open(p.name, p.Next, end)
	f.check()
	return p.Next, p.known
}

// Revoked implements stream.Handler.
func (f *follower) Revoked() {
	f.commit()
	for _, p := range f.positions.byName {
		if p.owned {
			p.owned = false
			f.reader.Close(p.name)
		}
	}
	f.silence.since = time.Time{}
	f.publish()
}

// Batch implements stream.Handler.
func (f *follower) Batch(b stream.Batch) error {
	p, now := f.positions.at(b.Topic, b.Partition), f.now()
	for i := range b.Records {
		r := &b.Records[i]
		f.reader.Read(r.Value, nango.Meta{Source: p.name, Offset: r.Offset, Time: appended(r.Time, now), Key: r.Key, Headers: r.Headers})
	}
	f.drift.batch(b.Records, f.reader.Stats(), now)
	f.relearn(p, b.Records, now)
	if len(b.Records) > 0 && !p.LostSince.IsZero() {
		f.detector.Unobserved(p.LostSince, time.UnixMilli(appended(b.Records[0].Time, now)))
		p.LostSince, p.dirty = time.Time{}, true
	}
	p.move(b.Next, b.HighWatermark)
	if b.Next >= b.HighWatermark {
		p.reached = b.FetchedAt
	}
	f.reader.Progress(p.name, b.Next, b.HighWatermark, b.FetchedAt)
	f.advance(now)
	f.caughtUp()
	f.watchShape(now)
	f.settle()
	f.asked.answerAll()
	return nil
}

// relearn hushes what is found in records that others had committed.
func (f *follower) relearn(p *position, records []stream.Record, now time.Time) {
	for i := range records {
		if records[i].Offset >= p.others {
			break
		}
		if t := time.UnixMilli(appended(records[i].Time, now)); t.After(p.Told) {
			p.Told, p.dirty = t, true
		}
	}
	f.detector.Hush(p.Told)
}

// caughtUp notes when everything that was there at the assignment is read.
func (f *follower) caughtUp() {
	if !f.behind {
		return
	}
	s := f.reader.Stats()
	if s.Behind > 0 {
		return
	}
	f.behind = false
	f.log.Info("caught up with the topics", zap.Int64("records", s.Records), zap.Int64("failures", failures(s)), zap.Int("series", len(f.detector.Series())))
}

// noKafka is before any record was written to a Kafka: a clock that was never set.
var noKafka = time.Date(2011, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// appended is when a record was appended, in Unix milliseconds: a producer's clock that is ahead, or that never was set, does not move ours.
func appended(ms int64, now time.Time) int64 {
	if limit := now.UnixMilli(); ms < noKafka || ms > limit {
		return limit
	}
	return ms
}

// Paused implements stream.Handler.
func (f *follower) Paused(topic string, partition int) bool {
	return f.failing != nil || f.reader.Paused(f.positions.at(topic, partition).name)
}

// Gap implements stream.Handler: the lost records lie between the last row that was read and the next one.
func (f *follower) Gap(topic string, partition int, from, to int64, reason string) {
	p := f.positions.at(topic, partition)
	if reason == stream.GapTruncated { // what is there now nobody has read
		p.others = -1
	}
	p.Gap, p.GapAt = p.Gap+to-from, f.now()
	if p.LostSince.IsZero() {
		p.LostSince = f.reader.RowTime(p.name)
	}
	p.move(to, max(p.high, to))
}

// Tick implements stream.Handler.
func (f *follower) Tick() error {
	f.server.Alive()
	now := f.now()
	if f.positions.owned() > 0 && f.failing == nil {
		f.advance(now)
		f.lose()
		f.silence.look(f.reader.Newest(), f.positions.reached(), f.detector.Silence())
		f.watchShape(now)
		f.tellWeek(now)
	}
	f.settle()
	f.check()
	f.asked.answerAll()
	return nil
}

// lose notes partitions that could not be read for so long that nobody waits for them any more: what lies in them is missing meanwhile.
func (f *follower) lose() {
	for _, p := range f.positions.byName {
		if p.owned && f.reader.Stalled(p.name) && p.LostSince.IsZero() {
			p.LostSince, p.dirty = f.reader.RowTime(p.name), true
			f.log.Warn("a partition cannot be read: the others go on without it", zap.String("partition", p.name))
		}
	}
}

// settle commits when it is time to, and then lets everybody know.
func (f *follower) settle() {
	if !f.changed && time.Since(f.tried) < f.every {
		return
	}
	if f.positions.owned() > 0 {
		f.commit()
	}
	f.publish()
}

// commit writes everything in one transaction; then positions may be told to the group and incidents to people.
func (f *follower) commit() {
	begin := time.Now()
	f.tried = begin
	now := f.now()
	err := commit(f.store, now, f.engine.changes, f.silence.changes, f.weekly.changes, f.drift.changes, f.positions.changes)
	if err != nil {
		if f.failing == nil {
			f.log.Error("the state cannot be committed: reading waits", zap.Error(err))
		}
		f.failing = err
		return
	}
	if f.failing != nil {
		f.log.Info("the state is committed again")
	}
	f.failing, f.committed = nil, now
	f.server.CommitTook(time.Since(begin))
	f.consumer.Commit(f.positions.next())
	f.notifier.Tell(f.incidents())
	f.changed = false
}

// incidents are all that may have to be told: those that are open, those that ended in the last days, and the weekly line.
func (f *follower) incidents() []detect.Incident {
	return slices.Concat(f.silence.told.incidents(), f.weekly.told.incidents(), f.detector.Incidents())
}

// decided logs a change of an incident, and has it committed soon.
func (f *follower) decided(x detect.Incident) {
	f.changed = true
	if x.Status == detect.StatusUpdate && x.Milestone == f.logged[x.ID] {
		return
	}
	f.logged[x.ID] = x.Milestone
	if x.Status == detect.StatusResolved {
		delete(f.logged, x.ID)
	}
	if x.Status == detect.StatusOpen && !x.Past {
		f.server.Detected(f.now().Sub(x.Time))
	}
	f.log.Info("incident "+string(x.Status), zap.String("id", x.ID), zap.String("signal", x.Signal), zap.String("environment", x.Environment),
		zap.String("provider", x.Provider), zap.String("integration", x.Integration), zap.String("cause", x.Cause), zap.Time("since", x.Since),
		zap.Int("observed", x.Observed), zap.Float64("expected", x.Expected), zap.Float64("score", x.Score), zap.Bool("past", x.Past), f.would(&x))
}

// would names in shadow mode who would be told.
func (f *follower) would(x *detect.Incident) zap.Field {
	if !f.shadow {
		return zap.Skip()
	}
	to := f.notifier.Recipients(*x)
	if x.Past || x.Parent != "" || f.notifier.Silenced(*x) {
		to = nil
	}
	return zap.Strings("would_tell", to)
}

// adopts logs that a rise is taken for normal from now on.
func (f *follower) adopts(x detect.Adopted) {
	f.log.Info("a new level is taken for normal", zap.String("signal", x.Signal), zap.String("environment", x.Environment), zap.String("provider", x.Provider),
		zap.String("cause", x.Cause), zap.Time("since", x.Since))
}
