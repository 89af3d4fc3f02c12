package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/nango"
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
	admin        net.Listener // of the API; run closes it; nil: there is none
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
	when, err := parseWeekly(c.alerts.weekly)
	if err != nil {
		return err
	}
	f := &follower{engine: g, silence: &silence{}, weekly: &weekly{when: when}, drift: newDrift(c), now: d.now, log: d.log, watch: d.watch,
		every: cmp.Or(d.every, commitEvery), logged: map[string]int{}, asked: newQuestions(), strange: map[string]bool{}, words: c.wording(), shadow: c.alerts.shadow}
	g.incident, f.silence.change = f.decided, f.decided
	g.adopted, g.listed = f.adopts, f.lists
	if f.listing, err = c.directories(d.now); err != nil {
		return fmt.Errorf("%w: nango: %w", errConfig, err)
	}

	o := c.notifying(d.destinations)
	o.Log = d.log.Named("alert")
	o.Save = f.save
	o.May = func() bool { return f.consumer.Status().Owner }
	f.notifier, err = alert.NewNotifier(o)
	if err != nil {
		return err
	}
	var aside string
	f.store, f.committed, aside, err = openState(c.statePath, c.onCorrupt == "set_aside",
		g.restore, f.positions.restore, f.silence.restore, f.weekly.restore, f.drift.restore, f.notifier.Restore)
	if aside != "" {
		d.log.Warn("the state file was damaged and is set aside: it is learned again from the topic", zap.String("aside", aside))
	}
	if err != nil {
		return err
	}
	for _, p := range f.positions.byName {
		f.detector.Hush(p.Told)
	}
	f.detector.Unlist(c.nango.asks)
	in := c.stream()
	in.Now, in.Tick, in.Log, in.StateTime = d.now, d.tick, d.log.Named("stream"), f.committed
	f.consumer, err = stream.New(in)
	if err != nil {
		return errors.Join(fmt.Errorf("%w: kafka: %w", errConfig, err), f.store.Close())
	}
	f.server = web.New(web.Options{Version: buildVersion(), ConfigHash: d.hash, Now: d.now, Severity: c.severity, Shadow: c.alerts.shadow, SetAside: aside != ""})
	f.server.Tells(f.notifier)
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
	serve := func(l net.Listener, h http.Handler) {
		parts.Go(func() {
			if err := web.Serve(outer, l, h); err != nil {
				stop(err)
			}
		})
	}
	serve(d.listener, f.server.Handler())
	if d.admin != nil {
		serve(d.admin, f.server.Admin(f.admin(&d.config)))
	}
	d.log.Info("started", zap.Stringer("http", d.listener.Addr()), zap.Strings("brokers", d.config.kafka.brokers),
		zap.Strings("topics", d.config.kafka.topics), zap.String("state", d.config.statePath), zap.String("tells", d.config.destinations()))
	switch {
	case len(d.destinations) == 0:
		d.log.Warn("nobody is told of incidents: they are only logged and counted")
	case d.config.alerts.shadow:
		d.log.Warn("alerts.shadow is on: incidents are decided, logged and shown, and nothing is sent to anybody")
	}

	for _, doubt := range d.config.nango.doubts() {
		d.log.Warn(doubt)
	}
	if len(f.listing) > 0 {
		l := f.newLister(&d.config)
		if f.committed.IsZero() {
			l.before(ctx, f.takeFirst)
		}
		parts.Go(func() { l.run(ctx) })
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
	c, err := loadConfig(*path, "ship")
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
	admin, err := net.Listen("tcp", c.admin.listen)
	if err != nil {
		return errors.Join(fmt.Errorf("http.admin_listen: %w", err), listener.Close())
	}
	d := daemon{
		config: c, hash: c.hash, destinations: to, listener: listener, admin: admin, log: newLogger(c.logLevel, c.logFormat, errs), now: time.Now,
		watch: func(web.Snapshot) {},
	}
	return errors.Join(d.run(ctx), ignoreClosed(listener.Close()), ignoreClosed(admin.Close()))
}

// ignoreClosed forgives that a listener was closed by its server.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// wording is what messages say beyond the incident itself.
func (c *config) wording() alert.Wording {
	rules := c.table()
	return alert.Wording{
		Display:  func(provider string) string { return rules.Provider(provider).Name },
		Remedy:   func(provider, cause string) string { return rules.Provider(provider).Remedy[nango.Cause(cause)] },
		Severity: c.severity, Links: c.links,
	}
}

// notifying is all that the configuration says about telling.
func (c *config) notifying(to []alert.Destination) alert.Options {
	o := alert.Options{
		Destinations: to, Wording: c.wording(), Fallback: c.alerts.fallback, Shadow: c.alerts.shadow,
		Save: func(string, string, []byte) error { return nil },
	}
	for _, r := range c.alerts.routes {
		o.Routes = append(o.Routes, r.Route)
	}
	return o
}
