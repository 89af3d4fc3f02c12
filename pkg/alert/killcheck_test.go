package alert

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/revwatch/revwatch/pkg/detect"
)

// checkPager: one page an incident, and none after its end. It is no page at all only when it ended before anybody was paged.
func (m *massacre) checkPager(in detect.Incident) {
	over := in.Status == detect.StatusResolved
	pages, ended := 0, false
	for _, p := range m.pager.Pages() {
		if p.Key == in.ID {
			pages++
			if (p.State == "resolved") != over {
				m.t.Errorf("%s is %s, its page %s", in.ID, in.Status, p.State)
			}
		}
	}
	for _, e := range m.pager.Events() {
		switch e {
		case "resolve " + in.ID:
			ended = true
		case "trigger " + in.ID:
			if ended {
				m.t.Errorf("%s: a trigger after its end", in.ID)
			}
		}
	}
	if pages > 1 || pages == 0 && (!over || m.paged[in.ID]) {
		m.t.Errorf("%s: %d pages", in.ID, pages)
	}
	for _, e := range m.pager.Misplaced() {
		if strings.HasSuffix(e, in.ID) && m.doubts[recordKey("pager", in.ID)] == 0 {
			m.t.Errorf("%s: an end before its beginning", in.ID)
		}
	}
}

// checkBot: one post an incident, which shows how it is now; what a kill hid is found again.
func (m *massacre) checkBot(in detect.Incident) {
	posts := about(in.ID, m.slack.Posts())
	if len(posts) != 1 {
		m.t.Errorf("%s: %d posts", in.ID, len(posts))
		return
	}
	if over := in.Status == detect.StatusResolved; strings.Contains(posts[0].Shown, "is over") != over || !over && !strings.Contains(posts[0].Shown, count(in.Observed, "connection")) {
		m.t.Errorf("%s is %s with %d, its post shows %s", in.ID, in.Status, in.Observed, posts[0].Shown)
	}
}

// checkWebhook: a post a milestone, and one more for each that a kill put in doubt; the last one shows how it is now.
func (m *massacre) checkWebhook(in detect.Incident) {
	posts := about(in.ID, m.hooks.Posts())
	if most := in.Milestone + m.doubts[recordKey("hook", in.ID)]; len(posts) == 0 || len(posts) > most {
		m.t.Errorf("%s: %d posts, at most %d", in.ID, len(posts), most)
		return
	}
	for i, p := range posts {
		over := in.Status == detect.StatusResolved && (i == len(posts)-1 || strings.Contains(p.Shown, "is over") && strings.Contains(posts[i+1].Shown, "is over"))
		if strings.Contains(p.Shown, "is over") != over {
			m.t.Errorf("%s is %s, post %d of %d shows %s", in.ID, in.Status, i+1, len(posts), p.Shown)
		}
	}
}

// checkAlerts: one alert an incident, which began once and is on as long as the incident is. There is none only when it ended untold.
func (m *massacre) checkAlerts(in detect.Incident) {
	over, found := in.Status == detect.StatusResolved, 0
	for _, a := range m.alerts.Alerts() {
		if a.Annotations["incident"] != in.ID {
			continue
		}
		found++
		began := a.Fired == 1 || a.Fired == 0 && over && m.doubts[recordKey("alerts", in.ID)] > 0
		if !began || a.Firing(time.Now()) == over || a.Annotations["observed"] != strconv.Itoa(in.Observed) {
			m.t.Errorf("%s is %s with %d, its alert %+v", in.ID, in.Status, in.Observed, a)
		}
	}
	if found > 1 || found == 0 && !over {
		m.t.Errorf("%s: %d alerts", in.ID, found)
	}
}

// checkJSON: the states of an incident come in their order, and the last one is how it is now.
func (m *massacre) checkJSON(in detect.Incident) {
	last := 0
	for _, d := range m.json.Deliveries() {
		var p payload
		if err := json.Unmarshal([]byte(d.Body), &p); err != nil || p.ID != in.ID {
			continue
		}
		if p.Revision < last {
			m.t.Errorf("%s: revision %d after %d", in.ID, p.Revision, last)
		}
		last = p.Revision
	}
	if last != in.Revision {
		m.t.Errorf("%s: the last revision is %d, not %d", in.ID, last, in.Revision)
	}
}
