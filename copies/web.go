package copies

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func (c *Copy) ask(ctx context.Context, o Options) {
	if scheme, _, _ := strings.Cut(c.Base, ":"); scheme != "http" && scheme != "https" {
		c.list(ctx, o)
		return
	}
	c.head(ctx, o)
	switch {
	case !o.Digest || !c.Found || c.Err != nil:
	case c.Entry.SizeMin > o.MaxBytes:
		c.Err = fmt.Errorf("of %d bytes: longer than what is read (%d)", c.Entry.SizeMin, o.MaxBytes)
	default:
		c.digest(ctx, o)
	}
}

// head asks a web server for size and time.
func (c *Copy) head(ctx context.Context, o Options) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	address := c.Base + mirror.EscapePath(c.Path)
	a, err := httphead.Head(ctx, c.Client, address)
	if err != nil {
		c.Err = err
		return
	}
	c.Status, c.Page, c.Found = a.Status, a.UnexpectedHTML, a.Found()
	if a.FinalURL != mirror.Redact(address) {
		c.Elsewhere = a.FinalURL
	}
	if !c.Found {
		return
	}
	c.Entry.SizeMin, c.Entry.SizeMax = a.Size, a.Size
	if !a.LastModified.IsZero() {
		c.Entry.MTime, c.Entry.Precision = a.LastModified.UnixNano(), time.Second
	}
}

// errSilence says that a server stopped sending.
var errSilence = errors.New("the server fell silent")

// digest reads the bytes.
func (c *Copy) digest(ctx context.Context, o Options) {
	ctx, cancel := context.WithTimeout(ctx, o.ReadTime)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watch := time.AfterFunc(o.Timeout, func() { stop(errSilence) })
	defer watch.Stop()
	if err := c.read(ctx, o, func() { watch.Reset(o.Timeout) }); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		c.Err = fmt.Errorf("reading %s: %w", c.URL(), listing.Plain(err))
	}
}

// read is digest; alive is called whenever something comes.
func (c *Copy) read(ctx context.Context, o Options, alive func()) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Base+mirror.EscapePath(c.Path), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", httphead.UserAgent)
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Accept-Encoding", "identity")
	client := *c.Client
	client.Timeout = 0 // files are long; ctx sees to servers that hang
	resp, err := client.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			return ue.Err
		}
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("HTTP status %d", resp.StatusCode)
	case resp.Header.Get("Content-Encoding") != "" && !strings.EqualFold(resp.Header.Get("Content-Encoding"), "identity"):
		return fmt.Errorf("sent in the encoding %.40q, which was not asked for", resp.Header.Get("Content-Encoding"))
	}
	alive()
	sum := sha256.New()
	body := io.LimitReader(resp.Body, o.MaxBytes+1)
	buf := make([]byte, 128<<10)
	for {
		n, err := body.Read(buf)
		sum.Write(buf[:n])
		c.Content = append(c.Content, buf[:min(n, o.Keep-len(c.Content))]...)
		c.Read += int64(n)
		if n > 0 {
			alive()
		}
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	if c.Read > o.MaxBytes {
		return fmt.Errorf("longer than what is read (%d bytes)", o.MaxBytes)
	}
	c.Digested = true
	sum.Sum(c.SHA256[:0])
	return nil
}
