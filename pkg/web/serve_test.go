package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections live in memory, so that time can be a fake one.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	mine, theirs := net.Pipe()
	p.conns <- theirs
	return mine
}

// serving runs test against Serve, then stops it and returns how long that took.
func serving(t *testing.T, h http.Handler, test func(p *pipes)) (stopped time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error)
		go func() { ended <- Serve(ctx, p, h) }()
		test(p)
		from := time.Now()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		stopped = time.Since(from)
		time.Sleep(time.Minute) // of the bubble: what was cut ends too
	})
	return stopped
}

// TestSlowHeaders: a client that never ends its request is let go.
func TestSlowHeaders(t *testing.T) {
	stopped := serving(t, New(Options{}).Handler(), func(p *pipes) {
		c := p.dial()
		defer c.Close()
		from := time.Now()
		if _, err := c.Write([]byte("GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, c) // until it is closed
		if took := time.Since(from); took > headerTimeout+time.Second {
			t.Errorf("held for %v", took)
		}
	})
	if stopped > graceTimeout {
		t.Errorf("stopped after %v", stopped)
	}
}

// TestSlowReader: a client that does not take its answer is let go.
func TestSlowReader(t *testing.T) {
	var ended chan time.Duration // of the bubble
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		from := time.Now()
		_, _ = w.Write(make([]byte, 1<<20))
		ended <- time.Since(from)
	})
	serving(t, h, func(p *pipes) {
		ended = make(chan time.Duration)
		c := p.dial()
		defer c.Close()
		_, _ = c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		if took := <-ended; took > writeTimeout {
			t.Errorf("held for %v", took)
		}
	})
}

// TestStopWaitsForAnswers, but not for ever.
func TestStopWaitsForAnswers(t *testing.T) {
	for _, c := range []struct{ work, stops time.Duration }{{2 * time.Second, 3 * time.Second}, {20 * time.Second, graceTimeout}} {
		var whole bool
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(c.work)
			_, _ = io.WriteString(w, "done")
		})
		answered := make(chan struct{})
		stopped := serving(t, h, func(p *pipes) {
			conn := p.dial()
			_, _ = conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
			go func() {
				defer close(answered)
				defer conn.Close()
				r, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err == nil {
					body, _ := io.ReadAll(r.Body)
					whole = string(body) == "done"
				}
			}()
			synctest.Wait()
		})
		<-answered
		if stopped > c.stops || whole != (c.work < graceTimeout) {
			t.Errorf("work of %v: stopped after %v, answered %t", c.work, stopped, whole)
		}
	}
}

// TestListenerFails is the one error of Serve.
func TestListenerFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := Serve(t.Context(), ln, http.NotFoundHandler()); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// TestOverTCP scrapes as a stranger does.
func TestOverTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- Serve(ctx, ln, full().Handler()) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get("http://" + ln.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if _, err := parse(string(body)); err != nil || r.StatusCode != 200 {
		t.Error(r.StatusCode, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := client.Get("http://" + ln.Addr().String() + "/metrics"); err == nil {
		t.Error("answers after the end")
	}
}
