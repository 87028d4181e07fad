package httpindex

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/reach"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	// attempts is how often a folder is asked for when connections break,
	// busyAttempts when the server says that it is busy: lighttpd does when it
	// is asked for more than a few folders at once.
	attempts     = 3
	busyAttempts = 8
	// maxRetryAfter is the longest wait that a server may ask for.
	maxRetryAfter = 30 * time.Second
)

// Best is JSON, which is exact; HTML does as well.
const (
	acceptBoth = "application/json;q=1, text/html;q=0.9, */*;q=0.1"
	acceptHTML = "text/html, */*;q=0.1"
)

// cutHeader is what package autoindex has its listings carry where they do not
// show all of a folder, in any form.
const cutHeader = "X-MirrorBrain-Listing-Cut"

// statusError is an answer that is not a page.
type statusError struct {
	code  int
	retry time.Duration // what Retry-After asks for
}

func (e *statusError) Error() string {
	return fmt.Sprintf("HTTP status %d %s", e.code, http.StatusText(e.code))
}

func (e *statusError) Unwrap() error {
	switch e.code {
	case http.StatusNotFound, http.StatusGone:
		return listing.ErrNoFolder
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return listing.ErrAuth
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return listing.ErrBusy
	}
	return nil
}

// transient reports whether asking again may help.
func transient(err error) bool {
	if _, ok := errors.AsType[stopError](err); ok {
		return false
	}
	if errors.Is(err, reach.ErrRedirect) || errors.Is(err, errPassword) {
		return false
	}
	if se, ok := errors.AsType[*statusError](err); ok {
		return se.code >= 500 && se.code != http.StatusNotImplemented || se.code == http.StatusTooManyRequests
	}
	return !errors.Is(err, listing.ErrNotIndex)
}

// folder reads the index page of a folder, again when the connection breaks or
// the server is busy, which is told to busy each time.
func (l *Lister) folder(ctx context.Context, path string, yield func(item) error, busy func()) (page, error) {
	for try := 1; ; try++ {
		p, err := l.fetch(ctx, path, yield)
		most := attempts
		if errors.Is(err, listing.ErrBusy) {
			busy()
			most = busyAttempts
		}
		if err == nil || ctx.Err() != nil || !transient(err) || try >= most {
			return p, err
		}
		if err := sleep(ctx, pause(err, try)); err != nil {
			return p, err
		}
	}
}

// pause is how long to wait after the given number of tries.
func pause(err error, tries int) time.Duration {
	if se, ok := errors.AsType[*statusError](err); ok && se.retry > 0 {
		return min(se.retry, maxRetryAfter)
	}
	return min(retryPause<<(tries-1), maxPause)
}

// retryPause is the wait before the second try; further ones wait twice as long
// each, up to maxPause.
var retryPause = 200 * time.Millisecond

const maxPause = 5 * time.Second

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// fetch asks once for a folder: for JSON or HTML, and for HTML alone when the
// JSON is not an index.
func (l *Lister) fetch(ctx context.Context, path string, yield func(item) error) (page, error) {
	accept := acceptBoth
	if l.onlyHTML.Load() {
		accept = acceptHTML
	}
	p, isJSON, err := l.get(ctx, path, accept, yield)
	if isJSON && errors.Is(err, listing.ErrNotIndex) {
		p, _, err = l.get(ctx, path, acceptHTML, yield)
		if err == nil && l.onlyHTML.CompareAndSwap(false, true) {
			l.opts.Log(fmt.Sprintf("%s answers with JSON that is no index; using its HTML pages", mirror.Redact(l.base.String())))
		}
	}
	return p, err
}

// get makes one request and reads the page.
func (l *Lister) get(ctx context.Context, path, accept string, yield func(item) error) (p page, isJSON bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url(path), nil)
	if err != nil {
		return p, false, withoutURL(err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", l.opts.UserAgent)
	if err := l.authorize(req); err != nil {
		return p, false, err
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return p, false, withoutURL(err)
	}
	defer func() {
		// What is left is read, as far as it is little, to keep the connection.
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
		resp.Body.Close()
	}()
	if resp.StatusCode != http.StatusOK {
		return p, false, &statusError{resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"))}
	}
	media := resp.Header.Get("Content-Type")
	body := &io.LimitedReader{R: resp.Body, N: l.most.bytes + 1}
	p, err = readPage(body, media, newFolderURL(resp.Request.URL), l.most, yield)
	switch {
	case p.over:
		p.cut = fmt.Sprintf("the page has more rows than are read, %d", p.rows)
	case body.N <= 0 && err == nil, body.N <= 0 && errors.Is(err, io.ErrUnexpectedEOF):
		p.cut = fmt.Sprintf("the page is larger than %d MiB", l.most.bytes>>20)
		err = nil
	case delimited(resp) && isHTML(media):
		p.cut = "" // HTTP itself said where the page ends
	}
	if resp.Header.Get(cutHeader) != "" {
		p.cut = "the server does not show all of it"
	}
	if p.astray != "" {
		p.cut = p.astray
	}
	return p, isJSONType(media), err
}

// errPassword says that there is no password to send.
var errPassword = errors.New("no password")

// authorize adds the user and password of the base URL.
func (l *Lister) authorize(req *http.Request) error {
	if l.user == nil {
		return nil
	}
	password, given := l.user.Password()
	if !given && l.opts.PasswordFile != "" {
		var err error
		if password, err = listing.ReadPassword(l.opts.PasswordFile); err != nil {
			return fmt.Errorf("%w: %w", errPassword, err)
		}
	}
	req.SetBasicAuth(l.user.Username(), password)
	return nil
}

// delimited reports whether the length or coding of the answer shows that it is whole.
func delimited(resp *http.Response) bool {
	return resp.ContentLength >= 0 || resp.ProtoMajor > 1 || len(resp.TransferEncoding) > 0 || resp.Uncompressed
}

// retryAfter reads the header of that name; 0 when there is none.
func retryAfter(h string) time.Duration {
	if n, err := strconv.Atoi(h); err == nil && n > 0 {
		return time.Duration(min(n, 86400)) * time.Second
	}
	if at, err := http.ParseTime(h); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
