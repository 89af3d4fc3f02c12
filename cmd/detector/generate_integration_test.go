//go:build integration

package main

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/internal/broker/apache"
)

// The made-up rows of generate on Apache Kafka, which makes the topic with a retention that keeps the history: the daemon finds the mass revocation
// and nothing else, and a generator that starts again goes on with its story.
func TestIntegrationGenerate(t *testing.T) {
	s := newMadeUpSiteAt(t, apache.Start(t, apache.Options{}).Addrs())
	s.tellsTheStory()
	g, topic := s.generator(false, func(context.Context) error { return io.EOF })
	told, err := topic.client.DescribeConfigs(t.Context(), &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: topic.name, ConfigNames: []string{"retention.ms"},
	}}})
	if err != nil || len(told.Resources) != 1 || len(told.Resources[0].ConfigEntries) != 1 || told.Resources[0].ConfigEntries[0].ConfigValue != retention(demoHistory) {
		t.Errorf("the topic's retention is %+v, %v, want %s", told, err, retention(demoHistory))
	}
	if err := g.run(t.Context()); !errors.Is(err, io.EOF) || !s.said.has("their story goes on") {
		t.Errorf("%v, said %s", err, s.said.text.String())
	}
}
