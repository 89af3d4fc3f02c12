package ship

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

// What is written together. A writer is not given more before it has ended with that, so no more than this is ever in it, however long Kafka is away.
const (
	maxRecord                     = 1_000_000 // bytes of key and value: brokers take a little more by default
	maxTogether, maxTogetherBytes = 500, 4 << 20
	writeWithin                   = 12 * time.Second
	leastPause, mostPause         = 100 * time.Millisecond, time.Second
)

// delivery waits for the topic to have it.
type delivery struct {
	ctx     context.Context // ends when nobody waits for it any more
	message kafka.Message
	alone   bool          // with others it was too large
	done    chan *outcome // has room for the one there will be
}

// Run writes what is taken until ctx ends, which should be when the HTTP server has: what is not written by then is given back to Nango.
func (w *Webhooks) Run(ctx context.Context) {
	var batch []*delivery
	pause := leastPause
	for {
		if batch = w.gather(ctx, batch); ctx.Err() != nil {
			for _, d := range batch {
				d.done <- notWritten
			}
			return
		}
		left, err := w.write(ctx, batch)
		w.writing(err)
		if batch = left; len(batch) == 0 {
			pause = leastPause
			continue
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, mostPause)
	}
}

// gather returns the deliveries of batch that somebody still waits for, and those that have come since; it waits for one if there is none.
func (w *Webhooks) gather(ctx context.Context, batch []*delivery) []*delivery {
	size := 0
	alive := batch[:0]
	keep := func(d *delivery) {
		if d.ctx.Err() == nil {
			alive = append(alive, d)
			size += len(d.message.Value)
		}
	}
	for _, d := range batch {
		keep(d)
	}
	for len(alive) == 0 {
		select {
		case d := <-w.queue:
			keep(d)
		case <-ctx.Done():
			return nil
		}
	}
	for len(alive) < maxTogether && size < maxTogetherBytes {
		select {
		case d := <-w.queue:
			keep(d)
		default:
			return alive
		}
	}
	return alive
}

// write writes a batch once, answers what is decided and returns the rest, which is to be tried again, and why.
func (w *Webhooks) write(ctx context.Context, batch []*delivery) (left []*delivery, err error) {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	var together []*delivery
	for _, d := range batch {
		if d.alone {
			err = cmp.Or(w.settle(ctx, []*delivery{d}, &left), err)
		} else {
			together = append(together, d)
		}
	}
	if len(together) > 0 {
		err = cmp.Or(w.settle(ctx, together, &left), err)
	}
	return left, err
}

// settle writes deliveries at once and keeps in left what failed. It returns one of the reasons.
func (w *Webhooks) settle(ctx context.Context, all []*delivery, left *[]*delivery) (reason error) {
	messages := make([]kafka.Message, len(all))
	for i, d := range all {
		messages[i] = d.message
	}
	err := w.o.Writer.WriteMessages(ctx, messages...)
	var each kafka.WriteErrors
	apart := errors.As(err, &each) && len(each) == len(all)
	for i, d := range all {
		fault := err
		if apart {
			fault = each[i]
		}
		switch {
		case fault == nil:
			d.done <- written
		case isTooLarge(fault) && len(all) == 1:
			d.done <- tooLarge
		default:
			d.alone = d.alone || isTooLarge(fault)
			*left, reason = append(*left, d), fault
		}
	}
	return reason
}

// isTooLarge reports whether a message, or those sent with it, are larger than the topic takes.
func isTooLarge(err error) bool {
	var large kafka.MessageTooLargeError
	return errors.As(err, &large) || errors.Is(err, kafka.MessageSizeTooLarge)
}

// writing tells of what became of a write.
func (w *Webhooks) writing(err error) {
	w.trouble.Store(&err)
	if err != nil {
		w.failures.Inc()
		w.log.Warn("Kafka does not take deliveries; they are tried again while Nango waits", zap.Error(err))
		return
	}
	if !w.first.Swap(true) {
		w.log.Info("the first delivery is on the topic")
	}
}
