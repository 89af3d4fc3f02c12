package alert

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Alertmanager configures Prometheus Alertmanagers that form one cluster, with the API v2.
type Alertmanager struct {
	Name     string            // "" means alertmanager
	URLs     []string          // of every peer, not of a balancer before them: http://host:9093, with a prefix when it has one
	Labels   map[string]string // added to every alert, to route by
	Token    Secret            // a bearer token, or
	User     string            // basic authentication
	Password Secret
	HTTP     *http.Client
}

const (
	alertRepeat    = time.Minute     // an open alert is sent again so often: Alertmanager keeps none that is not
	alertRepeatEnd = 5 * time.Minute // and a resolved one for so long
	alertLasts     = 4               // repeats after which an alert that is sent no more ends by itself
)

// NewAlertmanager makes the destination that a describes. Every peer is sent every alert, again and again as Alertmanager wants it; an alert
// whose sender is gone ends by itself after four repeats.
func NewAlertmanager(a Alertmanager) (Destination, error) {
	if a.Name == "" {
		a.Name = "alertmanager"
	}
	auth, err := a.authorization()
	if err != nil {
		return nil, err
	}
	if err := checkLabels(a.Labels); err != nil {
		return nil, err
	}
	d := &alertmanager{id: a.Name, labels: a.Labels, repeat: alertRepeat, peers: peers{auth: auth, caller: newCaller(a.HTTP), now: time.Now}}
	for _, u := range a.URLs {
		base, err := endpoint("alertmanager URL", u)
		if err != nil {
			return nil, err
		}
		if strings.ContainsAny(base, "@?#") {
			return nil, errors.New("alertmanager URL: want an address alone; user, password and token have settings of their own")
		}
		d.peers.all = append(d.peers.all, &peer{target: seal(strings.TrimSuffix(base, "/") + "/api/v2/alerts")})
	}
	if len(d.peers.all) == 0 {
		return nil, errors.New("alertmanager: want the URL of at least one peer")
	}
	return d, nil
}

// authorization is the header that proves who we are.
func (a Alertmanager) authorization() (sealed, error) {
	switch {
	case a.Token != "" && (a.User != "" || a.Password != ""):
		return nil, errors.New("alertmanager: want either a token, or a user and a password")
	case a.Token != "":
		return seal("Bearer " + string(a.Token)), nil
	case a.User == "" && a.Password != "":
		return nil, errors.New("alertmanager: a password needs a user")
	case a.User != "":
		return seal("Basic " + base64.StdEncoding.EncodeToString([]byte(a.User+":"+string(a.Password)))), nil
	}
	return seal(""), nil
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// ownLabels are those that say which alert it is.
var ownLabels = []string{"alertname", "signal", "environment", "provider", "integration", "cause", "test"}

func checkLabels(labels map[string]string) error {
	for name, value := range labels {
		switch {
		case !labelName.MatchString(name) || strings.HasPrefix(name, "__"):
			return fmt.Errorf("alertmanager: %q cannot name a label", name)
		case value == "" || !utf8.ValidString(value):
			return fmt.Errorf("alertmanager: the label %s has no value", name)
		}
		if slices.Contains(ownLabels, name) {
			return fmt.Errorf("alertmanager: the label %s is set by the incident", name)
		}
	}
	return nil
}

type alertmanager struct {
	id     string
	labels map[string]string
	peers  peers
	repeat time.Duration
}

func (a *alertmanager) name() string { return a.id }

func (a *alertmanager) traits() traits {
	return traits{revisions: true, every: a.repeat, timeout: requestTimeout, paired: true, keyed: true, repeat: a.repeat, repeatEnd: alertRepeatEnd}
}

// send tells all peers. The labels that an alert began with are its receipt: they name it, whatever is configured later.
func (a *alertmanager) send(ctx context.Context, d delivery) (receipt, error) {
	labels := labelsOf(d, a.labels)
	alerts := []promAlert{newPromAlert(d, labels, a.peers.now(), alertLasts*a.repeat)}
	if err := a.peers.post(ctx, encode(alerts)); err != nil {
		return receipt{}, err
	}
	return receipt{remote: string(encode(labels))}, nil
}

func (a *alertmanager) trouble() string { return a.peers.trouble() }
