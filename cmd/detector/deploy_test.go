package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// deployed are the configuration files that stand for /etc/revwatch/detector.yaml, by the file whose commands name it.
var deployed = map[string]string{
	"Dockerfile":                             "configs/detector.yaml",
	"deploy/compose.yaml":                    "deploy/compose/detector.yaml",
	"deploy/kubernetes/statefulset.yaml":     "deploy/kubernetes/detector.yaml",
	"deploy/kubernetes/ship.yaml":            "deploy/kubernetes/detector.yaml",
	"deploy/kubernetes/webhooks.yaml":        "deploy/kubernetes/detector.yaml",
	"deploy/kubernetes/sidecar/sidecar.yaml": "deploy/kubernetes/sidecar/detector.yaml",
	"deploy/systemd/revwatch.service":        "deploy/systemd/detector.yaml",
	"deploy/systemd/revwatch-ship@.service":  "deploy/systemd/detector.yaml",
}

// Every command line in a file that starts the program has a command and flags that the program knows, and names the configuration that lies there.
func TestDeployedCommands(t *testing.T) {
	t.Chdir("../..")
	for file := range deployed {
		lines := deployedLines(t, file)
		if len(lines) == 0 {
			t.Errorf("%s starts nothing", file)
		}
		for _, line := range lines {
			t.Run(filepath.Base(file)+"/"+strings.Join(line, " "), func(t *testing.T) {
				understood(t, line)
				if !slices.Contains(line, "/etc/revwatch/detector.yaml") {
					t.Error("another configuration file than the one that is there")
				}
			})
		}
	}
}

// The page on deploying shows commands that the program knows.
func TestDeployingPage(t *testing.T) {
	shown := 0
	for _, text := range fences(t, "../../docs/deploying.md")[""] {
		for line := range strings.Lines(text) {
			if args, ok := strings.CutPrefix(line, "detector "); ok {
				shown++
				understood(t, strings.Fields(args))
			}
		}
	}
	if shown == 0 {
		t.Error("the page has lost its commands")
	}
}

