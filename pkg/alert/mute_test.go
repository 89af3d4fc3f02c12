package alert

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// saw is what a destination was asked to tell, in short.
func (w *world) saw(name string) string {
	var all []string
	for _, a := range w.seen(name) {
		all = append(all, fmt.Sprint(a.incident[len("incident-"):], " ", a.Phase, " ", a.Milestone))
	}
	return strings.Join(all, ", ")
}

// TestASilenceFromItsBeginningToItsEnd: nobody is told meanwhile but that it is silenced; then everything goes on.
func TestASilenceFromItsBeginningToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.begin(t, 1, webhook, bot, pager)
		first, second, ended1 := opened(1), opened(2), opened(3)
		for _, in := range []*detect.Incident{&first, &second, &ended1} {
			in.Provider = "p"
		}
		l.tell(bookOf(first))
		time.Sleep(time.Minute)
		l.hush("p", 59*time.Minute+17*time.Second) // no full minute: then every lane looks anyway
		time.Sleep(time.Minute)
		first.Revision, first.Milestone = 2, 2
		l.tell(bookOf(first, second, ended1))
		time.Sleep(time.Minute)
		ended1 = ended(ended1)
		ended1.ResolvedAt = time.Now()
		l.tell(bookOf(first, second, ended1))
		time.Sleep(time.Minute)
		synctest.Wait()
		if a, b, c := w.saw("d0"), w.saw("d1"), w.saw("d2"); a != "1 open 1" || b != "1 open 1, 1 hush 1" || c != b {
			t.Errorf("meanwhile: %q, %q, %q", a, b, c)
		}
		for _, st := range l.notifier.Status() {
			if st.Pending != 0 {
				t.Errorf("pending: %+v", st)
			}
		}
		l.end() // it survives a restart
		l = w.begin(t, 2, webhook, bot, pager)
		defer l.end()
		l.tell(bookOf(first, second, ended1))
		all := l.notifier.Silences()
		if len(all) != 1 || all[0].Author != "a" {
			t.Fatalf("silences %+v", all)
		}
		time.Sleep(time.Until(all[0].Until) - time.Millisecond)
		synctest.Wait()
		before := [3]int{len(w.seen("d0")), len(w.seen("d1")), len(w.seen("d2"))}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if before != [3]int{1, 2, 2} {
			t.Errorf("told before it ended: %v", before)
		}
		for i := range 3 {
			got := w.saw(fmt.Sprint("d", i))
			if !strings.Contains(got, "1 open 2") || !strings.Contains(got, "2 open 1") || strings.Contains(got, "3 ") {
				t.Errorf("destination %d afterwards: %q", i, got)
			}
		}
		w.check(t)
	})
}

// TestTheEndOfWhatWasToldIsTold though it is silenced.
func TestTheEndOfWhatWasToldIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := w.begin(t, 1, webhook, bot, pager)
		defer l.end()
		in := opened(1)
		in.Provider = "p"
		l.tell(bookOf(in))
		time.Sleep(90 * time.Second)
		l.hush("p", time.Hour)
		time.Sleep(time.Second)
		synctest.Wait()
		if a, b := w.saw("d1"), w.saw("d2"); a != "1 open 1, 1 hush 1" || b != a {
			t.Errorf("hushed late: %q, %q", a, b)
		}
		time.Sleep(time.Minute)
		in = ended(in)
		in.ResolvedAt = time.Now()
		l.tell(bookOf(in))
		time.Sleep(time.Minute)
		synctest.Wait()
		for i, want := range []string{"1 open 1, 1 resolve 2", "1 open 1, 1 hush 1, 1 resolve 2", "1 open 1, 1 hush 1, 1 resolve 2"} {
			if got := w.saw(fmt.Sprint("d", i)); got != want {
				t.Errorf("destination %d saw %q", i, got)
			}
		}
		w.check(t)
	})
}

// TestASilenceOfOneThingIsNotOneOfThePipeline: that no rows come is silenced only by name.
func TestASilenceOfOneThingIsNotOneOfThePipeline(t *testing.T) {
	all := Silence{Match: Match{Severity: "warning"}}
	named := Silence{Match: Match{Signal: []string{detect.Silence, detect.Weekly}}}
	for _, in := range []detect.Incident{silence(), {Signal: detect.Weekly}} {
		e := &entry{Incident: &in, severity: warning}
		if all.means(e) || !named.means(e) {
			t.Errorf("%s: %v, %v", in.Signal, all.means(e), named.means(e))
		}
	}
	in := revoked()
	if e := (&entry{Incident: &in, severity: warning}); !all.means(e) || named.means(e) {
		t.Error("an incident")
	}
}

