package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/ship"
)

// shipElasticsearch is the command that follows Nango's log indices until ctx ends.
func shipElasticsearch(ctx context.Context, args []string, errs io.Writer) error {
	f := flags("ship elasticsearch", errs)
	path := f.String("config", "", "the configuration `FILE`")
	once := f.Bool("once", false, "put everything up to now on the topic, and end")
	if err := parse(f, args); err != nil {
		return err
	}
	if *path == "" {
		return usageError{"ship elasticsearch: -config FILE is needed; ship.elasticsearch in configs/detector.yaml explains its settings"}
	}
	c, err := loadConfig(*path, notShipping...)
	if err != nil {
		return err
	}
	log := newLogger(c.logLevel, c.logFormat, errs)
	topic := c.shipTopic()
	w, err := c.shipWriter(topic)
	if err != nil {
		return err
	}
	defer endWriting(w)
	follower, err := ship.NewElasticsearch(c.followed(topic, w, log))
	if err != nil {
		return fmt.Errorf("ship elasticsearch: %w", err)
	}
	s := &c.ship.elasticsearch
	log.Info("started", zap.Strings("brokers", c.kafka.brokers), zap.String("topic", topic), zap.String("operations", s.operations), zap.String("messages", s.messages),
		zap.String("checkpoint", s.checkpoint))
	run := follower.Run
	if *once {
		run = follower.Once
	}
	err = run(ctx)
	log.Info("stopped", zap.Error(err))
	return errors.Join(err, follower.Close())
}

// followed is all that the configuration says about following the indices.
func (c *config) followed(topic string, w ship.Writer, log *zap.Logger) ship.ElasticsearchOptions {
	s := &c.ship.elasticsearch
	return ship.ElasticsearchOptions{
		URLs: s.urls, Username: s.username, Password: s.password, APIKey: s.apiKey, CAFile: s.ca, InsecureSkipVerify: s.insecureSkipVerify,
		Operations: s.operations, Messages: s.messages, Since: s.since, Interval: s.interval, Overlap: s.overlap, Checkpoint: s.checkpoint,
		Topic: topic, Writer: w, Log: log,
	}
}
