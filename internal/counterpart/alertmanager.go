package counterpart

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Alertmanager is its API v2, as far as alerts are posted to it. It forgets nothing, as if it were never restarted.
type Alertmanager struct {
	Server
	alerts map[string]*Alert // by fingerprint
}

// Alert is one alert with its history.
type Alert struct {
	Labels, Annotations map[string]string
	Starts, Ends        time.Time
	GeneratorURL        string
	Updated             time.Time // when it was last sent
	Posted              int       // how often it was sent
	Fired               int       // how often it began: people were told so often
}

// resolveTimeout is after how long an alert without an end ends by itself.
const resolveTimeout = 5 * time.Minute

// Alertmanager starts it.
func (n *Network) Alertmanager(name string) *Alertmanager {
	a := &Alertmanager{alerts: map[string]*Alert{}}
	n.serve(&a.Server, name, a.post)
	return a
}

// Alerts are all there ever were, by their labels.
func (a *Alertmanager) Alerts() (all []Alert) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(a.alerts)) {
		all = append(all, *a.alerts[key])
	}
	return all
}

// Firing says that the alert is on at a time.
func (a Alert) Firing(at time.Time) bool { return a.Ends.After(at) }

type postedAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	Starts       *time.Time        `json:"startsAt"`
	Ends         *time.Time        `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

func (a *Alertmanager) post(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/api/v2/alerts") || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	var all []postedAlert
	err := strict(body, &all)
	if err == nil && !utf8.Valid(body) {
		err = errors.New("not UTF-8")
	}
	if err == nil && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		err = errors.New("unsupported media type")
	}
	now := time.Now()
	for i := range all {
		if err == nil {
			err = all[i].complete(now)
		}
	}
	if err != nil {
		a.errorf("alerts: %v", err)
		answer(w, http.StatusBadRequest, err.Error())
		return
	}
	for _, p := range all {
		a.take(p, now)
	}
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// complete checks an alert and fills in the times that it leaves out.
func (p *postedAlert) complete(now time.Time) error {
	maps.DeleteFunc(p.Labels, func(_, value string) bool { return value == "" })
	if len(p.Labels) == 0 || p.Labels["alertname"] == "" {
		return errors.New("an alert needs labels, alertname among them")
	}
	for _, set := range []map[string]string{p.Labels, p.Annotations} {
		for name := range set {
			if !labelName.MatchString(name) || strings.HasPrefix(name, "__") {
				return fmt.Errorf("label or annotation %q is invalid", name)
			}
		}
	}
	if p.Starts == nil || p.Starts.IsZero() {
		p.Starts = &now
	}
	if p.Ends == nil || p.Ends.IsZero() {
		end := now.Add(resolveTimeout)
		p.Ends = &end
	}
	if p.Ends.Before(*p.Starts) {
		return errors.New("start time must be before end time")
	}
	if p.GeneratorURL != "" && !web(p.GeneratorURL) {
		return errors.New("generatorURL is no URI")
	}
	return nil
}

// take merges an alert with what is known under its labels.
func (a *Alertmanager) take(p postedAlert, now time.Time) {
	key := fmt.Sprintf("%q", p.Labels) // maps are printed in the order of their keys
	known := a.alerts[key]
	if known == nil {
		known = &Alert{Labels: p.Labels}
		a.alerts[key] = known
	}
	if p.Ends.After(now) && !known.Firing(now) {
		known.Fired++
		known.Starts = *p.Starts
	}
	known.Annotations, known.Ends, known.GeneratorURL = p.Annotations, *p.Ends, p.GeneratorURL
	known.Posted, known.Updated = known.Posted+1, now
}
