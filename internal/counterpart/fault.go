package counterpart

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// stage is when a fault happens.
type stage int

const (
	atRequest    stage = iota // after the request was read
	atHandshake               // in the TLS handshake
	atConnection              // before anything is read
)

// Fault is one way in which one call fails. The zero value is none.
type Fault struct {
	Name    string
	stage   stage
	arrives bool             // the request is worked on, and only its answer is not what it should be
	answer  http.HandlerFunc // nil: as it should be
}

// Late is the same fault, but the request was worked on before.
func (f Fault) Late() Fault {
	f.Name += ", though it arrived"
	f.arrives = true
	return f
}

// Status answers with a status, a body and pairs of header and value.
func Status(status int, body string, header ...string) Fault {
	return Fault{Name: strings.TrimSpace(fmt.Sprint("HTTP ", status, " ", strings.Join(header, " "))), answer: func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}}
}

// Busy answers 429 and asks to wait, in the header.
func Busy(wait time.Duration) Fault {
	return Status(http.StatusTooManyRequests, "", "Retry-After", strconv.Itoa(int(wait.Seconds())))
}

// BusyUntil is Busy with a date, which is that long after the request.
func BusyUntil(wait time.Duration) Fault {
	return Fault{Name: "HTTP 429 with a date", answer: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", time.Now().Add(wait).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusTooManyRequests)
	}}
}

// BusyInBody is Busy with retry_after in a JSON body.
func BusyInBody(wait time.Duration) Fault {
	return Status(http.StatusTooManyRequests, fmt.Sprintf(`{"retry_after": %g}`, wait.Seconds()))
}

// Redirect points somewhere else.
func Redirect(to string) Fault { return Status(http.StatusTemporaryRedirect, "", "Location", to) }

// Reset ends the connection before anything is read.
func Reset() Fault { return Fault{Name: "reset", stage: atConnection} }

// Untrusted shows a certificate that nobody trusts.
func Untrusted() Fault { return Fault{Name: "bad TLS", stage: atHandshake} }

// Cut ends the connection after the request was read.
func Cut() Fault {
	return Fault{Name: "cut", answer: func(w http.ResponseWriter, r *http.Request) {
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			drop(c)
		}
	}}
}

// Do does something while the caller waits, and then hangs.
func Do(name string, do func()) Fault {
	return Fault{Name: name, answer: func(w http.ResponseWriter, r *http.Request) {
		do()
		<-r.Context().Done()
	}}
}

// Hang says nothing until the caller hangs up.
func Hang() Fault {
	return Fault{Name: "hang", answer: func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
}

// Drip begins an answer and then sends a byte a tick until the caller hangs up.
func Drip(status int, tick time.Duration) Fault {
	return Fault{Name: fmt.Sprint("slow HTTP ", status), answer: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_ = http.NewResponseController(w).Flush()
		t := time.NewTicker(tick)
		defer t.Stop()
		for {
			select {
			case <-r.Context().Done():
				return
			case <-t.C:
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
			}
		}
	}}
}

// Flood answers with a beginning and 10 MiB of nothing after it.
func Flood(status int, head string) Fault {
	return Fault{Name: fmt.Sprint("huge HTTP ", status), answer: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, head)
		kilobyte := []byte(strings.Repeat("x", 1<<10))
		for range 10 << 10 {
			if _, err := w.Write(kilobyte); err != nil {
				return
			}
		}
	}}
}

// Words are what a server says of its own in an Echo.
const Words = "the server's own words"

// Echo answers with what a careless server shows: the whole request, secrets and all, under a status, and Words.
func Echo(status int) Fault {
	return Fault{Name: fmt.Sprint("echo with HTTP ", status), answer: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", r.Header.Get("Authorization"))
		w.Header().Set("Location", "http://"+r.Host+r.URL.String())
		w.WriteHeader(status)
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, `{"ok":false,"error":%q,"message":%q,"url":%q,"note":%q}`, r.Header.Get("Authorization"), body, r.Host+r.URL.String(), Words)
	}}
}
