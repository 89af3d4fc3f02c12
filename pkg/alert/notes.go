package alert

import (
	"slices"
	"strings"
)

// maxNotes is how many lines may come before the explanation: that it is a test, who silenced it, who should have been told.
const maxNotes = 2

// note puts a line before the explanation.
func (m *message) note(line string) {
	m.why = slices.Insert(slices.Clip(m.why), 0, line)
	m.why = m.why[:min(len(m.why), maxWhy+maxNotes)]
}

// silenced says who silenced the incident, until when and why.
func (m *message) silenced(s Silence) {
	line := "Silenced by " + or(short(s.Author, maxName), "somebody") + " until " + moment(s.Until) + ": " + or(short(s.Reason, maxLine/2), "no reason given")
	m.note(line)
	m.summary = short(sentence(line)+" "+m.summary, 2*maxLine)
}

// instead says that another destination refuses to be told, and why.
func (m *message) instead(destination, reason string) {
	m.note(or(short(destination, maxName), "Another destination") + " refuses what it is told (" + or(short(reason, maxLine/2), "no reason given") + "): told here instead")
}

const testSign = "[TEST] "

// marked makes it a test for everybody who sees it. It does nothing to a message that is marked.
func (m *message) marked() {
	if m.test && strings.HasPrefix(m.headline, testSign) {
		return
	}
	m.test = true
	m.headline, m.summary = testSign+m.headline, short(testSign+m.summary, 2*maxLine)
	m.note("This is a test: nothing happened.")
}
