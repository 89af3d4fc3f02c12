package alert

import (
	"context"
	"encoding/gob"
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
	killEnv = "REVWATCH_ALERT_CHILD" // path of the state file, then addresses and the start of the clock, apart by spaces
	haste   = 1000                   // the clock of the child runs so much faster, so that waits of a minute are over soon
)

// hasty is a clock that began 100 days before start, so that it stays behind that of the servers.
func hasty(start time.Time) func() time.Time {
	return func() time.Time { return start.Add(haste*time.Since(start) - 100*24*time.Hour) }
}

// notifyForEver is the process that is killed: it tells what it reads, and prints how much of which book is pending.
func notifyForEver(args []string) error {
	path, slack, hooks, pager, began := args[0], args[1], args[2], args[3], args[4]
	nanos, err := strconv.ParseInt(began, 10, 64)
	if err != nil {
		return err
	}
	s, err := store.Open(path)
	if err != nil {
		return err
	}
	n, err := killable(s, slack, hooks, pager, hasty(time.Unix(0, nanos)))
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

// killable makes the notifier of notifyForEver.
func killable(s *store.Store, slack, hooks, pager string, now func() time.Time) (*Notifier, error) {
	reach := over(counterpart.Loopback())
	bot, err := NewSlack(Slack{Name: "bot", Token: slackToken, Channel: "C1", APIURL: slack + "/api", HTTP: reach})
	if err != nil {
		return nil, err
	}
	hook, err := NewSlack(Slack{Name: "hook", WebhookURL: Secret(hooks + slackSecret), HTTP: reach})
	if err != nil {
		return nil, err
	}
	page, err := NewPagerDuty(PagerDuty{Name: "pager", RoutingKey: pagerKey, URL: pager, HTTP: reach})
	if err != nil {
		return nil, err
	}
	return NewNotifier(Options{Destinations: []Destination{bot, hook, page}, Save: s.Write, Now: now, Wording: Wording{Display: display}})
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
	book   []detect.Incident
	paged  map[string]bool // somebody was paged before it ended
	doubts map[string]int  // by destination and incident: requests of which a kill hid the end
}

// victim is one life of the notifier.
type victim struct {
	cmd    *exec.Cmd
	in     *gob.Encoder
	output io.Reader
}

func (m *massacre) start() *victim {
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill9$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %s %s %d", killEnv, m.path, m.slack.URL, m.hooks.URL, m.pager.URL, m.began.UnixNano()))
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
			in.Since, in.Time, in.OpenedAt = now, now, now
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

// live lets a child work until it is killed: after a while, or in the middle of a request that arrived or did not.
func (m *massacre) live() {
	c := m.start()
	if _, alive := c.tell(m.book); !alive {
		m.t.Fatal("the child does not answer")
	}
	kill := func() { _ = c.cmd.Process.Kill() }
	server := []*counterpart.Server{&m.slack.Server, &m.hooks.Server, &m.pager.Server}[m.random.IntN(3)]
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
	for range *kills {
		m.live()
	}
	m.settle()
	for _, in := range m.book {
		m.checkPager(in)
		m.checkBot(in)
		m.checkWebhook(in)
	}
	if len(m.doubts) == 0 {
		t.Error("no kill hit a request: the test tests little")
	}
	t.Logf("%d incidents, %d requests cut by a kill", len(m.book), len(m.doubts))
}

// checkPager: one page an incident, and none after its end. It is no page at all only when it ended before anybody was paged.
func (m *massacre) checkPager(in detect.Incident) {
	over := in.Status == detect.StatusResolved
	pages, ended := 0, false
	for _, p := range m.pager.Pages() {
		if p.Key == in.ID {
			pages++
			if (p.State == "resolved") != over {
				m.t.Errorf("%s is %s, its page %s", in.ID, in.Status, p.State)
			}
		}
	}
	for _, e := range m.pager.Events() {
		switch e {
		case "resolve " + in.ID:
			ended = true
		case "trigger " + in.ID:
			if ended {
				m.t.Errorf("%s: a trigger after its end", in.ID)
			}
		}
	}
	if pages > 1 || pages == 0 && (!over || m.paged[in.ID]) {
		m.t.Errorf("%s: %d pages", in.ID, pages)
	}
	for _, e := range m.pager.Misplaced() {
		if strings.HasSuffix(e, in.ID) && m.doubts[recordKey("pager", in.ID)] == 0 {
			m.t.Errorf("%s: an end before its beginning", in.ID)
		}
	}
}

// checkBot: one post an incident, which shows how it is now; what a kill hid is found again.
func (m *massacre) checkBot(in detect.Incident) {
	posts := about(in.ID, m.slack.Posts())
	if len(posts) != 1 {
		m.t.Errorf("%s: %d posts", in.ID, len(posts))
		return
	}
	if over := in.Status == detect.StatusResolved; strings.Contains(posts[0].Shown, "is over") != over || !over && !strings.Contains(posts[0].Shown, count(in.Observed, "connection")) {
		m.t.Errorf("%s is %s with %d, its post shows %s", in.ID, in.Status, in.Observed, posts[0].Shown)
	}
}

// checkWebhook: a post a milestone, and one more for each that a kill put in doubt; the last one shows how it is now.
func (m *massacre) checkWebhook(in detect.Incident) {
	posts := about(in.ID, m.hooks.Posts())
	if most := in.Milestone + m.doubts[recordKey("hook", in.ID)]; len(posts) == 0 || len(posts) > most {
		m.t.Errorf("%s: %d posts, at most %d", in.ID, len(posts), most)
		return
	}
	for i, p := range posts {
		over := in.Status == detect.StatusResolved && (i == len(posts)-1 || strings.Contains(p.Shown, "is over") && strings.Contains(posts[i+1].Shown, "is over"))
		if strings.Contains(p.Shown, "is over") != over {
			m.t.Errorf("%s is %s, post %d of %d shows %s", in.ID, in.Status, i+1, len(posts), p.Shown)
		}
	}
}
