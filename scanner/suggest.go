package scanner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

const (
	suggestFiles = 300              // how many files of a new mirror are looked at
	suggestTime  = 15 * time.Second // and for how long
)

// errEnough ends a listing of which enough was seen.
var errEnough = errors.New("enough was seen")

// Suggest lists the beginning of what a mirror's URLs lead to, compares it with
// the index, and says what is likely wrong with the URLs or the subtree, and
// what to do; "" if nothing is. It changes nothing.
func Suggest(ctx context.Context, db *store.Store, m *mirror.Mirror, o Options) (string, error) {
	o, err := o.withDefaults()
	if err != nil {
		return "", err
	}
	ix, err := loadIndex(ctx, db, needs{})
	if err != nil || ix.versions.Len() == 0 {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, suggestTime)
	defer cancel()
	err = errors.New("the mirror has no URL")
	for _, protocol := range o.Protocols {
		for _, url := range urls(m, protocol) {
			var d diagnosis
			var c Counts
			if err = sampleOf(ctx, way{protocol, url}, m, o, ix, &d, &c); err != nil {
				continue
			}
			if d.strange > c.Listed/2 {
				return d.wrongPlace(ix, m, ix.folders), nil
			}
			return "", nil
		}
	}
	return fmt.Sprintf("the mirror could not be listed: %v", err), nil
}

// sampleOf counts how many of the first files behind a URL the origin knows.
func sampleOf(ctx context.Context, w way, m *mirror.Mirror, o Options, ix *index, d *diagnosis, c *Counts) error {
	l, err := o.Open(w.url, listing.Options{
		Timeout: min(o.Timeout, suggestTime), PasswordFile: passwordFile(m, w.protocol), RsyncProgram: o.RsyncProgram,
		Source: m.Rules.Source, Proxy: m.Rules.Proxy, Redirects: m.Redirects,
	})
	if err != nil {
		return err
	}
	var buf []mirror.Version
	_, err = l.List(ctx, "", func(e listing.Entry) error {
		if e.Kind != listing.File {
			return nil
		}
		path, ok := m.InTree(e.Path)
		if !ok {
			path = e.Path // something that is not of the tree
		}
		c.Listed++
		if buf = ix.Append(buf[:0], path); len(buf) == 0 && !ix.alias(path) {
			d.unknown(path)
		}
		if c.Listed == suggestFiles {
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err == nil && c.Listed == 0:
		return errors.New("it lists no files")
	case err != nil && c.Listed > 0: // what was seen until then will do
		return nil
	}
	return err
}
