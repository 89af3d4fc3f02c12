package alert

import "slices"

// To be deleted when the message has these.

func (m *message) silenced(s Silence) {
	m.why = slices.Insert(slices.Clip(m.why), 0, "Silenced by "+s.Author+" until "+moment(s.Until)+": "+s.Reason)
}

func (m *message) marked() {
	m.test, m.headline, m.summary = true, "[TEST] "+m.headline, "[TEST] "+m.summary
	m.why = slices.Insert(slices.Clip(m.why), 0, "This is a test: nothing happened.")
}
