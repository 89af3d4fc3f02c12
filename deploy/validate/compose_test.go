package validate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// project is deploy/compose.yaml as Docker Compose reads it, with its schema.
func project(t *testing.T) *types.Project {
	t.Helper()
	file, err := filepath.Abs(filepath.Join(root, "deploy/compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: filepath.Dir(file), ConfigFiles: []types.ConfigFile{{Filename: file}}, Environment: types.Mapping{"SLACK_WEBHOOK_URL": "https://hooks.example.com/x"},
	}, loader.WithProfiles([]string{"*"}), func(o *loader.Options) { o.SetProjectName("revwatch", true) })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Docker Compose takes the file; no service has more rights than it needs, an image of no certain version, or a port that other machines reach.
func TestComposeIsHardened(t *testing.T) {
	p := project(t)
	for _, name := range []string{"kafka", "generator", "detector", "prometheus", "grafana", "alertmanager"} {
		if _, ok := p.Services[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	for name, s := range p.Services {
		if !s.ReadOnly && name != "kafka" {
			t.Errorf("%s can write to its image", name)
		}
		if !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) > 0 || s.Privileged || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: drops %v, adds %v, %v", name, s.CapDrop, s.CapAdd, s.SecurityOpt)
		}
		if s.HealthCheck == nil {
			t.Errorf("%s says nothing of its health", name)
		}
		if _, tag, ok := strings.Cut(s.Image, ":"); !ok || tag == "latest" {
			t.Errorf("%s is of no certain version: %s", name, s.Image)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is open at %q", name, port.Published, port.HostIP)
			}
		}
	}
}

// What is mounted from the repository is there, and only to be read; what has to last is on a volume.
func TestComposeMounts(t *testing.T) {
	p := project(t)
	for name, s := range p.Services {
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeVolume {
				continue
			}
			there(t, name, v.Source)
			if !v.ReadOnly {
				t.Errorf("%s can write to %s", name, v.Source)
			}
		}
	}
	for name, c := range p.Configs {
		there(t, name, c.File)
	}
	for name, path := range map[string]string{"kafka": "/var/lib/kafka/data", "detector": "/var/lib/revwatch", "prometheus": "/prometheus", "grafana": "/var/lib/grafana"} {
		if !slices.ContainsFunc(p.Services[name].Volumes, func(v types.ServiceVolumeConfig) bool { return v.Type == types.VolumeTypeVolume && v.Target == path }) {
			t.Errorf("%s forgets %s", name, path)
		}
	}
	if build := p.Services["detector"].Build; build == nil || !sameFile(build.Context, root) {
		t.Errorf("the detector is built of %+v", build)
	}
}

func there(t *testing.T, name, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}
