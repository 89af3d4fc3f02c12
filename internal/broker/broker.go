// Package broker starts a Kafka cluster inside the process: for the demo and for tests. It speaks the real protocol (groups,
// transactions, all codecs, SASL, TLS) but is not Apache Kafka: nothing is replicated. It keeps the unstable library behind
// it, kfake, in one place.
package broker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Options of Start; every zero value means its default.
type Options struct {
	Topics     []string // made at the start
	Partitions int      // of each topic; default 1
	Brokers    int      // nodes, each with its own port; default 1
	DataDir    string   // where logs are kept; default: in memory, which takes about 2.4 bytes for each stored byte

	TLS   *tls.Config // of the listeners; default: none
	Users []User      // who may come in; default: everybody, without SASL

	Extra []kfake.Opt // anything else, for tests
}

// User may do everything once SASL has let it in.
type User struct {
	Mechanism      string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	Name, Password string
}

// Broker is a running cluster.
type Broker struct {
	// Cluster is for tests: faults, moved leaders, deleted records.
	Cluster *kfake.Cluster
}

// Start begins to listen on free ports of 127.0.0.1 and returns when clients may connect. The caller closes the Broker.
func Start(o Options) (*Broker, error) {
	if o.Partitions < 0 || o.Brokers < 0 {
		return nil, errors.New("broker: negative number of partitions or brokers")
	}
	c, err := kfake.NewCluster(o.kfake()...)
	if err != nil {
		return nil, fmt.Errorf("starting the broker: %w", err)
	}
	return &Broker{Cluster: c}, nil
}

func (o Options) kfake() []kfake.Opt {
	opts := []kfake.Opt{
		kfake.NumBrokers(max(o.Brokers, 1)),
		kfake.GroupMinSessionTimeout(100 * time.Millisecond), // Kafka's own is 6 s, too long for tests
	}
	if len(o.Topics) > 0 {
		opts = append(opts, kfake.SeedTopics(int32(max(o.Partitions, 1)), o.Topics...))
	}
	if o.DataDir != "" {
		opts = append(opts, kfake.DataDir(o.DataDir))
	}
	if o.TLS != nil {
		opts = append(opts, kfake.TLS(o.TLS))
	}
	if len(o.Users) > 0 {
		opts = append(opts, kfake.EnableSASL())
	}
	for _, u := range o.Users {
		opts = append(opts, kfake.Superuser(u.Mechanism, u.Name, u.Password))
	}
	return append(opts, o.Extra...)
}

// Addrs returns host:port of each node.
func (b *Broker) Addrs() []string { return b.Cluster.ListenAddrs() }

// Close stops the cluster and cuts all connections.
func (b *Broker) Close() { b.Cluster.Close() }
