package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/internal/counterpart"
	"github.com/revwatch/revwatch/pkg/simulate"
)

// quietMonth is a box that worked for 30 days, up to now.
func quietMonth(now time.Time) (rows []simulate.Row) {
	for at := now.AddDate(0, 0, -30); at.Before(now); at = at.Add(10 * time.Minute) {
		rows = append(rows, simulate.Row{Time: at, Key: []byte("k"), Value: []byte(authRow(at, "refresh_token", "success", "alive", ""))})
	}
	return rows
}

// refusals are twelve refusals of box, a moment ago.
func refusals(at time.Time) (rows []simulate.Row) {
	for i := range 12 {
		for _, v := range refusal(at.Add(time.Duration(i)*time.Millisecond), fmt.Sprint("c", i)) {
			rows = append(rows, simulate.Row{Time: at, Key: []byte("k"), Value: []byte(v)})
		}
	}
	return rows
}

// withNango is the setting that asks it.
func (s *site) withNango(a *counterpart.Nango, key string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, "nango-key")
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf("nango: {url: %s, secret_key_file: %s, environment: prod}\ndisorder: 1s\n", a.URL, path)
}

// boxes are 410 connections of box, the first twelve of six customers.
func boxes(a *counterpart.Nango) {
	for i := range 410 {
		a.Add(counterpart.Connection{Connection: fmt.Sprint("c", i), Integration: "box-prod", Provider: "box",
			EndUser: &counterpart.EndUser{ID: fmt.Sprint("u", i), Email: "ann@example.com", Name: "Ann", Organization: &counterpart.Organization{ID: fmt.Sprint("org-", i%6), Name: "Org"}}})
	}
}

// With Nango's API, messages say who and how many, though no row says it. That it is away at first hinders nothing.
func TestRunSaysWhoAndHowMany(t *testing.T) {
	t.Parallel()
	network := counterpart.Loopback()
	t.Cleanup(network.Close)
	a := network.Nango("nango", nangoKey32)
	boxes(a)
	a.Fail(counterpart.Cut(), counterpart.Status(http.StatusServiceUnavailable, ""))
	s := newSite(t)
	s.produce(quietMonth(time.Now()))
	stop := s.start(s.config(s.withNango(a, nangoKey32)))
	s.await("a listing", func() bool { return s.metric(`^revwatch_connections\{environment="prod",provider="box"\}`) == 410 })
	if n := s.metric(`^revwatch_directory_connections\{environment="prod"\}`); n != 410 || s.metric(`^revwatch_directory_requests_total\{environment="prod",result="server_error"\}`) != 1 ||
		s.metric(`^revwatch_directory_last_success_timestamp_seconds\{environment="prod"\}`) < float64(time.Now().Add(-patience).Unix()) {
		_, all := s.get("/metrics")
		t.Error(all)
	}
	s.produce(refusals(time.Now()))
	said := regexp.MustCompile(`\d+ of 410 connections`)
	s.await("an alert that says who and how many", func() bool {
		post := fmt.Sprint(s.slack.all())
		return said.MatchString(post) && strings.Contains(post, "org-1")
	})
	_, list := s.at(s.api, "/api/v1/connections?broken=true")
	if strings.Count(list, `"account":"org-`) != 12 || strings.Contains(fmt.Sprint(s.slack.all(), list), "Ann") || strings.Contains(fmt.Sprint(s.slack.all(), list), "@example.com") {
		t.Error(list)
	}
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}

	a.Add(counterpart.Connection{Connection: "one more", Integration: "box-prod", Provider: "box"}) // while nobody looks: the next list has it
	stop = s.start(s.config(s.withNango(a, nangoKey32)))
	s.await("the next listing", func() bool { return s.metric(`^revwatch_connections\{environment="prod",provider="box"\}`) == 411 })
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	if wrong := a.Wrong(); wrong != nil || s.log.has(nangoKey32) {
		t.Error(wrong)
	}
}

// With a key that is not accepted everything goes on as without, and it is said.
func TestRunWithAWrongNangoKey(t *testing.T) {
	t.Parallel()
	network := counterpart.Loopback()
	t.Cleanup(network.Close)
	a := network.Nango("nango", nangoKey32)
	boxes(a)
	s := newSite(t)
	s.produce(quietMonth(time.Now()))
	wrong := strings.ReplaceAll(nangoKey32, "5", "6")
	stop := s.start(s.config(s.withNango(a, wrong)))
	s.await("a refused request", func() bool {
		return s.metric(`^revwatch_directory_requests_total\{environment="prod",result="unauthorized"\}`) == 1
	})
	s.produce(refusals(time.Now()))
	s.await("an alert", func() bool { return s.slack.about("box") > 0 })
	if post := fmt.Sprint(s.slack.all()); strings.Contains(post, " of 410") || s.metric(`^revwatch_directory_last_success_timestamp_seconds`) != 0 {
		t.Error(post)
	}
	if code := stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	if !s.log.has("does not accept the secret key") || s.log.has(wrong) {
		t.Error("the log says nothing of the key, or shows it")
	}
}