// understood checks a command line up to the values of its flags; nothing is run.
func understood(t *testing.T, line []string) {
	t.Helper()
	code, _, errs := said(t, append(slices.Clone(line), "-h")...)
	if code != exitOK {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// deployedLines are the arguments of each start of the program in a file.
func deployedLines(t *testing.T, file string) (lines [][]string) {
	t.Helper()
	text := slurp(t, file)
	switch filepath.Ext(file) {
	case "":
		for _, m := range regexp.MustCompile(`(?m)^(?:HEALTHCHECK .* )?CMD (\[.*\])$`).FindAllStringSubmatch(text, -1) {
			var line []string
			if err := json.Unmarshal([]byte(m[1]), &line); err != nil {
				t.Errorf("%s: %v", m[0], err)
			}
			lines = append(lines, withoutProgram(line))
		}
	case ".service":
		for _, m := range regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/detector (.*)$`).FindAllStringSubmatch(text, -1) {
			for _, instance := range []string{"elasticsearch", "webhooks"} {
				lines = append(lines, strings.Fields(strings.ReplaceAll(m[1], "%i", instance)))
			}
		}
	default:
		for part := range strings.SplitSeq(text, "\n---\n") {
			var doc any
			if err := yaml.Unmarshal([]byte(part), &doc); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			lines = append(lines, containerLines(doc)...)
		}
	}
	return lines
}

// withoutProgram leaves out what comes before the arguments.
func withoutProgram(line []string) []string {
	for len(line) > 0 && (line[0] == "CMD" || line[0] == "/detector") {
		line = line[1:]
	}
	return line
}

// containerLines are the arguments of each container of our image, and those of its health check.
func containerLines(doc any) (lines [][]string) {
	switch doc := doc.(type) {
	case []any:
		for _, x := range doc {
			lines = append(lines, containerLines(x)...)
		}
	case map[string]any:
		if image, _ := doc["image"].(string); image == "revwatch" || strings.HasPrefix(image, "revwatch:") {
			health, _ := doc["healthcheck"].(map[string]any)
			for _, x := range []any{doc["command"], doc["args"], health["test"]} {
				if line := withoutProgram(arguments(x)); len(line) > 0 {
					lines = append(lines, line)
				}
			}
			return lines
		}
		for _, x := range doc {
			lines = append(lines, containerLines(x)...)
		}
	}
	return lines
}

func arguments(list any) (all []string) {
	items, _ := list.([]any)
	for _, x := range items {
		word, _ := x.(string)
		all = append(all, word)
	}
	return all
}

// Every deployed configuration is good as it is, once its secrets are there; its state lies on the volume (the working
// directory is there), and its metrics are where the probes look.
func TestDeployedConfigurations(t *testing.T) {
	secrets := t.TempDir()
	for _, name := range []string{"slack", "kafka"} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(hook), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir("../..")
	t.Setenv("CREDENTIALS_DIRECTORY", secrets)
	t.Setenv("SLACK_WEBHOOK_URL", hook)
	for starts, file := range deployed {
		text := strings.ReplaceAll(slurp(t, file), "/run/secrets/revwatch", secrets)
		c, err := loadConfig(write(t, text))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if _, err := c.rehearse(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if c.listen != ":9847" || c.statePath != "revwatch.db" && c.statePath != "/var/lib/revwatch/revwatch.db" {
			t.Errorf("%s: listens on %s, its state is %s", file, c.listen, c.statePath)
		}
		if len(c.told()) == 0 && starts != "Dockerfile" {
			t.Errorf("%s: nobody is told", file)
		}
	}
}

// What is commented out for webhooks.yaml is good once it is not: it listens where the service, the probes and the scrapes ask.
func TestDeployedWebhooks(t *testing.T) {
	secrets := t.TempDir()
	for _, name := range []string{"slack", "signing-key"} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(hook), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.ReplaceAll(readFile(t, "../../deploy/kubernetes/detector.yaml"), "/run/secrets/revwatch", secrets)
	before, after, there := strings.Cut(text, "  # webhooks:")
	c, err := loadConfig(write(t, before+"  webhooks:"+strings.ReplaceAll(after, "\n  # ", "\n  ")))
	if w := c.ship.webhooks; !there || err != nil || w.listen != ":9849" || w.metricsListen != ":9850" || w.signingKey != hook {
		t.Errorf("%+v, %v", w, err)
	}
}

// The units give the configuration every secret that it names.
func TestUnitsLoadTheirCredentials(t *testing.T) {
	t.Chdir("../..")
	named := regexp.MustCompile(`\$\{CREDENTIALS_DIRECTORY[^}]*\}/([a-z-]+)`).FindAllStringSubmatch(slurp(t, "deploy/systemd/detector.yaml"), -1)
	unit := slurp(t, "deploy/systemd/revwatch.service")
	for _, m := range named {
		if !strings.Contains(unit, "\nLoadCredential="+m[1]+":/etc/revwatch/credentials/"+m[1]+"\n") {
			t.Errorf("the unit does not load %s", m[1])
		}
	}
	if len(named) == 0 || !strings.Contains(unit, "RestartPreventExitStatus=2 78\n") {
		t.Errorf("%d credentials named; exit codes of wrong usage (%d) and configuration (%d) must not restart it", len(named), exitUsage, exitConfig)
	}
}

// There is no container engine in CI: each RUN line is a make target, and CI runs it.
func TestDockerfileRunsMakeTargets(t *testing.T) {
	t.Chdir("../..")
	makefile, ci := slurp(t, "Makefile"), slurp(t, ".ci/run")
	runs := regexp.MustCompile(`(?m)^RUN (.*)$`).FindAllStringSubmatch(slurp(t, "Dockerfile"), -1)
	for _, run := range runs {
		m := regexp.MustCompile(`^(?:[A-Z]+=\$?[A-Z]+ )*make ([a-z-]+)$`).FindStringSubmatch(run[1])
		switch {
		case m == nil:
			t.Errorf("RUN %s: not a make target", run[1])
		case !strings.Contains(makefile, "\n"+m[1]+":"):
			t.Errorf("Makefile has no target %s", m[1])
		case !strings.Contains(ci, "\nmake "+m[1]+"\n"):
			t.Errorf(".ci/run does not run make %s", m[1])
		}
	}
	for _, target := range []string{"cross", "validate", "validate-systemd"} {
		if !strings.Contains(ci, "\nmake "+target+"\n") {
			t.Errorf(".ci/run does not run make %s", target)
		}
	}
	if len(runs) != 2 {
		t.Errorf("%d RUN lines", len(runs))
	}
}

func slurp(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
