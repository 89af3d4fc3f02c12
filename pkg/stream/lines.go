package stream

import (
	"context"
	"net"
	"sync"
	"time"
)

// lines are the connections of the group membership. kafka-go cannot be interrupted while it waits for the group, up to
// three session timeouts; cutting its lines ends that.
type lines struct {
	mu   sync.Mutex
	open map[*line]struct{}
	cut  bool
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
	d := net.Dialer{Timeout: 5 * time.Second}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	out := &line{Conn: conn, all: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		conn.Close()
		return nil, net.ErrClosed
	}
	if l.open == nil {
		l.open = make(map[*line]struct{})
	}
	l.open[out] = struct{}{}
	return out, nil
}

// close cuts all lines and refuses new ones.
func (l *lines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	for c := range l.open {
		c.Conn.Close()
	}
	l.open = nil
}
