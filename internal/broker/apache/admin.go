package apache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ping succeeds when the broker answers and is registered.
func (c *Cluster) ping(ctx context.Context) error {
	return c.with(ctx, func(ctx context.Context, client *kgo.Client) error {
		r, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
		if err == nil && len(r.Brokers) == 0 {
			err = errors.New("no brokers")
		}
		return err
	})
}

// CreateTopic makes a topic and waits until it can be written to. A topic of that name that is just being deleted may be in
// the way for a moment.
func (c *Cluster) CreateTopic(name string, partitions int) {
	c.t.Helper()
	c.persist(func(ctx context.Context, client *kgo.Client) error {
		r := kmsg.NewPtrCreateTopicsRequest()
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, int32(partitions), 1
		r.Topics = append(r.Topics, topic)
		res, err := r.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(res.Topics[0].ErrorCode)
	})
	c.persist(func(ctx context.Context, client *kgo.Client) error {
		r := kmsg.NewPtrMetadataRequest()
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		r.Topics = append(r.Topics, topic)
		res, err := r.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		if n := len(res.Topics[0].Partitions); n != partitions {
			return fmt.Errorf("topic %s has %d partitions", name, n)
		}
		return kerr.ErrorForCode(res.Topics[0].ErrorCode)
	})
}

// DeleteTopic deletes a topic.
func (c *Cluster) DeleteTopic(name string) {
	c.t.Helper()
	c.persist(func(ctx context.Context, client *kgo.Client) error {
		r := kmsg.NewPtrDeleteTopicsRequest()
		topic := kmsg.NewDeleteTopicsRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		r.Topics, r.TopicNames = append(r.Topics, topic), []string{name}
		res, err := r.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(res.Topics[0].ErrorCode)
	})
}

// DeleteRecords cuts off the beginning of a partition, up to the offset before.
func (c *Cluster) DeleteRecords(topic string, partition int, before int64) {
	c.t.Helper()
	c.persist(func(ctx context.Context, client *kgo.Client) error {
		r := kmsg.NewPtrDeleteRecordsRequest()
		p := kmsg.NewDeleteRecordsRequestTopicPartition()
		p.Partition, p.Offset = int32(partition), before
		t := kmsg.NewDeleteRecordsRequestTopic()
		t.Topic, t.Partitions = topic, append(t.Partitions, p)
		r.Topics, r.TimeoutMillis = append(r.Topics, t), int32(patience.Milliseconds())
		res, err := r.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(res.Topics[0].Partitions[0].ErrorCode)
	})
}

// Committed is the offset that a group has committed, -1 for none.
func (c *Cluster) Committed(group, topic string, partition int) int64 {
	c.t.Helper()
	offset := int64(-1)
	c.persist(func(ctx context.Context, client *kgo.Client) error {
		r := kmsg.NewPtrOffsetFetchRequest()
		t := kmsg.NewOffsetFetchRequestTopic()
		t.Topic, t.Partitions = topic, []int32{int32(partition)}
		r.Group, r.Topics = group, append(r.Topics, t)
		res, err := r.RequestWith(ctx, client)
		if err == nil {
			offset = res.Topics[0].Partitions[0].Offset
		}
		return err
	})
	return offset
}

// persist tries again what a cluster refuses for a moment.
func (c *Cluster) persist(do func(context.Context, *kgo.Client) error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := c.with(ctx, do)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			c.t.Fatalf("%v: %s", err, c.logTail())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (c *Cluster) with(ctx context.Context, do func(context.Context, *kgo.Client) error) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...))
	if err != nil {
		return err
	}
	defer client.Close()
	return do(ctx, client)
}
