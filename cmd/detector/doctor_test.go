package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/revwatch/revwatch/internal/broker"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/simulate"
	"github.com/revwatch/revwatch/pkg/stream"
)

// lived is so many days of a made-up Nango up to now. change says what becomes of a row; nil: nothing.
func lived(days int, change func(r simulate.Row) []byte) []kafka.Message {
	return livedUntil(time.Now(), days, change)
}

func livedUntil(end time.Time, days int, change func(r simulate.Row) []byte) (all []kafka.Message) {
	w := simulate.New(simulate.Config{Seed: 7, Start: end.AddDate(0, 0, -days), Calls: .3})
	w.Until(end, func(r simulate.Row) {
		if value := change(r); value != nil {
			all = append(all, kafka.Message{Key: r.Key, Value: value, Time: r.Time})
		}
	})
	return all
}

func asIs(r simulate.Row) []byte { return r.Value }

// only keeps the rows for which keep is true.
func only(keep func(simulate.Row) bool) func(simulate.Row) []byte {
	return func(r simulate.Row) []byte {
		if keep(r) {
			return r.Value
		}
		return nil
	}
}

func has(r simulate.Row, text string) bool { return bytes.Contains(r.Value, []byte(text)) }

func with(old, new string) func(simulate.Row) []byte {
	return func(r simulate.Row) []byte { return bytes.ReplaceAll(r.Value, []byte(old), []byte(new)) }
}

// written makes n messages of a form in which %d is counted, up to now.
func written(n int, form string) (all []kafka.Message) {
	for i := range n {
		all = append(all, kafka.Message{Value: []byte(strings.ReplaceAll(form, "%d", fmt.Sprintf("%06d", i))), Time: time.Now().Add(-time.Duration(n-i) * time.Second)})
	}
	return all
}

const webhookForm = `{"from":"nango","type":"auth","operation":"refresh","success":false,"connectionId":"c%d","providerConfigKey":"box-prod","provider":"box","environment":"prod","authMode":"OAUTH2","endUser":{"endUserId":"u%d","organizationId":"org_%d"},"error":{"type":"refresh_token_external_error","description":"x"}}`

