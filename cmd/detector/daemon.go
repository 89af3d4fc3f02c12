package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/stream"
	"github.com/revwatch/revwatch/pkg/web"
)

// drainTimeout is what messages on their way may take when the program stops.
const drainTimeout = 3 * time.Second

// daemon is what run and demo start: the same parts, wired the same way.
type daemon struct {
	config       config
	hash         string // of the configuration
	destinations []alert.Destination
	listener     net.Listener // of metrics and health; run closes it
	log          *zap.Logger
	now          func() time.Time   // the only clock of the core
	tick         time.Duration      // zero: the default
	every        time.Duration      // between two commits; zero: commitEvery
	watch        func(web.Snapshot) // told of each snapshot
}

// run reads until ctx ends, then stops in order: reading, the last commit, messages on their way, HTTP. It returns nil, or why it could not go on.
func (d *daemon) run(ctx context.Context) error {
	c := &d.config
	g := newEngine(c, time.Time{})
	f := &follower{engine: g, silence: &silence{}, drift: newDrift(c), now: d.now, log: d.log, watch: d.watch, every: cmp.Or(d.every, commitEvery), logged: map[string]int{},
		asked: newQuestions()}
	g.incident, f.silence.change = f.decided, f.decided
	g.adopted = f.adopts

	var err error
	f.notifier, err = alert.NewNotifier(alert.Options{
		Destinations: d.destinations, Log: d.log.Named("alert"),
		Save:    func(bucket, key string, value []byte) error { return f.store.Write(bucket, key, value) },
		May:     func() bool { return f.consumer.Status().Owner },
		Wording: alert.Wording{Display: func(provider string) string { return c.table().Provider(provider).Name }},
	})
	if err != nil {
		return err
	}
	var aside string
	f.store, f.committed, aside, err = openState(c.statePath, c.onCorrupt == "set_aside",
		g.restore, f.positions.restore, f.silence.restore, f.drift.restore, f.notifier.Restore)
	if aside != "" {
		d.log.Warn("the state file was damaged and is set aside: it is learned again from the topic", zap.String("aside", aside))
	}
	if err != nil {
		return err
	}
	for _, p := range f.positions.byName {
		f.detector.Hush(p.Told)
	}
	o := c.stream()
	o.Now, o.Tick, o.Log, o.StateTime = d.now, d.tick, d.log.Named("stream"), f.committed
	f.consumer, err = stream.New(o)
	if err != nil {
		return errors.Join(fmt.Errorf("%w: kafka: %w", errConfig, err), f.store.Close())
	}
	f.server = web.New(web.Options{Version: buildVersion(), ConfigHash: d.hash, Now: d.now})
	f.server.Deliveries(f.notifier.Status)
	f.server.Explain(f.asked.ask)
	f.server.Check("kafka", false, "not reached yet")
	return errors.Join(d.serve(ctx, f), f.store.Close())
}

// serve runs the parts until ctx ends or one of them fails.
func (d *daemon) serve(ctx context.Context, f *follower) error {
	asked := ctx // ends when somebody wants the daemon to stop
	ctx, stop := context.WithCancelCause(asked)
	defer stop(nil)
	outer, end := context.WithCancel(context.WithoutCancel(ctx)) // of the parts that outlive reading
	var parts sync.WaitGroup
	parts.Go(func() { f.notifier.Run(outer) })
	parts.Go(func() {
		if err := web.Serve(outer, d.listener, f.server.Handler()); err != nil {
			stop(err)
		}
	})
	d.log.Info("started", zap.Stringer("http", d.listener.Addr()), zap.Strings("brokers", d.config.kafka.brokers),
		zap.Strings("topics", d.config.kafka.topics), zap.String("state", d.config.statePath), zap.String("tells", d.config.destinations()))
	if len(d.destinations) == 0 {
		d.log.Warn("nobody is told of incidents: they are only logged and counted")
	}

	err := f.consumer.Run(ctx, f)
	close(f.asked.ended)
	if err == nil && asked.Err() == nil {
		err = context.Cause(ctx)
	}
	drain, cancel := context.WithTimeout(outer, drainTimeout)
	if f.notifier.Settled(drain) != nil {
		d.log.Warn("stopped with messages on their way: they go out after the next start")
	}
	cancel()
	end()
	parts.Wait()
	d.log.Info("stopped", zap.Error(err))
	return err
}

// run is the command: the daemon with a configuration file.
func run(ctx context.Context, args []string, errs io.Writer) error {
	f := flags("run", errs)
	path := f.String("config", "", "the configuration `FILE`")
	if err := parse(f, args); err != nil {
		return err
	}
	if *path == "" {
		return usageError{"run: -config FILE is needed; configs/detector.yaml explains every setting"}
	}
	c, err := loadConfig(*path)
	if err != nil {
		return err
	}
	to, err := c.alertTo()
	if err != nil {
		return fmt.Errorf("%w: %w", errConfig, err)
	}
	listener, err := net.Listen("tcp", c.listen)
	if err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	d := daemon{
		config: c, hash: c.hash, destinations: to, listener: listener, log: newLogger(c.logLevel, c.logFormat, errs), now: time.Now,
		watch: func(web.Snapshot) {},
	}
	return errors.Join(d.run(ctx), ignoreClosed(listener.Close()))
}

// ignoreClosed forgives that a listener was closed by its server.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// alertTo makes the destinations that are configured.
func (c *config) alertTo() ([]alert.Destination, error) {
	var to []alert.Destination
	if c.slack.webhookURL != "" || c.slack.botToken != "" {
		d, err := alert.NewSlack(alert.Slack{
			WebhookURL: alert.Secret(c.slack.webhookURL), Token: alert.Secret(c.slack.botToken), Channel: c.slack.channel, APIURL: c.slack.apiURL,
		})
		if err != nil {
			return nil, err
		}
		to = append(to, d)
	}
	if c.pager.routingKey != "" {
		d, err := alert.NewPagerDuty(alert.PagerDuty{RoutingKey: alert.Secret(c.pager.routingKey), URL: c.pager.url})
		if err != nil {
			return nil, err
		}
		to = append(to, d)
	}
	return to, nil
}
