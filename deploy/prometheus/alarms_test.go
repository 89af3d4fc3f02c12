//go:build integration

package prometheus

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/simulate"
)

// watcher is a real Prometheus with our rules, which wait for nothing.
type watcher struct{ url string }

var waits = regexp.MustCompile(`(?m)^(\s+)for: \w+$`)

// watch starts it; every member is scraped each second.
func watch(t *testing.T, members []member) watcher {
	t.Helper()
	dir := t.TempDir()
	text := "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yaml]\nscrape_configs:\n"
	jobs := map[string][]string{}
	for _, m := range members {
		jobs[m.job] = append(jobs[m.job], m.http)
	}
	for job, targets := range jobs {
		text += fmt.Sprintf("  - {job_name: %s, static_configs: [{targets: ['%s']}]}\n", job, strings.Join(targets, "', '"))
	}
	for name, text := range map[string]string{"prometheus.yml": text, "rules.yaml": waits.ReplaceAllString(read(t, rulesFile), "${1}for: 0s")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := freeAddress(t)
	c := exec.Command(program(t, "REVWATCH_PROMETHEUS", "prometheus"), "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+at, "--log.level=warn")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop(t, c)
	return watcher{"http://" + at}
}

// alert is one as Prometheus tells it.
type alert struct {
	State               string
	Labels, Annotations map[string]string
}

func (w watcher) ask(path string, q url.Values, data any) error {
	r, err := http.Get(w.url + path + "?" + q.Encode())
	if err != nil {
		return err
	}
	defer r.Body.Close()
	return json.NewDecoder(r.Body).Decode(&struct{ Data any }{data})
}

// firing are the alerts that fire now: of a job, or of none.
func (w watcher) firing(job string) map[string]alert {
	var data struct{ Alerts []alert }
	found := map[string]alert{}
	if w.ask("/api/v1/alerts", nil, &data) != nil { // it is about to start
		return found
	}
	for _, a := range data.Alerts {
		if a.State == "firing" && a.Labels["job"] == job {
			found[a.Labels["alertname"]] = a
		}
	}
	return found
}

// fires waits for alerts of a job, and looks at their words.
func (w watcher) fires(t *testing.T, job string, names ...string) {
	t.Helper()
	for _, name := range names {
		var a alert
		await(t, fmt.Sprintf("%s of %q; these fire: %v", name, job, w.firing(job)), func() (ok bool) { a, ok = w.firing(job)[name]; return ok })
		for of, text := range a.Annotations {
			if strings.Contains(text, "{{") || strings.Contains(text, "no value") || strings.Contains(text, "<error") || text == "" {
				t.Errorf("%s says as its %s: %s", name, of, text)
			}
		}
		t.Logf("%s: %s %s", name, a.Annotations["summary"], a.Annotations["description"])
	}
}

// values of a query at this moment.
func (w watcher) values(expr string) (all []string) {
	var data struct{ Result []struct{ Value [2]any } }
	if w.ask("/api/v1/query", url.Values{"query": {expr}}, &data) == nil {
		for _, r := range data.Result {
			all = append(all, fmt.Sprint(r.Value[1]))
		}
	}
	return all
}

func (w watcher) holds(expr string) bool { return len(w.values(expr)) > 0 }

// Real daemons with a fault each, scraped by a real Prometheus: the alarm of the fault fires, in words. One without a fault raises none.
func TestIntegrationAlarmsOfRealFaults(t *testing.T) {
	binary := build(t)
	of := map[string]member{}
	var all []member
	for _, job := range []string{"well", "refuses", "silent", "lost", "unreadable", "foreign", "full", "restarts"} {
		of[job] = newMember(t, binary, job)
		all = append(all, of[job])
	}
	pair := [2]member{newMember(t, binary, "unreachable"), newMember(t, binary, "unreachable")}
	w := watch(t, append(all, pair[:]...))
	w.fires(t, "", "RevwatchAbsent")

	well := of["well"].site(t)
	well.produce(days(t, 15, true)...)
	well.start("", slack(t, http.StatusOK, "ok"))
	t.Run("faults", func(t *testing.T) {
		for name, fault := range map[string]func(t *testing.T){
			"refuses":     func(t *testing.T) { refuses(t, w, of["refuses"]) },
			"silent":      func(t *testing.T) { silent(t, w, of["silent"]) },
			"lost":        func(t *testing.T) { lost(t, w, of["lost"]) },
			"unreadable":  func(t *testing.T) { unreadable(t, w, of["unreadable"]) },
			"foreign":     func(t *testing.T) { foreign(t, w, of["foreign"]) },
			"full":        func(t *testing.T) { full(t, w, of["full"]) },
			"restarts":    func(t *testing.T) { restarts(t, w, of["restarts"]) },
			"unreachable": func(t *testing.T) { unreachable(t, w, pair) },
		} {
			t.Run(name, func(t *testing.T) { t.Parallel(); fault(t) })
		}
	})
	await(t, "the member without a fault reads, with an incident told", func() bool {
		return w.holds(`revwatch_owner{job="well"} == 1 and on (job) revwatch_incident{job="well", provider="google-mail"} == 1 and on (job) revwatch_outbox_depth{job="well"} == 0`)
	})
	if got := w.firing("well"); len(got) > 0 {
		t.Errorf("without a fault these fire: %v", got)
	}
	if _, still := w.firing("")["RevwatchAbsent"]; still {
		t.Error("a member runs, and RevwatchAbsent fires")
	}
}

func refuses(t *testing.T, w watcher, m member) {
	s := m.site(t)
	s.produce(days(t, 12, true)...)
	s.start("", slack(t, http.StatusNotFound, "no_service"))
	w.fires(t, m.job, "RevwatchDestinationDown")
}

func silent(t *testing.T, w watcher, m member) {
	s := m.site(t)
	s.produce(row(time.Now(), 1, 1)) // silence begins with a row: before that nobody knows what is usual
	s.start("", "source.silence: 60s")
	w.fires(t, m.job, "RevwatchNobodyTold", "RevwatchSilent")
}

// The topic is emptied while the daemon is away; it has a damaged state after that.
func lost(t *testing.T, w watcher, m member) {
	s := m.site(t)
	s.produce(days(t, 1, false)...)
	end := s.start("")
	await(t, "all of it read", func() bool { return w.holds(`sum by (job) (revwatch_partition_lag_records{job="lost"}) == 0`) })
	end()
	w.fires(t, m.job, "RevwatchMemberDown")
	s.produce(days(t, 1, false)...)
	s.empty()
	end = s.start("")
	w.fires(t, m.job, "RevwatchRecordsLost")
	end()
	if err := os.WriteFile(s.state(), []byte(strings.Repeat("no state ", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start("", "state.on_corrupt: set_aside")
	w.fires(t, m.job, "RevwatchStateSetAside")
}

// Records go on coming that cannot be read, of which some are from the future, and of two accounts.
func unreadable(t *testing.T, w watcher, m member) {
	s := m.site(t)
	s.start("")
	names := []string{"RevwatchRecordsUnreadable", "RevwatchClockAhead", "RevwatchSecondAccount"}
	n := 0
	await(t, fmt.Sprint(names), func() bool {
		now := time.Now()
		for range 5 {
			n++
			ahead := row(now.Add(time.Hour), n, 1+n%2)
			ahead.Time = now
			s.produce(ahead, simulate.Row{Time: now, Value: fmt.Appendf(nil, "garbage refresh_token %d", n)})
		}
		firing := w.firing(m.job)
		for _, name := range names {
			if _, ok := firing[name]; !ok {
				return false
			}
		}
		return true
	})
	w.fires(t, m.job, names...)
}

// row is that of a refresh that worked.
func row(at time.Time, n, account int) simulate.Row {
	return simulate.Row{Time: at, Value: fmt.Appendf(nil, `{"id":"%d_Ab%06d","type":"operation","operation":{"type":"auth","action":"refresh_token"},"state":"success","accountId":%d,"createdAt":%q}`,
		at.UnixMilli(), n, account, at.UTC().Format("2006-01-02T15:04:05.000Z"))}
}

func foreign(t *testing.T, w watcher, m member) {
	s := m.site(t)
	for i := range 300 {
		s.produce(simulate.Row{Time: time.Now().Add(time.Duration(i-300) * 10 * time.Second), Value: fmt.Appendf(nil, `{"level":"info","message":"request served","n":%d}`, i)})
	}
	s.start("")
	w.fires(t, m.job, "RevwatchSchemaDrift")
}

// The system refuses to make the state file larger.
func full(t *testing.T, w watcher, m member) {
	s := m.site(t)
	s.produce(days(t, 12, false)...)
	s.start("ulimit -f 128;")
	w.fires(t, m.job, "RevwatchStateFailing")
}

func restarts(t *testing.T, w watcher, m member) {
	s := m.site(t)
	for before, second := "0", int64(0); !w.holds(`ALERTS{job="restarts", alertname="RevwatchRestarting", alertstate="firing"}`); {
		await(t, "another second, as starts are told apart by", func() bool { return time.Now().Unix() > second })
		end := s.start("")
		await(t, "another start", func() bool { return w.holds(`process_start_time_seconds{job="restarts"} > ` + before) })
		before, second = w.values(`process_start_time_seconds{job="restarts"} > ` + before)[0], time.Now().Unix()
		end()
		if t.Failed() {
			return
		}
	}
	w.fires(t, m.job, "RevwatchRestarting")
}

// Two members with different files reach no broker, and are in shadow mode.
func unreachable(t *testing.T, w watcher, pair [2]member) {
	for _, m := range pair {
		s := m.site(t)
		s.brokers = []string{freeAddress(t)}
		s.start("", "alerts.shadow: true")
	}
	w.fires(t, "unreachable", "RevwatchNotReading", "RevwatchKafkaFailing", "RevwatchConfigDiffers", "RevwatchShadowLeftOn")
}
