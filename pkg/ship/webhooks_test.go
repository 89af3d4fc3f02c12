package ship

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"
)

const (
	key1, key2 = "0f6e6a1c-1111-4111-8111-00000000000a", "9d0c3b52-2222-4222-8222-00000000000b"

	failed = `{"authMode":"OAUTH2","connectionId":"c-1","environment":"prod","error":{"description":"…","type":"refresh_token_external_error"},"from":"nango",` +
		`"operation":"refresh","provider":"hubspot","providerConfigKey":"crm","success":false,"tags":{"organization_id":"org_1"},"type":"auth"}`
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// hookTopic is a Writer that keeps what it is given; answer, when set, says what becomes of it.
type hookTopic struct {
	mu     sync.Mutex
	calls  int
	got    []kafka.Message
	answer func(ctx context.Context, call int, messages []kafka.Message) error
}

func (w *hookTopic) WriteMessages(ctx context.Context, messages ...kafka.Message) error {
	w.mu.Lock()
	w.calls++
	call := w.calls
	w.mu.Unlock()
	var err error
	if w.answer != nil {
		err = w.answer(ctx, call, messages)
	}
	each, apart := err.(kafka.WriteErrors)
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, m := range messages {
		if err == nil || apart && each[i] == nil {
			w.got = append(w.got, m)
		}
	}
	return err
}

func (w *hookTopic) values() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.got {
		all = append(all, string(m.Value))
	}
	return all
}

func keysOf(t testing.TB, text string) SigningKeys {
	t.Helper()
	keys, err := NewSigningKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// receive starts a handler that writes to a topic until the test ends.
func receive(t testing.TB, o WebhookOptions) (*Webhooks, *hookTopic) {
	t.Helper()
	to := &hookTopic{}
	if o.Writer == nil {
		o.Writer = to
	}
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	w := NewWebhooks(o)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { w.Run(ctx); close(ended) }()
	t.Cleanup(func() { stop(); <-ended })
	return w, to
}

func digestOf(key, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func legacyDigest(key, body string) string {
	sum := sha256.Sum256([]byte(key + body))
	return hex.EncodeToString(sum[:])
}

// delivered is a delivery as Nango makes it; change may spoil it.
func delivered(key, body string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "nango/0.71.4 (linux/6.1.0; node.js/22.22.2)")
	r.Header.Set("X-Nango-Signature", legacyDigest(key, body))
	r.Header.Set("X-Nango-Hmac-Sha256", digestOf(key, body))
	for _, f := range change {
		f(r)
	}
	return r
}

func serve(w *Webhooks, r *http.Request) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	return out
}

// counted is how often requests ended so.
func (w *Webhooks) counted(o *outcome) uint64 { return w.results[o].Get() }

func header(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del(name)
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
}

