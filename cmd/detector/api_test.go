package main

import (
	"errors"
	"testing"

	"github.com/revwatch/revwatch/pkg/web"
)

// What the API says of a state file that takes nothing is that it is not the asker's fault, and not where the file is.
func TestSilenceThatCannotBeSaved(t *testing.T) {
	f := newFollower(t)
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := unsaved(f.save("silences", "a", []byte("{}"))); !errors.Is(err, web.ErrUnavailable) || err.Error() != web.ErrUnavailable.Error()+": it cannot be saved" {
		t.Errorf("said %v", err)
	}
	if err := unsaved(errors.New("a reason is needed")); err.Error() != "a reason is needed" || errors.Is(err, web.ErrUnavailable) {
		t.Errorf("said %v", err)
	}
}

// A member that tells nobody knows of no silence, and does not say that there is none.
func TestSilencesOfAStandby(t *testing.T) {
	f := newFollower(t)
	if _, err := f.silences(); !errors.Is(err, web.ErrUnavailable) {
		t.Errorf("said %v", err)
	}
	if err := f.unhush("a"); !errors.Is(err, web.ErrUnavailable) {
		t.Errorf("said %v", err)
	}
}
