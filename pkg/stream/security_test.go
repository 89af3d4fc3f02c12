package stream

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/revwatch/revwatch/internal/broker"
)

// refusing is an address at which nobody listens.
func refusing(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// silent is an address that accepts connections and never answers.
func silent(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				io.Copy(io.Discard, conn) // until the other side gives up
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// protected starts a broker that wants TLS and a password, and returns how to get in.
func protected(t *testing.T, mechanism string) (*broker.Broker, Security) {
	t.Helper()
	cert, err := broker.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	config, err := cert.Server()
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, cert.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, broker.Options{Topics: []string{"rows"}, TLS: config, Users: []broker.User{{Mechanism: mechanism, Name: "alice", Password: "right horse"}}})
	return b, Security{Protocol: "SASL_SSL", Mechanism: mechanism, Username: "alice", Password: "right horse", CAFile: ca}
}

func TestSecurity(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			b, s := protected(t, mechanism)
			o := quick(b.Addrs(), "rows")
			o.Security = s
			h := newRecorder()
			c := run(t, o, h)
			eventually(t, "the end of the topic", func() bool { return locked(h, func() bool { return h.batches > 0 }) })
			if s := c.Status(); !s.Owner || s.Err != "" {
				t.Errorf("%+v", s)
			}
		})
	}
}

// What keeps us out is said in words that name the cause, and never the password.
func TestKeptOut(t *testing.T) {
	t.Parallel()
	b, right := protected(t, "SCRAM-SHA-512")
	for name, c := range map[string]struct {
		change func(*Security)
		says   string
	}{
		"password":      {func(s *Security) { s.Password = "wrong horse" }, "wrong user name or password"},
		"mechanism":     {func(s *Security) { s.Mechanism = "PLAIN" }, "wrong user name or password"},
		"no authority":  {func(s *Security) { s.CAFile = "" }, "certificate"},
		"without TLS":   {func(s *Security) { s.Protocol = "SASL_PLAINTEXT" }, "does its listener want TLS"},
		"without SASL":  {func(s *Security) { s.Protocol = "SSL" }, "SASL"},
		"neither":       {func(s *Security) { s.Protocol = "PLAINTEXT" }, "does its listener want TLS"},
		"wrong scram":   {func(s *Security) { s.Mechanism = "SCRAM-SHA-256" }, "wrong user name or password"},
		"unknown name":  {func(s *Security) { s.Username = "bob" }, "wrong user name or password"},
		"trusts anyone": {func(s *Security) { s.CAFile, s.InsecureSkipVerify = "", true }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := quick(b.Addrs(), "rows")
			o.Security = right
			c.change(&o.Security)
			r := run(t, o, newRecorder())
			if c.says == "" {
				eventually(t, "the owner", func() bool { return r.Status().Owner })
				return
			}
			eventually(t, "an error", func() bool { return r.Status().Err != "" })
			if text := r.Status().Err; !strings.Contains(text, c.says) || strings.Contains(text, "horse") {
				t.Errorf("says %q, should say %q", text, c.says)
			}
		})
	}
}

func TestSecurityIsNotPrinted(t *testing.T) {
	s := Security{Protocol: "SASL_SSL", Mechanism: "PLAIN", Username: "alice", Password: "right horse"}
	o := Options{Security: s}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s", s, s, s, s), fmt.Sprintf("%+v %#v %v", o, o, &s)} {
		if strings.Contains(text, "horse") {
			t.Errorf("printed: %s", text)
		}
	}
}

func TestOptions(t *testing.T) {
	good := Options{Brokers: []string{"127.0.0.1:9092"}, Topics: []string{"rows"}, GroupID: "group"}
	file := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"brokers":        func(o *Options) { o.Brokers = nil },
		"port":           func(o *Options) { o.Brokers = []string{"kafka"} },
		"topics":         func(o *Options) { o.Topics = nil },
		"topic twice":    func(o *Options) { o.Topics = []string{"rows", "rows"} },
		"empty topic":    func(o *Options) { o.Topics = []string{""} },
		"group":          func(o *Options) { o.GroupID = "" },
		"reset":          func(o *Options) { o.Reset = "newest" },
		"protocol":       func(o *Options) { o.Security.Protocol = "TLS" },
		"mechanism":      func(o *Options) { o.Security = Security{Protocol: "SASL_SSL", Mechanism: "GSSAPI", Username: "alice"} },
		"user":           func(o *Options) { o.Security = Security{Protocol: "SASL_SSL", Mechanism: "PLAIN"} },
		"missing CA":     func(o *Options) { o.Security = Security{Protocol: "SSL", CAFile: file + ".not"} },
		"empty CA":       func(o *Options) { o.Security = Security{Protocol: "SSL", CAFile: file} },
		"no certificate": func(o *Options) { o.Security = Security{Protocol: "SSL", CertFile: file, KeyFile: file} },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	c, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Status(); s.Joined || s.Owner || s.Err != "" {
		t.Errorf("before Run: %+v", s)
	}
	if o := c.o; o.Reset != ResetEarliest || o.SessionTimeout != 10*time.Second || o.Tick != time.Second {
		t.Errorf("defaults: %+v", o)
	}
}

var _ kafka.GroupBalancer = (*balancer)(nil)
