// Package httphead asks a web server for the exact size and time of one file.
package httphead

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Answer is what a server says about a file.
type Answer struct {
	// Status is the HTTP status after redirects. 200 and 206 both mean that
	// the file is there (206 is the answer to the request for its first byte).
	Status int
	// Size is the file's size in bytes, -1 when the server does not tell.
	Size int64
	// LastModified is to the second; zero when the server does not tell.
	LastModified time.Time
	// FinalURL is where the answer came from, after redirects, without password.
	FinalURL string
	// ContentType is the media type without its parameters.
	ContentType string
	// UnexpectedHTML is set when an HTML page came for a file whose name is not
	// one of a page: an error page with the wrong status, a login, a browser check.
	UnexpectedHTML bool
	// FirstByte is how long the server took, from when there was a connection to
	// it until the first byte of the answer; with redirects, in all. 0: not known.
	FirstByte time.Duration
}

// Found reports whether the answer is about the file and not about its absence.
func (a Answer) Found() bool {
	return (a.Status == http.StatusOK || a.Status == http.StatusPartialContent) && !a.UnexpectedHTML
}

// Policy decides whether a redirect from one URL to another may be followed;
// the error says why not.
type Policy func(from, to *url.URL) error

// SameHost follows redirects within the host only, and from https not to http:
// the password goes along.
func SameHost(from, to *url.URL) error {
	if !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return fmt.Errorf("redirected to another host: %s", to.Hostname())
	}
	return KeepsTLS(from, to)
}

// KeepsTLS follows redirects everywhere, but from https not to http.
func KeepsTLS(from, to *url.URL) error {
	if from.Scheme == "https" && to.Scheme != "https" {
		return fmt.Errorf("redirected from https to %s", to.Scheme)
	}
	return nil
}

// maxRedirects bounds the redirects followed for one file.
const maxRedirects = 10

// Options for NewClient; zero values are defaults.
type Options struct {
	// Timeout bounds one whole request. Default: 30s.
	Timeout time.Duration
	// Redirects is asked for each redirect. Default: SameHost.
	Redirects Policy
	// PerHost bounds the connections to one host. Default: 4.
	PerHost int
}

// NewClient makes a client for Head that follows redirects as told. It may be
// used for many hosts at once.
func NewClient(o Options) *http.Client {
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Redirects == nil {
		o.Redirects = SameHost
	}
	if o.PerHost <= 0 {
		o.PerHost = 4
	}
	return &http.Client{
		Timeout: o.Timeout,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: o.Timeout}).DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    o.PerHost,
			MaxConnsPerHost:        o.PerHost,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: 1 << 20,
			// Sizes are wanted of the files as they are.
			DisableCompression: true,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) >= maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			return o.Redirects(via[len(via)-1].URL, req.URL)
		},
	}
}

// UserAgent is sent with every request.
const UserAgent = "mirrorbrain-scanner"

// Head asks for a file: by HEAD, and where that does not tell the size, by a GET
// of its first byte. An error means that there was no answer; a status like 404
// is an answer.
func Head(ctx context.Context, client *http.Client, rawURL string) (Answer, error) {
	a, err := request(ctx, client, http.MethodHead, rawURL)
	if err != nil {
		return Answer{Size: -1}, fmt.Errorf("asking for %s: %w", mirror.Redact(rawURL), listing.Plain(err))
	}
	if !headFailed(a) {
		return a, nil
	}
	b, err := request(ctx, client, http.MethodGet, rawURL)
	if err != nil {
		if ctx.Err() != nil {
			return Answer{Size: -1}, fmt.Errorf("asking for %s: %w", mirror.Redact(rawURL), listing.Plain(err))
		}
		return a, nil // what HEAD said is an answer too
	}
	return b, nil
}

// headFailed reports whether GET may tell more than HEAD did: some servers
// refuse HEAD, some leave out the length.
func headFailed(a Answer) bool {
	switch a.Status {
	case http.StatusOK:
		return a.Size < 0
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed,
		http.StatusInternalServerError, http.StatusNotImplemented:
		return true
	}
	return false
}

func request(ctx context.Context, client *http.Client, method, rawURL string) (Answer, error) {
	span := ""
	if method == http.MethodGet {
		span = "bytes=0-0"
	}
	var w wait
	resp, err := send(w.watched(ctx), client, method, rawURL, span)
	if err != nil {
		return Answer{}, err
	}
	defer func() {
		// One byte leaves the connection usable; of a whole file, nothing is read.
		if resp.StatusCode == http.StatusPartialContent {
			_, _ = io.CopyN(io.Discard, resp.Body, 2)
		}
		resp.Body.Close()
	}()
	a := answer(resp)
	a.FirstByte = w.total()
	return a, nil
}

// send asks for a file, or the range of it that span names.
func send(ctx context.Context, client *http.Client, method, rawURL, span string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, rawURL, nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	if req.URL.User != nil { // in a header it survives redirects within the host
		password, _ := req.URL.User.Password()
		req.SetBasicAuth(req.URL.User.Username(), password)
		req.URL.User = nil
	}
	req.Header.Set("User-Agent", UserAgent)
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Accept-Encoding", "identity")
	if span != "" {
		req.Header.Set("Range", span)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	return resp, nil
}

func answer(resp *http.Response) Answer {
	a := Answer{Status: resp.StatusCode, Size: -1, FinalURL: resp.Request.URL.Redacted()}
	switch resp.StatusCode {
	case http.StatusOK:
		a.Size = resp.ContentLength // -1 when there is none
	case http.StatusPartialContent:
		a.Size = totalSize(resp.Header.Get("Content-Range"))
	case http.StatusRequestedRangeNotSatisfiable:
		// An empty file has no first byte.
		if totalSize(resp.Header.Get("Content-Range")) == 0 {
			a.Status, a.Size = http.StatusOK, 0
		}
	}
	if at, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		a.LastModified = at
	}
	a.ContentType, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type")) // odd ones are none
	a.UnexpectedHTML = a.Status < 300 && isHTML(a.ContentType) && !pageName(resp.Request.URL.Path)
	return a
}

// totalSize reads the size from "bytes 0-0/1234"; -1 when it is not there.
func totalSize(contentRange string) int64 {
	unit, rest, _ := strings.Cut(contentRange, " ")
	_, total, ok := strings.Cut(rest, "/")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return -1
	}
	n, err := strconv.ParseUint(strings.TrimSpace(total), 10, 62)
	if err != nil {
		return -1
	}
	return int64(n)
}

func isHTML(media string) bool { return media == "text/html" || media == "application/xhtml+xml" }

// pageName reports whether a file called so may well be an HTML page.
func pageName(p string) bool {
	if strings.HasSuffix(p, "/") {
		return true
	}
	switch strings.ToLower(path.Ext(p)) {
	case ".html", ".htm", ".xhtml", ".xht", ".shtml", ".php":
		return true
	}
	return false
}

// withoutURL drops the URL that net/http puts into its errors.
func withoutURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}
