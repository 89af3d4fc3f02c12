package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/revwatch/revwatch/pkg/alert"
	"github.com/revwatch/revwatch/pkg/detect"
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

// In shadow mode nobody would be told of what is silenced.
func TestShadowKeepsSilences(t *testing.T) {
	f := newFollower(t)
	c, err := loadConfig(write(t, twoOf+"alerts.shadow: true\n"))
	if err != nil {
		t.Fatal(err)
	}
	to, err := c.alertTo()
	if err != nil {
		t.Fatal(err)
	}
	o := c.notifying(to)
	o.Save = f.save
	if f.notifier, err = alert.NewNotifier(o); err != nil {
		t.Fatal(err)
	}
	f.shadow = true
	would := func(provider string) string {
		return fmt.Sprint(f.would(&detect.Incident{Signal: detect.Revocations, Provider: provider, Time: time.Now()}).Interface)
	}
	s, err := f.notifier.Silence(alert.Silence{Match: alert.Match{Provider: []string{"google-*"}}, Author: "Kim", Reason: "key rotation", Until: time.Now().Add(time.Hour)})
	if err != nil || would("google-mail") != "[]" || would("outlook") != "[slack pagerduty]" {
		t.Errorf("would tell %s of what is silenced, %s of the rest, %v", would("google-mail"), would("outlook"), err)
	}
	if err := f.notifier.EndSilence(s.ID); err != nil || would("google-mail") != "[slack pagerduty]" {
		t.Errorf("would tell %s afterwards, %v", would("google-mail"), err)
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
