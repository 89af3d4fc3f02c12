package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/simulate"
	"github.com/revwatch/revwatch/pkg/store"
)

// happened is one thing that happened, as an event and as the rows that Nango writes of it, all of its time.
type happened struct {
	nango.Event
	rows []simulate.Row
}

// failure is a refused refresh: the operation says whose, the error row says why.
func failure(at time.Time, provider string, connection int, cause nango.Cause) happened {
	name, body, reason, status := fmt.Sprint(provider, "-c", connection), `{"error":"invalid_grant"}`, "invalid_grant", 400
	switch cause {
	case nango.Misconfigured:
		body, reason, status = `{"error":"invalid_client"}`, "invalid_client", 401
	case nango.Transient:
		body, reason, status = `{"error":"temporarily_unavailable"}`, "temporarily_unavailable", 503
	}
	e := nango.Event{Kind: nango.Failure, Time: at, Due: at, Environment: "prod", Provider: provider, Integration: provider + "-1", Connection: name, Cause: cause, Reason: reason}
	e.OperationID = fmt.Sprintf("%d_%s", at.UnixMilli(), strings.ReplaceAll(name, "-", ""))
	const form = "2006-01-02T15:04:05.000Z"
	t := at.Format(form)
	return happened{e, []simulate.Row{
		{Time: at, Value: fmt.Appendf(nil, `{"id":%q,"type":"operation","operation":{"type":"auth","action":"refresh_token"},"state":"failed","accountId":1,"environmentName":"prod","integrationName":%q,"providerName":%q,"connectionName":%q,"createdAt":%q,"endedAt":%q}`,
			e.OperationID, e.Integration, provider, name, t, t)},
		{Time: at, Value: fmt.Appendf(nil, `{"id":"m%s","accountId":1,"level":"error","type":"log","message":"Failed to refresh credentials","parentId":%q,"meta":{"type":"refresh_token_external_error","status":%d,"payload":{"dataMessage":%s}},"createdAt":%q}`,
			e.OperationID, e.OperationID, status, body, t)},
	}}
}

// months are 40 days of eight providers that break now and then, up to end: with a provider that revokes, a client secret that expires, an outage,
// and an hour in which all of them rise.
func months(seed uint64, end time.Time) (all []happened) {
	chance, begin := rand.New(rand.NewPCG(seed, 7)), end.Add(-40*24*time.Hour)
	connection := 0
	add := func(at time.Time, provider string, cause nango.Cause) {
		connection++
		at = at.Truncate(time.Millisecond)
		all = append(all, failure(at, provider, connection, cause))
		if again := at.Add(time.Hour); connection%3 == 0 && again.Before(end) { // a retry is no new break
			all = append(all, failure(again, provider, connection, cause))
		}
	}
	for p := range 8 {
		provider, perDay := fmt.Sprint("p", p), .5*float64(int(1)<<p)/4
		for at := begin; ; {
			if at = at.Add(time.Duration(chance.ExpFloat64() / perDay * 24 * float64(time.Hour))); !at.Before(end) {
				break
			}
			add(at, provider, nango.Revoked)
		}
		for i := range 3 {
			add(end.Add(-60*time.Hour+time.Duration(11*i+p)*time.Minute), provider, nango.Revoked)
		}
	}
	for i := range 25 {
		add(end.Add(-10*24*time.Hour+time.Duration(i)*time.Minute), "p2", nango.Revoked)
		add(end.Add(-6*24*time.Hour+time.Duration(3*i)*time.Minute), "p4", nango.Misconfigured)
		add(end.Add(-8*24*time.Hour+time.Duration(i)*time.Minute), "p6", nango.Transient)
	}
	for at := begin; at.Before(end); at = at.Add(5 * time.Minute) { // so that every slot is seen
		all = append(all, failure(at.Truncate(time.Millisecond), "alive", 0, nango.Transient))
	}
	slices.SortFunc(all, func(a, b happened) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.OperationID, b.OperationID))
	})
	return all
}

