package stream

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Security says how to talk to the brokers. Its secrets are never printed.
type Security struct {
	Protocol           string // PLAINTEXT (also ""), SSL, SASL_PLAINTEXT, SASL_SSL
	Mechanism          string // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512; with SASL_* only
	Username, Password string
	CAFile             string // PEM; "" for the authorities of the system
	CertFile, KeyFile  string // PEM; a client certificate and its key
	InsecureSkipVerify bool
}

// String names protocol, mechanism and user, never the password.
func (s Security) String() string {
	return fmt.Sprintf("%s %s %s", s.Protocol, s.Mechanism, s.Username)
}

// GoString is String: %#v does not print the password either.
func (s Security) GoString() string { return s.String() }

// Transport returns a transport of kafka-go's that speaks as s says, for what writes or asks beside a Consumer. Files named in s are read. The caller
// closes its idle connections.
func (s Security) Transport(clientID string) (*kafka.Transport, error) {
	tlsConfig, err := s.tls()
	if err != nil {
		return nil, err
	}
	mechanism, err := s.mechanism()
	if err != nil {
		return nil, err
	}
	return &kafka.Transport{ClientID: clientID, TLS: tlsConfig, SASL: mechanism}, nil
}

// tls returns nil for protocols without TLS.
func (s Security) tls() (*tls.Config, error) {
	switch s.Protocol {
	case "", "PLAINTEXT", "SASL_PLAINTEXT":
		return nil, nil
	case "SSL", "SASL_SSL":
	default:
		return nil, fmt.Errorf("security protocol %q: want PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL", s.Protocol)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.InsecureSkipVerify}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificate authorities: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificate authorities: %s holds no PEM certificate", s.CAFile)
		}
	}
	if s.CertFile != "" || s.KeyFile != "" {
		pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// mechanism returns nil for protocols without SASL.
func (s Security) mechanism() (sasl.Mechanism, error) {
	if s.Protocol != "SASL_PLAINTEXT" && s.Protocol != "SASL_SSL" {
		return nil, nil
	}
	if s.Username == "" {
		return nil, errors.New("SASL without a username")
	}
	switch s.Mechanism {
	case "PLAIN":
		return plain.Mechanism{Username: s.Username, Password: s.Password}, nil
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, s.Username, s.Password)
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, s.Username, s.Password)
	}
	return nil, fmt.Errorf("SASL mechanism %q: want PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism)
}
