//go:build integration

package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/internal/broker"
	"github.com/revwatch/revwatch/pkg/nango"
)

// collectorVariable names the Collector that `make integration` builds by deploy/ship/opentelemetry-collector/builder.yaml.
const collectorVariable = "REVWATCH_OTELCOL"

// A real Collector with the configuration of deploy/ship takes what Nango exports, and the reader understands what it wrote, in both encodings.
func TestIntegrationOpenTelemetryCollector(t *testing.T) {
	for _, encoding := range []string{"otlp_json", "otlp_proto"} {
		t.Run(encoding, func(t *testing.T) {
			b, err := broker.Start(broker.Options{Topics: []string{"nango-logs"}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.Close)
			send := startCollector(t, b.Addrs(), encoding)
			send(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"nango-otlp"}}]},"scopeSpans":[{"scope":{"name":"nango-otlp"},"spans":[` +
				`{"traceId":"5b8efff798038103d269b633813fc001","spanId":"eee19b7ec3c1b001","flags":257,"name":"nango.webhook.connection_refresh","kind":1,` +
				`"startTimeUnixNano":"1776163000000000000","endTimeUnixNano":"1776163000900000000","attributes":[` +
				`{"key":"nango.operation.id","value":{"stringValue":"1776163000000_kT9wQy01"}},{"key":"nango.operation.status","value":{"stringValue":"success"}},` +
				`{"key":"nango.environment","value":{"stringValue":"production"}},{"key":"nango.provider","value":{"stringValue":"hubspot"}},` +
				`{"key":"nango.integration","value":{"stringValue":"crm-eu"}},{"key":"nango.connection","value":{"stringValue":"conn-1"}}],"status":{"code":1}}]}]}]}`)
			r := nango.NewReader(nango.Options{})
			r.Read(firstRecord(t, b.Addrs()), nango.Meta{Source: "p", Offset: 1})
			events := r.Flush()
			if len(events) != 1 || events[0].Kind != nango.Failure || events[0].Provider != "hubspot" || events[0].Connection != "conn-1" || r.Stats().Envelopes["otlp"] != 1 {
				t.Errorf("%+v, %+v", events, r.Stats())
			}
		})
	}
}

// startCollector checks the configuration, starts the Collector and returns how to send it spans.
func startCollector(t *testing.T, brokers []string, encoding string) (send func(body string)) {
	t.Helper()
	program := os.Getenv(collectorVariable)
	if program == "" {
		t.Fatalf("%s is not set: run the integration tests by `make integration`", collectorVariable)
	}
	raw, err := os.ReadFile("../../deploy/ship/opentelemetry-collector/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	listen, dir := freeAddress(t), t.TempDir()
	config, log := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "log")
	text := strings.NewReplacer("0.0.0.0:4318", listen, "encoding: otlp_json", "encoding: "+encoding).Replace(string(raw)) +
		"  telemetry: {metrics: {level: none}}\n" // its own metrics take a fixed port
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := append(os.Environ(), "KAFKA_BROKERS="+strings.Join(brokers, ","))
	validate := exec.CommandContext(t.Context(), program, "validate", "--config", config)
	validate.Env = environment
	if out, err := validate.CombinedOutput(); err != nil {
		t.Fatalf("validate: %v: %s", err, out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	run := exec.CommandContext(ctx, program, "--config", config)
	run.Env = environment
	said, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	run.Stderr = said
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); run.Wait(); said.Close() })
	return func(body string) {
		t.Helper()
		for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
			answer, err := http.Post("http://"+listen+"/v1/traces", "application/json", strings.NewReader(body))
			if err == nil && answer.StatusCode == http.StatusOK {
				answer.Body.Close()
				http.DefaultClient.CloseIdleConnections()
				return
			}
			if time.Now().After(deadline) {
				said, _ := os.ReadFile(log)
				t.Fatalf("the Collector does not take it: %v: %s", err, said)
			}
		}
	}
}

// firstRecord waits for the first record of the topic.
func firstRecord(t *testing.T, brokers []string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: brokers, Topic: "nango-logs", MaxWait: 100 * time.Millisecond})
	defer reader.Close()
	m, err := reader.ReadMessage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m.Value
}
