package alert

import (
	"context"
	"encoding/gob"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/internal/counterpart"
	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/store"
)

var kills = flag.Int("kills", 40, "how often TestKill9 kills")

const (
	hookSecret = "s3cr3t of the webhook"

	killEnv = "REVWATCH_ALERT_CHILD" // path of the state file, start of the clock, addresses, apart by spaces
	haste   = 1000                   // the clock of the child runs so much faster, so that waits of a minute are over soon
)

// hasty is a clock that began 100 days before start, so that it stays behind that of the servers.
func hasty(start time.Time) func() time.Time {
	return func() time.Time { return start.Add(haste*time.Since(start) - 100*24*time.Hour) }
}

// notifyForEver is the process that is killed: it tells what it reads, and prints how much of which book is pending.
func notifyForEver(args []string) error {
	path, servers := args[0], args[2:]
	nanos, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	s, err := store.Open(path)
	if err != nil {
		return err
	}
	n, err := killable(s, servers, hasty(time.Unix(0, nanos)))
	if err != nil {
		return err
	}
	if err := s.LoadAll(n.Restore); err != nil {
		return err
	}
	go n.Run(context.Background())
	for in := gob.NewDecoder(os.Stdin); ; {
		var book []detect.Incident
		if err := in.Decode(&book); err != nil {
			return err
		}
		n.Tell(book)
		pending := 0
		for _, st := range n.Status() {
			pending += st.Pending
		}
		fmt.Println(pending)
	}
}

// killable makes the notifier of notifyForEver, for the servers of a massacre.
func killable(s *store.Store, at []string, now func() time.Time) (*Notifier, error) {
	reach := over(counterpart.Loopback())
	bot, err1 := NewSlack(Slack{Name: "bot", Token: slackToken, Channel: "C1", APIURL: at[0] + "/api", HTTP: reach})
	hook, err2 := NewSlack(Slack{Name: "hook", WebhookURL: Secret(at[1] + slackSecret), HTTP: reach})
	page, err3 := NewPagerDuty(PagerDuty{Name: "pager", RoutingKey: pagerKey, URL: at[2], HTTP: reach})
	alerts, err4 := NewAlertmanager(Alertmanager{Name: "alerts", URLs: []string{at[3]}, HTTP: reach})
	program, err5 := NewWebhook(Webhook{Name: "json", URL: Secret(at[4] + "/in"), Secret: hookSecret, HTTP: reach})
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return nil, err
	}
	return NewNotifier(Options{Destinations: []Destination{bot, hook, page, alerts, program}, Save: s.Write, Now: now, Wording: Wording{Display: display}})
}

// massacre is the parent: the servers, the truth about the incidents, and the count of what a kill left in doubt.
type massacre struct {
	t      *testing.T
	path   string
	random *rand.Rand
	began  time.Time
	now    func() time.Time
	slack  *counterpart.Slack
	hooks  *counterpart.Slack
	pager  *counterpart.PagerDuty
	alerts *counterpart.Alertmanager
	json   *counterpart.Webhook
	book   []detect.Incident
	paged  map[string]bool // somebody was paged before it ended
	doubts map[string]int  // by destination and incident: requests of which a kill hid the end
}

func (m *massacre) servers() []*counterpart.Server {
	return []*counterpart.Server{&m.slack.Server, &m.hooks.Server, &m.pager.Server, &m.alerts.Server, &m.json.Server}
}

// victim is one life of the notifier.
type victim struct {
	cmd    *exec.Cmd
	in     *gob.Encoder
	output io.Reader
}

func (m *massacre) start() *victim {
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill9$")
	args := fmt.Sprintf("%s=%s %d", killEnv, m.path, m.began.UnixNano())
	for _, s := range m.servers() {
		args += " " + s.URL
	}
	cmd.Env = append(os.Environ(), args)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	return &victim{cmd: cmd, in: gob.NewEncoder(in), output: out}
}

// tell gives the child the book and waits for what it says is pending; false when it is dead.
func (c *victim) tell(book []detect.Incident) (pending int, alive bool) {
	if c.in.Encode(book) != nil {
		return 0, false
	}
	_, err := fmt.Fscanln(c.output, &pending)
	return pending, err == nil
}

