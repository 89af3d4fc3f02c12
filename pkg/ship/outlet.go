package ship

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

const (
	chunkRecords = 1000      // written together
	chunkBytes   = 900 << 10 // written together, unless one record is larger: under the brokers' usual limit of 1 MB a batch
)

// record is what goes to the topic.
type record struct {
	document string // names it in logs
	key      string
	value    []byte
}

// outlet writes to the topic what the brokers take, and names what they do not.
type outlet struct {
	to  Writer
	log *zap.Logger
}

// write returns once every in-sync replica has all records but those that the brokers refuse for their size, whose indices it returns. After an error
// any of them may be there or not.
func (o *outlet) write(ctx context.Context, records []record) (dropped []int, err error) {
	for from := 0; from < len(records); {
		to, size := from, 0
		for to < len(records) && to-from < chunkRecords && (to == from || size+len(records[to].value) <= chunkBytes) {
			size += len(records[to].value)
			to++
		}
		d, err := o.chunk(ctx, records, from, to)
		if dropped = append(dropped, d...); err != nil {
			return dropped, err
		}
		from = to
	}
	return dropped, nil
}

// chunk writes some of the records at once, and in halves where they are too large together.
func (o *outlet) chunk(ctx context.Context, records []record, from, to int) ([]int, error) {
	messages := make([]kafka.Message, 0, to-from)
	for _, r := range records[from:to] {
		messages = append(messages, kafka.Message{Key: []byte(r.key), Value: r.value})
	}
	err := o.to.WriteMessages(ctx, messages...)
	switch {
	case err == nil:
		return nil, nil
	case !oversize(err):
		return nil, fmt.Errorf("write to Kafka: %w", failure(err))
	case to-from == 1:
		o.log.Warn("Kafka refuses a row for its size: it is left out; raise max.message.bytes of the topic to have such rows",
			zap.String("id", records[from].document), zap.Int("bytes", len(records[from].value)))
		return []int{from}, nil
	}
	half := (from + to) / 2
	first, err := o.chunk(ctx, records, from, half)
	if err != nil {
		return first, err
	}
	second, err := o.chunk(ctx, records, half, to)
	return append(first, second...), err
}

// oversize says that nothing else than the size of records keeps them from being written.
func oversize(err error) bool {
	if isTooLarge(err) {
		return true
	}
	var all kafka.WriteErrors
	return errors.As(err, &all) && !slices.ContainsFunc(all, func(err error) bool { return err != nil && !errors.Is(err, kafka.MessageSizeTooLarge) })
}

// failure is the first error of many that are alike.
func failure(err error) error {
	var all kafka.WriteErrors
	if !errors.As(err, &all) {
		return err
	}
	for _, err := range all {
		if err != nil && !errors.Is(err, kafka.MessageSizeTooLarge) {
			return err
		}
	}
	return err
}
