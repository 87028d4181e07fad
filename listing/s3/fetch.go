package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const (
	// pageKeys is how many keys are asked for at once, the most that S3 gives.
	pageKeys = 1000
	// attempts is how often a page is asked for when connections break,
	// busyAttempts when the server says that it is busy.
	attempts     = 3
	busyAttempts = 8
	// maxRetryAfter is the longest wait that a server may ask for.
	maxRetryAfter = 30 * time.Second
	maxPause      = 5 * time.Second
	// maxErrorText bounds what is read of an answer that is not a page.
	maxErrorText = 64 << 10
	// maxRegions is how often a server may name another region.
	maxRegions = 2

	// emptyHash is the SHA-256 of a request without a body.
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// retryPause is the wait before the second try; further ones wait twice as long
// each, up to maxPause.
var retryPause = 200 * time.Millisecond

// page asks for the page behind after, again when the connection breaks or the
// server is busy, and in another way when the server wants one.
func (s *session) page(ctx context.Context, after string) (*page, error) {
	for try := 1; ; try++ {
		p, err := s.fetch(ctx, after)
		if err == nil || ctx.Err() != nil {
			return p, err
		}
		if s.adapt(err, after) {
			try--
			continue
		}
		most := attempts
		if errors.Is(err, listing.ErrBusy) {
			most = busyAttempts
		}
		if !transient(err) || try >= most {
			return nil, s.advice(err)
		}
		if err := sleep(ctx, pause(err, try)); err != nil {
			return nil, err
		}
	}
}

// adapt changes how the server is asked, if that may be what it wants; each
// change is made a bounded number of times.
func (s *session) adapt(err error, after string) bool {
	se, ok := errors.AsType[*serverError](err)
	switch {
	case !ok:
		return false
	case se.elsewhere(s.region) && s.regions < maxRegions:
		s.l.opts.Log(fmt.Sprintf("the bucket is in the region %s; write ?region=%[1]s behind its URL", se.region))
		s.region = se.region
		s.regions++
		return true
	case s.keys.ambient && se.unknownKeys():
		s.l.opts.Log("the server does not know the keys in the environment; listing without any")
		s.keys = keys{}
		return true
	case !s.version1 && after == "" && se.refusesVersion2():
		s.l.opts.Log("the server does not know ListObjectsV2; using ListObjects")
		s.version1 = true
		return true
	}
	return false
}

// elsewhere reports whether the bucket is said to be in another region. That is
// how a redirect is understood, too: nobody is followed to another host but one
// of Amazon's, whose name is made from the region here.
func (e *serverError) elsewhere(region string) bool {
	switch e.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect, http.StatusBadRequest:
		return e.region != "" && e.region != region
	}
	return e.code == "AuthorizationHeaderMalformed" && e.region != "" && e.region != region
}

// advice adds what the operator can do to errors that do not say so.
func (s *session) advice(err error) error {
	se, ok := errors.AsType[*serverError](err)
	switch {
	case !ok:
		return err
	case se.status >= 300 && se.status < 400:
		return fmt.Errorf("%w (the server redirects elsewhere, which is not followed: write the URL of the server that has the bucket, or its ?region=)", err)
	case se.code == "RequestTimeTooSkewed":
		return fmt.Errorf("%w (is the clock of this machine right?)", err)
	case errors.Is(err, listing.ErrAuth) && !s.keys.HasKeys():
		return fmt.Errorf("%w (asked without keys: the bucket cannot be listed by everyone)", err)
	}
	return err
}

// transient reports whether asking again may help.
func transient(err error) bool {
	if se, ok := errors.AsType[*serverError](err); ok {
		return se.transient()
	}
	return !errors.Is(err, listing.ErrNotIndex) && !errors.Is(err, errPageSize) && !errors.Is(err, errPageKeys)
}

// pause is how long to wait after the given number of tries.
func pause(err error, tries int) time.Duration {
	if se, ok := errors.AsType[*serverError](err); ok && se.retry > 0 {
		return min(se.retry, maxRetryAfter)
	}
	return min(retryPause<<(tries-1), maxPause)
}

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

// fetch makes one request. A page is read to its end before anything of it is
// handed on, so that one that breaks off can be asked for again.
func (s *session) fetch(ctx context.Context, after string) (*page, error) {
	req, err := s.request(ctx, after)
	if err != nil {
		return nil, err
	}
	resp, err := s.l.client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer func() {
		// What is left is read, as far as it is little, to keep the connection.
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
		resp.Body.Close()
	}()
	if resp.StatusCode != http.StatusOK {
		return nil, failure(resp)
	}
	doc, err := parse(resp.Body, maxPage)
	switch {
	case err != nil:
		return nil, err
	case doc.fail != nil: // the error came up after the status was sent
		doc.fail.status = resp.StatusCode
		return nil, doc.fail
	}
	return &doc.page, nil
}

// failure reads an answer with another status than 200.
func failure(resp *http.Response) error {
	e := &serverError{}
	if doc, _ := parse(resp.Body, maxErrorText); doc.fail != nil {
		e = doc.fail // as far as it was understood
	}
	e.status, e.retry = resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"))
	if r := resp.Header.Get("X-Amz-Bucket-Region"); regionName.MatchString(r) {
		e.region = r
	}
	return e
}

// request asks for a page: what is behind after, a token of ListObjectsV2 or a
// key of ListObjects; "" is the first one.
func (s *session) request(ctx context.Context, after string) (*http.Request, error) {
	u := s.l.target.endpoint(s.region)
	u.RawQuery = s.query(after)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("User-Agent", s.l.opts.UserAgent)
	if !s.keys.HasKeys() {
		return req, nil
	}
	req.Header.Set("X-Amz-Content-Sha256", emptyHash)
	if err := s.l.signer.SignHTTP(ctx, s.keys.Credentials, req, emptyHash, "s3", s.region, time.Now()); err != nil {
		return nil, fmt.Errorf("signing the request: %w", err)
	}
	return req, nil
}

// query is written as signatures want it: sorted, all but unreserved characters
// encoded.
func (s *session) query(after string) string {
	var b strings.Builder
	add := func(key, value string) {
		if value == "" && key != "prefix" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(key + "=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
	}
	if !s.version1 {
		add("continuation-token", after)
	}
	add("encoding-type", "url")
	if s.version1 {
		add("marker", after)
	} else {
		add("list-type", "2")
	}
	add("max-keys", strconv.Itoa(pageKeys))
	add("prefix", s.prefix)
	return b.String()
}

func newSigner() *v4.Signer {
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }) // S3 encodes paths once
}

// shown is the URL for messages.
func (l *Lister) shown() string { return mirror.Redact(l.target.String()) }