// step lets one incident open, get worse or end.
func (m *massacre) step() {
	i := m.random.IntN(len(m.book) + 1)
	now := m.now()
	if i == len(m.book) || m.book[i].Status == detect.StatusResolved {
		if len(m.book) < min(60, *kills/2) { // the bot looks for a lost post among the newest 200 messages
			in := opened(len(m.book) + 1000)
			in.Since, in.Time, in.OpenedAt, in.Environment = now, now, now, in.ID // by which Alertmanager tells them apart
			m.book = append(m.book, in)
		}
		return
	}
	in := &m.book[i]
	in.Revision++
	switch in.Status, in.Time = detect.StatusUpdate, now; m.random.IntN(4) {
	case 0:
		in.Observed++
	case 1:
		in.Observed, in.Milestone = in.Observed+10, in.Milestone+1
	case 2:
		*in = ended(*in)
		in.Time, in.ResolvedAt = now, now
		for _, p := range m.pager.Pages() {
			m.paged[in.ID] = m.paged[in.ID] || p.Key == in.ID
		}
	}
}

// beBorn lets all destinations be there before the first incident: what ended before that is none of their business.
func (m *massacre) beBorn() {
	s, err := store.Open(m.path)
	if err != nil {
		m.t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"bot", "hook", "pager", "alerts", "json"} {
		if err := s.Write(bucket, recordKey(name, ""), encode(record{Since: m.now()})); err != nil {
			m.t.Fatal(err)
		}
	}
}

// live lets a child work until it is killed: after a while, or in the middle of a request that arrived or did not.
func (m *massacre) live() {
	c := m.start()
	if _, alive := c.tell(m.book); !alive {
		m.t.Fatal("the child does not answer")
	}
	kill := func() { _ = c.cmd.Process.Kill() }
	server := m.servers()[m.random.IntN(5)]
	switch m.random.IntN(3) {
	case 0:
		server.Fail(counterpart.Do("kill", kill))
	case 1:
		server.Fail(counterpart.Do("kill", kill).Late())
	}
	defer time.AfterFunc(time.Duration(m.random.IntN(150))*time.Millisecond, kill).Stop()
	for {
		m.step()
		if _, alive := c.tell(m.book); !alive {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	_ = c.cmd.Wait() // its error is the kill
	server.Heal()
	m.countDoubts()
}

// countDoubts reads the state file: what is on record as begun and not as ended may show twice.
func (m *massacre) countDoubts() {
	s, err := store.Open(m.path)
	if err != nil {
		m.t.Fatal(err)
	}
	defer s.Close()
	err = s.Load(bucket, func(key string, value []byte) error {
		r, err := parseRecord(value)
		if r.Trying != nil {
			m.doubts[key]++
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

// settle gives a last child the time to tell everything.
func (m *massacre) settle() {
	c := m.start()
	defer func() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() }()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		pending, alive := c.tell(m.book)
		if !alive {
			m.t.Fatal("the child died by itself")
		}
		if pending == 0 {
			time.Sleep(50 * time.Millisecond) // nothing more may come
			return
		}
	}
	m.t.Fatal("not everything is told")
}

// TestKill9 kills a notifier again and again while incidents open, change and end, and looks at what people saw of them.
func TestKill9(t *testing.T) {
	if args := os.Getenv(killEnv); args != "" {
		err := notifyForEver(strings.Fields(args))
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	m := &massacre{t: t, path: filepath.Join(t.TempDir(), "state.db"), random: rand.New(rand.NewPCG(seed, 0)), began: time.Now(), paged: map[string]bool{}, doubts: map[string]int{}}
	m.now = hasty(m.began)
	_, m.slack = newSlack(t)
	_, m.hooks = newSlack(t)
	_, m.pager = newPager(t)
	m.pager.NoLimit = true
	n := onLoopback(t)
	m.alerts, m.json = n.Alertmanager("alerts"), n.Webhook("json", "/in", hookSecret)
	for _, s := range m.servers() {
		right(t, s)
	}
	m.beBorn()
	for range *kills {
		m.live()
	}
	m.settle()
	for _, in := range m.book {
		m.checkPager(in)
		m.checkBot(in)
		m.checkWebhook(in)
		m.checkAlerts(in)
		m.checkJSON(in)
	}
	doubts := 0
	for key, n := range m.doubts {
		if name, _, _ := splitKey(key); name == "json" {
			doubts += n
		}
	}
	if m.json.Again() > doubts {
		t.Errorf("%d states came to the webhook again, of %d in doubt", m.json.Again(), doubts)
	}
	if len(m.doubts) == 0 {
		t.Error("no kill hit a request: the test tests little")
	}
	t.Logf("%d incidents, %d requests cut by a kill", len(m.book), len(m.doubts))
}
