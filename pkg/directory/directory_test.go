package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/revwatch/revwatch/internal/counterpart"
)

const key = "5ecre7a0-1111-4222-8333-444455556666"

// world is a Nango in memory and who asks it. All of it lives in a bubble of synctest: waiting takes no time.
type world struct {
	nango  *counterpart.Nango
	client *Client
}

func within(t *testing.T, test func(*testing.T, *world)) {
	synctest.Test(t, func(t *testing.T) {
		n := counterpart.InMemory()
		w := &world{nango: n.Nango("nango", key)}
		w.client = w.asking(t, n, key)
		defer n.Close()
		test(t, w)
	})
}

func (w *world) asking(t *testing.T, n *counterpart.Network, with string) *Client {
	c, err := New(Options{URL: w.nango.URL, Key: with, Environment: "prod", HTTP: n.Over(transport())})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fill makes connections c1 to cN.
func (w *world) fill(n int) {
	var all []counterpart.Connection
	for i := range n {
		all = append(all, plain(fmt.Sprint("c", i+1)))
	}
	w.nango.Add(all...)
}

func plain(id string) counterpart.Connection {
	return counterpart.Connection{Connection: id, Integration: "crm", Provider: "hubspot"}
}

func ids(l Listing) (all []string) {
	for _, c := range l.Connections {
		all = append(all, c.Connection)
	}
	slices.Sort(all)
	return all
}

// All connections are listed, with whose they are and how they fare, however many pages it takes.
func TestList(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.nango.Add(counterpart.Connection{Connection: "c0", Integration: "crm", Provider: "hubspot", Tags: map[string]string{"organization_id": "acme", "end_user_email": "ann@example.com"},
			Metadata: map[string]any{"secret": "s3cr3t"}, Errors: []counterpart.ConnectionError{{Type: "auth"}}, Created: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)})
		w.fill(4321)
		w.client.size = 100
		begin := time.Now()
		l, err := w.client.List(t.Context())
		if err != nil || len(l.Connections) != 2550 || !l.Partial {
			t.Fatalf("a list too long for its pages: %d connections, %v, %v", len(l.Connections), l.Partial, err)
		}
		w.client.size = pageSize
		if l, err = w.client.List(t.Context()); err != nil || len(l.Connections) != 4322 || l.Partial {
			t.Fatal(len(l.Connections), err)
		}
		c := l.Connections[slices.IndexFunc(ids2(l), func(s string) bool { return s == "c0" })]
		if c.Account != "acme" || !c.Refused || c.Provider != "hubspot" || c.Integration != "crm" || !c.Created.Equal(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)) {
			t.Errorf("%+v", c)
		}
		if s := w.client.Status(); s.Connections != 4322 || s.Success.IsZero() || s.Requests["ok"] != 50+4 {
			t.Errorf("%+v", s)
		}
		if took := l.End.Sub(l.Time); took < 4*time.Second || l.End.After(time.Now()) {
			t.Errorf("four pages from %v to %v", l.Time, l.End)
		}
		if pace := time.Since(begin); pace < 50*2*time.Second {
			t.Errorf("%v for 54 requests: more than 30 a minute", pace)
		}
		if wrong := w.nango.Wrong(); wrong != nil {
			t.Error(wrong)
		}
	})
}

func ids2(l Listing) (all []string) {
	for _, c := range l.Connections {
		all = append(all, c.Connection)
	}
	return all
}

// A connection that is too large or too deep to be read does not hinder the others; the list is a part then, so that nobody takes it for deleted.
func TestUnreadConnection(t *testing.T) {
	deep, large := map[string]any{}, map[string]any{"x": strings.Repeat("x", mostEntry)}
	for range 400 {
		deep = map[string]any{"x": deep}
	}
	for name, metadata := range map[string]map[string]any{"deep": deep, "large": large} {
		within(t, func(t *testing.T, w *world) {
			w.fill(2)
			x := plain("odd")
			x.Metadata = metadata
			w.nango.Add(x)
			w.nango.Add(plain("c3"))
			if l, err := w.client.List(t.Context()); err != nil || len(l.Connections) != 3 || !l.Partial {
				t.Errorf("%s: %d connections, partial %v, %v", name, len(l.Connections), l.Partial, err)
			}
		})
	}
}

