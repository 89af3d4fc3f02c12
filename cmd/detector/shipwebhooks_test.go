package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/pkg/ship"
	"github.com/revwatch/revwatch/pkg/simulate"
)

const (
	signingKey  = "6c1c2f5e-3333-4333-8333-00000000000c"
	signingKey2 = "7d2d3f6f-4444-4444-8444-00000000000d"
)

// hookDelivery is a request as Nango makes it.
func hookDelivery(t testing.TB, url, key string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	mac, old := hmac.New(sha256.New, []byte(key)), sha256.Sum256(append([]byte(key), body...))
	mac.Write(body)
	for name, v := range map[string]string{
		"X-Nango-Signature": hex.EncodeToString(old[:]), "X-Nango-Hmac-Sha256": hex.EncodeToString(mac.Sum(nil)),
		"content-type": "application/json", "user-agent": "nango/0.71.4 (linux/6.1.0; node.js/22.22.2)",
	} {
		r.Header.Set(name, v)
	}
	return r
}

// hooks is a running receiver of webhooks.
type hooks struct {
	t           *testing.T
	url, status string
	now         atomic.Int64 // its clock, Unix ms
	client      *http.Client
}

// receiveHooks runs a receiver with the settings in config until the test ends.
func (s *site) receiveHooks(config string) *hooks {
	s.t.Helper()
	c, err := loadConfig(config)
	if err != nil {
		s.t.Fatal(err)
	}
	h := &hooks{t: s.t, url: "http://" + c.ship.webhooks.listen + c.ship.webhooks.path, status: c.ship.webhooks.metricsListen}
	h.client = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	r := receiver{config: &c, log: newLogger("info", "json", &testLog{s.t}), now: func() time.Time { return time.UnixMilli(h.now.Load()) }}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx) }()
	s.t.Cleanup(func() {
		h.client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	})
	s.await("the receiver listens", func() bool { code, _ := s.at(c.ship.webhooks.listen, "/healthz"); return code == http.StatusOK })
	return h
}

// deliver sends bodies at the same time, by the clock of the receiver too.
func (h *hooks) deliver(at time.Time, bodies [][]byte) {
	h.now.Store(at.UnixMilli())
	var sending sync.WaitGroup
	for n := range 16 {
		sending.Go(func() {
			for i := n; i < len(bodies); i += 16 {
				if code, said := h.send(bodies[i]); code != http.StatusOK {
					h.t.Errorf("answer %d %s", code, said)
				}
			}
		})
	}
	sending.Wait()
}