// doctorCases are made-up feeds, and what the doctor has to say of them: its exit code, codes of its advice, what works, and the next step.
func doctorCases(t *testing.T) map[string]doctorCase {
	t.Helper()
	stories, err := os.ReadFile("testdata/stories.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var span string
	for line := range strings.Lines(string(stories)) {
		if strings.HasPrefix(line, `{"resourceSpans"`) {
			span = strings.TrimSpace(line)
		}
	}
	day := lived(1, asIs)
	message := func(r simulate.Row) bool { return r.Message }
	operation := func(r simulate.Row) bool { return !r.Message }
	return map[string]doctorCase{
		"a dump": {rows: lived(9, asIs), file: true, codes: "customers", not: "needed better", works: "alerts on revocations=yes history=yes", next: "`detector learn` with the same --input"},
		"both indices": {rows: lived(9, asIs), topic: true, codes: "customers", not: "needed operations_only never_end no_failures reasons_missing unjoined history copies clock_ahead",
			works: "alerts on revocations=yes causes=yes customers, cap per customer=no seen active=yes works again=yes history=yes", next: "set nango.secret_key_file"},
		"with the API":        {rows: lived(9, asIs), config: "nango.secret_key: 00000000-0000-0000-0000-000000000000\n", topic: true, not: "customers", works: "customers, cap per customer=yes", next: "`detector run -config FILE`"},
		"two days":            {rows: lived(2, asIs), topic: true, codes: "history", works: "history=no", next: "set nango.secret_key_file"},
		"operations":          {rows: lived(4, only(operation)), codes: "operations_only", not: "reasons_missing", works: "alerts on revocations=in part causes=no works again=yes", next: "ship the index 20240528_messages"},
		"messages":            {rows: lived(4, only(message)), code: exitMissing, codes: "messages_only", not: "unjoined", works: "alerts on revocations=no", next: "ship the index 20250724_operations"},
		"webhooks":            {rows: written(30, webhookForm), codes: "webhooks_only", not: "customers", works: "alerts on revocations=in part causes=no customers, cap per customer=yes"},
		"webhooks on a topic": {rows: written(30, webhookForm), topic: true, codes: "webhooks_only history", next: "wait; only a Nango of your own has logs"},
		"spans":               {rows: written(3, strings.ReplaceAll(span, "1791273601", fmt.Sprint(time.Now().Unix()))), codes: "otlp_only", works: "alerts on revocations=in part causes=no", next: "`detector ship webhooks`"},
		"console": {rows: lived(4, func(r simulate.Row) []byte {
			if r.Message || !has(r, `"running"`) {
				return nil
			}
			return fmt.Appendf(nil, "[debug] operation(%s)", r.Value)
		}), codes: "console_only", works: "works again=no causes=no", next: "NANGO_LOGS_ENABLED=true"},
		"by createdAt": {rows: lived(4, func(r simulate.Row) []byte {
			if r.Message || has(r, `"running"`) {
				return r.Value
			}
			return nil
		}), codes: "never_end", works: "works again=no alerts on revocations=yes", next: "poll operations by updatedAt"},
		"some never end": {rows: lived(4, func(r simulate.Row) []byte {
			if r.Message || has(r, `"running"`) || r.Key[len(r.Key)-1]%2 == 0 {
				return r.Value
			}
			return nil
		}), codes: "some_never_end", not: "never_end"},
		"no failures": {rows: lived(4, only(func(r simulate.Row) bool { return !has(r, "refresh") })), codes: "no_failures", works: "alerts on revocations=yes"},
		"no error rows": {rows: lived(4, only(func(r simulate.Row) bool {
			return !r.Message || r.Key[len(r.Key)-1]%2 == 0
		})), codes: "reasons_missing", next: "look whether the shipper filters rows of messages"},
		"no refresh rows": {rows: lived(4, only(func(r simulate.Row) bool { return r.Message || !has(r, "refresh_token") || r.Key[len(r.Key)-1]%2 == 0 })), codes: "unjoined", next: "look whether the shipper filters rows of operations"},
		"no names": {rows: lived(4, func(r simulate.Row) []byte {
			return bytes.ReplaceAll(with("connectionName", "who")(r), []byte("connectionId"), []byte("whose"))
		}), code: exitMissing, codes: "unnamed", works: "alerts on revocations=no", next: "keep all fields"},
		"no proxy calls": {rows: lived(4, only(func(r simulate.Row) bool { return !has(r, "proxy") })), codes: "no_signs_of_life", works: "seen active=in part"},
		"cut": {rows: lived(4, func(r simulate.Row) []byte {
			if r.Message && has(r, "refresh") {
				return fmt.Appendf(nil, `{"log":%q,"stream":"stdout","time":"2026-10-05T09:00:00Z"}`, r.Value[:len(r.Value)-40])
			}
			return r.Value
		}), codes: "cut_rows"},
		"broken": {rows: lived(4, func(r simulate.Row) []byte {
			if r.Message && has(r, "refresh") {
				return r.Value[:len(r.Value)-40]
			}
			return r.Value
		}), codes: "broken_json", says: "JSON that breaks off"},
		"two accounts": {rows: append(lived(1, asIs), lived(1, func(r simulate.Row) []byte {
			return bytes.ReplaceAll(r.Value, []byte(`"accountId":`), []byte(`"accountId":9`))
		})...), codes: "several_accounts"},
		"twice":          {rows: slices.Concat(day, day), codes: "copies"},
		"clock ahead":    {rows: earlier1h(lived(1, asIs)), topic: true, codes: "clock_ahead", next: "(NTP)"},
		"stopped":        {rows: livedUntil(time.Now().AddDate(0, 0, -3), 2, asIs), topic: true, code: exitMissing, codes: "stopped", works: "alerts on revocations=no", next: "look whether the shipper still runs"},
		"late":           {rows: livedUntil(time.Now().Add(-3*time.Hour), 1, asIs), topic: true, codes: "late", works: "alerts on revocations=in part", next: "look whether the shipper still runs"},
		"history now":    {rows: stamped(livedUntil(time.Now().AddDate(0, 0, -9), 4, asIs), time.Now()), topic: true, codes: "behind", works: "alerts on revocations=in part", next: "wait until it has caught up"},
		"foreign":        {rows: written(50, foreignRow), code: exitMissing, codes: "no_rows", says: "Most (50) are JSON objects of something else", next: "look whether it is the right"},
		"mixed":          {rows: append(written(2000, foreignRow), last50(lived(4, only(func(r simulate.Row) bool { return has(r, "refresh_token") || r.Message && has(r, "refresh") })))...), codes: "foreign"},
		"text":           {rows: written(50, "GET /health 200 %d"), topic: true, code: exitMissing, codes: "no_rows", says: "lines of text"},
		"avro":           {rows: written(50, "\x00\x00\x00\x00\x07\x14row%d"), topic: true, code: exitMissing, codes: "no_rows", says: "binary behind the id of a schema registry", next: "JsonConverter"},
		"packed":         {rows: []kafka.Message{{Value: gzipped([]byte("{}"))}, {Value: gzipped([]byte("[]"))}}, topic: true, code: exitMissing, codes: "no_rows", says: "packed by the shipper", next: "compression.type"},
		"tombstones":     {rows: []kafka.Message{{Key: []byte("a")}, {Key: []byte("b")}}, topic: true, code: exitMissing, codes: "no_rows", says: "empty (tombstones)"},
		"nothing":        {code: exitMissing, codes: "empty", works: "alerts on revocations=no history=no"},
		"wrong envelope": {rows: lived(1, asIs), config: "envelope: bulk\n", code: exitMissing, topic: true, codes: "no_rows", says: "in an envelope that the configuration does not accept", next: "set envelope: auto"},
		"updates": {rows: keyless(lived(1, func(r simulate.Row) []byte {
			if r.Message || has(r, `"running"`) {
				return r.Value
			}
			return []byte(`{"doc":{"state":"failed","endedAt":"2026-01-05T00:00:00.010Z","updatedAt":"2026-01-05T00:00:00.010Z"}}`)
		})), codes: "no_operation_id"},
		"bad configuration": {rows: lived(1, asIs), config: "slack.webhook_url: nowhere\n", topic: true, code: exitMissing, codes: "configuration", next: "`detector check -config FILE`"},
	}
}

type doctorCase struct {
	rows   []kafka.Message
	config string // beside the topic
	topic  bool   // only as a topic
	file   bool   // only as a file
	code   int
	codes  string // of advice that has to be there
	not    string // of advice, or a grade, that may not
	works  string // features that have to be so
	says   string // somewhere in the report
	next   string // somewhere in the next step
}

// earlier1h lets Kafka get rows an hour before their time.
func earlier1h(all []kafka.Message) []kafka.Message {
	for i := range all {
		all[i].Time = all[i].Time.Add(-time.Hour)
	}
	return all
}

func last50(all []kafka.Message) []kafka.Message { return all[len(all)-50:] }

func keyless(all []kafka.Message) []kafka.Message {
	for i := range all {
		all[i].Key = nil
	}
	return all
}

func stamped(all []kafka.Message, at time.Time) []kafka.Message {
	for i := range all {
		all[i].Time = at
	}
	return all
}

// Of each made-up feed the doctor says what is missing, what works, and the next step; of a topic and of a file the same.
func TestDoctor(t *testing.T) {
	for name, c := range doctorCases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !c.file {
				_, args := doctorTopic(t, c.rows, c.config)
				c.check(t, args...)
			}
			if !c.topic {
				c.check(t, "--input", doctorFile(t, c.rows))
			}
		})
	}
}

