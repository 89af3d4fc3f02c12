package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// surveyTimeout bounds each question to the brokers.
const surveyTimeout = 10 * time.Second

// survey asks the brokers what there is to read: the partitions of the topics, from where to where, and how long they keep it. Its errors say in words
// what is in the way, and what to do.
func (f *checkup) survey(ctx context.Context, c *config) error {
	transport, err := c.kafka.security.Transport(c.kafka.client)
	if err != nil {
		return fmt.Errorf("%w: kafka: %w", errConfig, err)
	}
	transport.DialTimeout = surveyTimeout / 2
	defer transport.CloseIdleConnections()
	s := surveyor{seen: f, config: c, client: &kafka.Client{Addr: kafka.TCP(c.kafka.brokers...), Transport: transport, Timeout: surveyTimeout}}
	for _, ask := range []func(context.Context) error{s.partitions, s.offsets, s.back, s.begins} {
		if err := ask(ctx); err != nil {
			return s.inWords(err)
		}
	}
	s.retention(ctx)
	s.mayJoin(ctx)
	return nil
}

// surveyor asks for a checkup.
type surveyor struct {
	seen   *checkup
	config *config
	client *kafka.Client
}

// partitions finds the partitions of the topics.
func (s surveyor) partitions(ctx context.Context) error {
	res, err := s.client.Metadata(ctx, &kafka.MetadataRequest{Topics: s.config.kafka.topics})
	if err != nil {
		return err
	}
	for _, t := range res.Topics {
		switch {
		case errors.Is(t.Error, kafka.UnknownTopicOrPartition):
			return s.absent(ctx, t.Name)
		case errors.Is(t.Error, kafka.TopicAuthorizationFailed):
			return fmt.Errorf("the brokers do not let %s see the topic %s: allow it to Describe and Read the topic (kafka-acls --add --consumer --topic %s --group %s)", who(s.config), t.Name, t.Name, s.config.kafka.group)
		case t.Error != nil:
			return fmt.Errorf("topic %s: %w", t.Name, t.Error)
		}
		for _, p := range t.Partitions {
			s.seen.topics = append(s.seen.topics, partSeen{topic: t.Name, partition: p.ID})
		}
	}
	return nil
}

// absent says that a topic is not there, and which ones look like it.
func (s surveyor) absent(ctx context.Context, name string) error {
	text := fmt.Sprintf("there is no topic %s", name)
	res, err := s.client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return fmt.Errorf("%s, or %s may not see it", text, who(s.config))
	}
	var alike, all []string
	for _, t := range res.Topics {
		if t.Internal || strings.HasPrefix(t.Name, "__") {
			continue
		}
		if all = append(all, t.Name); similar(name, t.Name) {
			alike = append(alike, t.Name)
		}
	}
	slices.Sort(alike)
	slices.Sort(all)
	switch {
	case len(alike) > 0:
		return fmt.Errorf("%s, but there is %s: set kafka.topics to the one the shipper writes to", text, strings.Join(alike[:min(len(alike), 5)], ", "))
	case len(all) > 0:
		return fmt.Errorf("%s; there are %s: set kafka.topics to the one the shipper writes to, or let it write first", text, firstOf(all, 5))
	}
	return fmt.Errorf("%s that %s may see, nor any other: let the shipper write first, or create it, or allow it to be seen (Describe) and read", text, who(s.config))
}

// similar reports whether two names of topics have a word in common, or the same letters.
func similar(a, b string) bool {
	words := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	}
	x, y := words(a), words(b)
	return strings.Join(x, "") == strings.Join(y, "") || slices.ContainsFunc(x, func(w string) bool {
		return len(w) > 2 && slices.ContainsFunc(y, func(v string) bool { return v == w || strings.HasPrefix(v, w) || len(v) > 2 && strings.HasPrefix(w, v) })
	})
}

func firstOf(all []string, n int) string {
	if len(all) <= n {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:n], ", "), len(all)-n)
}

// who names the user of the connection.
func who(c *config) string {
	if u := c.kafka.security.Username; u != "" {
		return "the user " + u
	}
	return "this client"
}

