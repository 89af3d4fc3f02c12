package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/revwatch/revwatch/pkg/detect"
	"github.com/revwatch/revwatch/pkg/web"
)

// plainEvery is how often the state is printed where there is no terminal.
const plainEvery = 5 * time.Second

// screen shows the demo: on a terminal lines that stay, and below them a table that is drawn anew; elsewhere plain lines. It is safe for
// concurrent use.
type screen struct {
	out  io.Writer
	live bool // a terminal

	mu    sync.Mutex
	foot  []string  // what is drawn below the lines
	shown time.Time // when a foot was last printed, without a terminal
}

func newScreen(out io.Writer) *screen { return &screen{out: out, live: isTerminal(out)} }

// Write puts a text that stays above the table. It is how alerts are shown.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	n, err := s.out.Write(p)
	s.draw()
	return n, err
}

// say puts a line that stays.
func (s *screen) say(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// progress shows what is going on, on a terminal in place; elsewhere now and then.
func (s *screen) progress(format string, args ...any) { s.replace(fmt.Sprintf(format, args...)) }

// show draws the table; without a terminal it prints one line now and then.
func (s *screen) show(x web.Snapshot) {
	if !s.live {
		s.replace(summary(x))
		return
	}
	lines := []string{"", fmt.Sprintf("\x1b[1m%-34s %10s %10s %8s  %s\x1b[0m", "provider", "last hour", "expected", "score", "state")}
	for _, v := range x.Series {
		if v.Signal != detect.Revocations {
			continue
		}
		name := clean(v.Provider)
		if v.Cause != "revoked" {
			name += " (" + clean(v.Cause) + ")"
		}
		state := v.State
		if state == detect.StateOpen {
			state = "\x1b[31mOPEN " + v.Incident + "\x1b[0m"
		}
		hour := v.Windows[1]
		lines = append(lines, fmt.Sprintf("%-34s %10.0f %10.2f %8.2f  %s", name, hour.Observed, hour.Expected, v.Score, state))
	}
	s.replace(append(lines, "", summary(x), "A score of 1 opens an incident. Ctrl-C ends.")...)
}

// summary is the state in one line.
func summary(x web.Snapshot) string {
	open := 0
	for _, in := range x.Incidents {
		if in.Status != detect.StatusResolved && !in.Past {
			open++
		}
	}
	return fmt.Sprintf("%s  %d rows read, %d failures, %d connections broke, %s open", x.At.Format("Mon 15:04"), x.Reader.Records,
		failures(x.Reader), x.Detector.Broken, plural(open, "incident"))
}

func (s *screen) replace(foot ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live {
		s.erase()
		s.foot = foot
		s.draw()
		return
	}
	if time.Since(s.shown) < plainEvery {
		return
	}
	s.shown = time.Now()
	fmt.Fprintln(s.out, strings.Join(foot, "\n"))
}

// erase takes the foot off the screen: up to its first line, and clear from there.
func (s *screen) erase() {
	if s.live && len(s.foot) > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\r\x1b[J", len(s.foot))
	}
}

func (s *screen) draw() {
	if !s.live {
		return
	}
	width := s.width()
	for _, line := range s.foot {
		if os.Getenv("NO_COLOR") != "" {
			line = plain.ReplaceAllString(line, "")
		}
		fmt.Fprintln(s.out, clip(line, width))
	}
}

var plain = regexp.MustCompile("\x1b\\[[0-9]*m")

// colour says whether alerts may be coloured (https://no-color.org).
func (s *screen) colour() bool { return s.live && os.Getenv("NO_COLOR") == "" }

// width is the number of columns; 100 where there is no terminal.
func (s *screen) width() int {
	if f, ok := s.out.(*os.File); ok && s.live {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 100
}

// clip cuts a line to so many columns, so that it takes one row of the screen; colours take none, and end with the line.
func clip(line string, width int) string {
	columns, colour := 0, false
	for i, r := range line {
		switch {
		case r == '\x1b':
			colour = true
		case colour:
			colour = r != 'm'
		case columns == width:
			return line[:i] + "\x1b[0m"
		default:
			columns++
		}
	}
	return line
}