// Only what a holder of a key has signed, byte by byte, is written, and each refusal says what it is.
func TestWebhookSignatures(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	good := digestOf(key1, failed)
	sign := func(v ...string) func(*http.Request) { return header("X-Nango-Hmac-Sha256", v...) }
	body := func(b string) func(*http.Request) {
		return func(r *http.Request) { *r = *r.WithContext(r.Context()); r.Body = http.NoBody; setBody(r, b) }
	}
	for _, tt := range []struct {
		name    string
		request *http.Request
		want    *outcome
	}{
		{"signed", delivered(key1, failed), written},
		{"by another key of ours", delivered(key2, failed), written},
		{"digits in capitals are the same number", delivered(key1, failed, sign(strings.ToUpper(good))), written},
		{"without the old header", delivered(key1, failed, header("X-Nango-Signature")), written},
		{"chunked", delivered(key1, failed, func(r *http.Request) { r.ContentLength = -1 }), written},
		{"says gzip and is none: the bytes count", delivered(key1, failed, header("Content-Encoding", "gzip")), written},
		{"another key", delivered("0f6e6a1c-1111-4111-8111-00000000000b", failed), badSignature},
		{"none", delivered(key1, failed, sign(), header("X-Nango-Signature")), noSignature},
		{"the old one alone", delivered(key1, failed, sign()), legacyOnly},
		{"the old digest in the new header", delivered(key1, failed, sign(legacyDigest(key1, failed))), badSignature},
		{"empty", delivered(key1, failed, sign("")), badSignature},
		{"cut", delivered(key1, failed, sign(good[:62])), badSignature},
		{"longer", delivered(key1, failed, sign(good+"00")), badSignature},
		{"not hexadecimal", delivered(key1, failed, sign("g"+good[1:])), badSignature},
		{"a prefix", delivered(key1, failed, sign("sha256="+good)), badSignature},
		{"two headers, one right", delivered(key1, failed, sign(good, strings.Repeat("0", 64))), badSignature},
		{"two headers, both right", delivered(key1, failed, sign(good, good)), badSignature},
		{"two in one header", delivered(key1, failed, sign(good+", "+good)), badSignature},
		{"a byte changed", delivered(key1, failed, body(strings.Replace(failed, "c-1", "c-2", 1))), badSignature},
		{"a byte more", delivered(key1, failed, body(failed+" ")), badSignature},
		{"a byte less", delivered(key1, failed, body(failed[1:])), badSignature},
		{"no body", delivered(key1, failed, body("")), badSignature},
		{"of an empty body", delivered("", failed, body(""), sign(digestOf("", ""))), badSignature},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, to := receive(t, WebhookOptions{Keys: keysOf(t, key1+"\n"+key2)})
			out := serve(w, tt.request)
			if out.Code != tt.want.status || w.counted(tt.want) != 1 {
				t.Errorf("answer %d %q, want %d; counted as %s: %d", out.Code, out.Body, tt.want.status, tt.want.name, w.counted(tt.want))
			}
			if n := len(to.values()); n == 1 != (tt.want == written) {
				t.Errorf("%d written", n)
			}
			if w.held.Load() != 0 {
				t.Errorf("%d bytes are still held", w.held.Load())
			}
		})
	}
}

func setBody(r *http.Request, body string) {
	fresh := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Body, r.ContentLength = fresh.Body, fresh.ContentLength
}

// Without a key nothing is written, whatever it is signed by; with the flag only what is not signed at all comes in beside the keys.
func TestWebhooksUnsigned(t *testing.T) {
	none := []func(*http.Request){header("X-Nango-Hmac-Sha256"), header("X-Nango-Signature")}
	for _, tt := range []struct {
		name     string
		keys     string
		allow    bool
		request  *http.Request
		want     *outcome
		unsigned uint64
	}{
		{"no key, no flag", "", false, delivered(key1, failed), badSignature, 0},
		{"no key, no flag, no key used", "", false, delivered("", failed), badSignature, 0},
		{"no key, no flag, none", "", false, delivered(key1, failed, none...), noSignature, 0},
		{"flag", "", true, delivered(key1, failed, none...), written, 1},
		{"flag, a signature that nobody can check", "", true, delivered(key1, failed), written, 1},
		{"flag, rubbish for a signature", "", true, delivered(key1, failed, header("X-Nango-Hmac-Sha256", "?")), written, 1},
		{"flag and key, unsigned", key1, true, delivered(key1, failed, none...), written, 1},
		{"flag and key, the old one alone", key1, true, delivered(key1, failed, none[0]), written, 1},
		{"flag and key, signed", key1, true, delivered(key1, failed), written, 0},
		{"flag and key, wrong", key1, true, delivered(key2, failed), badSignature, 0},
		{"flag and key, rubbish", key1, true, delivered(key1, failed, header("X-Nango-Hmac-Sha256", "?")), badSignature, 0},
		{"flag, no JSON", "", true, delivered(key1, "connection=c-1", none...), notJSON, 0},
		{"flag, half of it", "", true, delivered(key1, failed[:100], none...), notJSON, 0},
		{"flag, gzip", "", true, delivered(key1, "\x1f\x8b\x08\x00", append(none, header("Content-Encoding", "gzip"))...), notJSON, 0},
		{"flag, another kind", "", true, delivered(key1, `{"from":"nango","type":"sync"}`, none...), dropped, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, to := receive(t, WebhookOptions{Keys: keysOf(t, tt.keys), AllowUnsigned: tt.allow})
			if out := serve(w, tt.request); out.Code != tt.want.status || w.counted(tt.want) != 1 || w.unsigned.Get() != tt.unsigned {
				t.Errorf("answer %d %q, want %d %s; %d unsigned", out.Code, out.Body, tt.want.status, tt.want.name, w.unsigned.Get())
			}
			for _, v := range to.values() {
				if strings.Contains(v, `"signed":true`) != (tt.unsigned == 0) {
					t.Errorf("wrote %s", v)
				}
			}
		})
	}
}

