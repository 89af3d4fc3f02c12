package ship

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/nango"
)

// What the reader's tests hold as bare rows is what comes out here: the same bytes, all under the key of their operation, and the reader makes one
// failure of them.
func TestPutsWhatTheReaderReads(t *testing.T) {
	file, err := os.ReadFile("../nango/testdata/envelopes.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(file, []byte("\n"))
	var fixture struct {
		Name   string
		Values []string
		Want   []struct {
			OperationID string `json:"operation_id"`
		}
	}
	if err := json.Unmarshal(line, &fixture); err != nil || fixture.Name != "bare rows" {
		t.Fatalf("%q: %v", fixture.Name, err)
	}
	in(t, func(t *testing.T, w *world) {
		w.nango()
		// The rows are of 2026, which lies ahead of this clock: they must be there all the same.
		for _, v := range fixture.Values {
			var row struct {
				ID, ParentID string
				CreatedAt    time.Time
			}
			if err := json.Unmarshal([]byte(v), &row); err != nil {
				t.Fatal(err)
			}
			alias := operations
			if row.ParentID != "" {
				alias = messages
			}
			w.put(alias, row.ID, row.CreatedAt, v, 0)
		}
		w.options.Since = 24 * time.Hour
		w.start()
		w.pass(time.Minute)
		w.check()
		r := nango.NewReader(nango.Options{})
		for i, v := range w.topic.values {
			if w.topic.keys[i] != fixture.Want[0].OperationID || !slices.Contains(fixture.Values, v) {
				t.Errorf("key %s of %s", w.topic.keys[i], v)
			}
			r.Read([]byte(v), nango.Meta{Source: "x", Offset: int64(i), Key: []byte(w.topic.keys[i])})
		}
		if events := r.Flush(); len(events) != 1 || events[0].Cause != "revoked" {
			t.Errorf("events: %+v", events)
		}
	})
}