// doctorTopic writes messages to a topic, and returns the arguments to look at it.
func doctorTopic(t *testing.T, all []kafka.Message, config string) (*broker.Broker, []string) {
	t.Helper()
	b, err := broker.Start(broker.Options{Topics: []string{"nango-logs"}, Partitions: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	doctorWrite(t, b, all)
	return b, []string{"-for", "0", "-config", write(t, fmt.Sprintf("kafka.brokers: [%s]\nkafka.topics: [nango-logs]\n%s", strings.Join(b.Addrs(), ", "), config))}
}

// doctorFile writes messages as kcat -J does.
func doctorFile(t *testing.T, all []kafka.Message) string {
	t.Helper()
	var file bytes.Buffer
	for i, m := range all {
		payload, err := json.Marshal(string(m.Value))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&file, `{"topic":"nango-logs","partition":0,"offset":%d,"ts":%d,"key":%q,"payload":%s}`+"\n", i, m.Time.UnixMilli(), m.Key, payload)
	}
	path := filepath.Join(t.TempDir(), "records")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (c *doctorCase) check(t *testing.T, args ...string) {
	t.Helper()
	code, out, errs := said(t, append([]string{"doctor", "--output", "json"}, args...)...)
	var r doctorReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || errs != "" {
		t.Fatalf("%v: exit code %d, said\n%s%s", err, code, out, errs)
	}
	if code != c.code || r.Works != (c.code == exitOK) {
		t.Errorf("exit code %d, want %d", code, c.code)
	}
	found := map[string]bool{}
	for _, a := range r.Advice {
		found[a.Code], found[a.Grade] = true, true
	}
	for want := range strings.FieldsSeq(c.codes) {
		if !found[want] {
			t.Errorf("%s is not noticed, but %v", want, slices.Sorted(maps.Keys(found)))
		}
	}
	for unwanted := range strings.FieldsSeq(c.not) {
		if found[unwanted] {
			t.Errorf("%s is said", unwanted)
		}
	}
	for _, f := range r.Features {
		if _, rest, ok := strings.Cut(c.works, f.Name+"="); ok && !strings.HasPrefix(rest, f.Works) {
			t.Errorf("%s: %s (%s), want %s", f.Name, f.Works, f.Why, rest)
		}
	}
	if !strings.Contains(r.Next, c.next) || !strings.Contains(out, c.says) {
		t.Errorf("next step %q, want %q; %q in\n%s", r.Next, c.next, c.says, out)
	}
	if !slices.Contains(args, "-config") { // the same words
		return
	}
	textCode, text, _ := said(t, append([]string{"doctor"}, args...)...)
	if textCode != code || !strings.Contains(strings.Join(strings.Fields(text), " "), "Next step: "+strings.Join(strings.Fields(r.Next), " ")) {
		t.Errorf("exit code %d, said\n%s", textCode, text)
	}
	for line := range strings.Lines(text) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > doctorWidth {
			t.Errorf("too wide: %q", line)
		}
	}
	if t.Failed() {
		t.Logf("of %v it said\n%s", args, text)
	}
}

func doctorWrite(t *testing.T, b *broker.Broker, all []kafka.Message) {
	t.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	w := &kafka.Writer{Addr: kafka.TCP(b.Addrs()...), Topic: "nango-logs", Balancer: &kafka.Hash{}, RequiredAcks: kafka.RequireAll, BatchSize: 1000, BatchTimeout: time.Millisecond, Transport: transport}
	defer w.Close()
	if err := w.WriteMessages(t.Context(), slices.Clone(all)...); err != nil {
		t.Fatal(err)
	}
}

// What comes while it looks is counted, and an interrupt ends it with what it has. The group of the daemon does not come into being.
func TestDoctorLooksAtWhatComes(t *testing.T) {
	t.Parallel()
	const before, after = 40, 7
	b, args := doctorTopic(t, written(before, webhookForm), "")
	asked := make(chan int64, 1000) // all that is behind the positions of a fetch
	b.Cluster.ControlKey(kmsg.Fetch.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster.KeepControl()
		var sum int64
		for _, topic := range r.(*kmsg.FetchRequest).Topics {
			for _, p := range topic.Partitions {
				sum += p.FetchOffset
			}
		}
		select {
		case asked <- sum:
		default:
		}
		return nil, nil, false
	})
	ctx, interrupt := context.WithTimeout(t.Context(), time.Minute)
	defer interrupt()
	var out, errs strings.Builder
	code := make(chan int, 1)
	go func() {
		code <- command(ctx, append([]string{"doctor", "--output", "json", "-for", "1h"}, args[2:]...), nil, &out, &errs)
	}()
	reached := func(n int64) {
		for sum := range asked {
			if sum == n {
				return
			}
		}
	}
	reached(before)
	doctorWrite(t, b, written(after, webhookForm))
	reached(before + after)
	interrupt()
	if got := <-code; got != exitOK {
		t.Fatalf("exit code %d, said\n%s%s", got, out.String(), errs.String())
	}
	var r doctorReport
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil || r.Numbers.Records != before+after || r.Numbers.Live != after {
		t.Errorf("%v: %+v", err, r.Numbers)
	}
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	groups, err := (&kafka.Client{Addr: kafka.TCP(b.Addrs()...), Transport: transport}).ListGroups(t.Context(), &kafka.ListGroupsRequest{})
	if err != nil || len(groups.Groups) > 0 {
		t.Errorf("groups %+v, %v", groups, err)
	}
}

