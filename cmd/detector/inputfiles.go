package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// openInputs opens every file, or none. "-" is in, a directory stands for the files in it, and a pattern for what it matches.
func openInputs(paths []string, in io.Reader) (files []*input, err error) {
	defer func() {
		if err != nil {
			closeInputs(files)
			files = nil
		}
	}()
	names, err := inputNames(paths)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name == "-" {
			files = append(files, newInput(name, in, func() error { return nil }))
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return files, err
		}
		next := newInput(name, f, f.Close)
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			next.size = info.Size()
		}
		files = append(files, next)
	}
	return files, nil
}

func closeInputs(files []*input) {
	for _, f := range files {
		f.packed.finish()
		f.close()
	}
}

// inputNames says which files are meant, each once.
func inputNames(paths []string) (names []string, err error) {
	seen := map[string]bool{}
	for _, path := range paths {
		if seen[path] {
			return nil, usageError{fmt.Sprintf("--input %s is given twice", path)}
		}
		seen[path] = true
		found, err := inputsAt(path)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// inputsAt returns the files for which one name stands, in the order of their names.
func inputsAt(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case path == "-":
		return []string{path}, nil
	case err == nil && info.IsDir():
		return filesIn(path)
	case err != nil && strings.ContainsAny(path, "*?["):
		found, _ := filepath.Glob(path) // a pattern that is none matches nothing
		if len(found) == 0 {
			return nil, fmt.Errorf("--input %s: no file is called so", path)
		}
		return found, nil
	}
	return []string{path}, nil
}

// filesIn lists the files in a directory, without hidden ones and what lies deeper.
func filesIn(dir string) (files []string, err error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		path := filepath.Join(dir, f.Name())
		info, err := os.Stat(path) // of what a link leads to; where it leads nowhere, opening says so
		if !strings.HasPrefix(f.Name(), ".") && (err != nil || info.Mode().IsRegular()) {
			files = append(files, path)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("--input %s: the directory holds no files", dir)
	}
	return files, nil
}
