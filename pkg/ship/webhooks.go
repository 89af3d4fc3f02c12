package ship

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/time/rate"
)

// What a delivery may take. Nango waits for 20 s.
const (
	answerWithin = 15 * time.Second // all of it
	rateWithin   = 5 * time.Second  // of these, for its turn by WebhookOptions.Rate
	maxBody      = 1 << 20
	maxHeld      = 32 << 20 // of bodies at a time; each may be copied three times while it is read and written
	maxWaiting   = 1024     // deliveries for the writer
)

// WebhookOptions of NewWebhooks. A zero field means its default.
type WebhookOptions struct {
	Path          string      // the one that is answered; default /
	Keys          SigningKeys // none: nothing is taken but what AllowUnsigned lets in
	AllowUnsigned bool        // takes deliveries without a signature, and without Keys all; one that is there and wrong is still refused
	Rate          int         // deliveries a second that are written; default 1000
	Writer        Writer      // has to give up when its context ends
	Now           func() time.Time
	Log           *zap.Logger // gets one line a minute of each kind of trouble
}

// Webhooks is the HTTP handler that takes Nango's auth webhooks and writes them to the topic. It answers 2xx only for what Kafka has acknowledged, and for
// signed webhooks of other kinds, which are not written. A delivery that was written can come again, when its answer was lost. Methods may be called
// from several goroutines at once.
type Webhooks struct {
	o     WebhookOptions
	log   *zap.Logger
	turn  *rate.Limiter
	queue chan *delivery
	held  atomic.Int64 // bytes of bodies
	room  int64        // for them
	first atomic.Bool  // one was written
	webhookCounts
}

// NewWebhooks returns a handler that writes nothing until Run runs.
func NewWebhooks(o WebhookOptions) *Webhooks {
	o.Path, o.Rate = cmp.Or(o.Path, "/"), cmp.Or(o.Rate, 1000)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	sparse := func(c zapcore.Core) zapcore.Core { return zapcore.NewSamplerWithOptions(c, time.Minute, 1, 0) }
	w := &Webhooks{
		o: o, log: o.Log.WithOptions(zap.WrapCore(sparse)), turn: rate.NewLimiter(rate.Limit(o.Rate), o.Rate),
		queue: make(chan *delivery, maxWaiting), room: maxHeld,
	}
	w.makeCounts()
	return w
}

// ServeHTTP takes a delivery. GET /healthz is answered by "ok" for a load balancer.
func (w *Webhooks) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	began := time.Now()
	if (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.Path == "/healthz" {
		answerText(out, http.StatusOK, "ok")
		return
	}
	end, err := w.take(out, r)
	w.ended(end, time.Since(began))
	if end.hint != "" && (end != wrongPath || r.Header.Get(signatureHeader) != "") { // who only looks around is no trouble
		w.log.Warn(end.hint, zap.String("result", end.name), zap.Int("answer", end.status), zap.String("from", r.RemoteAddr), zap.Error(err))
	}
	if end.status == http.StatusServiceUnavailable {
		out.Header().Set("Retry-After", "5")
	}
	if end == wrongMethod {
		out.Header().Set("Allow", http.MethodPost)
	}
	answerText(out, end.status, end.says)
}

func answerText(out http.ResponseWriter, status int, text string) {
	h := out.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	out.WriteHeader(status)
	_, _ = io.WriteString(out, text+"\n") // who has gone misses nothing
}

// take takes a delivery as far as it goes, and says how it ended.
func (w *Webhooks) take(out http.ResponseWriter, r *http.Request) (*outcome, error) {
	switch {
	case r.URL.Path != w.o.Path:
		return wrongPath, nil
	case r.Method != http.MethodPost:
		return wrongMethod, nil
	}
	digest, fault := signatureOf(r.Header)
	if fault != nil && !(w.o.AllowUnsigned && (fault != badSignature || w.o.Keys.Len() == 0)) {
		return fault, nil // before anything of its body is read
	}
	if r.ContentLength > maxBody {
		return tooLarge, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	reader := &heldReader{r: http.MaxBytesReader(out, r.Body, maxBody), w: w}
	defer reader.release()
	body, err := io.ReadAll(reader)
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return tooLarge, nil
	} else if errors.Is(err, errHeld) {
		return busy, nil
	} else if err != nil {
		return brokenOff, err
	}
	signed := digest != nil && (w.o.Keys.Len() > 0 || !w.o.AllowUnsigned) // else there is nothing to check it by, and that is allowed
	if signed && !w.o.Keys.signed(body, digest) {
		return badSignature, nil
	}
	return w.judge(ctx, r.Header, body, signed)
}

// judge writes what is an auth webhook, and what a holder of a key has signed although it cannot be read: whoever reads the topic will count it.
func (w *Webhooks) judge(ctx context.Context, h http.Header, body []byte, signed bool) (*outcome, error) {
	saw := lookAt(body)
	switch {
	case saw.json && !saw.auth:
		w.droppedKinds[saw.kind].Inc()
		return dropped, nil
	case !saw.json && !signed:
		return notJSON, nil
	}
	if !signed {
		w.unsigned.Inc()
		w.log.Warn("taking webhooks without a signature: anybody who reaches this address can make up revocations")
	}
	m := recordOf(saw.connection, body, h, signed, w.o.Now())
	if len(m.Key)+len(m.Value) > maxRecord {
		return tooLarge, nil
	}
	turn, cancel := context.WithTimeout(ctx, rateWithin)
	defer cancel()
	if w.turn.Wait(turn) != nil {
		return w.unless(ctx, overRate)
	}
	d := &delivery{ctx: ctx, message: m, done: make(chan *outcome, 1)}
	select {
	case w.queue <- d:
	default:
		return busy, nil
	}
	select {
	case end := <-d.done:
		return end, nil
	case <-ctx.Done():
	}
	select {
	case end := <-d.done: // at the same moment
		return end, nil
	default:
		return w.unless(ctx, notWritten)
	}
}

// unless is what becomes of a delivery whose time is over: who sent it may have gone before.
func (w *Webhooks) unless(ctx context.Context, late *outcome) (*outcome, error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return gone, nil
	}
	return late, nil
}

// heldReader counts what is read as held, until release: a client that promises much and sends little takes no room.
type heldReader struct {
	r io.Reader
	w *Webhooks
	n int64
}

var errHeld = errors.New("ship: more bytes of requests than may be held")

func (h *heldReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.n += int64(n)
	if h.w.held.Add(int64(n)) > h.w.room {
		return n, errHeld
	}
	return n, err
}

func (h *heldReader) release() { h.w.held.Add(-h.n) }
