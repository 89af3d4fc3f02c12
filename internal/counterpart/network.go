package counterpart

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Network is where counterparts are reached. In memory connections are pipes and servers have names; on loopback they are real.
type Network struct {
	memory bool
	mu     sync.Mutex
	ports  map[string]*pipes // in memory, by host:port
	all    []*Server
	good   *tls.Certificate // of all names, trusted by Roots
	bad    *tls.Certificate
	Roots  *x509.CertPool
}

// Loopback is a network of real connections on 127.0.0.1, without TLS.
func Loopback() *Network { return &Network{} }

// InMemory is a network of pipes, which take no time and so suit a fake clock. Servers are at http://name and https://name.
func InMemory() *Network {
	n := &Network{memory: true, ports: map[string]*pipes{}, Roots: x509.NewCertPool()}
	n.good, n.bad = certificates()
	n.Roots.AddCert(n.good.Leaf)
	return n
}

// certificates are made once a process: one to be trusted and one that nobody trusts. They are valid at any time.
var certificates = sync.OnceValues(func() (good, bad *tls.Certificate) { return selfSigned(), selfSigned() })

func selfSigned() *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), DNSNames: []string{"*.test"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// serve starts a server under a name, which counts in memory only.
func (n *Network) serve(s *Server, name string, handle http.HandlerFunc) {
	s.handle = handle
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, s)
	if !n.memory {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		s.host, s.URL = l.Addr().String(), "http://"+l.Addr().String()
		s.start(l, nil, nil, nil)
		return
	}
	s.host = name + ".test"
	s.URL, s.Secure = "http://"+s.host, "https://"+s.host
	plain, secure := newPipes(), newPipes()
	n.ports[s.host+":80"], n.ports[s.host+":443"] = plain, secure
	s.start(plain, secure, n.good, n.bad)
}

// Close ends all servers and their connections.
func (n *Network) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.all {
		s.close()
	}
}

// Dial connects to a server of the network, as a net.Dialer would.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if !n.memory {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
	n.mu.Lock()
	l := n.ports[address]
	n.mu.Unlock()
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	return l.dial(ctx, network)
}

// Over is a copy of a transport that reaches this network only.
func (n *Network) Over(t *http.Transport) *http.Client {
	t = t.Clone()
	t.Proxy, t.DialContext = nil, n.Dial
	if n.Roots != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: n.Roots}
	}
	return &http.Client{Transport: t}
}

// pipes is a listener whose connections are pipes. They end with it: nothing waits then for the other end to read a last word, as TLS says one.
type pipes struct {
	waiting chan net.Conn
	closed  chan struct{}
	once    sync.Once
	mu      sync.Mutex
	ends    []net.Conn // nearer ends of those that were taken
}

func newPipes() *pipes { return &pipes{waiting: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, network string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.waiting <- there:
		p.keep(here)
		return here, nil
	case <-p.closed:
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.waiting:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// keep remembers a connection that ends with the listener.
func (p *pipes) keep(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closed:
		_ = c.Close()
	default:
		p.ends = append(p.ends, c)
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.ends {
		_ = c.Close()
	}
	p.ends = nil
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }
