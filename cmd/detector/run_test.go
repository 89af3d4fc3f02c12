package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"

	"github.com/revwatch/revwatch/internal/broker"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/simulate"
)

// asDetector makes the test binary behave as the program: a test can then kill it.
const asDetector = "REVWATCH_TEST_AS_DETECTOR"

func TestMain(m *testing.M) {
	if os.Getenv(asDetector) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for anything: a hundred times what it takes on a machine that does nothing else.
const patience = 90 * time.Second

// site is a company with a Kafka, a Slack and a PagerDuty.
type site struct {
	t        *testing.T
	broker   *broker.Broker
	brokers  []string
	slack    *inbox
	pager    *inbox
	dir      string
	http     string // address of metrics and health
	api      string
	producer *kafka.Writer
	log      page // of all daemons
}

func newSite(t *testing.T) *site {
	t.Helper()
	b, err := broker.Start(broker.Options{Topics: []string{"nango-logs"}, Partitions: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return newSiteAt(t, b.Addrs(), b)
}

func newSiteAt(t *testing.T, brokers []string, b *broker.Broker) *site {
	s := &site{t: t, broker: b, brokers: brokers, slack: newInbox(t, http.StatusOK, "ok"), pager: newInbox(t, http.StatusAccepted, `{"status":"success"}`), dir: t.TempDir()}
	transport := &kafka.Transport{}
	s.producer = &kafka.Writer{Addr: kafka.TCP(brokers...), Topic: "nango-logs", Balancer: &kafka.Hash{}, RequiredAcks: kafka.RequireAll,
		BatchSize: 1000, BatchTimeout: time.Millisecond, Compression: kafka.Lz4, Transport: transport}
	t.Cleanup(func() { s.producer.Close(); transport.CloseIdleConnections() })
	s.http, s.api = freeAddress(t), freeAddress(t)
	return s
}

// freeAddress is one at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// config writes a configuration file; extra lines are appended.
func (s *site) config(extra ...string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, "detector.yaml")
	text := fmt.Sprintf("kafka.brokers: [%s]\nkafka.topics: [nango-logs]\nslack.webhook_url: %s/services/T0/B0/secret\nstate.path: %s\nhttp.listen: %s\nhttp.admin_listen: %s\nalerts.allow: [127.0.0.0/8]\nkafka.session_timeout: 1s\nkafka.heartbeat_interval: 200ms\n",
		strings.Join(s.brokers, ","), s.slack.url, filepath.Join(s.dir, "state.db"), s.http, s.api)
	if err := os.WriteFile(path, []byte(text+strings.Join(extra, "\n")), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *site) withPager() string {
	return fmt.Sprintf("pagerduty: {routing_key: 0123456789abcdef0123456789abcdef, url: %s}", s.pager.url)
}

// produce writes rows with the append time that the world gave them.
func (s *site) produce(rows []simulate.Row) {
	s.t.Helper()
	messages := make([]kafka.Message, 0, len(rows))
	for _, r := range rows {
		messages = append(messages, kafka.Message{Key: r.Key, Value: r.Value, Time: r.Time})
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.producer.WriteMessages(ctx, messages...); err != nil {
		s.t.Fatal(err)
	}
}

// start runs the daemon until stop, which returns its exit code.
func (s *site) start(config string) (stop func() int) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() {
		code <- command(ctx, []string{"run", "-config", config}, nil, io.Discard, io.MultiWriter(&testLog{s.t}, &s.log))
	}()
	var once sync.Once
	ended := -1
	stop = func() int {
		once.Do(func() {
			cancel()
			select {
			case ended = <-code:
			case <-time.After(patience):
				s.t.Error("the daemon does not end when asked to")
				pprof.Lookup("goroutine").WriteTo(&testLog{s.t}, 1)
			}
		})
		return ended
	}
	s.t.Cleanup(func() { stop() })
	return stop
}

// testLog keeps the daemon's log for a test that fails.
type testLog struct{ t *testing.T }

func (l *testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func (s *site) get(path string) (int, string) { return s.at(s.http, path) }

// at asks one of the listeners.
func (s *site) at(address, path string) (int, string) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get("http://" + address + path)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(body)
}

// metric sums the samples whose name and labels match; 0 without any.
func (s *site) metric(pattern string) (sum float64) {
	_, body := s.get("/metrics")
	re := regexp.MustCompile(pattern)
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' && re.MatchString(line[:i]) {
			v, _ := strconv.ParseFloat(line[i+1:], 64)
			sum += v
		}
	}
	return sum
}

// await polls until ok.
func (s *site) await(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			_, ready := s.get("/readyz")
			s.t.Fatalf("waited in vain for: %s\nreadyz: %s", what, ready)
		}
	}
}

