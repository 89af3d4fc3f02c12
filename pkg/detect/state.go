package detect

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/revwatch/revwatch/pkg/baseline"
	"github.com/revwatch/revwatch/pkg/window"
)

// The buckets of the stored state. Keys are JSON arrays of what names the value.
const (
	bucketHeader = "detect.header" // one key
	bucketRows   = "detect.rows"   // one key: which slots were observed
	bucketAhead  = "detect.ahead"  // day → times of the first rows in the slots that are not closed, Unix ms
	bucketStarts = "detect.starts" // environment, provider → first slot
	bucketSeries = "detect.series" // series → all but the ring and the breaks
	bucketRing   = "detect.ring"   // series, day → counts
	bucketRates  = "detect.rates"  // series, day → what was expected of it
	bucketFleet  = "detect.fleet"  // signal, cause → what its series have in common
	bucketShaky  = "detect.shaky"  // environment, provider, day → transient failures by slot
	bucketBreaks = "detect.breaks" // series, time, integration, connection → break
	bucketMix    = "detect.mix"    // series → what its breaks usually look like
	bucketAsked  = "detect.asked"  // environment, integration, connection → Unix ms
	bucketAlive  = "detect.alive"  // environment, integration, connection → provider, day

	bucketMembers = "detect.members" // incident, environment, integration, connection → account
	bucketWeek    = "detect.week"    // environment, day → how many broke and were reconnected

	bucketReplaced = "detect.replaced" // incident → a resolved one whose place another has

	bucketDirectory = "detect.directory" // environment, integration, connection → what Nango's API listed of it
	bucketListings  = "detect.listings"  // environment → the newest listing
)

type storedHeader struct {
	Begun       bool
	Began, Edge int64
	Live        map[string]int
	Stats       Stats
}

type storedRows struct {
	Edge, Last  int64
	Gaps        []gap
	Blind, Lost spans
	Empty       spans
}

type storedSeries struct {
	First, Newest, Total, Fitted int64
	Level, Adopted               int64     `json:",omitempty"`
	Episodes                     []episode `json:",omitempty"`
	Daily                        [dailyKept]daily
	Guard                        guard
	Incident                     *storedIncident `json:",omitempty"`
}

type storedFleet struct {
	Fleet baseline.Fleet
	Wide  wide
	Own   *storedIncident `json:",omitempty"`
}

// storedIncident holds an incident whole: its public form leaves out what nobody outside needs.
type storedIncident struct {
	Tracked    tracked
	Milestone  int
	Past       bool
	OpenedAt   time.Time
	ResolvedAt time.Time
	Resolution string
	Recovered  []string `json:",omitempty"`
	Proof      int      `json:",omitempty"`

	FirstOpened time.Time `json:",omitzero"`
	Beyond      bool      `json:",omitempty"`
}

// Changes emits what changed since the last call and must be stored; a nil value deletes.
func (d *Detector) Changes(put func(bucket, key string, value []byte)) {
	d.ledger.Changes(put)
	if d.dirty {
		put(bucketHeader, "header", encode(storedHeader{d.begun, d.began, d.edge, d.live, d.stats}))
		d.dirty = false
	}
	d.rows.changes(put)
	for at := range d.fresh {
		put(bucketStarts, encodeKey(at.environment, at.provider), strconv.AppendInt(nil, d.starts[at], 10))
	}
	clear(d.fresh)
	for n := range d.asked.changed {
		last, known := d.asked.last[n]
		put(bucketAsked, n.stored(), ifKnown(known, func() []byte { return strconv.AppendInt(nil, last.UnixMilli(), 10) }))
	}
	clear(d.asked.changed)
	for n := range d.alive.changed {
		s, known := d.alive.last[n]
		put(bucketAlive, n.stored(), ifKnown(known, func() []byte { return encode(s) }))
	}
	clear(d.alive.changed)
	for _, f := range d.fleets {
		if f.changed {
			put(bucketFleet, encodeKey(f.Signal, f.Cause), encode(storedFleet{f.Fleet, f.Wide, stored(f.Own)}))
			f.changed = false
		}
	}
	for at := range d.shakyChanged {
		d.shaky[at.place].changes(at, put)
	}
	clear(d.shakyChanged)
	d.changesMembers(put)
	d.changesReplaced(put)
	d.week.changes(put)
	d.directory.changes(put)
	for _, s := range d.order {
		s.changes(put)
	}
}

// changes stores a day, or deletes it when another has its place.
func (x *shaky) changes(of placeDay, put func(bucket, key string, value []byte)) {
	i := at(of.day, shakyDays)
	held := x != nil && x.days[i] == of.day
	put(bucketShaky, encodeKey(of.environment, of.provider, strconv.FormatInt(of.day, 10)), ifKnown(held, func() []byte { return encode(x.counts[i]) }))
}

func ifKnown(known bool, value func() []byte) []byte {
	if !known {
		return nil
	}
	return value()
}

