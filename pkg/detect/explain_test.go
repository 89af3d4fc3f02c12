package detect

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The JSON form of an answer: scripts rely on these names.
func TestAnswerNames(t *testing.T) {
	a := Answer{Windows: []WindowAnswer{{Gates: []Gate{{}}}}, Verdict: []string{}}
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	window := got["windows"].([]any)[0].(map[string]any)
	gate := window["gates"].([]any)[0].(map[string]any)
	for _, c := range []struct {
		of   map[string]any
		want string
	}{
		{got, "at best budget_days budget_met cause environment incident kappa line per_day provider rho signal state type verdict windows"},
		{window, "adjusted connections dispersion expected from gates needed observed once_per_days score seconds to transient uncertainty"},
		{gate, "detail name passed"},
	} {
		if names := strings.Join(slices.Sorted(maps.Keys(c.of)), " "); names != c.want {
			t.Errorf("names are %s\nwant      %s", names, c.want)
		}
	}
}
