package stream

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

// Values of Options.Reset: where to start without a position, or when the position is no longer in the log.
const (
	ResetEarliest = "earliest" // the first record there is
	ResetLatest   = "latest"   // what comes from now on
	ResetNone     = "none"     // Run ends with ErrNoPosition
)

// ErrNoPosition ends Run when a partition has no usable position and Options.Reset is ResetNone.
var ErrNoPosition = errors.New("no usable position and the reset policy is none")

// Options configure a Consumer. Brokers, Topics and GroupID are required; every other zero value means its default.
type Options struct {
	Brokers  []string // host:port
	Topics   []string // joining makes missing ones where the brokers have auto.create.topics.enable
	GroupID  string
	ClientID string // default revwatch
	Reset    string // default ResetEarliest
	Security Security

	Now  func() time.Time // for Batch.FetchedAt only; default time.Now
	Tick time.Duration    // default 1 s
	Log  *zap.Logger      // default: none

	SessionTimeout time.Duration // silence after which the group gives our partitions away; default 10 s
	Heartbeat      time.Duration // default 3 s
	MaxWait        time.Duration // how long a broker may hold a fetch that finds nothing; default 500 ms
	StallAfter     time.Duration // records there but none read for so long: connections are rebuilt; default 30 s
	WatchEvery     time.Duration // how often new partitions are looked for; default 5 s

	// StateTime is when our own state was last written, zero without one. When all members start anew, the one with
	// the newest state owns the partitions.
	StateTime time.Time

	metadataTTL time.Duration // how old what we know of leaders may be; 1 s, less in tests
}

// New checks the options and prepares a Consumer. It does not connect; files named in Security are read.
func New(o Options) (*Consumer, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.fill()
	tlsConfig, err := o.Security.tls()
	if err != nil {
		return nil, err
	}
	mechanism, err := o.Security.mechanism()
	if err != nil {
		return nil, err
	}
	c := &Consumer{o: o, log: o.Log, tls: tlsConfig, sasl: mechanism, addr: kafka.TCP(o.Brokers...), lines: newLines()}
	c.status.Skipped = make(map[string]int64)
	c.commits.wake = make(chan struct{}, 1)
	return c, nil
}

func (o *Options) check() error {
	if len(o.Brokers) == 0 {
		return errors.New("no brokers")
	}
	for _, b := range o.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			return fmt.Errorf("broker %q: want host:port: %w", b, err)
		}
	}
	if len(o.Topics) == 0 {
		return errors.New("no topics")
	}
	seen := make(map[string]bool)
	for _, t := range o.Topics {
		if t == "" || seen[t] {
			return fmt.Errorf("topic %q: empty or named twice", t)
		}
		seen[t] = true
	}
	if o.GroupID == "" {
		return errors.New("no group id")
	}
	switch o.Reset {
	case "", ResetEarliest, ResetLatest, ResetNone:
	default:
		return fmt.Errorf("reset %q: want %s, %s or %s", o.Reset, ResetEarliest, ResetLatest, ResetNone)
	}
	return nil
}

func (o *Options) fill() {
	if o.ClientID == "" {
		o.ClientID = "revwatch"
	}
	if o.Reset == "" {
		o.Reset = ResetEarliest
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	for _, d := range []struct {
		value *time.Duration
		unset time.Duration
	}{
		{&o.Tick, time.Second},
		{&o.SessionTimeout, 10 * time.Second},
		{&o.Heartbeat, 3 * time.Second},
		{&o.MaxWait, 500 * time.Millisecond},
		{&o.StallAfter, 30 * time.Second},
		{&o.WatchEvery, 5 * time.Second},
		{&o.metadataTTL, time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.unset
		}
	}
}
