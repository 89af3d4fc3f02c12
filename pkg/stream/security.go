package stream

// Security says how to talk to the brokers. Its secrets are never printed.
type Security struct {
	Protocol           string // PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL
	Mechanism          string // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512; with SASL_* only
	Username, Password string
	CAFile             string // PEM; "" for the authorities of the system
	CertFile, KeyFile  string // PEM; a client certificate and its key
	InsecureSkipVerify bool
}