// send delivers one body; what is asked for again is sent again, as Nango does.
func (h *hooks) send(body []byte) (code int, said string) {
	for range 3 {
		answer, err := h.client.Do(hookDelivery(h.t, h.url, signingKey2, body))
		if err != nil {
			return 0, err.Error()
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if code, said = answer.StatusCode, string(text); code < 500 {
			break
		}
	}
	return code, said
}

// hookSettings are those of a receiver; the file of keys holds two.
func (s *site) hookSettings() []string {
	file := s.dir + "/keys"
	if err := os.WriteFile(file, []byte(signingKey+"\n"+signingKey2+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return []string{"ship.webhooks: {listen: " + freeAddress(s.t) + ", metrics_listen: " + freeAddress(s.t) + ", path: /nango, signing_key_file: " + file + "}"}
}

// deliveries are the webhooks of a made-up world: of refused refreshes, as its rows hold them, and of authorizations.
func deliveries(t testing.TB, rows []simulate.Row) (all []simulate.Row) {
	t.Helper()
	for _, r := range rows {
		var row struct {
			Context, State, IntegrationName, ProviderName, ConnectionName, EnvironmentName string
			Operation                                                                      struct{ Action string }
			Request                                                                        struct{ Body json.RawMessage }
		}
		if err := json.Unmarshal(r.Value, &row); err != nil {
			t.Fatal(err)
		}
		body := row.Request.Body
		switch {
		case row.Context == "webhook" && len(body) > 0:
		case row.Operation.Action == "create_connection" && row.State == "success":
			body = fmt.Appendf(nil, `{"authMode":"OAUTH2","connectionId":%q,"environment":%q,"from":"nango","operation":"creation","provider":%q,"providerConfigKey":%q,"success":true,"type":"auth"}`,
				row.ConnectionName, row.EnvironmentName, row.ProviderName, row.IntegrationName)
		default:
			continue
		}
		all = append(all, simulate.Row{Time: r.Time, Value: body})
	}
	return all
}

// shipHooksToIncident is a company of Nango's cloud: it has nothing but webhooks, and is told of a mass revocation.
func shipHooksToIncident(t *testing.T, s *site) {
	end := time.Now()
	w := simulate.New(simulate.Config{Seed: 5, Start: end.AddDate(0, 0, -14), Webhooks: true, Calls: -1})
	h := simulate.Happening{Kind: simulate.MassRevocation, Integration: lost, Connections: 60, At: end.Add(-lossAgo), For: 30 * time.Minute}
	if err := w.Schedule(h); err != nil {
		t.Fatal(err)
	}
	var rows []simulate.Row
	w.Until(end, func(r simulate.Row) { rows = append(rows, r) })
	all := deliveries(t, rows)

	settings := s.hookSettings()
	config := s.config(settings...)
	hooks := s.receiveHooks(config)
	stop := s.start(config)
	var together [][]byte // those of an hour: a clock that stands still is quicker than one that has to wait for the answers
	sent := 0
	for i, d := range all {
		together = append(together, d.Value)
		if i+1 == len(all) || all[i+1].Time.Truncate(time.Hour) != d.Time.Truncate(time.Hour) {
			hooks.deliver(d.Time, together)
			sent += len(together)
			together = nil
		}
	}
	// What else comes to the same URL: a sync's webhook, a forged one, one of the first again.
	hooks.deliver(end, [][]byte{[]byte(`{"connectionId":"c","from":"nango","success":true,"type":"sync"}`)})
	forged, err := hooks.client.Do(hookDelivery(t, hooks.url, "not-the-key-of-any-environment", all[0].Value))
	if err != nil || forged.StatusCode != http.StatusUnauthorized {
		t.Errorf("a forged one: %v %v", forged, err)
	} else {
		forged.Body.Close()
	}
	_, metrics := s.at(hooks.status, "/metrics")
	for _, want := range []string{fmt.Sprintf(`total{result="written"} %d`, sent), `total{result="dropped"} 1`, `total{result="wrong_signature"} 1`, `dropped_total{type="sync"} 1`} {
		if !strings.Contains(metrics, "revwatch_ship_webhooks_"+want+"\n") {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}
	s.awaitRead(sent)
	s.await("an alert", func() bool { return s.slack.about(lost) > 0 })
	if n := s.metric(`^revwatch_broken_connections_total\{.*provider="google-mail"`); n < counted {
		t.Errorf("%v broken", n)
	}
	if n := s.metric(`^revwatch_envelopes_total\{envelope="webhook"\}`); n != float64(sent) || s.metric(`^revwatch_quarantined_total`) != 0 {
		t.Errorf("%v of %d understood as webhooks, %v not readable", n, sent, s.metric(`^revwatch_quarantined_total`))
	}
	if code := stop(); code != exitOK || s.slack.about(lost) != 1 {
		t.Errorf("exit code %d, %d posts", code, s.slack.about(lost))
	}
	t.Logf("%d webhooks of %d rows", sent, len(rows))
}

func TestShipWebhooksToIncident(t *testing.T) {
	t.Parallel()
	shipHooksToIncident(t, newSite(t))
}

// What is written is the fixture that the tests of the reader hold.
func TestShipWebhooksFixture(t *testing.T) {
	data, err := os.ReadFile("../../pkg/nango/testdata/envelopes.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var fixture struct {
		Name, Key string
		Values    []string
	}
	line := regexp.MustCompile(`(?m)^\{"name":"detector ship webhooks",.*$`).Find(data)
	if err := json.Unmarshal(line, &fixture); err != nil || len(fixture.Values) < 3 {
		t.Fatalf("%v: %d values", err, len(fixture.Values))
	}
	keys, err := ship.NewSigningKeys(signingKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range fixture.Values {
		var v struct {
			At   time.Time `json:"received_at"`
			Body string
		}
		if err := json.Unmarshal([]byte(value), &v); err != nil {
			t.Fatal(err)
		}
		var got []kafka.Message
		write := writerFunc(func(m []kafka.Message) { got = append(got, m...) })
		w := ship.NewWebhooks(ship.WebhookOptions{Keys: keys, Writer: write, Now: func() time.Time { return v.At }})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { w.Run(ctx) })
		w.ServeHTTP(discard{http.Header{}}, hookDelivery(t, "http://hooks.example.com/", signingKey, []byte(v.Body)))
		stop()
		running.Wait()
		if len(got) != 1 || string(got[0].Value) != value || string(got[0].Key) != fixture.Key || !got[0].Time.Equal(v.At) {
			t.Errorf("wrote %+v\nwant  %s", got, value)
		}
	}
}

type writerFunc func([]kafka.Message)

func (f writerFunc) WriteMessages(_ context.Context, m ...kafka.Message) error { f(m); return nil }

// discard is an answer that nobody reads.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) WriteHeader(int)             {}
func (discard) Write(p []byte) (int, error) { return len(p), nil }

// A receiver that anybody could use to make up revocations does not start; nothing that is refused is printed.
func TestShipWebhooksConfiguration(t *testing.T) {
	const start = "kafka.brokers: [127.0.0.1:1]\nkafka.topics: [t]\n"
	// What the daemon tells whom is not of its business, and its secrets may be elsewhere.
	const elsewhere = "slack.webhook_url: ${REVWATCH_NOT_SET}\nnango.secret_key_file: /does/not/exist\nhttp.admin_token_file: /does/not/exist\n"
	for _, tt := range []struct {
		name, config string
		args         []string
		code         int
		says         string
	}{
		{"no file", "", nil, exitUsage, "-config FILE is needed"},
		{"no key", start + elsewhere, nil, exitConfig, "-allow-unsigned takes that risk"},
		{"short key", start + "ship.webhooks.signing_key: tooshort", nil, exitConfig, "at least 16 characters"},
		{"no path", start + "ship.webhooks: {path: nango, signing_key: " + signingKey + "}", nil, exitConfig, "begins with /"},
		{"one address", start + "ship.webhooks: {listen: ':9', metrics_listen: '127.0.0.1:9', signing_key: " + signingKey + "}", nil, exitConfig, "two are needed"},
		{"unknown flag", start, []string{"-unsigned"}, exitUsage, "-unsigned"},
		{"help", "", []string{"-h"}, exitOK, "-allow-unsigned"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"ship", "webhooks"}, tt.args...)
			if tt.config != "" {
				args = append(args, "-config", write(t, tt.config))
			}
			code, out, errs := said(t, args...)
			if code != tt.code || !strings.Contains(errs, tt.says) {
				t.Errorf("exit code %d, want %d, said\n%s%s", code, tt.code, out, errs)
			}
			if strings.Contains(errs, "tooshort") || strings.Contains(errs, signingKey) {
				t.Errorf("it prints a key: %s", errs)
			}
		})
	}
}

// The command runs and stops; deliveries without a signature come in by the flag alone. Clients that hold their connections do not hold it up.
func TestShipWebhooksCommand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	listen := freeAddress(t)
	config := s.config("ship.webhooks: {listen: " + listen + ", metrics_listen: 127.0.0.1:0}")
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	var log page
	go func() {
		code <- command(ctx, []string{"ship", "webhooks", "-config", config, "-allow-unsigned"}, nil, io.Discard, io.MultiWriter(&testLog{t}, &log))
	}()
	s.await("the receiver listens", func() bool { code, _ := s.at(listen, "/healthz"); return code == http.StatusOK })
	s.await("it has looked at the topic", func() bool { return log.has(`"Kafka is reached","partitions":3`) })

	var slow []net.Conn // half a request each
	for range 50 {
		c, err := net.Dial("tcp", listen)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{")
		slow = append(slow, c)
	}
	answer, err := http.Post("http://"+listen+"/", "application/json", strings.NewReader(`{"from":"nango","type":"auth","connectionId":"c"}`))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%v %v", answer, err)
	} else {
		answer.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	for _, c := range slow {
		c.Close()
	}
	cancel()
	if got := <-code; got != exitOK || !log.has("anybody who reaches this address can make up revocations") {
		t.Errorf("exit code %d", got)
	}
}
