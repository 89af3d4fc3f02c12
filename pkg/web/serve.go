package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// What a client may take: more is cut, so that slow or many ones cannot hold us.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute // longer than the usual scrape interval of a minute
	headerBytes   = 16 << 10
	graceTimeout  = 5 * time.Second // for answers on their way when we stop
)

func newHTTP(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerBytes,
	}
}

// Serve answers on ln, which it closes, until ctx ends; then it lets answers on their way finish, for 5 s at most, and returns nil. It returns
// an error only when ln fails.
func Serve(ctx context.Context, ln net.Listener, h http.Handler) error {
	server := newHTTP(h)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	select {
	case err := <-ended:
		_ = server.Close()
		return fmt.Errorf("http at %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceTimeout)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close() // what is not finished by now is cut
	}
	<-ended
	return nil
}
