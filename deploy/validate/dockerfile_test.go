// Package validate holds the files in deploy, and the Dockerfile, against the libraries of those who read them. It is a module of its own, so that
// none of these libraries is in the product's.
package validate

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

const root = "../.."

// images answers for every base image with one that holds nothing, so that nothing is asked of a registry.
type images struct{}

func (images) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config, err := json.Marshal(ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"}})
	return ref, digest.FromBytes(config), config, err
}

// The Dockerfile passes every check that BuildKit makes itself: `docker build` would stop at one.
func TestDockerfilePassesBuildKitsChecks(t *testing.T) {
	file := read(t, "Dockerfile")
	for text, wanted := range map[string]bool{string(file): false, strings.Replace(string(file), "AS build", "as Build", 1): true} {
		source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", []byte(text))
		source.Definition = &llb.Definition{}
		found, err := dockerfile2llb.DockerfileLint(t.Context(), []byte(text), dockerfile2llb.ConvertOpt{
			MetaResolver: images{}, SourceMap: source,
		})
		if err != nil {
			t.Fatal(err)
		}
		if complains := found.Error != nil || len(found.Warnings) > 0; complains != wanted {
			t.Errorf("complaints: %v, want %v: %+v %+v", complains, wanted, found.Error, found.Warnings)
		}
	}
}

// The image runs one program, as nobody, without a shell, and says how it is.
func TestDockerfileMakesABareImage(t *testing.T) {
	stages := stages(t)
	last := stages[len(stages)-1]
	if !strings.Contains(last.BaseName, "distroless/static") {
		t.Errorf("based on %s", last.BaseName)
	}
	said := map[string]bool{}
	for _, c := range last.Commands {
		said[strings.ToLower(c.Name())] = true
		switch c := c.(type) {
		case *instructions.RunCommand:
			t.Errorf("there is no shell for %s", c)
		case *instructions.UserCommand:
			if c.User != "65532:65532" {
				t.Errorf("runs as %s", c.User)
			}
		case *instructions.EntrypointCommand:
			direct(t, c.Name(), c.PrependShell, c.CmdLine)
		case *instructions.CmdCommand:
			if c.PrependShell {
				t.Errorf("CMD needs a shell: %v", c.CmdLine)
			}
		case *instructions.HealthCheckCommand:
			direct(t, c.Name(), c.Health.Test[0] != "CMD", c.Health.Test[1:])
		}
	}
	for _, name := range []string{"user", "entrypoint", "cmd", "healthcheck", "expose", "volume", "label", "workdir"} {
		if !said[name] {
			t.Errorf("the image has no %s", name)
		}
	}
}

func direct(t *testing.T, name string, shell bool, line []string) {
	t.Helper()
	if shell || line[0] != "/detector" {
		t.Errorf("%s runs %v, shell: %v", name, line, shell)
	}
}

// What .dockerignore lets into the build is enough for it: the RUN lines make a static binary of the files that are left, for both machines.
func TestContextIsEnoughForTheBuild(t *testing.T) {
	context := t.TempDir()
	files := copyContext(t, context)
	if len(files) < 50 || slices.ContainsFunc(files, func(f string) bool {
		return strings.HasPrefix(f, ".git") || strings.HasPrefix(f, "deploy") || strings.HasSuffix(f, ".db")
	}) {
		t.Errorf("%d files in the context: %v", len(files), files)
	}
	runs := 0
	for _, arch := range []string{"amd64", "arm64"} {
		for _, stage := range stages(t) {
			for _, c := range stage.Commands {
				if run, ok := c.(*instructions.RunCommand); ok {
					runs++
					runLine(t, context, arch, run.CmdLine[0])
				}
			}
		}
		static(t, filepath.Join(context, "bin/detector"), map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch])
	}
	if runs != 4 {
		t.Errorf("%d RUN lines", runs)
	}
	for _, stage := range stages(t) {
		for _, c := range stage.Commands {
			if c, ok := c.(*instructions.CopyCommand); ok && c.From == "build" {
				for _, source := range c.SourcePaths {
					if _, err := os.Stat(filepath.Join(context, strings.TrimPrefix(source, "/src"))); err != nil {
						t.Errorf("%s: %v", c, err)
					}
				}
			}
		}
	}
}

// runLine runs a RUN line as BuildKit does.
func runLine(t *testing.T, dir, arch, line string) {
	t.Helper()
	run := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
	run.Dir = dir
	run.Env = append(os.Environ(), "TARGETOS=linux", "TARGETARCH="+arch, "VERSION=v0.0.0-test")
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// static checks that a binary needs nothing of the image, and that it knows its version.
func static(t *testing.T, path string, machine elf.Machine) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, _ := f.ImportedLibraries()
	interpreted := slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
	if f.Machine != machine || len(libraries) > 0 || interpreted {
		t.Errorf("%s, libraries %v, interpreter: %v", f.Machine, libraries, interpreted)
	}
	raw, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(raw, []byte("v0.0.0-test")) {
		t.Errorf("the binary does not hold its version: %v", err)
	}
}

// copyContext copies what BuildKit would be sent.
func copyContext(t *testing.T, to string) (files []string) {
	t.Helper()
	patterns, err := ignorefile.ReadAll(bytes.NewReader(read(t, ".dockerignore")))
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		if err != nil || name == "." {
			return err
		}
		out, err := ignored.MatchesOrParentMatches(filepath.ToSlash(name))
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == ".git" || name == ".kafka"):
			return fs.SkipDir
		case out || d.IsDir():
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files = append(files, name)
		if err := os.MkdirAll(filepath.Join(to, filepath.Dir(name)), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), raw, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func stages(t *testing.T) []instructions.Stage {
	t.Helper()
	parsed, err := parser.Parse(bytes.NewReader(read(t, "Dockerfile")))
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	return stages
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, name))
	return err == nil
}
