package nango

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// fixture is a line of testdata/envelopes.ndjson or testdata/shippers.ndjson: the values that a shipper wrote, and the events they are.
type fixture struct {
	Name     string
	Envelope string // of every value that matters; "" when they have different ones
	Encoding string // "base64" when the values are
	Key      any    // the record key, with the operation id for %s; true: the id itself
	Headers  map[string]string
	Time     int64 // append time
	Values   []string
	Want     []struct {
		Kind, Environment, Provider, Integration, Connection, Account, Cause, Reason string
		OperationID                                                                  string `json:"operation_id"`
		Time                                                                         time.Time
	}
}

func fixtures(t testing.TB) []fixture {
	t.Helper()
	return slices.Concat(fixturesIn(t, "testdata/envelopes.ndjson"), fixturesIn(t, "testdata/shippers.ndjson"))
}

func fixturesIn(t testing.TB, path string) (all []fixture) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var f fixture
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatal(err)
		}
		if f.Encoding == "base64" {
			for i, v := range f.Values {
				f.Values[i] = string(must(base64.StdEncoding.DecodeString(v)))
			}
		}
		all = append(all, f)
	}
	return all
}

func fixtureValues(t testing.TB) (values []string) {
	for _, f := range fixtures(t) {
		if f.Encoding == "" {
			values = append(values, f.Values...)
		}
	}
	return values
}

func (f *fixture) meta(offset int) Meta {
	m := Meta{Source: "f", Offset: int64(offset), Time: f.Time}
	for k, v := range f.Headers {
		m.Headers = append(m.Headers, Header{k, []byte(v)})
	}
	switch key := f.Key.(type) {
	case bool:
		m.Key = []byte(f.Want[0].OperationID)
	case string:
		m.Key = []byte(strings.Replace(key, "%s", f.Want[0].OperationID, 1))
	}
	return m
}

// What real shippers write is read right, in either order.
func TestFixtures(t *testing.T) {
	all := fixtures(t)
	if len(all) < 50 {
		t.Fatalf("%d fixtures", len(all))
	}
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) {
			for _, backwards := range []bool{false, true} {
				r := newReader(Options{})
				for i := range f.Values {
					if backwards {
						i = len(f.Values) - 1 - i
					}
					r.Read([]byte(f.Values[i]), f.meta(i+1))
				}
				f.check(t, r)
			}
		})
	}
}

func (f *fixture) check(t *testing.T, r *Reader) {
	t.Helper()
	got, s := r.Flush(), r.Stats()
	checkSum(t, s)
	if len(s.Quarantined) > 0 || f.Envelope != "" && s.Envelopes[f.Envelope] != s.Understood || s.Understood == 0 {
		t.Errorf("want all in %s: %+v", f.Envelope, s)
	}
	if len(got) != len(f.Want) {
		t.Fatalf("%d events, want %d: %+v", len(got), len(f.Want), got)
	}
	for i, w := range f.Want {
		g := got[i]
		if g.Kind.String() != w.Kind || !g.Time.Equal(w.Time) || g.Environment != w.Environment || g.Provider != w.Provider || g.Integration != w.Integration ||
			g.Connection != w.Connection || g.Account != w.Account || string(g.Cause) != w.Cause || g.Reason != w.Reason || g.OperationID != w.OperationID {
			t.Errorf("got %+v\nwant %+v", g, w)
		}
	}
}
