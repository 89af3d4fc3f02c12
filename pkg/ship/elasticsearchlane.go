package ship

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
)

// lane is one order in which the rows of one index are followed.
type lane struct {
	name    string
	index   string
	field   string // the time by which rows are ordered
	without string // only rows that lack this time
	newest  int64  // Unix ms of the newest row on the topic, never later than now; 0: none yet
	resume  int64  // where a look that was cut short goes on; 0: it was not
}

const (
	laneOperations = "operations"
	laneUndated    = "operations without updatedAt"
	laneMessages   = "messages"
)

// lanes are the roads to all rows. Operations are ordered by their last change, and those that do not say it by their creation.
func lanes(o *ElasticsearchOptions) []*lane {
	return []*lane{
		{name: laneOperations, index: o.Operations, field: "updatedAt"},
		{name: laneUndated, index: o.Operations, field: "createdAt", without: "updatedAt"},
		{name: laneMessages, index: o.Messages, field: "createdAt"},
	}
}

// look puts every row of a lane from one time to another (0: without end) on the topic that is not there yet, in the order of their times.
func (e *Elasticsearch) look(ctx context.Context, l *lane, from, to int64) error {
	if l.resume > from {
		from = l.resume
	}
	if to > 0 && from >= to {
		return nil
	}
	began := e.now()
	pit, err := e.cluster.openPoint(ctx, e.about.dialect, l.index)
	if err != nil {
		return err
	}
	p := page{pit: pit, lane: l, from: from, to: to, size: e.size}
	defer func() { e.cluster.closePoint(ctx, e.about.dialect, p.pit) }()
	for {
		hits, err := e.page(ctx, &p)
		if err != nil {
			return err
		}
		if len(hits) == 0 {
			l.resume = 0
			return nil
		}
		if err := e.produce(ctx, l.name, hits); err != nil {
			return err
		}
		e.reached(l, &hits[len(hits)-1], began)
		if err := e.saveSometimes(); err != nil {
			return err
		}
	}
}

// reached moves a lane on to the last row of a page. What is to be gone through again after a failure begins before the rows that may not have been
// visible when the look began.
func (e *Elasticsearch) reached(l *lane, last *hit, began time.Time) {
	ms, ok := last.millis()
	if !ok {
		return
	}
	l.newest = max(l.newest, min(ms, e.now().UnixMilli()))
	l.resume = min(ms, began.Add(-e.deep()).UnixMilli())
	e.seen[l.name].moved(l.newest)
	e.counts.reached = ms
}

// page asks for the rows after those before, for fewer when the answer is too large, and passes over one that is too large alone.
func (e *Elasticsearch) page(ctx context.Context, p *page) ([]hit, error) {
	for {
		p.size = min(p.size, e.size)
		s, err := e.cluster.search(ctx, "/_search", p.body())
		switch {
		case err == nil:
			e.size = min(pageSize, e.size+e.size/4+1)
			return e.turn(p, s), nil
		case !tooMuch(err) || ctx.Err() != nil:
			e.size = max(min(e.size, leastPage), e.size/2) // it may be overloaded
			return nil, err
		case p.size > 1:
			e.size = max(1, p.size/2)
		default:
			if err := e.pass(ctx, p); err != nil {
				return nil, err
			}
		}
	}
}

// turn takes what the next page needs from this one.
func (e *Elasticsearch) turn(p *page, s *searched) []hit {
	hits := s.Hits.Hits
	if s.PIT != "" {
		p.pit = s.PIT
	}
	if len(hits) > 0 {
		p.after = hits[len(hits)-1].Sort
	}
	p.size = e.size
	return hits
}

// pass goes over the next row without reading it.
func (e *Elasticsearch) pass(ctx context.Context, p *page) error {
	bare := *p
	bare.bare = true
	s, err := e.cluster.search(ctx, "/_search", bare.body())
	if err != nil {
		return err
	}
	for _, h := range e.turn(p, s) {
		e.counts.dropped++
		e.log.Warn("a row is too large to be read and is left out", zap.String("id", h.ID), zap.String("index", p.lane.index))
	}
	return nil
}

// tooMuch says that fewer rows would be answered.
func tooMuch(err error) bool {
	var r *refusal
	if errors.Is(err, errTooLarge) {
		return true
	}
	return errors.As(err, &r) && (r.status == http.StatusRequestEntityTooLarge || strings.Contains(r.reason, "Result window is too large"))
}

// produce puts rows on the topic that are not there in this form, and remembers them once all in-sync replicas have them.
func (e *Elasticsearch) produce(ctx context.Context, name string, hits []hit) error {
	var rows []row
	var records []record
	known := e.seen[name]
	for i := range hits {
		h := &hits[i]
		if len(h.Source) == 0 || string(h.Source) == "null" {
			e.counts.dropped++
			e.once("no _source", "a row comes without its _source, which the index does not keep: it is left out", zap.String("id", h.ID))
			continue
		}
		r := e.parser.rowOf(h)
		if r.dummy || known.knows(seenKey(h.ID), r.print) || name != laneMessages && e.unended.knows(&r) {
			continue
		}
		rows = append(rows, r)
		records = append(records, record{document: h.ID, key: r.key, value: h.Source})
	}
	dropped, err := e.outlet.write(ctx, records)
	e.counts.dropped += len(dropped)
	if err != nil {
		return err
	}
	for i := range rows {
		known.keep(seenKey(records[i].document), rows[i].print)
		if name != laneMessages {
			e.unended.saw(&rows[i], e.now())
		}
	}
	e.counts.add(name, len(rows)-len(dropped))
	return nil
}
