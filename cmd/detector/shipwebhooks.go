package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"golang.org/x/net/netutil"

	"github.com/revwatch/revwatch/pkg/ship"
	"github.com/revwatch/revwatch/pkg/web"
)

const shipWebhooksUsage = `
Receives the auth webhooks of Nango and writes them to the topic that
detector run reads. In Nango, for each environment (Environment Settings,
Webhooks): set a webhook URL to where this is reached from outside, switch on
the webhooks for new connections and for refresh errors, and copy the signing
key. There are two URLs: your application keeps its own. A proxy before this
should speak https; it must leave bodies and X-Nango-Hmac-Sha256 as they are.

  kafka.brokers: [localhost:9092]
  kafka.topics: [nango-logs]
  ship.webhooks.signing_key_file: /run/secrets/nango-signing-keys

Several environments may share one receiver: the file then holds their keys with
white space between them. Give each its own URL by a query, such as
https://hooks.example.com/?prod: Nango stops sending to a URL for a minute when
five deliveries to it fail within ten seconds. After a key was rotated in Nango
write the new one to the file and start anew, at once: what comes in between is
refused, and Nango does not send it again.

Answers: 200 written, and acknowledged by all in-sync replicas, or taken and not
written, because it is no auth webhook; 401 no signature or a wrong one; 503
Kafka did not take it within 15 s, or too much at once: Nango sends it again 3 s
and 9 s later, as it does after no other answer. What comes twice is harmless.
How often each happens is in /metrics at ship.webhooks.metrics_listen.
`

// maxConnections is how many clients are served at a time; more wait until one ends.
const maxConnections = 1024

// shipWebhooks is the command that receives webhooks until ctx ends.
func shipWebhooks(ctx context.Context, args []string, errs io.Writer) error {
	f := flags("ship webhooks", errs)
	path := f.String("config", "", "the configuration `FILE`")
	unsigned := f.Bool("allow-unsigned", false, "take webhooks without a signature: only where nobody but Nango reaches this, as anybody could make up revocations")
	if err := parse(f, args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(errs, shipWebhooksUsage)
		}
		return err
	}
	if *path == "" {
		return usageError{"ship webhooks: -config FILE is needed; `detector ship webhooks -h` shows one"}
	}
	c, err := loadConfig(*path, notShipping...)
	if err != nil {
		return err
	}
	r := receiver{config: &c, unsigned: *unsigned, log: newLogger(c.logLevel, c.logFormat, errs), now: time.Now}
	if err := r.check(); err != nil {
		return err
	}
	return r.run(ctx)
}

// receiver is what ship webhooks starts.
type receiver struct {
	config   *config
	unsigned bool // deliveries without a signature are taken
	log      *zap.Logger
	now      func() time.Time // when deliveries are received
}

func (r *receiver) check() error {
	w := &r.config.ship.webhooks
	switch {
	case w.signingKey == "" && !r.unsigned:
		return fmt.Errorf("%w: ship.webhooks.signing_key (or signing_key_file) is needed: the webhook signing key of the environment, from Nango's Environment Settings, "+
			"Webhooks. Without it anybody who reaches this address can make up revocations; -allow-unsigned takes that risk", errConfig)
	case collide(w.listen, w.metricsListen):
		return fmt.Errorf("%w: ship.webhooks.metrics_listen: %q and ship.webhooks.listen %q are one address: two are needed", errConfig, w.metricsListen, w.listen)
	}
	return nil
}

// run receives until ctx ends; then it lets requests on their way finish, and returns nil, or why it could not go on.
func (r *receiver) run(ctx context.Context) error {
	c, w := r.config, &r.config.ship.webhooks
	keys, err := ship.NewSigningKeys(w.signingKey)
	if err != nil {
		return fmt.Errorf("%w: ship.webhooks.signing_key: %w", errConfig, err)
	}
	topic := c.shipTopic()
	writer, err := c.shipWriter(topic)
	if err != nil {
		return err
	}
	writer.MaxAttempts, writer.WriteTimeout = 2, 5*time.Second // the receiver itself tries again, what somebody still waits for
	writer.BatchSize, writer.BatchBytes = 500, 1<<20           // what brokers take by default
	defer endWriting(writer)
	hooks, err := net.Listen("tcp", w.listen)
	if err != nil {
		return fmt.Errorf("ship.webhooks.listen: %w", err)
	}
	status, err := net.Listen("tcp", w.metricsListen)
	if err != nil {
		return errors.Join(fmt.Errorf("ship.webhooks.metrics_listen: %w", err), hooks.Close())
	}
	if r.unsigned {
		r.log.Warn("-allow-unsigned: anybody who reaches this address can make up revocations", zap.Int("signing_keys", keys.Len()))
	}
	r.log.Info("receiving webhooks", zap.Stringer("listen", hooks.Addr()), zap.String("path", w.path), zap.Stringer("metrics", status.Addr()),
		zap.Strings("brokers", c.kafka.brokers), zap.String("topic", topic), zap.Int("signing_keys", keys.Len()))
	err = r.serve(ctx, hooks, status, writer, ship.NewWebhooks(ship.WebhookOptions{
		Path: w.path, Keys: keys, AllowUnsigned: r.unsigned, Rate: w.rate, Writer: writer, Now: r.now, Log: r.log,
	}))
	r.log.Info("stopped", zap.Error(err))
	return err
}

// serve runs the parts until ctx ends or one of them fails. What writes ends when nobody waits for it any more.
func (r *receiver) serve(ctx context.Context, hooks, status net.Listener, to *kafka.Writer, h *ship.Webhooks) error {
	writing, end := context.WithCancel(context.WithoutCancel(ctx))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var parts, writes sync.WaitGroup
	writes.Go(func() { h.Run(writing) })
	parts.Go(func() { r.look(ctx, to) })
	faults := make([]error, 2)
	for i, serve := range []func() error{
		func() error { return web.Serve(ctx, netutil.LimitListener(hooks, maxConnections), h) },
		func() error { return web.Serve(ctx, status, h.Status()) },
	} {
		parts.Go(func() {
			faults[i] = serve()
			stop()
		})
	}
	parts.Wait()
	end()
	writes.Wait()
	return errors.Join(faults...)
}

// look says at the start whether deliveries could be written: the first of them may be days away.
func (r *receiver) look(ctx context.Context, w *kafka.Writer) {
	client := kafka.Client{Addr: w.Addr, Transport: w.Transport, Timeout: 10 * time.Second}
	answer, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{w.Topic}})
	switch {
	case ctx.Err() != nil:
	case err != nil:
		r.log.Warn("Kafka is not reached; deliveries are answered by 503 until it is", zap.Error(err))
	case len(answer.Topics) != 1 || errors.Is(answer.Topics[0].Error, kafka.UnknownTopicOrPartition):
		r.log.Warn("the topic does not exist; it is made by the first delivery if the brokers allow that", zap.String("topic", w.Topic))
	case answer.Topics[0].Error != nil:
		r.log.Warn("the topic cannot be used", zap.String("topic", w.Topic), zap.Error(answer.Topics[0].Error))
	default:
		r.log.Info("Kafka is reached", zap.Int("partitions", len(answer.Topics[0].Partitions)))
	}
}

// signingKeys allows no key too.
func signingKeys(text string) string {
	if _, err := ship.NewSigningKeys(text); err != nil {
		return err.Error()
	}
	return ""
}

func urlPath(text string) string {
	if !strings.HasPrefix(text, "/") || strings.ContainsAny(text, "?# ") {
		return "a path that begins with /, such as /nango"
	}
	return ""
}
