package ship

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
)

const (
	pageSize  = 1000      // rows a question, at most
	leastPage = 50        // rows a question, at least, while the cluster fails
	slice     = time.Hour // of history that is read from one index before the other's is
	deepTimes = 10        // overlaps that a look goes back now and then
	deepParts = 4         // of that time pass between two such looks: what becomes visible later than three of them may be missed
	onceTries = 5         // failures in a row after which Once gives up
)

// ElasticsearchOptions say whose rows are put where.
type ElasticsearchOptions struct {
	URLs                       []string // of the nodes that may be asked
	Username, Password, APIKey string
	CAFile                     string // PEM; "" for the authorities of the system
	InsecureSkipVerify         bool
	Operations, Messages       string        // index, alias or pattern
	Since                      time.Duration // how far back the first reading goes
	Interval                   time.Duration // between two looks
	Overlap                    time.Duration // how far behind the newest row each look begins
	Checkpoint                 string        // a file
	Topic                      string        // part of the checkpoint's name: another topic gets everything again
	Writer                     Writer
	Log                        *zap.Logger
	Client                     *http.Client // nil: one that does as said above
}

// Elasticsearch follows Nango's two log indices in Elasticsearch or OpenSearch and puts every form of every row that it meets on the topic: at least
// the last one, keyed by the operation's id, with the bytes that are stored. Its methods belong to one goroutine.
type Elasticsearch struct {
	o          ElasticsearchOptions
	log        *zap.Logger
	cluster    *cluster
	about      about
	outlet     outlet
	checkpoint *checkpoint
	parser     rowParser

	lanes   []*lane
	seen    map[string]*seen // by lane
	unended *unendedSet
	walk    walkMark
	size    int // rows to ask for

	connected         bool
	through           time.Time // when everything was read up to then
	dug, asked, saved time.Time // last deep look, last re-reading of operations, last checkpoint
	counts            counts
	failing           map[string]bool // what was logged as failed since all was well
	said              map[string]bool // what is logged once
	fine              bool            // all is well, and that was logged
}

// NewElasticsearch opens the checkpoint. It asks the cluster nothing yet. The caller closes it.
func NewElasticsearch(o ElasticsearchOptions) (*Elasticsearch, error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	c, err := newCluster(&o)
	if err != nil {
		return nil, err
	}
	file, aside, err := openCheckpoint(o.Checkpoint)
	if err != nil {
		return nil, err
	}
	e := &Elasticsearch{o: o, log: o.Log, cluster: c, checkpoint: file, outlet: outlet{o.Writer, o.Log}, size: pageSize, failing: map[string]bool{}, said: map[string]bool{}}
	e.reset()
	if aside != "" {
		e.log.Warn("the checkpoint was damaged and is set aside: reading begins anew, and rows come twice", zap.String("aside", aside))
	}
	return e, nil
}

// Close lets go of the checkpoint.
func (e *Elasticsearch) Close() error { return e.checkpoint.store.Close() }

// reset forgets everything that belongs to one source.
func (e *Elasticsearch) reset() {
	e.lanes, e.unended, e.walk, e.through = lanes(&e.o), newUnendedSet(), walkMark{}, time.Time{}
	e.seen = map[string]*seen{}
	for _, l := range e.lanes {
		e.seen[l.name] = newSeen(e.deep().Milliseconds())
	}
}

func (e *Elasticsearch) now() time.Time      { return time.Now() }
func (e *Elasticsearch) deep() time.Duration { return deepTimes * e.o.Overlap }

// localError is one that no waiting mends: it is of this machine.
type localError struct{ error }

func (l *localError) Unwrap() error { return l.error }

// Run follows the indices until ctx ends, and returns nil then, or why the checkpoint cannot be written. Whatever else fails is tried again.
func (e *Elasticsearch) Run(ctx context.Context) error { return e.follow(ctx, false) }

// Once reads up to now and returns, or gives up when nothing comes of it.
func (e *Elasticsearch) Once(ctx context.Context) error { return e.follow(ctx, true) }

