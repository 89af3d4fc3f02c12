package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/nango"
)

// BenchmarkScrape is one answer of /metrics, of so many providers with two series each; all have label values of their own.
func BenchmarkScrape(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n, "-providers"), func(b *testing.B) {
			s := New(Options{MaxProviders: n})
			x := small()
			x.Series, x.Errors, x.Refused = nil, map[Integration]int64{}, map[Refusal]int64{}
			for i := range n {
				provider := fmt.Sprintf("provider-%d", i)
				for _, cause := range []string{"revoked", "misconfigured"} {
					x.Series = append(x.Series, detect.Series{Signal: detect.Revocations, Environment: "prod", Provider: provider, Cause: cause, State: detect.StateQuiet,
						Windows: windows(7, .5, 4, .75), Score: .75, BudgetDays: 90, Total: 10, Broken: 9, Active: 410, Promised: 4})
				}
				x.Errors[Integration{"prod", provider, provider}] = 120
				x.Refused[Refusal{"prod", provider, nango.Revoked}] = 100
			}
			s.Publish(x)
			h, r := s.Handler(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
			var page string
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				page = w.Body.String()
			}
			b.ReportMetric(float64(strings.Count(page, "\n")-strings.Count("\n"+page, "\n#")), "samples")
			b.ReportMetric(float64(len(page)), "page-bytes")
		})
	}
}