// list asks for an offset of each partition; take gets the answers.
func (s surveyor) list(ctx context.Context, of func(partition int) []kafka.OffsetRequest, take func(p *partSeen, o kafka.PartitionOffsets)) error {
	request := map[string][]kafka.OffsetRequest{}
	for _, p := range s.seen.topics {
		request[p.topic] = append(request[p.topic], of(p.partition)...)
	}
	for topic, all := range request {
		if len(all) == 0 {
			delete(request, topic)
		}
	}
	res, err := s.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: request, IsolationLevel: kafka.ReadCommitted})
	if err != nil {
		return err
	}
	for topic, all := range res.Topics {
		for _, o := range all {
			if o.Error != nil {
				return fmt.Errorf("partition %d of topic %s: %w", o.Partition, topic, o.Error)
			}
			for i := range s.seen.topics {
				if p := &s.seen.topics[i]; p.topic == topic && p.partition == o.Partition {
					take(p, o)
				}
			}
		}
	}
	return nil
}

// offsets asks where the partitions begin and end.
func (s surveyor) offsets(ctx context.Context) error {
	return s.list(ctx,
		func(p int) []kafka.OffsetRequest {
			return []kafka.OffsetRequest{kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p)}
		},
		func(p *partSeen, o kafka.PartitionOffsets) { p.first, p.end = o.FirstOffset, max(o.LastOffset, 0) })
}

// back decides from where each partition is read.
func (s surveyor) back(ctx context.Context) error {
	at := time.Now().Add(-lookBack)
	share := int64(max(lookRecords/max(len(s.seen.topics), 1), 1))
	return s.list(ctx,
		func(p int) []kafka.OffsetRequest { return []kafka.OffsetRequest{kafka.TimeOffsetOf(p, at)} },
		func(p *partSeen, o kafka.PartitionOffsets) {
			p.from = p.end
			for offset := range o.Offsets {
				if offset >= 0 {
					p.from = offset
				}
			}
			p.from = max(p.first, p.end-share, min(p.from, p.end-lookLeast))
		})
}

// The ages, in days, of which is asked whether there are older records.
var askedDays = []int{1, 2, 3, 4, 5, 6, 7, 10, 14, 21, 28, 60}

const askedParts = 32 // partitions of which it is asked: each question is a request

// begins asks how far back the records of the partitions reach at least.
func (s surveyor) begins(ctx context.Context) error {
	now, asked := time.Now(), 0
	return s.list(ctx,
		func(p int) (all []kafka.OffsetRequest) {
			if asked++; asked > askedParts {
				return nil
			}
			for _, d := range askedDays {
				all = append(all, kafka.TimeOffsetOf(p, now.AddDate(0, 0, -d)))
			}
			return all
		},
		func(p *partSeen, o kafka.PartitionOffsets) {
			for offset, t := range o.Offsets { // the first record that is not older than t
				if offset > p.first && (p.oldest.IsZero() || t.Before(p.oldest)) {
					p.oldest = t
				}
			}
		})
}

// retention asks how long the topics keep records. Who may not ask does not know.
func (s surveyor) retention(ctx context.Context) {
	var resources []kafka.DescribeConfigRequestResource
	for _, t := range s.config.kafka.topics {
		resources = append(resources, kafka.DescribeConfigRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: t, ConfigNames: []string{"retention.ms"}})
	}
	res, err := s.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: resources})
	if err != nil {
		return
	}
	for _, r := range res.Resources {
		for _, x := range r.ConfigEntries {
			ms, err := strconv.ParseInt(x.ConfigValue, 10, 64)
			if d := time.Duration(ms) * time.Millisecond; err == nil && x.ConfigName == "retention.ms" && ms > 0 && d > 0 && (s.seen.keeps == 0 || d < s.seen.keeps) {
				s.seen.keeps = d
			}
		}
	}
}

// mayJoin asks whether the daemon could use its group; nothing is joined.
func (s surveyor) mayJoin(ctx context.Context) {
	topics := map[string][]int{}
	for _, p := range s.seen.topics {
		topics[p.topic] = append(topics[p.topic], p.partition)
	}
	res, err := s.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: s.config.kafka.group, Topics: topics})
	if err == nil {
		err = res.Error
	}
	if errors.Is(err, kafka.GroupAuthorizationFailed) {
		s.seen.group = fmt.Sprintf("The brokers do not let %s use the group %s", who(s.config), s.config.kafka.group)
	}
}