// Other kinds of webhooks come to the same URL. They are taken, so that Nango does not count failures of this URL, and not written.
func TestWebhookKinds(t *testing.T) {
	w, to := receive(t, WebhookOptions{Keys: keysOf(t, key1)})
	for body, kind := range map[string]string{
		`{"connectionId":"c","from":"nango","model":"M","success":false,"type":"sync"}`: "sync",
		`{"connectionId":"c","from":"nango","payload":{},"type":"async_action"}`:        "async_action",
		`{"from":"hubspot","payload":{"type":"auth","from":"nango"},"type":"forward"}`:  "forward",
		`{"type":"auth","from":"somebody"}`:                                             "other", // a provider's own, forwarded bare
		`{"type":"sync","from":"somebody"}`:                                             "other",
		`{"from":"nango","type":"news"}`:                                                "other",
		`{"from":"nango","type":["auth"]}`:                                              "other",
		`[{"from":"nango","type":"auth"}]`:                                              "other",
		`"<xml/>"`:                                                                      "other",
		`7`:                                                                             "other",
		`{"TYPE":"auth","From":"nango"}`:                                                "other", // names are exact
		`{"type":"sync","from":"nango","type":"auth"}`:                                  "sync",  // as the reader takes them: the first of two
		`{"a":{"from":"nango","type":"auth"}}`:                                          "other",
		"{}":                                                                            "other",
	} {
		before := w.droppedKinds[kind].Get()
		if out := serve(w, delivered(key1, body)); out.Code != http.StatusOK || w.droppedKinds[kind].Get() != before+1 {
			t.Errorf("%s: answer %d, counted as %s: %v", body, out.Code, kind, w.droppedKinds[kind].Get() != before)
		}
	}
	if len(to.values()) != 0 || w.counted(written) != 0 {
		t.Errorf("wrote %q", to.values())
	}
}

// The value keeps the bytes of the body and the time, and of the headers two; the key is the connection.
func TestWebhookRecord(t *testing.T) {
	w, to := receive(t, WebhookOptions{Keys: keysOf(t, key1), Now: func() time.Time { return noon.Add(1500 * time.Microsecond).In(time.FixedZone("", 3600)) }})
	spoil := []func(*http.Request){
		header("Authorization", "Bearer secret"), header("Cookie", "a=secret"), header("X-Forwarded-For", "10.0.0.1"), header("User-Agent", strings.Repeat("x", 257)),
	}
	other := "{\n \"connectionId\" : \"c-<&>\u2028\" ,\t\"from\":\"nango\",\"type\":\"auth\"}"
	for _, body := range []string{failed, other, "\xff{not text", "not JSON"} {
		if out := serve(w, delivered(key1, body, spoil...)); out.Code != http.StatusOK {
			t.Errorf("%q: answer %d", body, out.Code)
		}
	}
	head := `{"received_at":"2026-03-02T12:00:00.001Z","signed":true,"headers":{"content-type":"application/json"},"body":`
	want := []string{
		head + `"` + strings.ReplaceAll(failed, `"`, `\"`) + `"}`,
		head + `"{\n \"connectionId\" : \"c-<&>\u2028\" ,\t\"from\":\"nango\",\"type\":\"auth\"}"}`,
		head + `"/3tub3QgdGV4dA==","isBase64Encoded":true}`,
		head + `"not JSON"}`,
	}
	for i, m := range to.got {
		if string(m.Value) != want[i] {
			t.Errorf("value %s\nwant  %s", m.Value, want[i])
		}
		if key := []string{"c-1", "c-<&>\u2028", "", ""}[i]; string(m.Key) != key || (m.Key == nil) != (key == "") {
			t.Errorf("key %q, want %q", m.Key, key)
		}
		if !m.Time.Equal(noon.Add(1500*time.Microsecond)) || len(m.Headers) != 0 {
			t.Errorf("time %s, headers %v", m.Time, m.Headers)
		}
	}
	if len(to.got) != len(want) {
		t.Errorf("%d written", len(to.got))
	}
}

