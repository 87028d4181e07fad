package daemon

import (
	"fmt"
	"strings"
	"time"
)

// tell tells the service manager how things are. It is called by the loop
// itself, so that silence means that the loop is stuck.
func (l *loop) tell() {
	if l.o.Unit == nil {
		return
	}
	if time.Since(l.heard) < stuck {
		l.o.Unit.Alive()
	}
	l.o.Unit.Status(l.status(""))
}

// status is one line for people: "scanning 3 mirrors, next index in 4 min".
func (l *loop) status(prefix string) string {
	if l.see == nil {
		return prefix + "waiting for the database"
	}
	var parts []string
	if l.away != "" {
		parts = append(parts, "the database cannot be read")
	}
	if n := l.count(fullScan); n > 0 {
		parts = append(parts, "scanning "+several(n, "mirror"))
	}
	if n := l.count(folderScan) + l.count(missScan); n > 0 {
		parts = append(parts, "scanning "+several(n, "folder"))
	}
	for _, t := range l.running {
		if t.kind == jobRun {
			parts = append(parts, t.job.Name+" runs")
		}
	}
	if prefix == "" {
		parts = append(parts, l.next(time.Now())...)
	}
	if len(parts) == 0 {
		return prefix + "nothing to do"
	}
	return prefix + strings.Join(parts, ", ")
}

// next says when the next scan and the next job are due.
func (l *loop) next(now time.Time) (parts []string) {
	seen := map[string]bool{}
	for _, t := range plan(&l.s, l.see, now) {
		name := "scan"
		switch t.kind {
		case jobRun:
			name = t.job.Name
		case granting:
			continue
		case fullScan, folderScan, missScan:
		}
		if _, running := l.running[t.key]; running || seen[name] {
			continue
		}
		seen[name] = true
		parts = append(parts, fmt.Sprintf("next %s %s", name, in(later(t.due, l.pauses[t.key]).Sub(now))))
	}
	return parts
}

func several(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// in says in how long something comes, in whole minutes: more often the line
// need not change.
func in(d time.Duration) string {
	switch {
	case d <= 0:
		return "now"
	case d < time.Minute:
		return "within a minute"
	case d < 2*time.Hour:
		return fmt.Sprintf("in %d min", int(d.Minutes()))
	}
	return fmt.Sprintf("in %d h", int(d.Hours()))
}