func (n name) stored() string { return encodeKey(n.environment, n.integration, n.connection) }

// changes stores the rows ahead of the edge by day: they were read, and will not be read again. Slots that close change no stored day.
func (r *rows) changes(put func(bucket, key string, value []byte)) {
	if r.dirty {
		put(bucketRows, "rows", encode(storedRows{r.edge, r.last, r.gaps, r.blind, r.lost, r.empty}))
		r.dirty = false
	}
	for day := range r.dirtyDays {
		var value []byte
		if day >= floorDay(r.edge) {
			value = encode(r.of(day))
		}
		put(bucketAhead, strconv.FormatInt(day, 10), value)
	}
	clear(r.dirtyDays)
}

// of lists the first rows of the slots of a day.
func (r *rows) of(day int64) []int64 {
	times := []int64{}
	for slot := day * slotsPerDay; slot < (day+1)*slotsPerDay; slot++ {
		if ms, ok := r.ahead[slot]; ok {
			times = append(times, ms)
		}
	}
	return times
}

func (s *series) changes(put func(bucket, key string, value []byte)) {
	name := []string{s.Signal, s.Environment, s.Provider, s.Cause}
	if s.changed {
		put(bucketSeries, encodeKey(name...), encode(s.stored()))
		s.changed = false
	}
	s.mixChanges(name, put)
	for day := range s.changedDays {
		at := encodeKey(append(slices.Clone(name), strconv.FormatInt(day, 10))...)
		if s.keeps(day) {
			put(bucketRing, at, s.ring.AppendDay(nil, day))
			s.storedDays[day] = true
			continue
		}
		put(bucketRing, at, nil)
		delete(s.storedDays, day)
	}
	clear(s.changedDays)
	for day := range s.freshDays {
		f := s.forecast(day)
		put(bucketRates, encodeKey(append(slices.Clone(name), strconv.FormatInt(day, 10))...), ifKnown(f != nil, func() []byte { return encode(f.Rates) }))
	}
	clear(s.freshDays)
	for _, b := range s.born {
		put(bucketBreaks, s.breakKey(b), encode(b))
	}
	for _, b := range s.forgotten {
		put(bucketBreaks, s.breakKey(b), nil)
	}
	s.born, s.forgotten = s.born[:0], s.forgotten[:0]
}

func (s *series) breakKey(b window.Break) string {
	return encodeKey(s.Signal, s.Environment, s.Provider, s.Cause, strconv.FormatInt(b.Time.UnixMilli(), 10), b.Integration, b.Connection)
}

func (s *series) stored() storedSeries {
	return storedSeries{s.first, s.newest, s.total, s.fitted, s.level, s.adopted, s.episodes, s.daily, s.guard, stored(s.incident)}
}

func stored(t *tracked) *storedIncident {
	if t == nil {
		return nil
	}
	return &storedIncident{*t, t.Milestone, t.Past, t.OpenedAt, t.ResolvedAt, t.Resolution, t.Recovered, t.Proof, t.FirstOpened, t.Beyond}
}

// tracked is what was stored.
func (x *storedIncident) tracked() *tracked {
	if x == nil {
		return nil
	}
	t := x.Tracked
	t.Milestone, t.Past, t.OpenedAt, t.ResolvedAt, t.Resolution, t.Recovered = x.Milestone, x.Past, x.OpenedAt, x.ResolvedAt, x.Resolution, x.Recovered
	t.Proof, t.FirstOpened, t.Beyond = x.Proof, x.FirstOpened, x.Beyond
	return &t
}

// Restore takes back what Changes emitted, in any order, before the first row. It ignores buckets of other rooms.
func (d *Detector) Restore(bucket, key string, value []byte) error {
	if err := d.ledger.Restore(bucket, key, value); err != nil {
		return err
	}
	if err := d.restore(bucket, key, value); err != nil {
		return fmt.Errorf("restore %s %s: %w", bucket, key, err)
	}
	return nil
}

func (d *Detector) restore(bucket, key string, value []byte) error {
	switch bucket {
	case bucketHeader:
		var h storedHeader
		err := json.Unmarshal(value, &h)
		d.begun, d.began, d.edge, d.stats = h.Begun, h.Began, h.Edge, h.Stats
		maps.Copy(d.live, h.Live)
		return err
	case bucketRows:
		return d.rows.restore(value)
	case bucketAhead:
		return d.rows.restoreDay(value)
	case bucketStarts:
		p, err := decodeKey(key, 2)
		if err != nil {
			return err
		}
		d.starts[place{p[0], p[1]}], err = strconv.ParseInt(string(value), 10, 64)
		return err
	case bucketAsked, bucketAlive:
		return d.restoreName(bucket, key, value)
	case bucketFleet, bucketShaky:
		return d.restoreFleet(bucket, key, value)
	case bucketMembers:
		return d.restoreMember(key, value)
	case bucketReplaced:
		return d.restoreReplaced(value)
	case bucketWeek:
		return d.week.restore(key, value)
	case bucketDirectory, bucketListings:
		return d.directory.restore(bucket, key, value)
	case bucketSeries, bucketRing, bucketRates, bucketBreaks, bucketMix:
		return d.restoreSeries(bucket, key, value)
	}
	return nil
}