// heard is what a detector says to the events themselves.
func heard(t *testing.T, all []happened, budget time.Duration) (lines []string, d *detect.Detector) {
	t.Helper()
	d = detect.New(detect.Options{Budget: budget})
	keep := func(changed []detect.Incident) {
		for _, x := range changed {
			line, err := json.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(line))
		}
	}
	for _, x := range all {
		d.Row(x.Time)
	}
	for _, x := range all {
		keep(d.Advance(x.Due, time.Time{}))
		keep(d.Observe(x.Event, time.Time{}).Incidents)
	}
	keep(d.Advance(all[len(all)-1].Time, time.Time{}))
	return lines, d
}

func allRows(all []happened) (rows []simulate.Row) {
	for _, x := range all {
		rows = append(rows, x.rows...)
	}
	return rows
}

func budgetFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "detector.yaml")
	if err := os.WriteFile(path, []byte("detection.budget: 90d\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Replay says to the last digit what the detector says to the events themselves, in whatever order and files the rows come and however often.
func TestReplaySaysWhatTheDetectorSays(t *testing.T) {
	t.Parallel()
	all := months(1, worldStart)
	lines, _ := heard(t, all, 90*24*time.Hour)
	want, config := strings.Join(lines, "\n")+"\n", budgetFile(t)
	for _, part := range []string{`"cause":"misconfigured"`, `"scope":"all"`, `"provider":"p2"`, `"status":"resolved"`} {
		if !strings.Contains(want, part) {
			t.Errorf("the world holds no %s", part)
		}
	}
	rows := allRows(all)
	chance := rand.New(rand.NewPCG(1, 1))
	shuffled := func(share float64) string {
		some := slices.Clone(rows)
		chance.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		return ndjson(t, some[:int(share*float64(len(some)))])
	}
	for how, files := range map[string][]string{
		"one file": {ndjson(t, rows)}, "the same again": {ndjson(t, rows)}, "shuffled": {shuffled(1)}, "three files, the same rows in several": {shuffled(.7), shuffled(1), shuffled(.5)},
	} {
		args := []string{"replay", "-config", config, "--output", "json", "--only", "incident"}
		for _, f := range files {
			args = append(args, "--input", f)
		}
		if got := output(t, "", args...); got != want {
			t.Errorf("%s: said\n%s\nwant\n%s", how, got, want)
		}
	}
}

// What was learned from files and followed on a topic, which holds some of the same rows, ends in the very figures of one replay.
func TestLearnAndRunEndAsReplay(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	all := months(2, now.Add(-time.Minute))
	_, want := heard(t, all, 90*24*time.Hour)
	split, _ := slices.BinarySearchFunc(all, now.Add(-7*24*time.Hour), func(x happened, at time.Time) int { return x.Time.Compare(at) })
	overlap, _ := slices.BinarySearchFunc(all, now.Add(-9*24*time.Hour), func(x happened, at time.Time) int { return x.Time.Compare(at) })

	s := newSite(t)
	config := s.config("detection.budget: 90d")
	output(t, "", "learn", "--input", ndjson(t, allRows(all[:split])), "-config", config)
	rows := allRows(all[overlap:])
	s.produce(rows)
	stop := s.start(config)
	s.awaitRead(len(rows))
	s.await("all of it judged", func() bool {
		return s.metric(`^revwatch_watermark_timestamp_seconds`) >= float64(all[len(all)-1].Time.Unix())
	})
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	c, err := loadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	got := newEngine(&c, time.Time{}).detector
	if err := store.View(c.statePath, got.Restore); err != nil {
		t.Fatal(err)
	}
	if a, b := got.Series(), want.Series(); len(b) < 9 || !reflect.DeepEqual(a, b) {
		t.Errorf("series\n%+v\nwant\n%+v", a, b)
	}
	if a, b := public(t, got.Incidents()), public(t, want.Incidents()); a != b {
		t.Errorf("incidents\n%s\nwant\n%s", a, b)
	}
}

// public are the incidents as people and machines see them.
func public(t *testing.T, all []detect.Incident) string {
	t.Helper()
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