func TestSilencesAreChecked(t *testing.T) {
	now := onset
	saved := map[string][]byte{}
	var broken error
	n, err := NewNotifier(Options{Now: func() time.Time { return now }, Save: func(in, key string, value []byte) error {
		if in != bucketSilences {
			t.Errorf("wrote to %q", in)
		}
		if broken == nil {
			saved[key] = value
		}
		return broken
	}})
	if err != nil {
		t.Fatal(err)
	}
	good := Silence{Match: Match{Provider: []string{"google-*"}}, Author: " ana\n", Reason: "we \x1b[31m know", Until: now.Add(time.Hour)}
	for name, change := range map[string]func(*Silence){
		"no author":    func(s *Silence) { s.Author = "\x00 " },
		"long author":  func(s *Silence) { s.Author = strings.Repeat("é", maxNote+1) },
		"no reason":    func(s *Silence) { s.Reason = "" },
		"long reason":  func(s *Silence) { s.Reason = strings.Repeat("x", 1<<20) },
		"no end":       func(s *Silence) { s.Until = time.Time{} },
		"ends now":     func(s *Silence) { s.Until = now },
		"ends before":  func(s *Silence) { s.Until = now.Add(-time.Minute) },
		"too long":     func(s *Silence) { s.Until = now.Add(maxSilence + time.Second) },
		"everything":   func(s *Silence) { s.Match = Match{} },
		"bad severity": func(s *Silence) { s.Severity = "Critical" },
		"bad entry":    func(s *Silence) { s.Environment = []string{"pr\u202eod"} },
	} {
		s := good
		if change(&s); true {
			if _, err := n.Silence(s); err == nil {
				t.Errorf("%s: taken", name)
			}
		}
	}
	if len(saved) > 0 || len(n.Silences()) > 0 {
		t.Fatalf("saved %v", saved)
	}
	broken = errors.New("no space left on device")
	if _, err := n.Silence(good); !errors.Is(err, broken) || len(n.Silences()) > 0 {
		t.Errorf("not saved: %v, %v", err, n.Silences())
	}
	broken = nil
	s, err := n.Silence(good)
	if err != nil || s.ID == "" || s.Author != "ana" || s.Reason != "we [31m know" || !s.From.Equal(now) || saved[s.ID] == nil {
		t.Errorf("%+v, %v", s, err)
	}
	later := good
	later.From = now.Add(time.Minute) // is not asked for: it begins now
	other, err := n.Silence(later)
	if err != nil || other.ID == s.ID || !other.From.Equal(now) || len(n.Silences()) != 2 {
		t.Errorf("%+v, %v", other, err)
	}
	for _, id := range []string{s.ID, other.ID} {
		if err := n.EndSilence(id); err != nil {
			t.Error(err)
		}
		if n.EndSilence(id) == nil {
			t.Error("ended twice")
		}
	}
	if n.EndSilence("") == nil || len(n.Silences()) != 0 || len(saved) != 2 {
		t.Errorf("left %v", n.Silences())
	}
	now = now.Add(keptSilence + time.Hour) // the next change sweeps
	good.Until = now.Add(time.Hour)
	if _, err := n.Silence(good); err != nil || saved[s.ID] != nil || saved[other.ID] != nil {
		t.Errorf("%v, still saved: %q", err, saved[s.ID])
	}
	for range maxSilences - 1 {
		if _, err := n.Silence(good); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := n.Silence(good); err == nil {
		t.Error("no limit")
	}
}

func TestSilencesComeBack(t *testing.T) {
	saved := map[string][]byte{}
	o := Options{Now: func() time.Time { return onset }, Save: func(_, key string, value []byte) error { saved[key] = value; return nil }}
	n, err := NewNotifier(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := n.Silence(Silence{Match: Match{Provider: []string{"p"}, Severity: "critical"}, Author: "a", Reason: "r", Until: onset.Add(time.Duration(3-i) * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	again, err := NewNotifier(o)
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range saved {
		if err := again.Restore(bucketSilences, key, value); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := fmt.Sprint(n.Silences()), fmt.Sprint(again.Silences()); a != b || len(again.Silences()) != 3 || !again.Silences()[0].Until.Before(again.Silences()[2].Until) {
		t.Errorf("%s\n%s", a, b)
	}
	if again.Restore(bucketSilences, "x", []byte("{")) == nil {
		t.Error("a broken silence is no error")
	}
	nobody, err := NewNotifier(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nobody.Silence(Silence{Match: Match{Severity: "critical"}, Author: "a", Reason: "r", Until: time.Now().Add(time.Hour)}); err == nil {
		t.Error("a silence that is kept nowhere")
	}
}
