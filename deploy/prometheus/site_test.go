//go:build integration

package prometheus

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/revwatch/revwatch/internal/broker"
	"github.com/revwatch/revwatch/pkg/simulate"
)

// patience is how long a test waits for anything; nothing takes half of it.
const patience = 3 * time.Minute

const topic = "nango-logs"

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// freeAddress is one at which nobody listens, below the ports that systems give to clients: a scrape must not take it before the daemon does.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 1000 {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15_000+rand.IntN(15_000))); err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// build makes the program.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "detector")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/detector").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// member is one daemon: where it listens is known before it runs, as that of a scraped one is.
type member struct {
	binary, job, http, api string
}

func newMember(t *testing.T, binary, job string) member {
	return member{binary, job, freeAddress(t), freeAddress(t)}
}

// site is what one member lives in: a Kafka, a Slack, a directory.
type site struct {
	member
	*testing.T
	brokers []string
	client  *kgo.Client
	dir     string
}

func (m member) site(t *testing.T) *site {
	t.Helper()
	b, err := broker.Start(broker.Options{Topics: []string{topic}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs()...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &site{m, t, b.Addrs(), client, t.TempDir()}
}

// slack is a setting: an incoming webhook that gives one answer.
func slack(t *testing.T, status int, answer string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return "slack.webhook_url: " + s.URL + "/services/T0/B0/x"
}

func (s *site) state() string { return filepath.Join(s.dir, "state.db") }

// start runs the daemon until end, which kills it, or until the test ends. before is put in front of it in a shell.
func (s *site) start(before string, settings ...string) (end func()) {
	s.Helper()
	config := filepath.Join(s.dir, "detector.yaml")
	text := strings.Join(append(settings, "kafka.brokers: ["+strings.Join(s.brokers, ",")+"]", "kafka.session_timeout: 1s", "kafka.heartbeat_interval: 200ms",
		"state.path: "+s.state(), "http.listen: "+s.http, "http.admin_listen: "+s.api, "alerts.allow: [127.0.0.0/8]"), "\n")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	c := exec.Command("sh", "-c", before+` exec "$0" run -config "$1"`, s.binary, config)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		s.Fatal(err)
	}
	ended := false
	end = func() {
		if ended {
			return
		}
		ended = true
		_ = c.Process.Kill()
		_ = c.Wait()
		if s.Failed() {
			s.Logf("%s said: %s", s.job, out.Bytes()[max(0, out.Len()-3000):])
		}
	}
	s.Cleanup(end)
	return end
}

// stop ends a process as whoever supervises it does.
func stop(t *testing.T, p *exec.Cmd) {
	t.Cleanup(func() {
		_ = p.Process.Signal(syscall.SIGTERM)
		hard := time.AfterFunc(10*time.Second, func() { _ = p.Process.Kill() })
		_ = p.Wait()
		hard.Stop()
	})
}

// produce writes values with the times at which they are to have been appended.
func (s *site) produce(rows ...simulate.Row) {
	s.Helper()
	records := make([]*kgo.Record, len(rows))
	for i, r := range rows {
		records[i] = &kgo.Record{Key: r.Key, Value: r.Value, Timestamp: r.Time}
	}
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	if err := s.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		s.Fatal(err)
	}
}

// days is a made-up Nango up to now: when loss is set, one that lost many connections in the last two hours.
func days(t *testing.T, n int, loss bool) (rows []simulate.Row) {
	t.Helper()
	now := time.Now()
	w := simulate.New(simulate.Config{Seed: 5, Start: now.AddDate(0, 0, -n), Filler: 1})
	if loss {
		h := simulate.Happening{Kind: simulate.MassRevocation, Integration: "google-mail", Connections: 60, At: now.Add(-2 * time.Hour), For: 30 * time.Minute}
		if err := w.Schedule(h); err != nil {
			t.Fatal(err)
		}
	}
	w.Until(now, func(r simulate.Row) { rows = append(rows, r) })
	return rows
}

// empty deletes every record that the topic holds, as retention does.
func (s *site) empty() {
	s.Helper()
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Offset = -1 // up to the end
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	r := kmsg.NewPtrDeleteRecordsRequest()
	r.Topics, r.TimeoutMillis = append(r.Topics, t), 10_000
	res, err := r.RequestWith(s.Context(), s.client)
	if err == nil {
		err = kerr.ErrorForCode(res.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		s.Fatal(err)
	}
}