// awaitRead waits until every record that was produced is read and committed.
func (s *site) awaitRead(records int) {
	s.t.Helper()
	s.await(fmt.Sprintf("%d records read", records), func() bool {
		return s.metric(`^revwatch_partition_position`) >= float64(records) && s.metric(`^revwatch_sources\{state="behind"`) == 0
	})
}

// inbox is a destination that keeps what it gets.
type inbox struct {
	url string
	mu  sync.Mutex
	got []map[string]any
}

func newInbox(t *testing.T, status int, answer string) *inbox {
	in := &inbox{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(bufio.NewReader(r.Body)).Decode(&body); err != nil {
			t.Errorf("%s got no JSON: %v", r.URL.Path, err)
		}
		in.mu.Lock()
		in.got = append(in.got, body)
		in.mu.Unlock()
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	in.url = server.URL
	return in
}

func (in *inbox) all() []map[string]any {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]map[string]any{}, in.got...)
}

// about counts what was told of a provider. The ordinary life of the made-up world may rise unusually of its own, at some hour of some day.
func (in *inbox) about(provider string) (n int) {
	for _, m := range in.all() {
		if strings.Contains(fmt.Sprint(m), provider) {
			n++
		}
	}
	return n
}

// lost is the integration whose connections past revokes.
const lost = "google-mail"

// lossAgo is long enough for every lost connection to have failed, and short enough for the incident to go on: what ended before the start is told to
// nobody.
const lossAgo = 2 * time.Hour

// counted is how many connections of it have newly broken at least when everything is counted, at whatever time of day the world ends.
const counted = 50

// past is a world that ends at end, with a mass revocation some time before.
func past(t testing.TB, end time.Time, days int, before time.Duration) []simulate.Row {
	t.Helper()
	w := simulate.New(simulate.Config{Seed: 5, Start: end.AddDate(0, 0, -days), Filler: 1})
	h := simulate.Happening{Kind: simulate.MassRevocation, Integration: lost, Connections: 60, At: end.Add(-before), For: 30 * time.Minute}
	if err := w.Schedule(h); err != nil {
		t.Fatal(err)
	}
	var rows []simulate.Row
	w.Until(end, func(r simulate.Row) { rows = append(rows, r) })
	return rows
}

// writtenBefore counts the rows written before t.
func writtenBefore(rows []simulate.Row, t time.Time) int {
	return sort.Search(len(rows), func(i int) bool { return !rows[i].Time.Before(t) })
}

// produceUntilLoss makes so many days and produces what was written before the revocation; rows[before:] are left.
func (s *site) produceUntilLoss(days int) (rows []simulate.Row, before int) {
	s.t.Helper()
	now := time.Now()
	rows = past(s.t, now, days, lossAgo)
	before = writtenBefore(rows, now.Add(-lossAgo))
	s.produce(rows[:before])
	return rows, before
}

