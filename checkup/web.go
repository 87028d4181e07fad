package checkup

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// front asks for the base URL itself: how far it redirects, and whether the
// clock is right.
func (c *checker) front(ctx context.Context, base string) []Finding {
	a, err := c.ask(ctx, http.MethodHead, base, 0)
	return []Finding{c.redirects(base, a, err), c.clock(base, a, err)}
}

func (c *checker) redirects(base string, a answer, err error) Finding {
	f := Finding{Check: "redirects", About: shown(base), Result: OK, What: "none"}
	if len(a.chain) > 0 {
		f.What = "leads to " + strings.Join(a.chain, ", then to ")
	}
	switch {
	case err != nil && len(a.chain) > 0:
		f.Result = Fail
		f.What += ": " + because(err)
		f.Mend = "scans do not follow, clients may: is the place it leads to the mirror's own? Then set the URL to it, or allow it (--redirects of mbctl edit)"
	case err != nil:
		f.Result, f.What = Fail, because(err)
		f.Mend = "clients that are sent there get nothing"
	case len(a.chain) > 0 && upgraded(base, a.chain[len(a.chain)-1]):
		f.Result, f.Mend = Warn, "it wants https: give it an https URL (mbctl edit "+c.Mirror.Name+" -H), so that clients need not ask twice"
	case len(a.chain) > 0:
		f.Result, f.Mend = Warn, "clients ask twice; if it does so for files as well, set the URL to where it leads"
	}
	return f
}

func upgraded(from, to string) bool {
	f, err1 := url.Parse(from)
	t, err2 := url.Parse(to)
	return err1 == nil && err2 == nil && f.Scheme == "http" && t.Scheme == "https" && strings.EqualFold(f.Hostname(), t.Hostname())
}

// maxSkew is how wrong a clock may be.
const maxSkew = 2 * time.Minute

func (c *checker) clock(base string, a answer, err error) Finding {
	f := Finding{Check: "clock", About: shown(base), Result: Skip, What: "no Date header"}
	if err != nil {
		f.What = "no answer"
		return f
	}
	at, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return f
	}
	skew := at.Sub(c.o.Now())
	f.Result, f.What = OK, fmt.Sprintf("right to %s", long(max(skew.Abs(), time.Second)))
	if skew.Abs() > maxSkew {
		f.Result, f.What = Warn, fmt.Sprintf("%s ahead", long(skew))
		if skew < 0 {
			f.What = fmt.Sprintf("%s behind", long(-skew))
		}
		f.Mend = "caches and signed URLs go wrong; tell its operator that the server needs NTP"
	}
	return f
}

// absent asks for a file that cannot be there.
func (c *checker) absent(ctx context.Context, base string) []Finding {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	a, err := c.ask(ctx, http.MethodHead, base+"no-such-file-"+hex.EncodeToString(b[:]), 0)
	f := Finding{Check: "missing file", About: shown(base), Result: OK}
	switch {
	case err != nil && len(a.chain) > 0:
		f.Result, f.What = Warn, fmt.Sprintf("redirects to %s: %s", a.chain[len(a.chain)-1], because(err))
		f.Mend = "a file that is missing should be a 404; clients are sent about"
	case err != nil:
		f.Result, f.What = Skip, because(err)
	case a.status == http.StatusNotFound || a.status == http.StatusGone:
		f.What = fmt.Sprintf("status %d, as it should be", a.status)
	case a.status < 300:
		f.Result, f.What = Fail, fmt.Sprintf("status %d for a file that does not exist", a.status)
		f.Mend = "clients would take an error page for the file, and scans by HEAD find everything: tell its operator, disable it until then"
	default:
		f.Result, f.What = Warn, fmt.Sprintf("status %d for a file that does not exist, instead of 404", a.status)
		f.Mend = "scans do not learn from it what is gone"
	}
	return []Finding{f}
}
