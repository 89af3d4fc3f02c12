package ship

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	searchTimeout = time.Minute // of one request
	maxAnswer     = 32 << 20    // bytes of an answer that are read; more, and fewer rows are asked for
	maxReason     = 300         // bytes of the other side's words that are repeated
)

// errTooLarge says that an answer is larger than what is read of one.
var errTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)

// refusal is an answer that is no success, in the words of Elasticsearch and OpenSearch.
type refusal struct {
	status int
	kind   string        // such as index_not_found_exception; "" when the answer does not say it
	reason string        // no secret is in it
	after  time.Duration // how long the other side asks to wait; 0: it does not
}

func (r *refusal) Error() string {
	text := "HTTP " + strconv.Itoa(r.status)
	if r.kind != "" {
		text += " " + r.kind
	}
	if r.reason != "" {
		text += ": " + r.reason
	}
	return text + r.advice()
}

// advice is what to do about refusals that do not pass by themselves.
func (r *refusal) advice() string {
	switch r.status {
	case http.StatusUnauthorized:
		return " (set ship.elasticsearch.username and password, or api_key)"
	case http.StatusForbidden:
		return " (grant the user `read` and `view_index_metadata` on both indices and the cluster privilege `monitor`; in OpenSearch the index permissions `read`," +
			" `indices:data/read/point_in_time/create`, `indices:admin/aliases/get` and the cluster permissions `cluster:monitor/main`, `indices:data/read/point_in_time/delete`)"
	}
	return ""
}

// is says that err is a refusal of one of these kinds.
func is(err error, kinds ...string) bool {
	var r *refusal
	if !errors.As(err, &r) {
		return false
	}
	for _, k := range kinds {
		if r.kind == k {
			return true
		}
	}
	return false
}

// cluster asks one cluster, by whichever of its addresses answers.
type cluster struct {
	urls    []*url.URL // without user
	turn    int        // the address that answered last
	header  http.Header
	secrets []string // blotted out of what is repeated
	client  *http.Client
}

func newCluster(o *ElasticsearchOptions) (*cluster, error) {
	c := &cluster{header: http.Header{"Accept": {"application/json"}, "User-Agent": {"revwatch"}}, client: o.Client}
	user, password := o.Username, o.Password
	for _, s := range o.URLs {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" {
			return nil, errors.New("ship.elasticsearch.urls: want URLs such as https://host:9200")
		}
		if u.User != nil && user == "" {
			user = u.User.Username()
			password, _ = u.User.Password()
		}
		u.User = nil
		c.urls = append(c.urls, u)
	}
	if len(c.urls) == 0 {
		return nil, errors.New("ship.elasticsearch.urls: at least one is needed")
	}
	c.authorize(user, password, o.APIKey)
	if c.client == nil {
		transport, err := newTransport(o.CAFile, o.InsecureSkipVerify)
		if err != nil {
			return nil, err
		}
		c.client = &http.Client{Transport: transport}
	}
	c.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// authorize keeps what is sent with every request. An API key may be as it was shown, encoded, or id:key.
func (c *cluster) authorize(user, password, key string) {
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	encoded := key
	if strings.Contains(key, ":") {
		encoded = base64.StdEncoding.EncodeToString([]byte(key))
	}
	switch {
	case key != "":
		c.header.Set("Authorization", "ApiKey "+encoded)
	case user != "":
		c.header.Set("Authorization", "Basic "+basic)
	}
	for _, s := range []string{password, key, encoded, basic} {
		if s != "" {
			c.secrets = append(c.secrets, s)
		}
	}
}

func newTransport(caFile string, insecure bool) (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure}
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("ship.elasticsearch.ssl_ca_location: %w", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ship.elasticsearch.ssl_ca_location: %s holds no PEM certificate", caFile)
	}
	return t, nil
}

// call asks and reads the answer into one of its own. After a failure that another address may not have, the next call goes there.
func (c *cluster) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	err := c.ask(ctx, method, path, query, body, into)
	var r *refusal
	if err != nil && ctx.Err() == nil && !errors.Is(err, errTooLarge) && (!errors.As(err, &r) || r.status >= 500 || r.status == http.StatusTooManyRequests) {
		c.turn = (c.turn + 1) % len(c.urls)
	}
	return err
}

func (c *cluster) ask(ctx context.Context, method, path string, query url.Values, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	var sent io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(b)
	}
	u := c.urls[c.turn]
	target := strings.TrimSuffix(u.String(), "/") + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, sent)
	if err != nil {
		return fmt.Errorf("%s: %s %s is no request", u.Host, method, path)
	}
	req.Header = c.header.Clone()
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %s", u.Host, explain(err))
	}
	defer resp.Body.Close()
	if resp.ContentLength > maxAnswer {
		return errTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case len(data) > maxAnswer:
		return errTooLarge
	case err != nil:
		return fmt.Errorf("%s: %s", u.Host, explain(err))
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %w", u.Host, c.refused(resp, data))
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s answers %s with what is not its JSON: is it Elasticsearch or OpenSearch?", u.Host, path)
	}
	return nil
}

// refused reads an answer that is no success.
func (c *cluster) refused(resp *http.Response, data []byte) *refusal {
	r := &refusal{status: resp.StatusCode}
	type named struct {
		Type   string
		Reason string
	}
	var whole struct{ Error json.RawMessage }
	var detail struct {
		named
		Root   []named `json:"root_cause"`
		Failed []struct {
			Reason named
		} `json:"failed_shards"`
	}
	if json.Unmarshal(data, &whole) == nil && json.Unmarshal(whole.Error, &detail) == nil {
		cause := detail.named
		for _, root := range detail.Root[:min(1, len(detail.Root))] {
			cause = root
		}
		r.kind, r.reason = cause.Type, cause.Reason
	} else {
		_ = json.Unmarshal(whole.Error, &r.reason) // older errors are a sentence
	}
	for _, s := range c.secrets {
		r.kind, r.reason = strings.ReplaceAll(r.kind, s, "…"), strings.ReplaceAll(r.reason, s, "…")
	}
	r.kind, r.reason = short(r.kind), short(r.reason)
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		r.after = time.Duration(min(s, 3600)) * time.Second
	}
	return r
}

func short(s string) string {
	if len(s) > maxReason {
		return strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}

// explain names the kind of a transport error in our own words: the error's text holds the URL.
func explain(err error) string {
	var (
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
		late interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, context.Canceled):
		return "stopped before the answer"
	case errors.As(err, &late) && late.Timeout():
		return "no answer in time"
	case errors.As(err, &dns):
		return "host name not found"
	case errors.As(err, &cert):
		return "the server's certificate is not trusted (ship.elasticsearch.ssl_ca_location names the authority's file)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return "the server speaks plain HTTP: write http:// in ship.elasticsearch.urls"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection lost (a server that wants https:// ends connections so too)"
	}
	return "cannot connect"
}
