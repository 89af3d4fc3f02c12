package alert

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

func TestPrivateAddresses(t *testing.T) {
	g := &gate{}
	for _, s := range strings.Fields(`127.0.0.1 127.8.9.10 0.0.0.0 0.1.2.3 10.1.2.3 172.16.0.1 172.31.255.255 192.168.0.1 169.254.169.254 100.64.0.1
		100.127.255.255 192.0.0.8 198.18.0.1 198.19.255.255 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
		::1 :: fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 fec0::1 ff02::1 ff0e::1 ::127.0.0.1 ::10.0.0.1
		::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b::7f00:1 64:ff9b:1::1
		2002:7f00:1:: 2002:a00:1::1 2001::1 64:ff9b::100.64.0.1`) {
		if g.permits(netip.MustParseAddr(s)) {
			t.Errorf("%s may be reached", s)
		}
	}
	for _, s := range strings.Fields(`1.1.1.1 172.15.0.1 172.32.0.1 100.63.255.255 100.128.0.1 169.253.0.1 192.167.1.1 198.17.0.1 198.20.0.1 223.255.255.255
		2606:4700::1111 ::ffff:1.1.1.1 64:ff9b::1.1.1.1 2002:101:101::1 2001:4860:4860::8888`) {
		if !g.permits(netip.MustParseAddr(s)) {
			t.Errorf("%s may not be reached", s)
		}
	}
}

// What a client would refuse to reach is known before, where no name has to be looked up.
func TestPolicyRefuses(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "")
	t.Setenv("HTTP_PROXY", "")
	for address, allow := range map[string]string{
		"http://localhost:9093/x": "127.0.0.0/8", "https://LocalHost./": "localhost", "http://127.0.0.1": "127.0.0.1", "http://[::1]:80/": "::1", "http://10.1.2.3/": "10.0.0.0/8",
		"https://[::ffff:10.1.2.3]/": "10.0.0.0/8", "http://169.254.169.254/": "169.254.0.0/16", "http://[fe80::1%25eth0]/": "fe80::1",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if !(Policy{}).Refuses(u) || !(Policy{Allow: []string{"192.168.0.0/16", "other"}}).Refuses(u) || (Policy{Allow: []string{allow}}).Refuses(u) {
			t.Errorf("%s: refused %t, with %s %t", address, Policy{}.Refuses(u), allow, Policy{Allow: []string{allow}}.Refuses(u))
		}
	}
	for _, address := range []string{"https://hooks.slack.com/services/a", "http://1.1.1.1/", "http://am:9093", "http://localhost.example.com/", "http://[2606:4700::1111]/"} {
		if u, err := url.Parse(address); err != nil || (Policy{}).Refuses(u) {
			t.Errorf("%s is refused: %v", address, err)
		}
	}
}

func TestAllowed(t *testing.T) {
	g := &gate{names: map[string]bool{}}
	for _, s := range []string{"10.1.0.0/16", "192.168.7.7", "fd00::/8", "Alertmanager.Monitoring.svc.", "::ffff:172.16.0.9"} {
		if !g.allow(s) {
			t.Errorf("%q is no entry", s)
		}
	}
	for s, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "64:ff9b::10.1.2.3": true, "10.2.0.1": false, "192.168.7.7": true, "192.168.7.8": false,
		"fd12::1": true, "fc00::1": false, "127.0.0.1": false, "172.16.0.9": true,
	} {
		if got := g.permits(netip.MustParseAddr(s)); got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
	if !g.names["alertmanager.monitoring.svc"] {
		t.Errorf("names %v", g.names)
	}
	for _, s := range []string{"", "10.0.0.0/33", "10.0.0", "https://hooks.example/s3cr3t", "a b", "*.svc", "10.0.0.1:80", "::ffff:10.0.0.0/104", strings.Repeat("a", 254)} {
		_, err := NewClient(Policy{Allow: []string{"10.0.0.0/8", s}})
		if err == nil || !strings.Contains(err.Error(), "entry 2") || s != "" && strings.Contains(err.Error(), s) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// TestPolicyAtDial: a server on loopback is not reached by its address nor by a name, unless the policy allows one of them.
func TestPolicyAtDial(t *testing.T) {
	var calls atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host  string
		allow []string
		want  bool
	}{
		{"127.0.0.1", nil, false}, {"localhost", nil, false}, {"[::ffff:127.0.0.1]", nil, false}, {"127.0.0.1", []string{"10.0.0.0/8", "other"}, false},
		{"127.0.0.1", []string{"127.0.0.1"}, true}, {"localhost", []string{"127.0.0.0/8", "::1"}, true}, {"LOCALHOST", []string{"localhost"}, true},
		{"127.0.0.1", []string{"localhost"}, false}, {"[::ffff:127.0.0.1]", []string{"127.0.0.0/8"}, true},
	} {
		calls.Store(0)
		client, err := NewClient(Policy{Allow: c.allow})
		if err != nil {
			t.Fatal(err)
		}
		if c.allow == nil {
			client = nil // the strictest
		}
		to := must(NewPagerDuty(PagerDuty{RoutingKey: pagerKey, URL: "http://" + c.host + ":" + port, HTTP: client}))(t)
		_, err = to.send(context.Background(), tell(revoked(), nil, open))
		if got := calls.Load() == 1; got != c.want || got != (err == nil) {
			t.Errorf("%s, allowed %v: %v, %d calls", c.host, c.allow, err, calls.Load())
		}
		if f := faultOf(err); err != nil && (f.verdict != refused || f.reason != errPrivate.Error()) {
			t.Errorf("%s: %s %q", c.host, f.verdict, f.reason)
		}
	}
}

// TestNoRedirectLeaves: not by the client either.
func TestNoRedirectLeaves(t *testing.T) {
	elsewhere := nowhere(t)
	srv := httptest.NewServer(http.RedirectHandler(elsewhere, http.StatusTemporaryRedirect))
	defer srv.Close()
	resp, err := loopback(t).Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// TestAProxyIsDialled whatever its address is, and nothing else there.
func TestAProxyIsDialled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := &gate{dialer: net.Dialer{Timeout: dialTimeout}, environment: func(*http.Request) (*url.URL, error) {
		return &url.URL{Scheme: "http", Host: l.Addr().String()}, nil
	}}
	if _, err := g.dial(context.Background(), "tcp", l.Addr().String()); !errors.Is(err, errPrivate) {
		t.Errorf("before: %v", err)
	}
	if u, err := g.proxy(nil); u == nil || err != nil {
		t.Fatal(u, err)
	}
	c, err := g.dial(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	for target, want := range map[string]string{"http://p": "p:80", "https://p": "p:443", "socks5://p": "p:1080", "http://[::1]": "[::1]:80", "http://p:3128": "p:3128"} {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		if got := proxyAddress(u); got != want {
			t.Errorf("%s: %s", target, got)
		}
	}
}
