package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	comment = regexp.MustCompile(`(?s)<!--.*?-->`)
	fence   = regexp.MustCompile("(?s)\n```.*?\n```")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	source  = regexp.MustCompile("`((?:[a-z]+/)+[a-z_]+\\.[a-z]+|[a-z]+\\.go)`")
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// Whatever the pages link to is there, sections too, and so is every file they name.
func TestPagesNameWhatExists(t *testing.T) {
	t.Chdir("../..")
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, page := range append(pages, "README.md") {
		text := prose(t, page)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(m[1], "://") && !linked(t, page, m[1]) {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
		for _, m := range source.FindAllStringSubmatch(text, -1) {
			if !onDisk(m[1]) {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
	}
}

// prose is a page without comments and code.
func prose(t *testing.T, page string) string {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return fence.ReplaceAllString(comment.ReplaceAllString(string(raw), ""), "")
}

// onDisk reports whether a file is there that a page names from the root, from pkg, or by its own name alone.
func onDisk(file string) bool {
	if !strings.Contains(file, "/") {
		there, err := filepath.Glob("*/*/" + file)
		return err == nil && len(there) > 0
	}
	return exists(file) || exists("pkg/"+file)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// linked reports whether the target of a link on a page exists.
func linked(t *testing.T, page, target string) bool {
	path, section, _ := strings.Cut(target, "#")
	if path = filepath.Join(filepath.Dir(page), path); strings.HasPrefix(target, "#") {
		path = page
	}
	if !exists(path) || section == "" {
		return exists(path)
	}
	for _, m := range heading.FindAllStringSubmatch(prose(t, path), -1) {
		if anchor(m[1]) == section {
			return true
		}
	}
	return false
}

// anchor is the name by which a heading is linked to.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}
