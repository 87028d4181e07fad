package geofetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

var (
	errMissing = errors.New("there is no such database")
	errSame    = errors.New("not changed")

	errTooLarge = errors.New("is larger than any database is")
)

// maxSent bounds what is taken from a server, in bytes.
const maxSent = 2 << 30

const userAgent = "mbctl (+https://github.com/caddy-mirrorbrain/caddy-mirrorbrain)"

func newClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = silentTimeout
	t.DisableCompression = true
	return &http.Client{Transport: t, CheckRedirect: mayRedirect}
}

// mayRedirect follows to other hosts (MaxMind sends to a store), but not to http,
// except on this host. The key is not sent along: net/http leaves it out of the
// fields for other hosts, and where it is in the URL, Referer would tell it.
func mayRedirect(to *http.Request, via []*http.Request) error {
	to.Header.Del("Referer")
	switch here := isHere(via[0].URL.Hostname()) && isHere(to.URL.Hostname()); {
	case len(via) >= 10:
		return errors.New("too many redirects")
	case to.URL.Scheme != "https" && (via[0].URL.Scheme == "https" || !here):
		return errors.New("redirected to http")
	}
	return nil
}

// fetch writes the database at a URL to f.
func (u *update) fetch(ctx context.Context, from string, f *os.File) (*answer, error) {
	whole := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	known, ok := recall(u.path, from)
	if !ok || u.o.Force || u.oldErr != nil {
		known = answer{}
	}
	res, err := u.get(ctx, from, known)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotModified && known.URL != "":
		return nil, errSame
	case res.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w (404)", withoutSecrets(from), errMissing)
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("%s: the key was not accepted (%s)", withoutSecrets(from), res.Status)
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %s", withoutSecrets(from), res.Status)
	}
	want := ""
	if u.o.Source.digests {
		if want, err = u.digest(ctx, from); err != nil {
			return nil, err
		}
	}
	sum := sha256.New()
	body := &patient{r: io.TeeReader(&limited{r: res.Body, left: maxSent}, sum), stop: time.AfterFunc(silentTimeout, cancel)}
	defer body.stop.Stop()
	if err := unpack(body, f); err != nil {
		if ctx.Err() != nil && whole.Err() == nil {
			err = fmt.Errorf("the server fell silent for %v", silentTimeout)
		}
		return nil, fmt.Errorf("%s: %w", withoutSecrets(from), err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); want != "" && got != want {
		return nil, fmt.Errorf("%s: has the SHA-256 %s, not %s as announced", withoutSecrets(from), got, want)
	}
	return &answer{url: from, ETag: res.Header.Get("ETag"), LastModified: res.Header.Get("Last-Modified")}, nil
}

// get asks for a URL, or for what is newer than known.
func (u *update) get(ctx context.Context, from string, known answer) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, plain(err)
	}
	req.Header.Set("User-Agent", userAgent)
	if u.o.Source.License != "" && u.o.Source.digests {
		req.SetBasicAuth(u.o.Source.Account, u.o.Source.License)
	}
	if known.ETag != "" {
		req.Header.Set("If-None-Match", known.ETag)
	}
	if known.LastModified != "" {
		req.Header.Set("If-Modified-Since", known.LastModified)
	}
	res, err := u.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", withoutSecrets(from), plain(err))
	}
	return res, nil
}

// plain takes the URL out of an error: it may hold a key.
func plain(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}

// digest gets the SHA-256 that MaxMind publishes: hexadecimal, and a name.
func (u *update) digest(ctx context.Context, of string) (string, error) {
	res, err := u.get(ctx, of+".sha256", answer{})
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	if err != nil {
		return "", fmt.Errorf("%s: %w", withoutSecrets(of), plain(err))
	}
	fields := strings.Fields(string(bytes.ToLower(b)))
	if res.StatusCode != http.StatusOK || len(fields) == 0 || len(fields[0]) != sha256.Size*2 {
		return "", fmt.Errorf("%s: its SHA-256 cannot be had (%s)", withoutSecrets(of), res.Status)
	}
	return fields[0], nil
}

// limited fails where a LimitReader would end: a cut database is no database.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// patient puts the end off as long as something comes.
type patient struct {
	r    io.Reader
	stop *time.Timer
}

func (p *patient) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if n > 0 {
		p.stop.Reset(silentTimeout)
	}
	return n, err
}
