package main

import (
	"context"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/valyala/fastjson"

	"github.com/revwatch/revwatch/internal/counterpart"
	"github.com/revwatch/revwatch/pkg/simulate"
)

// indexed is a row as Nango's indices hold it.
type indexed struct {
	alias, id string
	created   time.Time
	source    []byte
}

// inIndex says where a row is stored, under which id.
func inIndex(t testing.TB, r simulate.Row) indexed {
	t.Helper()
	v, err := fastjson.ParseBytes(r.Value)
	if err != nil {
		t.Fatal(err)
	}
	x := indexed{alias: "20250724_operations", id: string(v.GetStringBytes("id")), source: r.Value}
	if r.Message {
		x.alias = "20240528_messages"
	}
	if x.created, err = time.Parse(time.RFC3339, string(v.GetStringBytes("createdAt"))); err != nil {
		t.Fatal(err)
	}
	return x
}

// ship starts `detector ship elasticsearch` and returns what ends it, and what it logs.
func (s *site) ship(config string, flags ...string) (stop func() int, log *page) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	log = &page{}
	go func() {
		args := append([]string{"ship", "elasticsearch", "-config", config}, flags...)
		code <- command(ctx, args, nil, io.Discard, io.MultiWriter(&testLog{s.t}, log))
	}()
	ended := false
	stop = func() int {
		cancel()
		if ended {
			return exitOK
		}
		ended = true
		select {
		case c := <-code:
			return c
		case <-time.After(patience):
			s.t.Error("the shipper does not end when asked to")
			return exitFailure
		}
	}
	s.t.Cleanup(func() { stop() })
	return stop, log
}

// shipToIncident lets the history of a Nango stand in a cluster, starts a shipper and a daemon, and then has the loss written there: an alert goes out.
// Starting the shipper again puts nothing on the topic twice.
func (s *site) shipToIncident(url string, write func([]indexed)) {
	t := s.t
	now := time.Now()
	rows := past(t, now, 8, lossAgo)
	before := writtenBefore(rows, now.Add(-lossAgo))
	history := map[string]bool{}
	all := make([]indexed, len(rows))
	for i, r := range rows {
		all[i] = inIndex(t, r)
		if i < before {
			history[all[i].alias+all[i].id] = true
		}
	}
	write(all[:before])
	config := s.config("ship.elasticsearch.urls: ["+url+"]", "ship.elasticsearch.interval: 1s", "ship.elasticsearch.since: 9d",
		"ship.elasticsearch.checkpoint: "+filepath.Join(s.dir, "ship.db"))
	stop, log := s.ship(config, "-once")
	s.await("the history on the topic", func() bool { return log.has("stopped") })
	if code := stop(); code != exitOK || !log.has("caught up") {
		t.Fatalf("exit code %d of -once", code)
	}
	s.start(config)
	s.awaitRead(len(history))

	stop, _ = s.ship(config)
	write(all[before:])
	s.await("an alert", func() bool { return s.slack.about(lost) > 0 })
	if code := stop(); code != exitOK {
		t.Errorf("exit code %d when asked to end", code)
	}
	if n := s.metric(`^revwatch_broken_connections_total\{.*provider="google-mail"`); n < 50 {
		t.Errorf("%v broken", n)
	}
	stop, log = s.ship(config, "-once")
	s.await("another look", func() bool { return log.has("stopped") })
	if stop(); !log.has(`"operations":0,"messages":0`) {
		t.Error("rows came twice")
	}
}

// From the two indices to an alert.
func TestShipElasticsearchToIncident(t *testing.T) {
	network := counterpart.Loopback()
	defer network.Close()
	engine := network.OpenSearch("search")
	newSite(t).shipToIncident(engine.URL, func(rows []indexed) {
		for _, r := range rows {
			engine.Write(r.alias, r.id, r.created, r.source, 0)
		}
	})
	if wrong := engine.Wrong(); len(wrong) > 0 {
		t.Errorf("rules that were broken: %q", wrong)
	}
}