// What is not a delivery is told so; what is too large is not read to its end.
func TestWebhookRefusals(t *testing.T) {
	w, to := receive(t, WebhookOptions{Keys: keysOf(t, key1), Path: "/nango"})
	at := func(method, target, body string) *http.Request {
		r := delivered(key1, body)
		fresh := httptest.NewRequest(method, target, strings.NewReader(body))
		fresh.Header = r.Header
		return fresh
	}
	large := `{"connectionId":"c-1","from":"nango","type":"auth","tags":"` + strings.Repeat("x", maxBody) + `"}`
	inflated := `{"connectionId":"c-1","from":"nango","type":"auth","tags":[` + strings.Repeat(`"",`, maxBody/4) + `0]}` // grows by its quotation marks
	chunked := at("POST", "/nango", large)
	chunked.ContentLength = -1
	for _, tt := range []struct {
		name string
		r    *http.Request
		want *outcome
	}{
		{"as it should be", at("POST", "/nango", failed), written},
		{"with a query", at("POST", "/nango?prod", failed), written},
		{"another path", at("POST", "/", failed), wrongPath},
		{"a slash more", at("POST", "/nango/", failed), wrongPath},
		{"the path of health", at("POST", "/healthz", failed), wrongPath},
		{"the path of metrics", at("GET", "/metrics", ""), wrongPath},
		{"GET", at("GET", "/nango", ""), wrongMethod},
		{"PUT", at("PUT", "/nango", failed), wrongMethod},
		{"large", at("POST", "/nango", large), tooLarge},
		{"large, chunked", chunked, tooLarge},
		{"too large for a record", at("POST", "/nango", inflated), tooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := w.counted(tt.want)
			if out := serve(w, tt.r); out.Code != tt.want.status || w.counted(tt.want) != before+1 {
				t.Errorf("answer %d %q, want %d %s", out.Code, out.Body, tt.want.status, tt.want.name)
			}
		})
	}
	if len(to.values()) != 2 || w.held.Load() != 0 {
		t.Errorf("%d written, %d bytes held", len(to.values()), w.held.Load())
	}
	for method, want := range map[string]int{"GET": 200, "HEAD": 200} {
		if out := serve(w, httptest.NewRequest(method, "/healthz", nil)); out.Code != want {
			t.Errorf("%s /healthz: %d", method, out.Code)
		}
	}
	if out := serve(w, at("GET", "/nango", "")); out.Header().Get("Allow") != "POST" {
		t.Errorf("405 without Allow: %v", out.Header())
	}
}

// A body that does not arrive whole is asked for again: 4xx would be final.
func TestWebhookBrokenOff(t *testing.T) {
	w, to := receive(t, WebhookOptions{Keys: keysOf(t, key1)})
	r := delivered(key1, failed)
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(failed[:50]), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if out := serve(w, r); out.Code != http.StatusServiceUnavailable || w.counted(brokenOff) != 1 || len(to.values()) != 0 || w.held.Load() != 0 {
		t.Errorf("answer %d, wrote %q, %d bytes held", out.Code, to.values(), w.held.Load())
	}
}

