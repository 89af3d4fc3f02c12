package stream

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// dialTimeout is what connecting may take, the handshakes of TLS and SASL included.
const dialTimeout = 5 * time.Second

// lines are connections that can be cut. kafka-go cannot be interrupted while it waits for the group, up to three session
// timeouts, nor while it reads a response; cutting its lines ends that.
type lines struct {
	ctx  context.Context
	end  context.CancelFunc
	mu   sync.Mutex
	open map[*line]struct{} // nil once they are cut
}

func newLines() *lines {
	l := &lines{open: make(map[*line]struct{})}
	l.ctx, l.end = context.WithCancel(context.Background())
	return l
}

type line struct {
	net.Conn
	all *lines
}

func (l *line) Close() error {
	l.all.mu.Lock()
	delete(l.all.open, l)
	l.all.mu.Unlock()
	return l.Conn.Close()
}

func (l *lines) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	out := &line{Conn: conn, all: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		conn.Close()
		return nil, net.ErrClosed
	}
	l.open[out] = struct{}{}
	return out, nil
}

// cut closes all lines and refuses new ones.
func (l *lines) cut() {
	l.end()
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		c.Conn.Close()
	}
	l.open = nil
}

// wires are a transport whose connections can be cut.
type wires struct {
	*kafka.Transport
	lines *lines
}

// RoundTrip makes wires a kafka.RoundTripper. The transport opens a pool of connections for whoever asks, which then looks for
// brokers for ever: those who still asked when the wires were cut close it.
func (w *wires) RoundTrip(ctx context.Context, addr net.Addr, r kafka.Request) (kafka.Response, error) {
	if w.lines.ctx.Err() != nil {
		return nil, net.ErrClosed
	}
	defer func() {
		if w.lines.ctx.Err() != nil {
			w.CloseIdleConnections()
		}
	}()
	return w.Transport.RoundTrip(ctx, addr, r)
}

func (w *wires) cut() {
	w.lines.cut()
	w.CloseIdleConnections()
}
