package alert

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
)

// Policy says where messages may go. By default no address of the own machine or of a private network is reached, whatever name it has: it is
// looked at when the connection is made. Through a proxy of the environment (HTTPS_PROXY) everything goes as the proxy decides.
type Policy struct {
	Allow []string // CIDRs, addresses, or host names that may be reached nevertheless; a name allows whatever it stands for
}

// errPrivate is what a connection ends with that the policy does not allow.
var errPrivate = errors.New("the address is private: alerts.allow names those that may be reached")

// NewClient makes the client that destinations use, under a policy. It follows no redirect.
func NewClient(p Policy) (*http.Client, error) {
	g := newGate()
	for i, s := range p.Allow {
		if !g.allow(s) {
			return nil, fmt.Errorf("allow: entry %d is neither a CIDR nor an address nor a host name", i+1)
		}
	}
	return &http.Client{Transport: newTransport(g), CheckRedirect: noRedirect}, nil
}

// Refuses says that a message to this address cannot go out: its host is this machine, or is written as a private address, and neither is allowed nor
// reached through a proxy. Names are not looked up: what they stand for is known when a connection is made.
func (p Policy) Refuses(u *url.URL) bool {
	g := newGate()
	for _, s := range p.Allow {
		g.allow(s)
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if proxy, err := g.proxy(&http.Request{URL: u}); g.names[host] || proxy != nil || err != nil {
		return false
	}
	if host == "localhost" {
		return !g.permits(netip.AddrFrom4([4]byte{127, 0, 0, 1})) && !g.permits(netip.IPv6Loopback())
	}
	a, err := netip.ParseAddr(host)
	return err == nil && !g.permits(a)
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// newTransport opens a connection for each request: messages are rare, and a request that dies on a connection kept
// too long could not be told from one that arrived.
func newTransport(g *gate) *http.Transport {
	return &http.Transport{
		Proxy:                  g.proxy,
		DialContext:            g.dial,
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  requestTimeout,
		MaxResponseHeaderBytes: maxAnswer,
		DisableKeepAlives:      true,
		DisableCompression:     true,
	}
}

// gate makes connections under a policy.
type gate struct {
	dialer      net.Dialer
	nets        []netip.Prefix
	names       map[string]bool
	environment func(*http.Request) (*url.URL, error) // the proxy that it names
	proxies     sync.Map                              // host:port of those
}

func newGate() *gate {
	return &gate{dialer: net.Dialer{Timeout: dialTimeout}, names: map[string]bool{}, environment: http.ProxyFromEnvironment}
}

// allow takes an entry of the policy.
func (g *gate) allow(s string) bool {
	if p, err := netip.ParsePrefix(s); err == nil && !p.Addr().Is4In6() {
		g.nets = append(g.nets, p.Masked())
		return true
	}
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap().WithZone("")
		g.nets = append(g.nets, netip.PrefixFrom(a, a.BitLen()))
		return true
	}
	name := strings.TrimSuffix(strings.ToLower(s), ".")
	letters := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-._")
	if name == "" || len(name) > 253 || letters != "" || strings.Trim(name, "0123456789.") == "" {
		return false
	}
	g.names[name] = true
	return true
}

// proxy is that of the environment. It is dialled whatever its address is.
func (g *gate) proxy(r *http.Request) (*url.URL, error) {
	u, err := g.environment(r)
	if u != nil {
		g.proxies.Store(proxyAddress(u), true)
	}
	return u, err
}

// proxyAddress is what a transport dials for a proxy.
func proxyAddress(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if port == "" {
		port = "1080" // socks5
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func (g *gate) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := g.dialer
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	_, proxy := g.proxies.Load(address)
	if !proxy && !g.names[strings.TrimSuffix(strings.ToLower(host), ".")] {
		d.ControlContext = g.control
	}
	return d.DialContext(ctx, network, address)
}

// control looks at the address that a name was resolved to, right before the connection is made.
func (g *gate) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !g.permits(a.Addr()) {
		return errPrivate
	}
	return nil
}

func (g *gate) permits(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	inner := embedded(a)
	for _, p := range g.nets {
		if p.Contains(a) || p.Contains(inner) {
			return true
		}
	}
	return !private(a) && !private(inner)
}

// reserved are the networks that no destination of the internet is in, beyond those that net/netip knows.
var reserved = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4", "::/96", "64:ff9b:1::/48", "2001::/32", "fec0::/10")

func private(a netip.Addr) bool {
	if a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return true
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

var nat64, sixToFour = netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("2002::/16")

// embedded is the IPv4 address to which an IPv6 address of a translator leads, and otherwise the address itself.
func embedded(a netip.Addr) netip.Addr {
	b := a.As16()
	switch {
	case nat64.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}

func prefixes(all ...string) (out []netip.Prefix) {
	for _, s := range all {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}
