package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/segmentio/kafka-go"
)

// inWords says what keeps from reaching the brokers, and what to do.
func (s surveyor) inWords(err error) error {
	brokers := strings.Join(s.config.kafka.brokers, ", ")
	hint := s.hint(err)
	if hint == "" {
		return fmt.Errorf("kafka at %s: %w", brokers, err)
	}
	return fmt.Errorf("kafka at %s cannot be read: %s (%s)", brokers, hint, oneLine(err))
}

// hint says what most often is behind an error; "" when that is not known.
func (s surveyor) hint(err error) string {
	var (
		dns      *net.DNSError
		unknown  x509.UnknownAuthorityError
		name     x509.HostnameError
		expired  x509.CertificateInvalidError
		notTLS   tls.RecordHeaderError
		dialing  *net.OpError
		security = s.config.kafka.security.Protocol
	)
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		return fmt.Sprintf("the brokers refuse %s: look at kafka.sasl_username, kafka.sasl_password and kafka.sasl_mechanism (%s)", who(s.config), s.config.kafka.security.Mechanism)
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		return fmt.Sprintf("the brokers do not offer kafka.sasl_mechanism %s", s.config.kafka.security.Mechanism)
	case errors.As(err, &unknown):
		return "the certificate of the brokers is of an authority that is not known here: set kafka.ssl_ca_location"
	case errors.As(err, &name), errors.As(err, &expired):
		return "the certificate of the brokers is not good for this address"
	case errors.As(err, &notTLS):
		return fmt.Sprintf("this port does not speak TLS: kafka.security_protocol is %s; PLAINTEXT or SASL_PLAINTEXT would fit", security)
	case errors.As(err, &dns):
		return s.advertised(dns.Name, fmt.Sprintf("the name %s is not known here", dns.Name))
	case errors.Is(err, syscall.ECONNREFUSED):
		address := ""
		if errors.As(err, &dialing) && dialing.Addr != nil {
			address = dialing.Addr.String()
		}
		return s.advertised(address, fmt.Sprintf("nothing listens at %s: is Kafka up, and is it this port?", cmp.Or(address, "this address")))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		if s.config.kafka.security.Username != "" {
			return fmt.Sprintf("the broker closes the connection: the user name or the password is wrong, or its listener wants another kafka.security_protocol than %s", security)
		}
		return fmt.Sprintf("the broker closes the connection: its listener wants TLS or SASL, or none (kafka.security_protocol is %s)", security)
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return fmt.Sprintf("no answer in time: a firewall, a wrong port, or a listener that does not fit kafka.security_protocol %s", security)
	}
	return ""
}

// advertised adds where an address comes from that was not asked for.
func (s surveyor) advertised(address, says string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	for _, b := range s.config.kafka.brokers {
		if h, _, _ := net.SplitHostPort(b); h == host || b == address || isLocal(h) && isLocal(host) {
			return says
		}
	}
	return says + "; the brokers call themselves so (advertised.listeners): they have to name an address that can be reached from here"
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// oneLine is an error in one line of a bearable length.
func oneLine(err error) string {
	text := clean(strings.Join(strings.Fields(err.Error()), " "))
	if r := []rune(text); len(r) > 240 {
		text = string(r[:240]) + "…"
	}
	return text
}