// What keeps from reading is said in words, with what to do; the exit code is 1.
func TestDoctorCannotRead(t *testing.T) {
	t.Parallel()
	users := []broker.User{{Mechanism: "PLAIN", Name: "reader", Password: "right"}}
	start := func(o broker.Options) string {
		b, err := broker.Start(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return strings.Join(b.Addrs(), ", ")
	}
	certificate, err := broker.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	server, err := certificate.Server()
	if err != nil {
		t.Fatal(err)
	}
	plain := start(broker.Options{Topics: []string{"nango_logs", "nango.logs.v2", "orders"}})
	sasl := start(broker.Options{Topics: []string{"nango-logs"}, Users: users})
	allow := func(what kmsg.ACLResourceType, name string, may kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: what, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: may, Allow: true}
	}
	guarded := start(broker.Options{Topics: []string{"nango-logs"}, Extra: []kfake.Opt{kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.User("PLAIN", "stranger", "right"),
		kfake.User("PLAIN", "looker", "right", allow(kmsg.ACLResourceTypeTopic, "nango-logs", kmsg.ACLOperationDescribe)),
	}})
	secure := start(broker.Options{Topics: []string{"nango-logs"}, TLS: server})
	const user = "kafka: {security_protocol: SASL_PLAINTEXT, sasl_mechanism: PLAIN, sasl_username: reader, sasl_password: "
	for name, c := range map[string]struct{ brokers, config, want string }{
		"nobody listens": {"127.0.0.1:1", "", "nothing listens at 127.0.0.1:1: is Kafka up"},
		"no such host":   {"kafka.invalid:9092", "", "the name kafka.invalid is not known here"},
		"topic missing":  {plain, "", "there is no topic nango-logs, but there is nango.logs.v2, nango_logs: set kafka.topics"},
		"other topic":    {plain, "kafka.topics: [connections]\n", "there is no topic connections; there are nango.logs.v2, nango_logs, orders: set kafka.topics"},
		"wrong password": {sasl, user + "wrong}\n", "the user name or the password is wrong"},
		"may not see":    {guarded, strings.Replace(user, "reader", "stranger", 1) + "right}\n", "there is no topic nango-logs that the user stranger may see, nor any other"},
		"may not read":   {guarded, strings.Replace(user, "reader", "looker", 1) + "right}\n", "let the user looker see the topic, and not read it"},
		"no password":    {sasl, "", "its listener wants TLS or SASL"},
		"no TLS":         {plain, "kafka.security_protocol: SSL\n", "a listener that does not fit kafka.security_protocol SSL"},
		"authority":      {secure, "kafka.security_protocol: SSL\n", "set kafka.ssl_ca_location"},
		"TLS":            {secure, "", "wants TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := "kafka.brokers: [" + c.brokers + "]\n" + c.config
			if !strings.Contains(c.config, "kafka.topics") {
				config += "kafka.topics: [nango-logs]\n"
			}
			code, out, errs := said(t, "doctor", "-for", "0", "-config", write(t, config))
			if code != exitFailure || out != "" || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") > 2 || strings.Contains(errs, "wrong}") {
				t.Errorf("exit code %d, said\n%s%s", code, out, errs)
			}
		})
	}
}

