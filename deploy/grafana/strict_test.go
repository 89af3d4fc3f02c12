package grafana

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	sdk "github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// strict reads a dashboard by Grafana's own description of the format: names it does not know and missing ones are errors, in panels and queries too.
func strict(raw []byte) error {
	//lint:ignore SA1019 The form that is provisioned by file in every version; the newer one needs Grafana 12.
	var d sdk.Dashboard
	var all cog.BuildErrors // is never nil as an error, only empty
	if err := d.UnmarshalJSONStrict(raw); !errors.As(err, &all) || len(all) > 0 {
		return err
	}
	return d.Validate()
}

func TestStrict(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for path := range files(t) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := strict(raw); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, mistake := range [][2]string{{`"colorMode": "background"`, `"colourMode": "background"`}, {`"lineWidth": 1`, `"lineWidth": "1"`}, {`"refId": "A"`, `"refID": "A"`}, {`"schemaVersion": 39`, `"schemaVersion": "39"`}} {
			if wrong := strings.Replace(string(raw), mistake[0], mistake[1], 1); wrong == string(raw) || strict([]byte(wrong)) == nil {
				t.Errorf("%s: %s is taken", path, mistake[1])
			}
		}
	}
}
