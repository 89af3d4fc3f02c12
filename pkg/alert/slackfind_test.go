package alert

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSlackBotFindsWhatItPosted(t *testing.T) {
	for _, blind := range []bool{false, true} {
		n, f := newSlack(t)
		f.NoHistory = blind
		to := botTo(t, n, f)
		d := tell(revoked(), nil, open)
		sendAll(t, to, d)
		other := tell(misconfigured(), nil, open)
		other.doubtful = time.Now()
		d.doubtful = time.Now() // the answer to the first was lost
		sendAll(t, to, d)
		sendAll(t, to, other)
		if posts, want := f.Posts(), map[bool]int{false: 2, true: 3}[blind]; len(posts) != want {
			t.Errorf("history hidden: %v, %d posts", blind, len(posts))
		}
	}
}

// TestSlackBotLooksThroughABusyChannel: neither many messages, nor long ones, nor what other apps keep in theirs hides a post; and no number of
// them keeps a message back.
func TestSlackBotLooksThroughABusyChannel(t *testing.T) {
	for others, want := range map[int]int{450: 1, slackPages * slackPage: 2} {
		n, f := newSlack(t)
		to := botTo(t, n, f)
		d := tell(revoked(), nil, open)
		sendAll(t, to, d)
		for range others {
			f.Say(strings.Repeat("deployed ", 400), `{"event_type":"deployed","event_payload":{"incident_id":7,"state":{"green":true}}}`)
		}
		d.doubtful = time.Now() // the answer to the first was lost
		before := len(f.Calls())
		sendAll(t, to, d)
		if ours, calls := about(d.incident, f.Posts()), len(f.Calls())-before; len(ours) != want || calls > slackPages+2 {
			t.Errorf("%d messages of others: %d posts of ours after %d calls", others, len(ours), calls)
		}
	}
}

// TestSlackBotLooksAnew: a post that is lost during a search is newer than the pages to come.
func TestSlackBotLooksAnew(t *testing.T) {
	n, f := newSlack(t)
	to := botTo(t, n, f)
	for range slackPage + 1 {
		f.Say("deployed", "")
	}
	d := tell(revoked(), nil, open)
	d.doubtful = time.Now()
	r, err := to.send(context.Background(), d)
	if err != nil || !r.more {
		t.Fatalf("%+v, %v: no search that goes on", r, err)
	}
	d.remote, d.doubtful = r.remote, time.Time{}
	sendAll(t, to, d)
	d.doubtful = time.Now().Add(time.Second)
	sendAll(t, to, d)
	if ours := about(d.incident, f.Posts()); len(ours) != 1 {
		t.Errorf("%d posts", len(ours))
	}
}

// TestSlackBotMayNotBeReached: a policy that forbids the search is no outage.
func TestSlackBotMayNotBeReached(t *testing.T) {
	to := must(NewSlack(Slack{Token: slackToken, Channel: "C1", APIURL: "http://127.0.0.1:9/api", HTTP: &http.Client{}}))(t)
	if _, err := to.send(context.Background(), tell(revoked(), nil, open)); faultOf(err).verdict != refused {
		t.Errorf("%v", err)
	}
}
