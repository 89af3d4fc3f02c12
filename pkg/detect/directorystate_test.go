package detect

import (
	"encoding/json"
	"testing"
)

// The state of an incident holds two totals that differ in one letter's case: breaks of its series, as ever, and connections there are. Neither is taken for
// the other, also in a state of before there was the second.
func TestTotalsInTheState(t *testing.T) {
	for text, want := range map[string][2]int64{
		`{"Total":7}`:                 {7, 0},
		`{"total":410,"Total":7}`:     {7, 410},
		`{"Total":7,"total":410}`:     {7, 410},
		`{"id":"x","total":410}`:      {0, 410},
		`{"id":"x","connections":[]}`: {0, 0},
	} {
		var x tracked
		if err := json.Unmarshal([]byte(text), &x); err != nil || x.Breaks != want[0] || int64(x.Total) != want[1] {
			t.Errorf("%s: %d breaks, %d connections, %v", text, x.Breaks, x.Total, err)
		}
		var again tracked
		if err := json.Unmarshal(encode(&x), &again); err != nil || again.Breaks != x.Breaks || again.Total != x.Total {
			t.Errorf("%s: again %d breaks, %d connections, %v", text, again.Breaks, again.Total, err)
		}
	}
}
