package checkup

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/copies"
)

// behindWarn is how far behind the origin a mirror may be; a trace file that
// the index does not know may be as old.
const behindWarn = 24 * time.Hour

// trace compares the trace file with the origin's, or where the index does not
// know it, with the clock.
func (c *checker) trace(ctx context.Context, base string) []Finding {
	f := Finding{Check: "trace file", About: shown(base), Result: Skip, What: "the index has none in " + TracePattern + " (--trace names another)"}
	if c.Trace == nil {
		return []Finding{f}
	}
	p, ok := c.copyOf(base, c.Trace)
	if !ok {
		f.What = "not in its part of the tree"
		return []Finding{f}
	}
	f.About = p.URL()
	copied := copies.Ask(ctx, []copies.Place{p}, copies.Options{Timeout: c.o.Timeout, Log: c.o.Log})[0]
	switch {
	case copied.Err != nil:
		f.Result, f.What, f.Mend = Warn, because(copied.Err), "when it last synchronised is not known"
	case !copied.Found && copied.Status == http.StatusNotFound:
		f.Result, f.What, f.Mend = Warn, "the mirror has none", "does it leave it out, or has it never synchronised wholly?"
	case !copied.Found:
		f.Result, f.What, f.Mend = Warn, fmt.Sprintf("HTTP status %d", copied.Status), "when it last synchronised is not known"
	case copied.Entry.Precision <= 0:
		f.What = "the mirror does not tell its time"
	default:
		c.behind(&f, time.Unix(0, copied.Entry.MTime))
	}
	return []Finding{f}
}

// behind says how old the mirror's trace file is.
func (c *checker) behind(f *Finding, at time.Time) {
	reference, word := c.o.Now(), "old"
	if c.Trace.Version.ID != 0 {
		reference, word = time.Unix(0, c.Trace.Version.MTime).Truncate(time.Second), "behind the origin's"
	}
	lag := reference.Sub(at)
	f.Result = OK
	switch {
	case lag <= 0 && c.Trace.Version.ID != 0:
		f.What = "as new as the origin's, of " + at.UTC().Format(time.DateTime)
		return
	case lag > behindWarn && c.o.MaxScanAge > 0 && lag > c.o.MaxScanAge:
		f.Result = Fail
	case lag > behindWarn:
		f.Result = Warn
	}
	f.What = fmt.Sprintf("%s %s", long(lag), word)
	if f.Result != OK {
		f.Mend = "it does not synchronise as it should: tell its operator"
	}
}
