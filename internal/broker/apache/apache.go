// Package apache starts a real Apache Kafka, one node in KRaft mode, for integration tests. It needs Java and the broker's
// jars, in the folder that the environment variable REVWATCH_KAFKA_JARS names: `make integration` fetches them.
package apache

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/internal/broker"
)

// JarsVariable names the folder with the jars of one version of Kafka.
const JarsVariable = "REVWATCH_KAFKA_JARS"

// patience is what a start, or a request, may take; 3 s are usual for a start.
const patience = time.Minute

// Options of Start; every zero value means its default.
type Options struct {
	Topics     []string
	Partitions int               // of each topic; default 1
	Users      []broker.User     // with SASL, which the second listener wants; default alice, by all three mechanisms
	Config     map[string]string // further properties of the server
}

// Cluster is a running broker.
type Cluster struct {
	t       testing.TB
	dir     string
	jars    string
	ports   [3]string // plain, SASL_SSL, controller
	process *exec.Cmd
	gone    chan struct{} // closed when the process has ended
}

// Start formats a log in a temporary directory, starts a broker on free ports of 127.0.0.1 and returns when it answers. It is
// stopped when the test ends. Topics are never made by themselves. Without JarsVariable or Java the test fails.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c := &Cluster{t: t, dir: t.TempDir(), jars: os.Getenv(JarsVariable)}
	if c.jars == "" {
		t.Fatalf("%s is not set: run the integration tests by `make integration`", JarsVariable)
	}
	if len(o.Users) == 0 {
		for _, m := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
			o.Users = append(o.Users, User(m))
		}
	}
	c.prepare(o)
	t.Cleanup(c.Kill)
	c.Restart()
	for _, topic := range o.Topics {
		c.CreateTopic(topic, max(o.Partitions, 1))
	}
	return c
}

// User is alice as she is let in by default.
func User(mechanism string) broker.User {
	return broker.User{Mechanism: mechanism, Name: "alice", Password: "right horse"}
}

// Addrs returns host:port of the plain listener.
func (c *Cluster) Addrs() []string { return []string{"127.0.0.1:" + c.ports[0]} }

// SASLAddrs returns host:port of the listener that wants TLS and SASL.
func (c *Cluster) SASLAddrs() []string { return []string{"127.0.0.1:" + c.ports[1]} }

// CAFile is a PEM file with the authority of the broker's certificate.
func (c *Cluster) CAFile() string { return filepath.Join(c.dir, "ca.pem") }

// Kill ends the broker as kill -9 does.
func (c *Cluster) Kill() {
	if c.process == nil {
		return
	}
	c.process.Process.Kill()
	<-c.gone
	c.process = nil
}

// Restart starts the broker, which must not run, on its log and ports, and waits until it answers.
func (c *Cluster) Restart() {
	c.t.Helper()
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	c.must(err)
	defer log.Close()
	c.process = c.java("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "kafka.Kafka", c.properties())
	c.process.Stdout, c.process.Stderr = log, log
	c.must(c.process.Start())
	c.gone = make(chan struct{})
	go func(p *exec.Cmd, gone chan struct{}) {
		defer close(gone)
		p.Wait()
	}(c.process, c.gone)
	c.awaitReady()
}

func (c *Cluster) awaitReady() {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err := c.ping(ctx)
		cancel()
		if err == nil {
			return
		}
		select {
		case <-c.gone:
			c.t.Fatalf("Kafka ended at once: %s", c.logTail())
		default:
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("Kafka does not answer: %v: %s", err, c.logTail())
		}
	}
}

// prepare writes the configuration and formats the log.
func (c *Cluster) prepare(o Options) {
	c.t.Helper()
	for i := range c.ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		c.must(err)
		defer l.Close() // all of them are taken before the first is given back
		_, c.ports[i], err = net.SplitHostPort(l.Addr().String())
		c.must(err)
	}
	cert, err := broker.NewCertificate()
	c.must(err)
	c.must(os.WriteFile(c.CAFile(), cert.PEM, 0o600))
	c.must(os.WriteFile(c.keystore(), append(cert.Key, cert.PEM...), 0o600))
	c.must(os.WriteFile(c.properties(), []byte(c.config(o)), 0o600))
	args := []string{"kafka.tools.StorageTool", "format", "-t", "cmV2d2F0Y2gtcmV2d2F0Yw", "-c", c.properties()}
	for _, u := range o.Users {
		if u.Mechanism != "PLAIN" {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", u.Mechanism, u.Name, u.Password))
		}
	}
	if out, err := c.java(args...).CombinedOutput(); err != nil {
		c.t.Fatalf("formatting Kafka's log: %v: %s", err, out)
	}
}

// config is a server.properties.
func (c *Cluster) config(o Options) string {
	const plain, scram = "org.apache.kafka.common.security.plain.PlainLoginModule", "org.apache.kafka.common.security.scram.ScramLoginModule"
	users := plain + " required"
	for _, u := range o.Users {
		if u.Mechanism == "PLAIN" {
			users += fmt.Sprintf(" user_%s=%q", u.Name, u.Password)
		}
	}
	listeners := fmt.Sprintf("PLAINTEXT://127.0.0.1:%s,SASL_SSL://127.0.0.1:%s", c.ports[0], c.ports[1])
	controller := "127.0.0.1:" + c.ports[2]
	properties := [][2]string{
		{"process.roles", "broker,controller"}, {"node.id", "1"}, {"controller.quorum.voters", "1@" + controller},
		{"listeners", listeners + ",CONTROLLER://" + controller}, {"advertised.listeners", listeners},
		{"listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT"},
		{"controller.listener.names", "CONTROLLER"}, {"inter.broker.listener.name", "PLAINTEXT"}, {"log.dirs", filepath.Join(c.dir, "log")},
		{"offsets.topic.replication.factor", "1"}, {"offsets.topic.num.partitions", "1"},
		{"transaction.state.log.replication.factor", "1"}, {"transaction.state.log.min.isr", "1"},
		{"transaction.state.log.num.partitions", "1"}, {"group.initial.rebalance.delay.ms", "0"}, {"group.min.session.timeout.ms", "100"},
		{"auto.create.topics.enable", "false"}, {"broker.heartbeat.interval.ms", "300"}, {"broker.session.timeout.ms", "1500"},
		{"log.cleaner.dedupe.buffer.size", "2000000"},
		{"sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"},
		{"listener.name.sasl_ssl.plain.sasl.jaas.config", users + ";"},
		{"listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config", scram + " required;"},
		{"listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config", scram + " required;"},
		{"ssl.keystore.type", "PEM"}, {"ssl.keystore.location", c.keystore()},
	}
	for k, v := range o.Config {
		properties = append(properties, [2]string{k, v})
	}
	var b strings.Builder
	for _, p := range properties {
		fmt.Fprintf(&b, "%s=%s\n", p[0], p[1])
	}
	return b.String()
}

func (c *Cluster) java(args ...string) *exec.Cmd {
	cmd := exec.Command("java", append([]string{"-cp", filepath.Join(c.jars, "*")}, args...)...)
	cmd.Dir = c.dir
	return cmd
}

func (c *Cluster) properties() string { return filepath.Join(c.dir, "server.properties") }
func (c *Cluster) keystore() string   { return filepath.Join(c.dir, "keystore.pem") }
func (c *Cluster) logFile() string    { return filepath.Join(c.dir, "kafka.out") }

// logTail is the end of what the broker printed.
func (c *Cluster) logTail() string {
	out, _ := os.ReadFile(c.logFile())
	return string(out[max(0, len(out)-4000):])
}

func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}
