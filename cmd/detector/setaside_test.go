package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A damaged state file ends the program, or is set aside where that is asked for: then the metrics say so, and nothing of it is thrown away.
func TestRunDamagedState(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	state := filepath.Join(s.dir, "state.db")
	damaged := strings.Repeat("no state ", 1000)
	if err := os.WriteFile(state, []byte(damaged), 0o600); err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	if code := command(t.Context(), []string{"run", "-config", s.config()}, nil, &errs, &errs); code != exitConfig {
		t.Fatalf("exit code %d with a damaged state: %s", code, errs.String())
	}
	stop := s.start(s.config("state.on_corrupt: set_aside"))
	s.await("the metrics say so", func() bool { return s.metric(`^revwatch_state_set_aside`) == 1 })
	if code := stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	aside, err := filepath.Glob(state + ".damaged-*")
	if err != nil || len(aside) != 1 {
		t.Fatal(aside, err)
	}
	if kept, err := os.ReadFile(aside[0]); err != nil || string(kept) != damaged {
		t.Errorf("%d bytes are kept of %d: %v", len(kept), len(damaged), err)
	}
	stop = s.start(s.config())
	s.await("it is over with the next start", func() bool { return s.metric(`^revwatch_owner`) == 1 })
	if s.metric(`^revwatch_state_set_aside`) != 0 {
		t.Error("still set aside")
	}
	stop()
}
