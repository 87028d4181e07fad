// Package copies asks mirrors what they have of one file, now: by HTTP, rsync
// and FTP, many at once, and on request for the bytes themselves, to digest
// them. It knows nothing of the index; what is right is for the caller to say.
package copies

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/protocols"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Place is one URL at which a mirror may have a copy.
type Place struct {
	Mirror string
	Base   string // base URL, may hold a password
	Path   string // of the file, below the base URL
	// Listing says how a server is listed that is no web server; Ask sets what
	// is in its own Options.
	Listing listing.Options
	// Client asks web servers. It decides how far redirects may lead.
	Client *http.Client
}

// URL is where the file is, without password.
func (p *Place) URL() string { return mirror.Redact(p.Base + mirror.EscapePath(p.Path)) }

// Copy is what was found at a place.
type Copy struct {
	Place

	Found  bool
	Status int // HTTP status; 0: another protocol, or no answer
	// Entry holds size and time as exactly as they were told; of Path and Kind
	// nothing is to be taken. SizeMin -1, Precision 0: not told.
	Entry listing.Entry
	// Page is set when a web page came in the place of the file.
	Page bool
	// Elsewhere is where the answer came from after redirects; "" without one.
	Elsewhere string

	Digested bool     // all bytes were read
	SHA256   [32]byte // of them
	Read     int64    // bytes read
	Content  []byte   // the first of them, see Options.Keep

	Took time.Duration
	Err  error // there was no answer, or the bytes could not be read
}

// Options for Ask; zero values are defaults.
type Options struct {
	Timeout time.Duration // for one answer, and of silence while bytes come. Default: 20s
	// ReadTime bounds the reading of one copy's bytes. Default: 1h.
	ReadTime time.Duration
	Parallel int  // places asked at once. Default: 24
	Digest   bool // read the bytes, too; by HTTP alone
	// MaxBytes is how long files are at most that are read. Default: 1 GiB.
	MaxBytes     int64
	Keep         int    // how many of the bytes read are kept
	RsyncProgram string // list with this program instead of the built-in client
	Log          *slog.Logger
	// Open makes listers. Default: protocols.Open.
	Open func(rawURL string, o listing.Options) (listing.Lister, error)
}

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = 20 * time.Second
	}
	if o.ReadTime <= 0 {
		o.ReadTime = time.Hour
	}
	if o.Parallel <= 0 {
		o.Parallel = 24
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 30
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Open == nil {
		o.Open = protocols.Open
	}
	return o
}

// Ask asks all places and gives their copies in the same order. When ctx ends,
// those that were not asked by then have its error.
func Ask(ctx context.Context, places []Place, o Options) []Copy {
	o = o.withDefaults()
	out := make([]Copy, len(places))
	slots := make(chan struct{}, o.Parallel)
	var wg sync.WaitGroup
	for i, p := range places {
		out[i] = Copy{Place: p, Entry: listing.Entry{SizeMin: -1, SizeMax: -1}}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			out[i].Err = context.Cause(ctx)
			continue
		}
		wg.Go(func() {
			start := time.Now()
			out[i].ask(ctx, o)
			out[i].Took = time.Since(start)
			<-slots
		})
	}
	wg.Wait()
	return out
}
