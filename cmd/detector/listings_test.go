package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
	"github.com/revwatch/revwatch/pkg/simulate"
)

// listings are made up for a history: of all connections that its events name, whose they are, some with an error, some missing for a while. They are each
// day at an hour of its own.
func listings(rows []simulate.Row) (all []detect.Listing) {
	type where struct{ environment, integration, connection, provider string }
	known := map[where]struct{}{}
	r := newRecorder(defaults())
	r.event = func(e nango.Event, _ bool) {
		if e.Connection != "" && e.Provider != "" {
			known[where{e.Environment, e.Integration, e.Connection, e.Provider}] = struct{}{}
		}
	}
	r.read(rows)
	names := slices.SortedFunc(maps.Keys(known), func(a, b where) int { return compareText(fmt.Sprint(a), fmt.Sprint(b)) })
	chance := rand.New(rand.NewPCG(1, 1))
	for at := worldStart.Add(30 * time.Hour); at.Before(worldStart.Add(24 * 24 * time.Hour)); at = at.Add(time.Duration(20+chance.IntN(9)) * time.Hour) {
		of := map[string][]nango.Listed{}
		for i, n := range names {
			if chance.IntN(30) > 0 {
				of[n.environment] = append(of[n.environment], nango.Listed{Integration: n.integration, Connection: n.connection, Provider: n.provider,
					Account: fmt.Sprint("org", i%40), Created: worldStart.Add(-time.Duration(i) * time.Hour), Refused: chance.IntN(10) == 0})
			}
		}
		for _, environment := range slices.Sorted(maps.Keys(of)) {
			all = append(all, detect.Listing{Environment: environment, Time: at, Due: at, Connections: of[environment]})
		}
	}
	return all
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// read reads rows from one file, in their order.
func (r *recorder) read(rows []simulate.Row) {
	r.reader.Open("file", 0, -1)
	for i, row := range rows {
		r.reader.Read(row.Value, nango.Meta{Source: "file", Offset: int64(i)})
	}
	r.reader.Close("file")
	r.flush(time.Time{})
}

// The same records and the same listings give the same incidents, whatever is read at a time and wherever the process is stopped and started again.
func TestSameIncidentsWithListings(t *testing.T) {
	t.Parallel()
	rows := history(t)
	all := listings(rows)
	want := newRecorder(defaults())
	want.engine.listings = slices.Clone(all)
	taken, deleted := 0, 0
	want.listed = func(_ detect.Listing, x detect.Taken) { taken, deleted = taken+1, deleted+x.Deleted }
	want.read(rows)
	if without := whole(rows); slices.Equal(without.incidents, want.incidents) || taken < 20 || deleted < 3 {
		t.Fatalf("%d listings, %d deleted, and the incidents are those without them: they show nothing", taken, deleted)
	}
	for seed := range uint64(4) {
		got := readLiveWith(t, rows, rand.New(rand.NewPCG(seed, 0)), all)
		if !slices.Equal(got.events, want.events) || !slices.Equal(got.incidents, want.incidents) {
			t.Fatalf("seed %d: %d events and incidents\n%v\nwant %d and\n%v", seed, len(got.events), got.incidents, len(want.events), want.incidents)
		}
	}
}

// A listing that comes when everything up to its time was judged is taken next, before what comes later; a second one of the same environment waits for nobody.
func TestListingHasItsTurn(t *testing.T) {
	r := newRecorder(defaults())
	var taken []string
	r.listed = func(l detect.Listing, _ detect.Taken) {
		taken = append(taken, fmt.Sprint(l.Environment, " ", l.Due.Sub(l.Time)))
	}
	at := worldStart
	if !r.list(detect.Listing{Environment: "prod", Time: at}) || r.list(detect.Listing{Environment: "prod", Time: at.Add(time.Hour)}) || !r.list(detect.Listing{Environment: "dev", Time: at}) {
		t.Error("one of each environment waits")
	}
	r.list(detect.Listing{Environment: "test", Time: at.Add(1000 * time.Hour)})
	if !r.list(detect.Listing{Environment: "test", Time: at}) {
		t.Error("a listing of a wrong clock is waited for")
	}
	row := func(at time.Time) []byte {
		return fmt.Appendf(nil, `{"id":"%d_aaaaaaaa","type":"operation","operation":{"type":"proxy","action":"call"},"state":"success","environmentName":"prod","providerName":"crm","integrationName":"crm","connectionName":"c","createdAt":%q,"endedAt":%q}`,
			at.UnixMilli(), at.Format(time.RFC3339), at.Format(time.RFC3339))
	}
	r.reader.Open("t/0", 0, 0)
	r.reader.Read(row(at), nango.Meta{Source: "t/0", Offset: 0, Time: at.UnixMilli()})
	if r.advance(time.Time{}); taken != nil {
		t.Error("taken before everything of before was judged:", taken)
	}
	r.reader.Read(row(at.Add(10*time.Minute)), nango.Meta{Source: "t/0", Offset: 256, Time: at.Add(10 * time.Minute).UnixMilli()})
	if r.advance(time.Time{}); fmt.Sprint(taken) != "[dev 0s prod 0s test 0s]" {
		t.Error(taken)
	}
	r.list(detect.Listing{Environment: "prod", Time: at.Add(5 * time.Minute)})
	if r.advance(time.Time{}); fmt.Sprint(taken) != "[dev 0s prod 0s test 0s prod 4m0s]" {
		t.Error(taken)
	}
}
