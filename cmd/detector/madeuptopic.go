package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// errForeign says that a topic holds what is not made up.
var errForeign = errors.New("made-up rows do not belong there")

// madeUpTopic is a topic that a generator writes to.
type madeUpTopic struct {
	name       string
	brokers    []string
	partitions int  // when it is made
	force      bool // write in spite of what it holds
	writer     *kafka.Writer
	transport  *kafka.Transport
	client     *kafka.Client
	patience   time.Duration // with the newest record
}

// String names the topic.
func (t *madeUpTopic) String() string { return "the topic " + t.name }

func (t *madeUpTopic) close() {
	t.writer.Close()
	t.transport.CloseIdleConnections()
}

// prepare makes the topic, such that it keeps a history of that length, or looks at what it holds.
func (t *madeUpTopic) prepare(ctx context.Context, history time.Duration) (s story, newest time.Time, err error) {
	made, err := t.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: t.name, NumPartitions: t.partitions, ReplicationFactor: -1, // the broker's default
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "retention.ms", ConfigValue: retention(history)}},
	}}})
	if err != nil {
		return s, newest, err
	}
	refused := made.Errors[t.name]
	if refused == nil || t.force && errors.Is(refused, kafka.TopicAlreadyExists) {
		return s, newest, nil
	}
	ends, err := t.ends(ctx)
	if errors.Is(err, kafka.UnknownTopicOrPartition) && !errors.Is(refused, kafka.TopicAlreadyExists) {
		err = refused
	}
	for p, end := range ends {
		told, at, err := t.look(ctx, p, end-1)
		if err != nil {
			return s, newest, err
		}
		if at.After(newest) {
			s, newest = told, at
		}
	}
	return s, newest, err
}

// retention is longer than Kafka's usual week, after which it would delete most of the history at once.
func retention(history time.Duration) string {
	return strconv.FormatInt((history + 28*wholeDay).Milliseconds(), 10)
}

// ends is the end of each partition that holds records.
func (t *madeUpTopic) ends(ctx context.Context) (map[int]int64, error) {
	about, err := t.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{t.name}})
	if err != nil {
		return nil, err
	}
	var asked []kafka.OffsetRequest
	for _, topic := range about.Topics {
		if topic.Error != nil {
			return nil, topic.Error
		}
		for _, p := range topic.Partitions {
			asked = append(asked, kafka.FirstOffsetOf(p.ID), kafka.LastOffsetOf(p.ID))
		}
	}
	offsets, err := t.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{t.name: asked}})
	if err != nil {
		return nil, err
	}
	ends := map[int]int64{}
	for _, p := range offsets.Topics[t.name] {
		if p.Error != nil {
			return nil, p.Error
		}
		if p.LastOffset > p.FirstOffset {
			ends[p.Partition] = p.LastOffset
		}
	}
	return ends, nil
}

// look reads the record at an offset: the story it is made from and its time, or an error that wraps errForeign when it is not made up.
func (t *madeUpTopic) look(ctx context.Context, partition int, offset int64) (s story, at time.Time, err error) {
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: t.brokers, Topic: t.name, Partition: partition, MaxWait: 100 * time.Millisecond,
		Dialer: &kafka.Dialer{ClientID: t.transport.ClientID, TLS: t.transport.TLS, SASLMechanism: t.transport.SASL, Timeout: 10 * time.Second},
	})
	defer r.Close()
	if err := r.SetOffset(offset); err != nil {
		return s, at, err
	}
	limit, cancel := context.WithTimeout(ctx, t.patience)
	defer cancel()
	m, err := r.ReadMessage(limit)
	if ctx.Err() == nil && limit.Err() != nil { // the end of a transaction takes an offset, and is no record
		return s, at, fmt.Errorf("its newest record cannot be read within %s; where it is of others, name another topic, or say -force", formatDuration(t.patience))
	}
	if err != nil {
		return s, at, err
	}
	for _, h := range m.Headers {
		if h.Key == madeUpHeader && json.Unmarshal(h.Value, &s) == nil {
			return s, m.Time, nil
		}
	}
	return s, at, fmt.Errorf("generate: %s holds records of others, and %w: name another topic, or say -force", t, errForeign)
}