// A provider's own webhook, which Nango signs and forwards, costs little more memory than its size, whatever is in it.
func TestWebhookMemory(t *testing.T) {
	body := []byte(`{"from":"hubspot","payload":[` + strings.Repeat("0,", 500_000) + `0],"type":"forward"}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	saw := lookAt(body)
	runtime.ReadMemStats(&after)
	if took, most := after.TotalAlloc-before.TotalAlloc, uint64(6*len(body)); saw.kind != "forward" || took > most {
		t.Errorf("%+v: %d bytes for a body of %d, want %d at most", saw, took, len(body), most)
	}
}

func TestSigningKeys(t *testing.T) {
	for text, want := range map[string]int{"": 0, " \n": 0, key1: 1, key1 + "\n" + key2 + "\n": 2, strings.Repeat(key1+" ", maxKeys): maxKeys} {
		if got := keysOf(t, text); got.Len() != want || strings.Contains(got.String()+got.GoString(), key1) {
			t.Errorf("%q: %v, want %d", text, got, want)
		}
	}
	for _, text := range []string{"short", key1 + " short", strings.Repeat(key1+" ", maxKeys+1)} {
		if _, err := NewSigningKeys(text); err == nil || strings.Contains(err.Error(), key1) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzWebhooks: whatever is sent, what is written was signed or let in, and holds the body's bytes.
func FuzzWebhooks(f *testing.F) {
	f.Add([]byte(failed), []byte(digestOf(key1, failed)), "POST", "/", int64(len(failed)), false)
	f.Add([]byte(failed), []byte(""), "POST", "/", int64(-1), true)
	f.Add([]byte("\xff\x00"), []byte("00"), "GET", "/healthz", int64(1<<40), true)
	f.Add([]byte(`{"from":"nango","type":"auth","connectionId":{}}`), []byte("sign"), "POST", "/", int64(3), false)
	f.Fuzz(func(t *testing.T, body, signature []byte, method, path string, length int64, allow bool) {
		r, err := http.NewRequest(method, "http://hooks.example.com", bytes.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.URL.Path, r.ContentLength = path, length
		if string(signature) == "sign" {
			signature = []byte(digestOf(key1, string(body)))
		}
		if len(signature) > 0 {
			r.Header.Set(signatureHeader, string(signature))
		}
		w, to := receive(t, WebhookOptions{Keys: keysOf(t, key1), AllowUnsigned: allow})
		out := serve(w, r)
		right := strings.EqualFold(string(signature), digestOf(key1, string(body)))
		if len(to.got) > 1 || len(to.got) == 1 && (out.Code != 200 || !right && (!allow || len(signature) > 0)) {
			t.Fatalf("answer %d, wrote %q", out.Code, to.values())
		}
		if len(to.got) == 0 && out.Code == 200 && w.counted(dropped) == 0 && path != "/healthz" {
			t.Fatalf("took what it neither wrote nor dropped: %q", body)
		}
		for _, m := range to.got {
			if got := bodyOf(t, m.Value); !bytes.Equal(got, body) {
				t.Fatalf("kept %q of %q", got, body)
			}
		}
		if w.held.Load() != 0 {
			t.Fatalf("%d bytes are still held", w.held.Load())
		}
	})
}

// BenchmarkWebhook is a delivery without network and Kafka: signature, look, record.
func BenchmarkWebhook(b *testing.B) {
	w, to := receive(b, WebhookOptions{Keys: keysOf(b, key1), Rate: 1 << 30})
	to.answer = func(context.Context, int, []kafka.Message) error {
		to.mu.Lock()
		to.got = nil
		to.mu.Unlock()
		return nil
	}
	b.ReportAllocs()
	for b.Loop() {
		if out := serve(w, delivered(key1, failed)); out.Code != 200 {
			b.Fatal(out.Code)
		}
	}
}