// The main job: rows in Kafka, an alert at Slack and PagerDuty, metrics; a restart tells nothing twice; the same rows again change no count.
func TestRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rows := past(t, time.Now(), 14, lossAgo)
	s.produce(rows)
	config := s.config(s.withPager())
	stop := s.start(config)
	s.await("an alert at Slack and PagerDuty", func() bool { return s.slack.about(lost) > 0 && s.pager.about(lost) > 0 })
	s.awaitRead(len(rows))
	s.await("readiness", func() bool { code, _ := s.get("/readyz"); return code == http.StatusOK })
	if code, body := s.get("/healthz"); code != http.StatusOK {
		t.Errorf("healthz: %d %s", code, body)
	}
	if post := fmt.Sprint(s.slack.all()); !strings.Contains(post, "prod") {
		t.Errorf("Slack was told %q: nothing of prod in it", post)
	}
	if s.pager.about("trigger") < 1 || s.metric(`^revwatch_incidents_open\{.*signal="revocations"`) < 1 {
		t.Errorf("PagerDuty got %v, %v incidents open", s.pager.all(), s.metric(`^revwatch_incidents_open`))
	}
	if drift := s.metric(`^revwatch_schema_drift`); drift != 0 || s.metric(`^revwatch_reasons_total`) < 60 || s.metric(`^revwatch_accounts`) != 1 {
		t.Errorf("drift %v, %v reasons, %v accounts", drift, s.metric(`^revwatch_reasons_total`), s.metric(`^revwatch_accounts`))
	}
	broken := s.metric(`^revwatch_broken_connections_total`)
	if broken < 60 || s.metric(`^revwatch_refresh_token_external_errors_total\{environment="prod",provider="google-mail",integration="google-mail"\}`) < 60 {
		t.Errorf("%v broken, raw %v", broken, s.metric(`^revwatch_refresh_token_external_errors_total`))
	}
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}

	s.produce(rows)
	stop = s.start(config)
	s.awaitRead(2 * len(rows))
	if again := s.metric(`^revwatch_broken_connections_total`); again != broken {
		t.Errorf("%v broken after the same rows again, want %v", again, broken)
	}
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	if n, m := s.slack.about(lost), s.pager.about(lost); n != 1 || m != 1 {
		t.Errorf("%d posts and %d events after a restart, want one each", n, m)
	}
}

// A topic that is not Nango's is told of in metrics, until rows come.
func TestRunForeignTopic(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var foreign []simulate.Row
	for i, v := range repeat(300, foreignRow) {
		at := time.Now().Add(time.Duration(i-300) * 10 * time.Second)
		foreign = append(foreign, simulate.Row{Time: at, Key: fmt.Append(nil, i), Value: []byte(v)})
	}
	s.produce(foreign)
	stop := s.start(s.config())
	s.await("the drift is told", func() bool { return s.metric(`^revwatch_schema_drift\{kind="no_nango_rows"\}`) == 1 })
	s.produce(past(t, time.Now(), 1, time.Hour))
	s.await("it is over", func() bool { return s.metric(`^revwatch_schema_drift`) == 0 })
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
}

// Rows of two weeks ago raise no notification and leave a usable baseline, whether they are there at the start or come while the daemon runs.
func TestRunThePastDoesNotPage(t *testing.T) {
	for name, first := range map[string]bool{"there at the start": true, "come later": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			end := time.Now().AddDate(0, 0, -14)
			rows := past(t, end, 14, 30*time.Hour)
			if first {
				s.produce(rows)
			}
			stop := s.start(s.config())
			if !first {
				s.await("readiness", func() bool { code, _ := s.get("/readyz"); return code == http.StatusOK })
				s.produce(rows)
			}
			s.awaitRead(len(rows))
			s.await("the incident is recorded", func() bool {
				return s.metric(`^revwatch_broken_connections_total\{.*provider="google-mail"`) >= counted
			})
			if usual := s.metric(`^revwatch_expected\{.*provider="google-mail".*window="24h"`); usual <= 0.3 {
				t.Errorf("%v expected in a day: no baseline", usual)
			}
			if late := s.metric(`^revwatch_late_records_total`); late != 0 {
				t.Errorf("%v late", late)
			}
			broken, expected := s.metric(`^revwatch_broken_connections_total`), s.metric(`^revwatch_expected`)
			s.produce(rows)
			s.awaitRead(2 * len(rows))
			s.await("all of it decided", func() bool { return s.metric(`^revwatch_held`) < 500 }) // runs that have not ended wait for their end
			if again := s.metric(`^revwatch_broken_connections_total`); again != broken || s.metric(`^revwatch_expected`) != expected {
				t.Errorf("%v broken after the same rows again, want %v", again, broken)
			}
			if code := stop(); code != exitOK {
				t.Fatalf("exit code %d", code)
			}
			if got := s.slack.all(); len(got) != 0 {
				t.Errorf("Slack was told %v", got)
			}
		})
	}
}

