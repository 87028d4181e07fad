package copies

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// errSeen ends a listing that has told enough.
var errSeen = errors.New("seen")

// maxListed is how many entries of a folder are gone through for one file.
const maxListed = 2_000_000

// list looks the file up in the listing of its folder. The FTP lister has a
// folder's entries before those of the folders below it, so its listing is left
// at the first entry that lies deeper; others mix them.
func (c *Copy) list(ctx context.Context, o Options) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	how := c.Listing
	how.Timeout, how.RsyncProgram = o.Timeout, o.RsyncProgram
	how.Log = func(msg string) { o.Log.Debug("listing a mirror", "mirror", c.Mirror, "oddity", msg) }
	l, err := o.Open(c.Base, how)
	if err != nil {
		c.Err = err
		return
	}
	folder, depth := "", strings.Count(c.Path, "/")
	if i := strings.LastIndexByte(c.Path, '/'); i >= 0 {
		folder = c.Path[:i]
	}
	seen := 0
	sum, err := l.List(ctx, folder, func(e listing.Entry) error {
		seen++
		switch {
		case e.Path == c.Path:
			c.Found, c.Entry = e.Kind == listing.File, e
			if !c.Found {
				c.Err = fmt.Errorf("%s: is listed, but not as a file", c.URL())
			}
			return errSeen
		case strings.Count(e.Path, "/") > depth && l.Protocol() == "ftp":
			return errSeen
		case seen > maxListed:
			return fmt.Errorf("more than %d entries before the file", maxListed)
		}
		return ctx.Err()
	})
	c.Entry.Path, c.Entry.Target = "", ""
	switch {
	case err == nil && !sum.Complete():
		c.Err = fmt.Errorf("%s: not listed, but the listing lacks something: %s", c.URL(), sum.Incomplete[0])
	case err == nil, errors.Is(err, errSeen), errors.Is(err, listing.ErrNoFolder):
	default:
		c.Err = fmt.Errorf("%s: %w", mirror.Redact(c.Base), listing.Plain(err))
	}
}
