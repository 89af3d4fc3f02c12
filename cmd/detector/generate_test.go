package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"

	"github.com/revwatch/revwatch/internal/broker"
	"github.com/revwatch/revwatch/pkg/ship"
	"github.com/revwatch/revwatch/pkg/web"
)

// madeUpSite is a broker without a topic, and a generator that writes to it on a clock of the test's.
type madeUpSite struct {
	t      *testing.T
	config config
	clock  clock // what is now for the daemon: everything before it is on the topic
	said   page
}

func newMadeUpSite(t *testing.T) *madeUpSite {
	t.Helper()
	b, err := broker.Start(broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return newMadeUpSiteAt(t, b.Addrs())
}

func newMadeUpSiteAt(t *testing.T, brokers []string) *madeUpSite {
	s := &madeUpSite{t: t, config: defaults()}
	s.config.kafka.brokers, s.config.kafka.topics = brokers, []string{demoTopic}
	s.config.statePath, s.config.alerts.weekly = filepath.Join(t.TempDir(), "revwatch.db"), "off"
	s.clock.set(demoStart)
	return s
}

// generator writes up to the test's now; wait is called before each further step.
func (s *madeUpSite) generator(force bool, wait func(context.Context) error) (*generator, *madeUpTopic) {
	s.t.Helper()
	topic, err := newMadeUpTopic(&s.config, 2, force)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(topic.close)
	return &generator{topic: topic, writer: topic.writer, seed: 1, history: demoHistory, after: 2 * time.Minute, now: s.clock.now, wait: wait, out: &s.said}, topic
}

// The daemon reads what generate wrote: one incident opens, of the mass revocation, soon after it began, and nothing else.
func TestGenerate(t *testing.T) {
	t.Parallel()
	newMadeUpSite(t).tellsTheStory()
}

// tellsTheStory plays the history and six hours, with a daemon that reads from the end of the history on.
func (s *madeUpSite) tellsTheStory() {
	t := s.t
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var seen atomic.Pointer[web.Snapshot]
	d := &daemon{config: s.config, listener: listener, log: zap.NewNop(), now: s.clock.now, tick: 10 * time.Millisecond, every: 10 * time.Millisecond,
		watch: func(x web.Snapshot) { seen.Store(&x) }}
	ctx, stop := context.WithTimeout(t.Context(), 2*patience)
	defer stop()
	ended := make(chan error, 1)
	started, next, found := false, demoStart, time.Duration(0)
	g, _ := s.generator(false, func(ctx context.Context) error { // everything up to next is written
		if !started {
			go func() { ended <- d.run(ctx) }()
			started = true
		}
		s.clock.set(next)
		for x := seen.Load(); x == nil || x.At.Before(next) || !nothingLeft(x); x = seen.Load() {
			if err := pause(ctx, time.Millisecond); err != nil {
				return err
			}
		}
		if found == 0 && verdict(seen.Load()) == nil {
			found = next.Sub(demoStart)
		}
		if next.Sub(demoStart) > 6*time.Hour {
			return io.EOF
		}
		next = next.Add(2 * time.Minute)
		return nil
	})
	g.now = func() time.Time { return next }
	if err := g.run(ctx); !errors.Is(err, io.EOF) {
		t.Fatalf("ended: %v, said %s", err, s.said.text.String())
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := verdict(seen.Load()); err != nil {
		t.Error(err)
	}
	if found == 0 || found > 30*time.Minute {
		t.Errorf("found after %s", found)
	}
	t.Logf("found %s after going live; %d rows read", found, seen.Load().Reader.Records)
}

// nothingLeft reports whether everything that is on the topic is read and committed.
func nothingLeft(x *web.Snapshot) bool {
	for _, p := range x.Input.Partitions {
		if p.Lag > 0 {
			return false
		}
	}
	return len(x.Input.Partitions) > 0 && x.Reader.Behind == 0
}

// A generator that starts again goes on with the story that is on the topic, whatever its flags say now; made-up rows are not mixed into those of
// others unless that is forced.
func TestGenerateAgain(t *testing.T) {
	t.Parallel()
	s := newMadeUpSite(t)
	once := func(context.Context) error { return io.EOF }
	g, topic := s.generator(false, once)
	g.history = 2 * wholeDay
	if err := g.run(t.Context()); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	told, newest, err := topic.prepare(t.Context(), wholeDay)
	if want := (story{1, demoStart.Add(-2 * wholeDay), demoStart, demoStart.Add(2 * time.Minute)}); err != nil || told != want || demoStart.Sub(newest) > time.Hour {
		t.Fatalf("the topic tells %+v up to %s, %v; want %+v", told, newest, err, want)
	}
	before, _ := topic.ends(t.Context())

	s.clock.set(demoStart.Add(3 * time.Hour))
	g, _ = s.generator(false, once)
	g.seed, g.history = 7, wholeDay
	if err := g.run(t.Context()); !errors.Is(err, io.EOF) || !s.said.has("their story goes on") || !s.said.has("google-mail revoked 60 connections") {
		t.Errorf("%v, said %s", err, s.said.text.String())
	}
	again, newest, err := topic.prepare(t.Context(), wholeDay)
	after, _ := topic.ends(t.Context())
	if err != nil || again != told || s.clock.now().Sub(newest) > time.Hour || len(after) != 2 || after[0] <= before[0] {
		t.Errorf("the topic tells %+v up to %s, ends %v after %v, %v", again, newest, after, before, err)
	}

	if err := topic.writer.WriteMessages(t.Context(), kafka.Message{Value: []byte("a"), Key: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	g, _ = s.generator(false, once)
	if err := g.run(t.Context()); !errors.Is(err, errForeign) || !strings.Contains(err.Error(), "name another topic, or say -force") {
		t.Errorf("made-up rows are written into those of others: %v", err)
	}
	if now, _ := topic.ends(t.Context()); now[0]+now[1] != after[0]+after[1]+1 {
		t.Errorf("ends %v after %v: something was written", now, after)
	}
	g, _ = s.generator(true, once)
	g.history = 0
	if err := g.run(t.Context()); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// Where the newest offset holds no record, as behind a transaction, it is said; the generator does not wait without a word.
func TestGenerateCannotReadTheNewest(t *testing.T) {
	t.Parallel()
	s := newMadeUpSite(t)
	_, topic := s.generator(false, nil)
	if _, _, err := topic.prepare(t.Context(), wholeDay); err != nil {
		t.Fatal(err)
	}
	topic.patience = 10 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, _, err := topic.look(ctx, 0, 0); err == nil || !strings.Contains(err.Error(), "its newest record cannot be read within 10ms") {
		t.Errorf("%v", err)
	}
}

// Rows are written until the broker has them; whoever ends the generator ends that too.
func TestGenerateIsPersistent(t *testing.T) {
	t.Parallel()
	var said page
	ctx, stop := context.WithCancel(t.Context())
	refused := 0
	w := persistent{refuses(func() error {
		if refused++; refused < 2 {
			return kafka.WriteErrors{nil, kafka.LeaderNotAvailable}
		}
		return nil
	}), func(format string, args ...any) { said.Write([]byte(format)) }}
	if err := w.WriteMessages(ctx, kafka.Message{}); err != nil || refused != 2 || !said.has("written again") {
		t.Errorf("%v after %d attempts, said %s", err, refused, said.text.String())
	}
	w.Writer = refuses(func() error { stop(); return kafka.LeaderNotAvailable })
	if err := w.WriteMessages(ctx, kafka.Message{}); err == nil {
		t.Error("no error though nothing was written")
	}
}

type refuses func() error

func (r refuses) WriteMessages(context.Context, ...kafka.Message) error { return r() }

var _ ship.Writer = refuses(nil)

// The command waits for a broker that starts later, and ends when it is told to.
func TestGenerateCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "detector.yaml")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	text := "kafka.brokers: [" + l.Addr().String() + "]\nkafka.topics: [a, b]\nship.topic: made-up\nslack.webhook_url_file: /not/there\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l.Close()
	var said page
	ctx, stop := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- command(ctx, []string{"generate", "-config", file, "-history", "1d", "-partitions", "1"}, nil, &said, &said)
	}()
	await := func(what string) {
		t.Helper()
		for deadline := time.Now().Add(patience); !said.has(what); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("waited in vain for %q: %s", what, said.text.String())
			}
		}
	}
	await("the topic made-up is not ready")
	port := kfake.Ports(l.Addr().(*net.TCPAddr).Port)
	b, err := broker.Start(broker.Options{Extra: []kfake.Opt{port}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	await("Now live")
	stop()
	if got := <-code; got != exitOK || !said.has("Ended: ") {
		t.Errorf("exit code %d, said %s", got, said.text.String())
	}
}
