package checkup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/httphead"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// answer is what a web server said.
type answer struct {
	status int
	header http.Header
	body   []byte // as far as it was wanted
	more   bool   // there was more
	chain  []string
}

// ask makes one request. header holds names and values; of the body so many
// bytes are read. The chain of redirects that were begun is there with an error,
// too.
func (c *checker) ask(ctx context.Context, method, address string, keep int64, header ...string) (a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return a, withoutURL(err)
	}
	req.Header.Set("User-Agent", httphead.UserAgent)
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := *c.o.Client
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		a.chain = append(a.chain, fmt.Sprintf("%.300s", req.URL.Redacted()))
		if c.o.Client.CheckRedirect == nil {
			return nil
		}
		return c.o.Client.CheckRedirect(req, via)
	}
	resp, err := client.Do(req)
	if err != nil {
		return a, withoutURL(err)
	}
	defer resp.Body.Close()
	a.status, a.header = resp.StatusCode, resp.Header
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, keep+1)); err != nil {
		return a, withoutURL(err)
	}
	if a.more = int64(len(a.body)) > keep; a.more {
		a.body = a.body[:keep]
	}
	return a, nil
}

// withoutURL drops the URL that net/http puts into its errors.
func withoutURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}

// url is where a base URL has a file, and false when the mirror is not meant to
// have it.
func (c *checker) url(base, path string) (string, bool) {
	rel, ok := c.below(path)
	return base + mirror.EscapePath(rel), ok
}

// shown is a URL for people.
func shown(address string) string { return mirror.Redact(address) }