// A group that the daemon may not use, and a topic that forgets too soon, are said before anybody waits for an alert.
func TestDoctorLooksAhead(t *testing.T) {
	t.Parallel()
	may := func(what kmsg.ACLResourceType, name string, op kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: what, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: op, Allow: true}
	}
	b, err := broker.Start(broker.Options{Topics: []string{"nango-logs"}, Users: []broker.User{{Mechanism: "PLAIN", Name: "writer", Password: "right"}},
		Extra: []kfake.Opt{kfake.EnableACLs(), kfake.User("PLAIN", "reader", "right", may(kmsg.ACLResourceTypeTopic, "nango-logs", kmsg.ACLOperationRead))}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	for user, want := range map[string]bool{"reader": true, "writer": false} {
		config := write(t, fmt.Sprintf("kafka: {brokers: [%s], topics: [nango-logs], security_protocol: SASL_PLAINTEXT, sasl_mechanism: PLAIN, sasl_username: %s, sasl_password: right}\n", strings.Join(b.Addrs(), ", "), user))
		code, out, errs := said(t, "doctor", "-for", "0", "-config", config)
		if code != exitMissing || strings.Contains(strings.Join(strings.Fields(out), " "), "do not let the user reader use the group revwatch: the daemon could not read") != want {
			t.Errorf("%s: exit code %d, said\n%s%s", user, code, out, errs)
		}
	}
	c := defaults()
	f := newCheckup(&c)
	for i, m := range lived(1, asIs) {
		f.take(m.Value, nango.Meta{Source: "0", Offset: int64(i), Time: m.Time.UnixMilli()})
	}
	f.keeps, f.stuck = 48*time.Hour, "partition 2 has no leader"
	f.end(time.Now())
	var text strings.Builder
	if err := f.report().print(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"The topic keeps 2 days (retention.ms)", "raise retention.ms to two weeks or more, or `detector learn --input DUMP`", "Not everything was read: partition 2 has no leader."} {
		if !strings.Contains(strings.Join(strings.Fields(text.String()), " "), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
}

// Of files that hold no rows the next step is for who made them.
func TestDoctorKnowsWhatAnExportCanBe(t *testing.T) {
	row := `{"id":"` + strings.Repeat("x", 100) + `","n":1},`
	for _, c := range []struct{ name, file, says, next string }{
		{"refused", `{"error":{"root_cause":[{"type":"security_exception"}],"type":"security_exception"},"status":401}`, "refusals of Elasticsearch", "the user, the password"},
		{"refused on many lines", "{\n  \"error\": {\n    \"root_cause\": []\n  },\n  \"status\": 404\n}\n", "refusals of Elasticsearch", "the name of the index"},
		{"nothing found", `{"took":1,"timed_out":false,"hits":{"total":{"value":0,"relation":"eq"},"max_score":null,"hits":[]}}`, "found nothing", "the times that were asked for"},
		{"an empty list", "[]\n", "found nothing", "the times that were asked for"},
		{"fields", `{"took":1,"hits":{"hits":[{"_index":"20250724_operations","_id":"a","fields":{"state":["failed"]}}]}}`, "without their _source", `"_source": true`},
		{"one huge value", `{"data":[` + strings.Repeat(row, 80_000) + `{}]}`, "larger than 8 MB", "jq -c"},
		{"one of the indices", string(lived(1, only(func(r simulate.Row) bool { return r.Message }))[0].Value), "Only rows of messages come", "with one more --input"},
		{"of something else", `{"a":1}`, "JSON objects of something else", "the right file"},
	} {
		path := filepath.Join(t.TempDir(), "dump.json")
		if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, _ := said(t, "doctor", "--output", "json", "--input", path)
		var r doctorReport
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		if code != exitMissing || !strings.Contains(out, c.says) || !strings.Contains(r.Next, c.next) || strings.Contains(r.Next, "the shipper reads") {
			t.Errorf("%s: exit code %d, next step %q, said\n%s", c.name, code, r.Next, out)
		}
	}
}

// What could not be read is told once: by its own advice, or among the others.
func TestDoctorCountsTheUnreadableOnce(t *testing.T) {
	row := string(lived(1, asIs)[0].Value)
	path := filepath.Join(t.TempDir(), "dump")
	if err := os.WriteFile(path, []byte(row+"\n{\"id\":\"a\n"+row+"\nhello\nworld\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, out, _ := said(t, "doctor", "--input", path)
	out = strings.Join(strings.Fields(out), " ")
	if !strings.Contains(out, "1 record holds JSON that breaks off") || !strings.Contains(out, "2 other records could not be read (not_json 2)") {
		t.Errorf("said\n%s", out)
	}
}

// Where not everything was read, the doctor says so, and nothing of what it cannot know: that nothing comes, or that a topic is empty.
func TestDoctorTellsWhatItMissed(t *testing.T) {
	now := time.Now()
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		name, trouble, want string
		caught              time.Time
		records             int64
		ctx                 context.Context
	}{
		{name: "everything", caught: now, ctx: ended},
		{name: "the brokers went away", trouble: "connection refused", want: "connection refused", caught: now, ctx: t.Context()},
		{name: "ended at once", want: "it was ended before it had read what is there", ctx: ended},
		{name: "too many partitions", want: "it ends after 200000 records", records: 4 * lookRecords, ctx: t.Context()},
	} {
		config := defaults()
		f := newCheckup(&config)
		f.topics, f.records = []partSeen{{topic: "nango-logs", end: 10}}, c.records
		h := &lookHandler{checkup: f, caught: c.caught, moved: now, status: func() stream.Status { return stream.Status{Err: c.trouble} }}
		h.Tick()
		if got := h.missed(c.ctx); got != c.want {
			t.Errorf("%s: missed %q, want %q", c.name, got, c.want)
		}
	}
	config := defaults()
	f := newCheckup(&config)
	for _, m := range livedUntil(now.AddDate(0, 0, -3), 1, asIs) {
		f.take(m.Value, nango.Meta{Time: m.Time.UnixMilli()})
	}
	f.topics, f.stuck = []partSeen{{topic: "nango-logs", end: 10}}, "connection refused"
	f.end(now)
	for _, a := range f.advise() {
		if a.Code == "stopped" || a.Code == "late" || a.Code == "idle_partitions" {
			t.Errorf("it says %s", a.Says)
		}
	}
	if works, why := f.canAlert(); works == worksNo {
		t.Error(why)
	}
}

// Whoever has webhooks alone is told of what webhooks lack, not of rows that do not come.
func TestDoctorTellsWhyWebhooksNameNobody(t *testing.T) {
	rows := written(3, strings.Replace(webhookForm, `"endUser":`, `"formerUser":`, 1))
	out := output(t, "", "doctor", "--input", doctorFile(t, rows))
	if said := strings.Join(strings.Fields(out), " "); !strings.Contains(said, "no webhook names an end user; Nango's API may know more") {
		t.Errorf("the doctor says\n%s", out)
	}
}