// Of two daemons one reads; when it stops the other relearns in silence, and is ready.
func TestRunTakeover(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rows := past(t, time.Now(), 12, lossAgo)
	s.produce(rows)
	stop := s.start(s.config())
	s.await("an alert", func() bool { return s.slack.about(lost) > 0 })
	second := newSiteAt(t, s.brokers, s.broker)
	second.slack = s.slack
	end := second.start(second.config())
	second.await("standing by", func() bool {
		code, body := second.get("/readyz")
		return code == http.StatusOK && strings.Contains(body, "standing by")
	})
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	second.awaitRead(len(rows))
	second.await("all of it counted", func() bool {
		return second.metric(`^revwatch_broken_connections_total\{.*provider="google-mail"`) >= counted
	})
	if code := end(); code != exitOK || s.slack.about(lost) != 1 {
		t.Errorf("exit code %d, %d posts after the takeover, want one", code, s.slack.about(lost))
	}
}

// process runs the daemon as a process of its own, which can be killed.
func (s *site) process(config string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(os.Args[0], "run", "-config", config)
	cmd.Env = append(os.Environ(), asDetector+"=1")
	cmd.Stderr = &testLog{s.t}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { kill(cmd) })
	return cmd
}

// kill is kill -9.
func kill(cmd *exec.Cmd) {
	cmd.Process.Kill()
	cmd.Wait()
}

// A state that was lost is relearned in silence, up to where the group had read; what came after that is told.
func TestRunStateLost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rows, before := s.produceUntilLoss(12)
	config := s.config()
	forget := func(stop func() int) {
		t.Helper()
		if code := stop(); code != exitOK {
			t.Fatalf("exit code %d", code)
		}
		if err := os.Remove(filepath.Join(s.dir, "state.db")); err != nil {
			t.Fatal(err)
		}
	}
	stop := s.start(config)
	s.awaitRead(before)
	forget(stop)

	s.produce(rows[before:]) // nobody has read these
	stop = s.start(config)
	s.await("an alert", func() bool { return s.slack.about(lost) > 0 })
	s.awaitRead(len(rows))
	forget(stop)

	told := s.slack.about(lost)
	stop = s.start(config)
	s.awaitRead(len(rows))
	s.await("all of it counted", func() bool {
		return s.metric(`^revwatch_broken_connections_total\{.*provider="google-mail"`) >= counted
	})
	if code := stop(); code != exitOK || s.slack.about(lost) != told {
		t.Errorf("exit code %d, %d posts after the state was lost, want %d", code, s.slack.about(lost), told)
	}
}

// A daemon that is asked to stop has done its work: whoever supervises it must not see a failure.
func TestRunTerminated(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.process(s.config())
	s.await("readiness", func() bool { code, _ := s.get("/readyz"); return code == http.StatusOK })
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("ended with %v, want exit code 0", err)
	}
}

// A kill right after the alert is followed by no second alert.
func TestRunKilledAfterTheAlert(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rows, before := s.produceUntilLoss(12)
	config := s.config()
	first := s.process(config)
	s.awaitRead(before)
	s.produce(rows[before:])
	s.await("an alert", func() bool { return s.slack.about(lost) > 0 })
	kill(first)

	second := s.process(config)
	s.awaitRead(len(rows))
	s.await("all of it counted", func() bool {
		return s.metric(`^revwatch_broken_connections_total\{.*provider="google-mail"`) >= counted
	})
	kill(second)
	told := map[any]bool{} // a post of the incident when it has grown a lot is another one
	for _, post := range s.slack.all() {
		if told[post["text"]] {
			t.Errorf("told twice: %v", post["text"])
		}
		told[post["text"]] = true
	}
}

