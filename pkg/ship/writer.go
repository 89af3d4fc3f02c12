// Package ship puts Nango's rows on a Kafka topic, for who has no shipper: from Nango's log indices in Elasticsearch or OpenSearch, and from its auth
// webhooks. It never looks at what a row means beyond its id, times and state.
package ship

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/pkg/stream"
)

// Writer puts records on a topic. WriteMessages returns nil once every in-sync replica has all of them; else some of them may be there or not, and
// writing all again is right: whoever reads takes a row twice for one. A *kafka.Writer of NewWriter is one.
type Writer interface {
	WriteMessages(ctx context.Context, messages ...kafka.Message) error
}

// largest is the size in bytes of a record, or of records written together to one partition, that is not even tried.
const largest = 64 << 20

// NewWriter returns a writer that waits for all in-sync replicas and puts records of one key into one partition. It does not connect; files named in
// s are read. The caller closes it, and then the idle connections of its transport.
func NewWriter(brokers []string, topic, clientID string, s stream.Security) (*kafka.Writer, error) {
	transport, err := s.Transport(clientID)
	if err != nil {
		return nil, err
	}
	return &kafka.Writer{
		Addr: kafka.TCP(brokers...), Topic: topic, Transport: transport, Balancer: &kafka.Murmur2Balancer{}, RequiredAcks: kafka.RequireAll,
		BatchTimeout: 5 * time.Millisecond, BatchSize: 1000, // what is written together is sent together
		BatchBytes:  largest, // how large a record may be is for the brokers to say
		Compression: kafka.Lz4, AllowAutoTopicCreation: true,
	}, nil
}
