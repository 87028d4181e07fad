package checkup

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// database looks at what is known of the mirror without asking it.
func (c *checker) database(context.Context) []Finding {
	return []Finding{c.state(), c.scan(), c.share()}
}

func (c *checker) state() Finding {
	m := &c.Mirror
	f := Finding{Check: "state", Result: OK, What: "takes requests"}
	state, reason := m.State(c.o.Now(), c.o.MaxScanAge)
	if reason != "" {
		f.What = string(state) + ": " + reason
	} else if state != mirror.StateUp {
		f.What = string(state)
	}
	switch state {
	case mirror.StateUp:
		if m.Score == 0 {
			f.Result, f.What = Warn, "its score is 0: no client is sent there"
			f.Mend = "mbctl score " + m.Name + " 100"
		}
	case mirror.StateDisabled:
		f.Result, f.Mend = Warn, "clients are not sent there; when it is in order: mbctl enable "+m.Name
	case mirror.StateDown:
		f.Result, f.Mend = Fail, "clients are not sent there until a probe finds it up: see below for what its servers say"
	case mirror.StateNeverScanned, mirror.StateScanTooOld:
		f.Result, f.Mend = Fail, "clients are not sent there until a scan succeeds: mbctl scan "+m.Name
	case mirror.StateResting:
		f.Result = Warn
	case mirror.StateQuotaSpent:
		f.Result, f.Mend = Warn, "clients are not sent there until the next period of its quota"
	}
	return f
}

// oldScan is the age of a scan that is worth a word, in parts of the age that
// takes a mirror out.
const oldScan = 2

func (c *checker) scan() Finding {
	s := &c.Mirror.Scan
	f := Finding{Check: "last scan", Result: OK}
	age := c.o.Now().Sub(s.Succeeded)
	switch {
	case s.Succeeded.IsZero() && s.Error == "":
		f.Result, f.What, f.Mend = Warn, "never", "mbctl scan "+c.Mirror.Name
		return f
	case s.Succeeded.IsZero():
		f.What = "none has succeeded"
	default:
		f.What = fmt.Sprintf("%s ago by %s", long(age), s.Protocol)
	}
	switch {
	case s.Error != "":
		f.Result = Fail
		f.What += fmt.Sprintf("; failing since %s: %s", s.FailingSince.UTC().Format("2006-01-02 15:04"), s.Error)
		f.Mend = "its holdings are as of the last good scan, until they are too old; mbctl scan " + c.Mirror.Name + " says more"
	case c.o.MaxScanAge > 0 && age > c.o.MaxScanAge/oldScan:
		f.Result, f.Mend = Warn, fmt.Sprintf("after %s the mirror is taken out: is mbctl scan --all run regularly?", long(c.o.MaxScanAge))
	}
	return f
}

// enough is the share of its part of the tree that a mirror should have.
const enough = 0.9

func (c *checker) share() Finding {
	f := Finding{Check: "files held", Result: OK}
	if c.Carried == 0 {
		f.Result, f.What = Fail, "the index has no files in its part of the tree"
		f.Mend = "run mbctl index, or is --subtree right? (mbctl edit " + c.Mirror.Name + ")"
		return f
	}
	part := float64(c.Held) / float64(c.Carried)
	f.What = fmt.Sprintf("%d of %d current ones (%.1f%%)", c.Held, c.Carried, 100*part)
	switch {
	case c.Held == 0:
		f.Result, f.Mend = Fail, "clients are never sent there; mbctl scan "+c.Mirror.Name+" says why nothing is credited"
	case part < enough:
		f.Result, f.Mend = Warn, "mbctl dirs "+c.Mirror.Name+" --missing / shows what it lacks"
	}
	return f
}

// long gives a duration in one unit.
func long(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
