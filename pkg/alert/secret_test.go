package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"pgregory.net/rapid"

	"github.com/revwatch/revwatch/internal/counterpart"
	"github.com/revwatch/revwatch/pkg/detect"
)

// holdsSecret says that a text holds what may not be read: a key, the token, or the address of a server ("" for none).
func holdsSecret(text, address string) bool {
	for _, s := range []string{slackToken, "s3cr3t", pagerKey} {
		if strings.Contains(text, s) {
			return true
		}
	}
	return address != "" && strings.Contains(text, strings.TrimPrefix(address, "http://"))
}

// TestSecretsAreNotPrinted tries every way we know to print a value.
func TestSecretsAreNotPrinted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := "s3cr3t" + rapid.StringN(1, 30, -1).Draw(t, "secret")
		sealedIn := struct {
			S Secret
			F sealed
		}{Secret(text), seal(text)}
		values := []any{Secret(text), &sealedIn, sealedIn, []Secret{Secret(text)}, map[string]Secret{"a": Secret(text)},
			Slack{WebhookURL: Secret("https://h/" + text)}, PagerDuty{RoutingKey: Secret(text)}}
		v := rapid.SampledFrom(values).Draw(t, "value")
		verb := rapid.SampledFrom(strings.Split("v +v #v s q x X d T o b e", " ")).Draw(t, "verb")
		if out := fmt.Sprintf("%"+verb, v); strings.Contains(out, "s3cr3t") || strings.Contains(out, fmt.Sprintf("%x", "s3cr3t")) {
			t.Fatalf("%%%s: %s", verb, out)
		}
		if out, _ := json.Marshal(v); bytes.Contains(out, []byte("s3cr3t")) {
			t.Fatalf("json: %s", out)
		}
		var log bytes.Buffer
		zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&log), zap.DebugLevel)).
			Info("x", zap.Any("v", v), zap.Reflect("r", v), zap.Stringer("s", stringer{v}))
		if strings.Contains(log.String(), "s3cr3t") {
			t.Fatalf("zap: %s", log.String())
		}
		if string(Secret(text)) != text || seal(text)() != text {
			t.Fatal("a secret changed")
		}
	})
}

type stringer struct{ v any }

func (s stringer) String() string { return fmt.Sprint(s.v) }

// TestDestinationsAreNotPrinted prints whole destinations: reflection sees unexported fields too.
func TestDestinationsAreNotPrinted(t *testing.T) {
	n, f := newSlack(t)
	p := must(NewPagerDuty(PagerDuty{RoutingKey: pagerKey}))(t)
	for _, d := range []Destination{webhookTo(t, n, f), botTo(t, n, f), p} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if out := fmt.Sprintf(verb, d); holdsSecret(out, "") || strings.Contains(out, fmt.Sprintf("%x", "s3cr3t")) {
				t.Errorf(verb+" of %T: %s", d, d, out)
			}
		}
	}
}

// checkSecrets: nothing that a person or a file gets to see of a trial holds a secret, whatever the other side answered.
func (tr *trial) checkSecrets(t *testing.T) {
	held := func(where, text string) {
		if holdsSecret(text, tr.server.URL) || strings.Contains(text, counterpart.Words) || where != "the store" && strings.Contains(text, revoked().Connections[0].Connection) {
			t.Errorf("%v: a secret in %s: %s", tr, where, text)
		}
	}
	for _, e := range tr.log.All() {
		line, err := zapcore.NewJSONEncoder(zap.NewDevelopmentEncoderConfig()).EncodeEntry(e.Entry, e.Context)
		if err != nil {
			t.Error(err)
			continue
		}
		held("the log", line.String())
	}
	for _, s := range tr.n.Status() {
		held("the status", fmt.Sprintf("%+v", s))
	}
	tr.store.Range(func(key, value any) bool {
		held("the store", fmt.Sprint(key, value))
		return true
	})
}

// TestNoAnswerIsShown lets each destination answer with all that it was sent, keys included, and with words of its own.
func TestNoAnswerIsShown(t *testing.T) {
	for _, to := range sides() {
		for _, status := range []int{200, 202, 307, 400, 403, 404, 429, 500, 504} {
			tr := &trial{to: to, fault: bad{Fault: counterpart.Echo(status)}}
			t.Run(tr.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tr.begin(t)
					for _, in := range stages() {
						tr.server.Fail(tr.fault.Fault, tr.fault.Fault, tr.fault.Fault)
						tr.n.Tell([]detect.Incident{in})
						time.Sleep(time.Minute)
						synctest.Wait()
						tr.checkSecrets(t) // while it is down too
					}
					tr.end()
					tr.checkSecrets(t)
				})
			})
		}
	}
}
