package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/revwatch/revwatch/internal/broker"
	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/simulate"
	"github.com/revwatch/revwatch/pkg/web"
)

// stage is everything the demo plays on.
type stage struct {
	scribe
	clock    clock
	speed    float64 // seconds of the demo's time in one of the machine's, where it is fast enough
	broker   *broker.Broker
	kafka    *kafka.Writer
	dir      string // of the state file
	listener net.Listener
	screen   *screen
	seen     atomic.Pointer[web.Snapshot]
}

func newStage(seed uint64, listen string, out io.Writer) (s *stage, err error) {
	s = &stage{speed: demoSpeed, screen: newScreen(out)}
	s.clock.set(demoStart)
	s.world = simulate.New(simulate.Config{Seed: seed, Start: demoStart.Add(-demoHistory), Filler: madeUpFiller})
	for _, x := range script {
		x.happening.At = demoStart.Add(x.after)
		if err := s.world.Schedule(x.happening); err != nil {
			return nil, err
		}
	}
	if s.dir, err = os.MkdirTemp("", "revwatch-demo-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.broker, err = broker.Start(broker.Options{Topics: []string{demoTopic}, Partitions: 3}); err != nil {
		return nil, err
	}
	s.listener, err = net.Listen("tcp", listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		s.screen.say("%s is taken: the metrics are at a free port.", listen)
		s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, err
	}
	s.kafka = &kafka.Writer{
		Addr: kafka.TCP(s.broker.Addrs()...), Topic: demoTopic, Balancer: &kafka.Hash{}, RequiredAcks: kafka.RequireAll,
		BatchSize: 1000, BatchTimeout: time.Millisecond, Compression: kafka.Lz4, Transport: &kafka.Transport{},
	}
	s.writer = s.kafka
	return s, nil
}

// close lets go of everything; what was never opened is left out.
func (s *stage) close() {
	if s.kafka != nil {
		s.kafka.Close()
		s.kafka.Transport.(*kafka.Transport).CloseIdleConnections()
	}
	if s.listener != nil {
		s.listener.Close()
	}
	if s.broker != nil {
		s.broker.Close()
	}
	os.RemoveAll(s.dir)
}

// play writes the history, starts the daemon, waits until it has read everything, and lets time run.
func (s *stage) play(ctx context.Context) error {
	s.screen.say("Revwatch demo: a made-up Nango writes to a Kafka in this process, and the detector reads it as it would read yours.")
	s.screen.say("Metrics: http://%s/metrics (also /healthz and /readyz)", s.listener.Addr())
	if err := s.history(ctx); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	d, err := s.daemon()
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	err = s.live(ctx)
	stop()
	return errors.Join(err, <-ended)
}

// history writes what happened before the demo goes live.
func (s *stage) history(ctx context.Context) error {
	begin, whole := time.Now(), int(demoHistory/wholeDay)
	rows, err := s.days(ctx, demoStart.Add(-demoHistory), demoStart, func(n, rows int) {
		s.screen.progress("writing the history: %d of %d days, %d rows", n, whole, rows)
	})
	if err == nil {
		s.screen.say("History: %d rows of %d days, written in %s.", rows, whole, time.Since(begin).Round(time.Millisecond))
	}
	return err
}

// daemon is what run would start, but for the clock, the place of the state file, and where alerts go.
func (s *stage) daemon() (*daemon, error) {
	c := defaults()
	c.kafka.brokers, c.kafka.topics = s.broker.Addrs(), []string{demoTopic}
	c.statePath, c.alerts.weekly = filepath.Join(s.dir, "revwatch.db"), "off"
	terminal, err := alert.NewTerminal(s.screen, alert.TerminalOptions{Color: s.screen.colour(), Box: true, Width: min(100, s.screen.width())})
	if err != nil {
		return nil, err
	}
	return &daemon{
		config: c, destinations: []alert.Destination{terminal}, listener: s.listener, log: zap.NewNop(), now: s.clock.now,
		tick: 50 * time.Millisecond, every: 200 * time.Millisecond, watch: s.watch,
	}, nil
}

// watch takes each snapshot of the daemon.
func (s *stage) watch(x web.Snapshot) {
	s.seen.Store(&x)
	if s.clock.live.Load() {
		s.screen.show(x)
		return
	}
	lag := int64(0)
	for _, p := range x.Input.Partitions {
		lag += p.Lag
	}
	s.screen.progress("reading the history: %d rows read, %d to go", x.Reader.Records, lag)
}

// live waits until the history is read, and then lets time pass.
func (s *stage) live(ctx context.Context) error {
	began, scenes := time.Now(), script
	step := time.NewTicker(demoStep)
	defer step.Stop()
	for ; ctx.Err() == nil; <-step.C {
		if x := s.seen.Load(); !s.clock.live.Load() {
			if x == nil || len(x.Input.Partitions) == 0 || x.Reader.Behind > 0 {
				continue
			}
			s.clock.set(demoStart.Add(10 * time.Second)) // the reader waits that long for more history
			if x.Watermark.IsZero() {
				continue
			}
			s.screen.say("Learned from it: %d rows read, %d failures joined, in %s. Now live, an hour a second.",
				x.Reader.Records, failures(x.Reader), time.Since(began).Round(time.Millisecond))
			s.clock.live.Store(true)
			began = time.Now()
		}
		target := demoStart.Add(time.Duration(float64(time.Since(began)) * s.speed))
		for t := s.clock.now(); t.Before(target) && ctx.Err() == nil; {
			t = earlier(t.Add(demoGrain), target)
			for ; len(scenes) > 0 && !t.Before(demoStart.Add(scenes[0].after)); scenes = scenes[1:] {
				s.screen.say("%s  %s", t.Format("Mon 15:04"), scenes[0].text)
			}
			if _, err := s.write(ctx, t, t); err != nil && ctx.Err() == nil {
				return err
			}
			s.clock.set(t)
		}
	}
	return nil
}

// verdict is nil when the mass revocation was found and nothing else was.
func (s *stage) verdict() error {
	if err := verdict(s.seen.Load()); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	s.screen.say("The mass revocation was found, and nothing else raised an alarm.")
	return nil
}

// verdict is nil when a snapshot holds an incident of the made-up mass revocation, and no other.
func verdict(x *web.Snapshot) error {
	found, other := false, 0
	if x != nil {
		for _, in := range x.Incidents {
			switch {
			case in.Past:
			case in.Provider == madeUpRevoker && in.Integration == madeUpRevoker && in.Cause == "revoked":
				found = true
			default:
				other++
			}
		}
	}
	switch {
	case !found:
		return errors.New("the mass revocation was not found in this time")
	case other > 0:
		return fmt.Errorf("%s opened that should not have", plural(other, "incident"))
	}
	return nil
}

// clock is the time of the demo. It stands where it was set: up to there everything that happened is in Kafka, so that on a machine however slow
// nothing comes late.
type clock struct {
	ms   atomic.Int64
	live atomic.Bool // the history is over
}

func (c *clock) now() time.Time  { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) set(t time.Time) { c.ms.Store(t.UnixMilli()) }
