package nango

import (
	"fmt"
	"testing"
	"time"
)

var benchDay = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func stampOf(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// noise is a row that a busy Nango writes all day and that matters to nobody here.
func noise(i int) string {
	t := benchDay.Add(time.Duration(i) * 37 * time.Millisecond)
	at := stampOf(t)
	id := fmt.Sprintf("%d_Qw3rTy%02d", t.UnixMilli(), i%100)
	switch i % 4 {
	case 0:
		return fmt.Sprintf(`{"message":"Sync executed","id":"%s","operation":{"type":"sync","action":"run"},"state":"success","source":"internal","level":"info","type":"operation","accountId":3,"accountName":"Initech","environmentId":4,"environmentName":"live","integrationId":11,"integrationName":"crm-live","providerName":"hubspot","connectionId":%d,"connectionName":"9d1e0000-0000-4000-8000-%012d","syncConfigId":8,"syncConfigName":"contacts","jobId":"118","createdAt":"%s","updatedAt":"%s","startedAt":"%s","endedAt":"%s","expiresAt":"%s"}`,
			id, i%5000, i%5000, at, at, at, at, at)
	case 1:
		return fmt.Sprintf(`{"id":"h2VbXcRmKpLnTqWzYd%02d","accountId":3,"source":"user","level":"info","type":"log","message":"Fetched 100 contacts, going on with the next page","context":"script","parentId":"%s","createdAt":"%s"}`, i%100, id, at)
	case 2:
		return fmt.Sprintf(`{"id":"k7VbXcRmKpLnTqWzYd%02d","accountId":3,"source":"internal","level":"info","type":"http","message":"GET https://api.example.com/crm/v3/objects/contacts","context":"proxy","parentId":"%s","request":{"method":"GET","url":"https://api.example.com/crm/v3/objects/contacts?limit=100","headers":{"user-agent":"nango-node-client","accept":"application/json"}},"response":{"code":200,"headers":{"content-type":"application/json","content-length":"18233"}},"createdAt":"%s","endedAt":"%s","durationMs":41}`, i%100, id, at, at)
	}
	return fmt.Sprintf(`{"id":"m9VbXcRmKpLnTqWzYd%02d","accountId":3,"source":"internal","level":"info","type":"log","message":"Successfully batch upserted records","parentId":"%s","persistResults":{"model":"Contact","added":0,"updated":12,"deleted":0,"unchanged":88},"createdAt":"%s"}`, i%100, id, at)
}

// failed is the three rows of one refused refresh.
func failed(i int) []string {
	t := benchDay.Add(time.Duration(i) * 37 * time.Millisecond)
	at, id := stampOf(t), fmt.Sprintf("%d_Zx%06d", t.UnixMilli(), i%1000000)
	return []string{
		fmt.Sprintf(`{"id":"p4VbXcRmKpLnTqWz%04d","accountId":3,"source":"internal","level":"error","type":"http","message":"POST https://oauth2.example.com/token","parentId":"%s","request":{"method":"POST","url":"https://oauth2.example.com/token","headers":{"user-agent":"Nango"}},"response":{"code":400,"headers":{}},"meta":{"body":{"error":"invalid_grant","error_description":"Token has been expired or revoked."}},"createdAt":"%s","endedAt":"%s","durationMs":38}`, i%10000, id, at, at),
		fmt.Sprintf(`{"id":"q4VbXcRmKpLnTqWz%04d","accountId":3,"source":"internal","level":"error","type":"log","message":"Failed to refresh credentials","parentId":"%s","meta":{"type":"refresh_token_external_error","status":400,"payload":{"dataMessage":{"error":"invalid_grant","error_description":"Token has been expired or revoked."}}},"createdAt":"%s"}`, i%10000, id, at),
		fmt.Sprintf(`{"message":"Token refreshed","id":"%s","operation":{"type":"auth","action":"refresh_token"},"state":"failed","source":"internal","level":"info","type":"operation","accountId":3,"accountName":"Initech","environmentId":4,"environmentName":"live","integrationId":12,"integrationName":"mail-live","providerName":"google-mail","connectionId":%d,"connectionName":"9d1e0000-0000-4000-8000-%012d","createdAt":"%s","updatedAt":"%s","startedAt":"%s","endedAt":"%s","expiresAt":"%s"}`,
			id, i%5000, i%5000, at, at, at, at, at),
	}
}

func call(i int) string {
	t := benchDay.Add(time.Duration(i) * 37 * time.Millisecond)
	at := stampOf(t)
	return fmt.Sprintf(`{"message":"Proxy","id":"%d_Cv%06d","operation":{"type":"proxy","action":"call"},"state":"success","source":"internal","level":"info","type":"operation","accountId":3,"accountName":"Initech","environmentId":4,"environmentName":"live","integrationId":12,"integrationName":"mail-live","providerName":"google-mail","connectionId":%d,"connectionName":"9d1e0000-0000-4000-8000-%012d","createdAt":"%s","updatedAt":"%s","startedAt":"%s","endedAt":"%s","expiresAt":"%s"}`,
		t.UnixMilli(), i%1000000, i%5000, i%5000, at, at, at, at, at)
}

func benchRead(b *testing.B, values [][]byte) {
	r := NewReader(Options{})
	r.Open("t/0", 0, 0)
	size, events := 0, 0
	for _, v := range values {
		size += len(v)
	}
	b.SetBytes(int64(size / len(values)))
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i%500 == 499 {
			r.Progress("t/0", int64(i), int64(i+1), benchDay)
			events += len(r.Advance(time.Time{}))
			r.done = newMemory() // the same rows come again
		}
		r.Read(values[i%len(values)], Meta{Source: "t/0", Offset: int64(i)})
	}
	b.ReportMetric(100*float64(r.stats.Skipped)/float64(r.stats.Records), "%skipped")
	b.ReportMetric(float64(events)/float64(b.N), "events/op")
}

// BenchmarkRead is the whole path of the room at 1 % relevant rows: prefilter, envelope, row, join, classification, release.
func BenchmarkRead(b *testing.B) {
	var values [][]byte
	for i := range 30_000 {
		if i%300 == 0 {
			for _, f := range failed(i) {
				values = append(values, []byte(f))
			}
		}
		values = append(values, []byte(noise(i)))
	}
	benchRead(b, values)
}

// BenchmarkCall is the cost of the commonest row that matters: a successful proxy call, a sign of life.
func BenchmarkCall(b *testing.B) {
	var values [][]byte
	for i := range 20_000 {
		values = append(values, []byte(call(i)))
	}
	benchRead(b, values)
}

// BenchmarkFailure is the cost of a row of a refused refresh.
func BenchmarkFailure(b *testing.B) {
	var values [][]byte
	for i := range 5_000 {
		for _, f := range failed(i) {
			values = append(values, []byte(f))
		}
	}
	benchRead(b, values)
}

func BenchmarkPrefilter(b *testing.B) {
	values := make([][]byte, 4096)
	for i := range values {
		values[i] = []byte(noise(i))
	}
	b.ReportAllocs()
	for i := range b.N {
		if relevant(values[i%len(values)]) {
			b.Fatal("noise passed")
		}
	}
}