// Entries that name no connection make the list a part; a list of nothing else is none: it must not say that all connections are gone.
func TestUnnamedConnections(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.fill(2)
		w.nango.Add(plain(""))
		if l, err := w.client.List(t.Context()); err != nil || len(l.Connections) != 2 || l.Unnamed != 1 || !l.Partial {
			t.Errorf("%d connections, %d unnamed, partial %v, %v", len(l.Connections), l.Unnamed, l.Partial, err)
		}
		w.nango.Delete("c1", "c2")
		l, err := w.client.List(t.Context())
		if f, ours := errors.AsType[*Fault](err); !ours || f.Kind != Unreadable {
			t.Errorf("%d connections, %v", len(l.Connections), err)
		}
		if n := w.client.Status().Requests["unreadable"]; n != 1 {
			t.Errorf("%d requests were unreadable", n)
		}
	})
}

// What passes is tried again, and the listing is whole; what does not is said in plain words that hold no secret, and counted.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		faults []counterpart.Fault
		kind   Kind   // "": it is listed after all
		says   string // of the fault
		result string // that is counted
	}{
		{[]counterpart.Fault{counterpart.Status(500, "")}, "", "", "server_error"},
		{[]counterpart.Fault{counterpart.Status(502, "<html>"), counterpart.Status(503, "")}, "", "", "server_error"},
		{[]counterpart.Fault{counterpart.Busy(7 * time.Second)}, "", "", "rate_limited"},
		{[]counterpart.Fault{counterpart.BusyUntil(30 * time.Second)}, "", "", "rate_limited"},
		{[]counterpart.Fault{counterpart.Reset(), counterpart.Cut()}, "", "", "unreachable"},
		{[]counterpart.Fault{counterpart.Hang()}, "", "", "unreachable"},
		{[]counterpart.Fault{counterpart.Drip(200, time.Second)}, "", "", "unreachable"},
		{[]counterpart.Fault{counterpart.Status(200, `{"connections":[{"connection_id":"c1","provider_config_key":"crm"},{"conn`)}, "", "", "unreachable"},
		{repeated(6, counterpart.Status(500, "")), Failing, "Nango fails (HTTP 500)", "server_error"},
		{repeated(6, counterpart.Reset()), Unreachable, "does not answer", "unreachable"},
		{[]counterpart.Fault{counterpart.Busy(2 * time.Hour)}, Limited, "asks to wait", "rate_limited"},
		{[]counterpart.Fault{counterpart.Status(401, "")}, Unauthorized, "does not accept the secret key", "unauthorized"},
		{[]counterpart.Fault{counterpart.Echo(401)}, Unauthorized, "does not accept the secret key", "unauthorized"},
		{[]counterpart.Fault{counterpart.Status(403, "")}, Forbidden, "environment:connections:list", "forbidden"},
		{[]counterpart.Fault{counterpart.Status(404, ""), counterpart.Status(404, "")}, NotFound, "nango.url", "not_found"},
		{[]counterpart.Fault{counterpart.Status(400, "")}, Refused, "HTTP 400", "refused"},
		{[]counterpart.Fault{counterpart.Status(204, "")}, Refused, "HTTP 204", "refused"},
		{[]counterpart.Fault{counterpart.Redirect("http://elsewhere.test/")}, Refused, "leads elsewhere", "refused"},
		{[]counterpart.Fault{counterpart.Status(200, "<html>hello")}, Unreadable, "no list of connections", "unreadable"},
		{[]counterpart.Fault{counterpart.Status(200, `{"connections":{}}`)}, Unreadable, "no list of connections", "unreadable"},
		{[]counterpart.Fault{counterpart.Status(200, `{"data":[]}`)}, Unreadable, "no list of connections", "unreadable"},
		{[]counterpart.Fault{counterpart.Status(200, `[]`)}, Unreadable, "no list of connections", "unreadable"},
		{[]counterpart.Fault{counterpart.Flood(200, `{"connections":[`)}, Unreadable, "no list of connections", "unreadable"},
	} {
		t.Run(c.faults[0].Name, func(t *testing.T) {
			within(t, func(t *testing.T, w *world) {
				w.fill(3)
				w.nango.Fail(c.faults...)
				l, err := w.client.List(t.Context())
				if c.kind == "" {
					if err != nil || len(l.Connections) != 3 {
						t.Fatalf("%v: %d connections", err, len(l.Connections))
					}
				} else if f, ours := errors.AsType[*Fault](err); !ours || f.Kind != c.kind || !strings.Contains(f.Error(), c.says) || strings.Contains(f.Error(), key) {
					t.Fatalf("%v, want %s: %s", err, c.kind, c.says)
				}
				s := w.client.Status()
				if s.Requests[c.result] == 0 || (c.kind == "") == s.Success.IsZero() || (c.kind == "") != (s.Fault == "") {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func repeated(n int, f counterpart.Fault) []counterpart.Fault {
	return slices.Repeat([]counterpart.Fault{f}, n)
}

// A 429 that asks for longer than a listing may take says so to whoever asks next.
func TestAskedToWaitLong(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.nango.Fail(counterpart.Busy(2 * time.Hour))
		_, err := w.client.List(t.Context())
		if f, ours := errors.AsType[*Fault](err); !ours || f.After < 2*time.Hour || f.After > 2*time.Hour+time.Minute {
			t.Errorf("%v", err)
		}
	})
}

// The limit of the account is never reached: when little of it is left, the rest is left to others.
func TestLeavesRequestsToOthers(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.nango.Limit = 12
		w.fill(700)
		w.client.size = 60
		if l, err := w.client.List(t.Context()); err != nil || len(l.Connections) != 700 {
			t.Fatal(len(l.Connections), err)
		}
		l, err := w.client.List(t.Context())
		if err != nil || len(l.Connections) != 700 {
			t.Fatal(len(l.Connections), err)
		}
		if wrong := w.nango.Wrong(); wrong != nil || w.client.Status().Requests["rate_limited"] != 0 {
			t.Error(wrong, w.client.Status())
		}
	})
}

// An older release lists at another path and gives all at once.
func TestOlderRelease(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.nango.Older = true
		w.fill(3000)
		for range 2 {
			if l, err := w.client.List(t.Context()); err != nil || len(l.Connections) != 3000 {
				t.Fatal(len(l.Connections), err)
			}
		}
		if s := w.client.Status(); s.Requests["not_found"] != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// A page that is shorter than what was asked for does not end the list too early.
func TestShortPages(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.nango.Most = 100
		w.fill(700)
		if l, err := w.client.List(t.Context()); err != nil || len(l.Connections) != 700 {
			t.Error(len(l.Connections), err)
		}
	})
}

// Entries that name no connection are counted, and hinder nothing; unknown fields do neither.
func TestStrangeEntries(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.nango.Fail(counterpart.Status(200, `{"next":{"a":[1,2]},"connections":[{"connection_id":"c1","provider_config_key":"crm","new":{"deep":[{}]},"errors":[{"type":"sync"},7]},{"id":4},null,"x",5]}`))
		l, err := w.client.List(t.Context())
		if err != nil || len(l.Connections) != 1 || l.Unnamed != 4 || l.Connections[0].Refused {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

// A Nango that is very slow does not keep anybody waiting for ever.
func TestTooSlow(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.fill(2400)
		w.client.size = 100
		w.nango.Paging = func() { time.Sleep(50 * time.Second) }
		begin := time.Now()
		_, err := w.client.List(t.Context())
		if f, ours := errors.AsType[*Fault](err); !ours || f.Kind != Unreachable || !strings.Contains(f.Error(), "too slow") || time.Since(begin) > mostTime {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// Stopped, it ends at once, whatever it waits for.
func TestStop(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		w.nango.Fail(repeated(9, counterpart.Hang())...)
		ended := make(chan error, 1)
		go func() {
			_, err := w.client.List(ctx)
			ended <- err
		}()
		synctest.Wait()
		begin := time.Now()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(begin) > 0 {
			t.Error(err, time.Since(begin))
		}
	})
}

// What cannot be asked is refused before, without repeating the key.
func TestOptions(t *testing.T) {
	for _, o := range []Options{
		{URL: "api.nango.dev", Key: key}, {URL: "ftp://x", Key: key}, {URL: "https://x/?a=b", Key: key}, {URL: "https://" + key + "@x", Key: key}, {URL: "https://x", Key: ""},
		{URL: "https://x", Key: key + "\n"},
	} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("%q: %v", o.URL, err)
		}
	}
}