func (r *rows) restore(value []byte) error {
	var s storedRows
	if err := json.Unmarshal(value, &s); err != nil {
		return err
	}
	r.edge, r.last, r.gaps, r.blind, r.lost, r.empty = s.Edge, s.Last, s.Gaps, s.Blind, s.Lost, s.Empty
	maps.DeleteFunc(r.ahead, func(slot, _ int64) bool { return slot < r.edge })
	return nil
}

// restoreDay takes back what of returned. Slots before the edge are closed, whichever of the two is restored first.
func (r *rows) restoreDay(value []byte) error {
	var times []int64
	if err := json.Unmarshal(value, &times); err != nil {
		return err
	}
	for _, ms := range times {
		if slot := window.SlotOf(time.UnixMilli(ms)); slot >= r.edge {
			r.ahead[slot] = ms
			r.newest = max(r.newest, slot)
		}
	}
	return nil
}

func (d *Detector) restoreName(bucket, key string, value []byte) error {
	p, err := decodeKey(key, 3)
	if err != nil {
		return err
	}
	n := name{p[0], p[1], p[2]}
	if bucket == bucketAsked {
		ms, err := strconv.ParseInt(string(value), 10, 64)
		d.asked.last[n] = time.UnixMilli(ms).UTC()
		return err
	}
	var s seen
	if err := json.Unmarshal(value, &s); err != nil {
		return err
	}
	d.alive.last[n] = s
	d.alive.tally(n, s, 1)
	return nil
}

func (d *Detector) restoreSeries(bucket, id string, value []byte) error {
	p, err := decodeKey(id, map[string]int{bucketSeries: 4, bucketMix: 4, bucketRing: 5, bucketRates: 5, bucketBreaks: 7}[bucket])
	if err != nil {
		return err
	}
	k := key{p[0], p[1], p[2], p[3]}
	s := d.series[k]
	if s == nil {
		s = newSeries(k, 0)
		s.changed = false
		d.insert(s)
	}
	switch bucket {
	case bucketMix:
		return s.restoreMix(value)
	case bucketRing:
		day, err := strconv.ParseInt(p[4], 10, 64)
		if err != nil {
			return err
		}
		s.storedDays[day] = true
		return s.ring.SetDay(day, value)
	case bucketRates:
		day, err := strconv.ParseInt(p[4], 10, 64)
		if err != nil {
			return err
		}
		f := &s.forecasts[at(day, window.Days+1)]
		f.Day = day
		return json.Unmarshal(value, &f.Rates)
	case bucketBreaks:
		var b window.Break
		if err := json.Unmarshal(value, &b); err != nil {
			return err
		}
		s.breaks.Restore(b)
		return nil
	}
	var in storedSeries
	if err := json.Unmarshal(value, &in); err != nil {
		return err
	}
	s.first, s.newest, s.total, s.fitted = in.First, in.Newest, in.Total, in.Fitted
	s.level, s.adopted = in.Level, in.Adopted
	s.episodes, s.daily, s.guard, s.incident = in.Episodes, in.Daily, in.Guard, in.Incident.tracked()
	return nil
}

func (d *Detector) restoreFleet(bucket, id string, value []byte) error {
	p, err := decodeKey(id, map[string]int{bucketFleet: 2, bucketShaky: 3}[bucket])
	if err != nil {
		return err
	}
	if bucket == bucketFleet {
		var in storedFleet
		if err := json.Unmarshal(value, &in); err != nil {
			return err
		}
		f := d.fleetOf(kind{p[0], p[1]})
		f.Fleet, f.Wide, f.Own, f.changed = in.Fleet, in.Wide, in.Own.tracked(), false
		return nil
	}
	day, err := strconv.ParseInt(p[2], 10, 64)
	if err != nil {
		return err
	}
	x := d.shakyOf(place{p[0], p[1]})
	if x == nil || day <= x.days[at(day, shakyDays)] {
		return nil
	}
	i := at(day, shakyDays)
	x.days[i] = day
	return json.Unmarshal(value, &x.counts[i])
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of finite numbers, strings and times
	}
	return b
}

func encodeKey(parts ...string) string { return string(encode(parts)) }

func decodeKey(key string, parts int) ([]string, error) {
	var p []string
	if err := json.Unmarshal([]byte(key), &p); err != nil {
		return nil, err
	}
	if len(p) != parts {
		return nil, fmt.Errorf("%d parts, want %d", len(p), parts)
	}
	return p, nil
}
