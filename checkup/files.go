package checkup

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/copies"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/scanner"
)

// copyOf is where a base URL should have a file.
func (c *checker) copyOf(base string, f *Sample) (copies.Place, bool) {
	rel, ok := c.below(f.Path)
	return copies.Place{Mirror: c.Mirror.Name, Base: base, Path: rel, Client: c.o.Client}, ok
}

// files asks for some files that the mirror is credited with.
func (c *checker) files(ctx context.Context, base string) []Finding {
	f := Finding{Check: "held files", About: shown(base), Result: OK}
	var places []copies.Place
	var of []*Sample
	for i := range c.Files {
		if p, ok := c.copyOf(base, &c.Files[i]); ok {
			places, of = append(places, p), append(of, &c.Files[i])
		}
	}
	if len(places) == 0 {
		f.Result, f.What = Skip, "it is credited with none"
		return []Finding{f}
	}
	good, first := 0, ""
	for i, copied := range copies.Ask(ctx, places, copies.Options{Timeout: c.o.Timeout, Log: c.o.Log}) {
		why := wrong(&copied, of[i])
		if why == "" {
			good++
		} else if first == "" {
			first = fmt.Sprintf("%.300q: %s", of[i].Path, why)
		}
	}
	f.What = fmt.Sprintf("%d of %d asked for have the right size and time", good, len(places))
	if good < len(places) {
		f.Result, f.What = Fail, f.What+"; "+first
		f.Mend = "it changed since the last scan: mbctl scan " + c.Mirror.Name + "; if that finds it again, rsync lists something else than the web server has"
	}
	return []Finding{f}
}

// wrong says why a copy is not the file; "": it is.
func wrong(copied *copies.Copy, f *Sample) string {
	switch {
	case copied.Err != nil:
		return because(copied.Err)
	case copied.Page:
		return "a web page came instead"
	case !copied.Found:
		return fmt.Sprintf("HTTP status %d", copied.Status)
	case copied.Entry.SizeMin < 0:
		return "its size is not told"
	case copied.Entry.SizeMin != f.Version.Size:
		return fmt.Sprintf("%d bytes instead of %d", copied.Entry.SizeMin, f.Version.Size)
	}
	if verdict, _ := scanner.Judge(copied.Entry, append([]mirror.Version{f.Version}, f.Earlier...)); verdict == scanner.Stale {
		return "older than the origin's, of " + time.Unix(0, copied.Entry.MTime).UTC().Format(time.DateTime)
	}
	return ""
}

// content reads a short file and compares its digest.
func (c *checker) content(ctx context.Context, base string) []Finding {
	f := Finding{Check: "content", About: shown(base), Result: Skip, What: "no short file that it is credited with is hashed (mbctl hash)"}
	if c.Small == nil {
		return []Finding{f}
	}
	p, ok := c.copyOf(base, c.Small)
	if !ok {
		return []Finding{f}
	}
	f.About = p.URL()
	copied := copies.Ask(ctx, []copies.Place{p}, copies.Options{Timeout: c.o.Timeout, Digest: true, MaxBytes: smallFile, Log: c.o.Log})[0]
	switch {
	case copied.Digested && copied.SHA256 == *c.Small.SHA256:
		f.Result, f.What = OK, "SHA-256 is equal"
	case copied.Digested:
		f.Result, f.What = Fail, fmt.Sprintf("SHA-256 differs (%d bytes read)", copied.Read)
		f.Mend = "clients get something else than the origin has: disable it (mbctl disable " + c.Mirror.Name + ") and ask its operator"
	default:
		f.Result, f.What = Fail, wrong(&copied, c.Small)
		f.Mend = "mbctl scan " + c.Mirror.Name
	}
	return []Finding{f}
}

// headers looks at what clients need for going on with a download, and scans
// for knowing versions apart.
func (c *checker) headers(ctx context.Context, base string) []Finding {
	if len(c.Files) == 0 {
		return nil
	}
	address, ok := c.url(base, c.Files[0].Path)
	if !ok {
		return nil
	}
	f := Finding{Check: "headers", About: shown(address), Result: OK, What: "Last-Modified and Accept-Ranges are there"}
	a, err := c.ask(ctx, http.MethodHead, address, 0)
	if err != nil || a.status != http.StatusOK {
		f.Result, f.What = Skip, "no answer" // the check of held files says why
		return []Finding{f}
	}
	var lacks, means []string
	if _, err := http.ParseTime(a.header.Get("Last-Modified")); err != nil {
		lacks = append(lacks, "Last-Modified")
		means = append(means, "versions of one size cannot be told apart by HEAD")
	}
	if !strings.Contains(strings.ToLower(a.header.Get("Accept-Ranges")), "bytes") {
		lacks = append(lacks, "Accept-Ranges: bytes")
		means = append(means, "interrupted and segmented downloads may begin anew")
	}
	if len(lacks) > 0 {
		f.Result, f.What, f.Mend = Warn, "lacks "+strings.Join(lacks, " and "), strings.Join(means, "; ")
	}
	return []Finding{f}
}

// packed looks whether a compressed file is sent as if it were to be unpacked.
func (c *checker) packed(ctx context.Context, base string) []Finding {
	if c.Gzip == nil {
		return nil
	}
	address, ok := c.url(base, c.Gzip.Path)
	if !ok {
		return nil
	}
	f := Finding{Check: "compressed file", About: shown(address), Result: OK, What: "sent as it is"}
	a, err := c.ask(ctx, http.MethodHead, address, 0, "Accept-Encoding", "gzip")
	switch encoding := a.header.Get("Content-Encoding"); {
	case err != nil || a.status != http.StatusOK:
		f.Result, f.What = Skip, "no answer"
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		f.Result, f.What = Warn, fmt.Sprintf("sent with Content-Encoding: %.40q", encoding)
		f.Mend = "browsers unpack it, and its digest is then wrong; Apache: AddType application/gzip .gz instead of AddEncoding"
	}
	return []Finding{f}
}
