package mirrorstatus

import (
	"fmt"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// bandHeight is that of the band of states, and bandTop where classes other than
// up begin: nobody needs to tell them by their colours.
const bandHeight = 46

var bandTop = map[string]int{classUp: 4, classOut: 12, classLate: 12, classDown: 18}

// stateChart is which state the mirror had when.
func (w words) stateChart(changes []mirror.StateChange, a axis) chart {
	c := w.empty(w.Status.StatesTitle)
	c.Wide = true
	spans := stateSpans(changes, a)
	if len(spans) == 0 {
		return c
	}
	var known, up time.Duration
	var d drawing
	for _, s := range spans {
		known += s.to.Sub(s.from)
		if s.class == classUp {
			up += s.to.Sub(s.from)
		}
		x, end := a.x(s.from), a.x(s.to)
		top := bandTop[s.class]
		d.printf(`<rect class="mirrorbrain-band-%s" x="%s" y="%d" width="%s" height="%d"/>`, s.class, num(x), top, num(max(0.4, end-x)), 26-top)
	}
	for _, t := range a.ticks() {
		d.text(min(a.x(t.at), plotRight-14), 41, "middle", t.name)
	}
	c.Text = fmt.Sprintf(w.Status.StatesSay, w.percent(float64(up)/float64(max(1, known))))
	d.image(&c, bandHeight)
	return c
}

// stateSpan is a time in which the class of the state was one.
type stateSpan struct {
	from, to time.Time
	class    string
}

// stateSpans are those within an axis.
func stateSpans(changes []mirror.StateChange, a axis) (spans []stateSpan) {
	for i, c := range changes {
		s := stateSpan{c.At, a.to, classOf(c.State)}
		if i+1 < len(changes) {
			s.to = changes[i+1].At
		}
		if s.from.Before(a.from) {
			s.from = a.from
		}
		if s.to.After(a.to) {
			s.to = a.to
		}
		if !s.from.Before(s.to) {
			continue
		}
		if n := len(spans); n > 0 && spans[n-1].class == s.class && spans[n-1].to.Equal(s.from) {
			spans[n-1].to = s.to
			continue
		}
		spans = append(spans, s)
	}
	return spans
}
