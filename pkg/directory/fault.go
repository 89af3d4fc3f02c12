package directory

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Kind is what hindered a listing.
type Kind string

// The kinds of faults; each is also a result in revwatch_directory_requests_total, but Unsteady.
const (
	Unauthorized Kind = "unauthorized" // the key is not accepted
	Forbidden    Kind = "forbidden"    // the key may not list connections
	NotFound     Kind = "not_found"    // there is no such address
	Refused      Kind = "refused"      // the request is not understood
	Limited      Kind = "rate_limited" // too many requests
	Failing      Kind = "server_error" // Nango, or something before it, fails
	Unreachable  Kind = "unreachable"  // no answer
	Unreadable   Kind = "unreadable"   // the answer is no list of connections
	Unsteady     Kind = "unsteady"     // the list changed faster than it was read
)

// Fault is why there is no listing, in words that hold no secret.
type Fault struct {
	Kind  Kind
	After time.Duration // so long nothing should be asked; 0: not said
	text  string
}

func (f *Fault) Error() string { return f.text }

// passes reports whether asking again soon may help.
func (f *Fault) passes() bool { return f.Kind == Limited || f.Kind == Failing || f.Kind == Unreachable }

var texts = map[Kind]string{
	Unauthorized: "Nango does not accept the secret key (401): nango.secret_key must be an API key of this environment, as Nango's dashboard shows it under Environment Settings",
	Forbidden:    "the secret key may not list connections (403): give it the scope environment:connections:list",
	NotFound:     "there is no list of connections at nango.url (404): it must be the address of Nango's API, such as https://api.nango.dev, without the path",
	Refused:      "Nango does not take the request",
	Limited:      "Nango asks to wait: too many requests (429)",
	Failing:      "Nango fails",
	Unreachable:  "Nango does not answer",
	Unreadable:   "what answers at nango.url is no list of connections: it must be the address of Nango's API",
	Unsteady:     "connections were deleted faster than their list could be read: it is read again",
}

func faultOf(k Kind, status int) *Fault {
	f := &Fault{Kind: k, text: texts[k]}
	if status > 0 {
		f.text += fmt.Sprintf(" (HTTP %d)", status)
	}
	return f
}

// ofStatus is the fault that a status other than 200 means.
func ofStatus(status int) *Fault {
	switch {
	case status == http.StatusUnauthorized:
		return faultOf(Unauthorized, 0)
	case status == http.StatusForbidden:
		return faultOf(Forbidden, 0)
	case status == http.StatusNotFound:
		return faultOf(NotFound, 0)
	case status == http.StatusTooManyRequests:
		return faultOf(Limited, 0)
	case status >= 500, status == http.StatusRequestTimeout:
		return faultOf(Failing, status)
	case status >= 300 && status < 400:
		f := faultOf(Refused, status)
		f.text = fmt.Sprintf("nango.url leads elsewhere by a redirect (HTTP %d), which is not followed: write the address that it leads to", status)
		return f
	}
	return faultOf(Refused, status)
}

// ofError is the fault that a failed request means. The error's own text may hold the address, which is not repeated.
func ofError(err error) *Fault {
	var (
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
		to   interface{ Timeout() bool }
		why  = "cannot connect"
	)
	switch {
	case errors.Is(err, context.Canceled):
		why = "stopped before the answer"
	case errors.As(err, &to) && to.Timeout():
		why = "no answer in time"
	case errors.As(err, &dns):
		why = "its host name is not found"
	case errors.As(err, &cert):
		why = "its certificate is not trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		why = "the connection is refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		why = "the connection is lost"
	}
	f := faultOf(Unreachable, 0)
	f.text += ": " + why
	return f
}