// However often it is killed while it reads, everything is counted once.
func TestRunKilledWhileReading(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	now := time.Now()
	rows := past(t, now, 12, 4*time.Hour)
	s.produce(rows)
	config := s.config()
	for i := range 5 {
		p := s.process(config)
		s.await("something read", func() bool { return s.metric(`^revwatch_records_total`) > 0 || s.metric(`^revwatch_owner`) > 0 })
		time.Sleep(time.Duration(i) * 30 * time.Millisecond) // another moment each time
		kill(p)
	}
	stop := s.start(config)
	s.awaitRead(len(rows))
	want := float64(caughtUp(rows, now).broken)
	s.await("all of it counted", func() bool { return s.metric(`^revwatch_broken_connections_total`) >= want })
	if got := s.metric(`^revwatch_broken_connections_total`); got != want {
		t.Errorf("%v broken, want %v", got, want)
	}
	if code := stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// Bad records are counted under their reason and lose no neighbour.
func TestRunBadInput(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	bad := []string{"garbage refresh_token", `{"type":"operation","id":"x","refresh_token`, strings.Repeat(`{"refresh_token":`, 10_000), "\xff\xfe_refresh_token",
		`{"refresh_token":"` + strings.Repeat("x", 700_000) + `"}`, "null", `{"type":"operation","operation":{"type":"auth","action":"refresh_token"},"createdAt":"3000-01-01T00:00:00Z"}`}
	messages := []kafka.Message{{Key: []byte("k"), Value: nil}}
	for _, b := range bad {
		messages = append(messages, kafka.Message{Value: []byte(b)})
	}
	if err := s.producer.WriteMessages(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	rows := past(t, now, 10, 4*time.Hour)
	s.produce(rows)
	stop := s.start(s.config())
	s.awaitRead(len(rows) + len(messages))
	want := float64(caughtUp(rows, now).broken)
	s.await("all of it counted", func() bool { return s.metric(`^revwatch_broken_connections_total`) == want })
	if n := s.metric(`^revwatch_quarantined_total`); n < 4 || s.metric(`^revwatch_quarantined_total\{reason="empty"`) != 1 {
		t.Errorf("%v quarantined", n)
	}
	if code := stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// Without a Kafka the daemon stays up, says why it is not ready, and ends when asked to.
func TestRunWithoutKafka(t *testing.T) {
	t.Parallel()
	s := newSiteAt(t, []string{freeAddress(t)}, nil)
	stop := s.start(s.config())
	s.await("readyz says why", func() bool {
		code, body := s.get("/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "connection refused")
	})
	if code := stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// decided leaves out the end of the rows while a break in it would be held back: whoever reads on would learn of it, and rightly tell it.
func decided(rows []simulate.Row) []simulate.Row {
	for {
		r := newRecorder(defaults())
		r.reader.Open("p", 0, -1)
		for i, row := range rows {
			r.reader.Read(row.Value, nango.Meta{Source: "p", Offset: int64(i)})
		}
		r.suspend(time.Now())
		known := r.broken
		if r.flush(time.Now()); r.broken == known {
			return rows
		}
		rows = rows[:writtenBefore(rows, rows[len(rows)-1].Time.Add(-time.Minute))]
	}
}

// What learn wrote is where run goes on: the history is known at once, and its incidents are not told.
func TestLearnThenRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rows := decided(past(t, time.Now(), 12, 4*time.Hour))
	file := filepath.Join(s.dir, "rows.ndjson")
	var text strings.Builder
	for _, r := range rows {
		text.Write(r.Value)
		text.WriteByte('\n')
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	config := s.config()
	var out, errs strings.Builder
	if code := command(t.Context(), []string{"learn", "--input", file, "-config", config}, nil, &out, &errs); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	if want := "Learned 8 providers from 12 days"; !strings.Contains(out.String(), want) {
		t.Errorf("learn said %q, want %q in it", out.String(), want)
	}
	if code := command(t.Context(), []string{"learn", "--input", file, "-config", config}, nil, &out, &errs); code != exitFailure || !strings.Contains(errs.String(), "exists already") {
		t.Errorf("exit code %d over an existing file: %s", code, errs.String())
	}
	s.produce(rows) // the topic still holds the same rows
	stop := s.start(config)
	s.awaitRead(len(rows))
	want := float64(caughtUp(rows, time.Now()).broken)
	s.await("what was learned, and no more", func() bool { return s.metric(`^revwatch_broken_connections_total`) == want })
	if code := stop(); code != exitOK || s.slack.about(lost) != 0 {
		t.Errorf("exit code %d, Slack was told %v", code, s.slack.all())
	}
}

// In shadow mode everything is decided and shown, and nothing is sent; who would be told is logged. When it is over, what goes on is told.
func TestRunShadow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rows := past(t, time.Now(), 14, lossAgo)
	s.produce(rows)
	stop := s.start(s.config(s.withPager(), "alerts.shadow: true", "alerts.routes: [{provider: [google-*], to: [pagerduty]}, {to: [slack]}]"))
	s.awaitRead(len(rows))
	s.await("the incident is found", func() bool { return s.metric(`^revwatch_incidents_open\{.*signal="revocations"`) >= 1 })
	s.await("it is logged", func() bool {
		return s.log.has(`"would_tell":["pagerduty"]`) || s.log.has(`"would_tell": ["pagerduty"]`)
	})
	if _, ready := s.get("/readyz"); !strings.Contains(ready, "ok destination slack: shadow: nothing is sent\n") || s.metric(`^revwatch_shadow`) != 1 {
		t.Errorf("readyz says %s", ready)
	}
	if code := stop(); code != exitOK || len(s.slack.all())+len(s.pager.all()) != 0 {
		t.Fatalf("exit code %d, sent %v %v", code, s.slack.all(), s.pager.all())
	}
	stop = s.start(s.config(s.withPager(), "alerts.routes: [{provider: [google-*], to: [pagerduty]}, {to: [slack]}]"))
	s.await("an alert", func() bool { return s.pager.about(lost) > 0 })
	if code := stop(); code != exitOK || s.slack.about(lost) != 0 {
		t.Errorf("exit code %d, Slack was told %v", code, s.slack.all())
	}
}

// A daemon that was away at the moment of the weekly line tells it when it comes back, once.
func TestRunTellsTheWeek(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	now := time.Now().UTC()
	rows := past(t, now, 14, lossAgo)
	s.produce(rows)
	weekly := func(at time.Time) string {
		return s.config("alerts.weekly: " + strings.ToLower(at.Weekday().String()) + at.Format(" 15:04"))
	}
	told := func() (n int) {
		for _, post := range s.slack.all() {
			if strings.Contains(fmt.Sprint(post), "Week to ") && strings.Contains(fmt.Sprint(post), ": prod ") {
				n++
			}
		}
		return n
	}
	stop := s.start(weekly(now.Add(-3 * 24 * time.Hour)))
	s.awaitRead(len(rows))
	s.await("it has looked at the week", func() bool { return s.log.has("the next weekly line") })
	if code := stop(); code != exitOK || told() != 0 {
		t.Fatalf("exit code %d, told %d weekly lines at the first start", code, told())
	}
	config := weekly(now.Add(-2 * time.Hour))
	stop = s.start(config)
	s.await("the weekly line", func() bool { return told() == 1 })
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	stop = s.start(config)
	s.awaitRead(len(rows))
	s.await("caught up", func() bool {
		return s.metric(`^revwatch_owner`) == 1 && s.metric(`^revwatch_sources\{state="behind"`) == 0
	})
	if code := stop(); code != exitOK || told() != 1 {
		t.Errorf("exit code %d, %d weekly lines after a restart", code, told())
	}
}