func (e *Elasticsearch) follow(ctx context.Context, once bool) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = time.Second, time.Minute
	tries := 0
	for ctx.Err() == nil {
		err := e.round(ctx)
		var local *localError
		pause := e.o.Interval
		switch {
		case ctx.Err() != nil:
		case errors.As(err, &local):
			return err
		case err != nil:
			e.connected = false
			if tries++; once && tries >= onceTries {
				return errors.Join(err, e.saveAll())
			}
			pause = max(wait.NextBackOff(), asksToWait(err))
			e.failed(err, pause)
		case once:
			e.well()
			return e.saveAll()
		default:
			tries = 0
			wait.Reset()
			e.well()
		}
		e.counts.tell(e)
		rest(ctx, pause)
	}
	return e.saveAll()
}

func asksToWait(err error) time.Duration {
	var r *refusal
	if errors.As(err, &r) {
		return r.after
	}
	return 0
}

// rest waits, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// round puts on the topic what has come since the last one. A long time, as at the first start, is gone through in slices, the one index beside the
// other: a reader waits only so long for the other half of a row.
func (e *Elasticsearch) round(ctx context.Context) error {
	if err := e.connect(ctx); err != nil {
		return err
	}
	began := e.now()
	deep := max(began.Sub(e.through), began.Sub(e.dug)) > e.deep()/deepParts
	at, from := e.begins(deep)
	for began.Sub(e.through) > slice && at+slice.Milliseconds() < e.now().UnixMilli() {
		end := at + slice.Milliseconds()
		if err := e.lookAll(ctx, at, end, from); err != nil {
			return err
		}
		at, e.walk.Read = end, max(e.walk.Read, end)
		e.counts.tell(e)
	}
	began = e.now()
	if err := e.lookAll(ctx, at, 0, from); err != nil {
		return err
	}
	if began.Sub(e.asked) >= openEvery*e.o.Interval {
		if err := e.reread(ctx); err != nil {
			return err
		}
		e.asked = began
	}
	if e.through = began; deep {
		e.dug = began
	}
	e.walk.Read = max(e.walk.Read, e.settled())
	return e.save()
}

// lookAll looks at every lane from one time to another (0: without end), but at none before its own beginning.
func (e *Elasticsearch) lookAll(ctx context.Context, at, end int64, from map[*lane]int64) error {
	for _, l := range e.lanes {
		if err := e.look(ctx, l, max(at, from[l]), end); err != nil {
			return err
		}
	}
	return nil
}

// begins is where the next round begins, and each lane in it. Now and then, and after a pause, it goes back far: a row of a request has the time at
// which the request began, and is written when it has ended. A lane without rows begins where all lanes were read to.
func (e *Elasticsearch) begins(deep bool) (first int64, from map[*lane]int64) {
	from = map[*lane]int64{}
	for _, l := range e.lanes {
		newest := cmp.Or(l.newest, e.walk.Read)
		begin := newest - e.o.Overlap.Milliseconds()
		if deep {
			begin = min(begin, max(newest-e.deep().Milliseconds(), e.seen[l.name].covers))
		}
		from[l] = max(begin, e.walk.Begin)
		if first == 0 || from[l] < first {
			first = from[l]
		}
	}
	return first, from
}

// settled is up to where all lanes with rows were read.
func (e *Elasticsearch) settled() int64 {
	first := int64(0)
	for _, l := range e.lanes {
		if l.newest > 0 && (first == 0 || l.newest < first) {
			first = l.newest
		}
	}
	return first
}

// connect asks the cluster what it is, at the start and after each failure: it may be another one now.
func (e *Elasticsearch) connect(ctx context.Context) error {
	if e.connected {
		return nil
	}
	a, err := e.cluster.about(ctx)
	if err != nil {
		return err
	}
	first := e.about.uuid == ""
	e.about = a
	if first {
		e.log.Info("connected", zap.String("to", fmt.Sprintf("%s %s", a.name, a.version)), zap.String("cluster", a.uuid))
	}
	if err := e.restore(); err != nil {
		return &localError{err}
	}
	e.connected = true
	return nil
}
