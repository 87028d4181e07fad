package push

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/note"
)

// byHook pushes with a web hook of the mirror's.
type byHook struct{ url *url.URL }

func (byHook) how() string { return "http" }

func parseHook(push string) (pusher, error) {
	u, err := url.Parse(push)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("push %q: is not a URL", mirror.Redact(push))
	}
	u.Fragment = ""
	if u.Path == "" {
		u.Path = "/"
	}
	return byHook{u}, nil
}

// order is the body of a hook.
type order struct {
	Paths []string `json:"paths"` // folders that have changed, "" is the whole tree
	ID    string   `json:"id"`    // of this push, another each time
}

const (
	pollAfter = 5 * time.Second // where the mirror does not say
	pollLeast = time.Second
	pollMost  = time.Minute
)

// push sends the hook. 202 with a Location on the same server is asked there
// until it answers otherwise; every other 2xx says that the mirror has synced.
func (h byHook) push(ctx context.Context, m *mirror.Mirror, o *Options) (string, error) {
	body, err := json.Marshal(order{[]string{note.Speakable(o.Subtree)}, rand.Text()})
	if err != nil {
		return "", err
	}
	client, done, err := hookClient(m)
	if err != nil {
		return "", err
	}
	defer done()
	key := ""
	if o.Key != "" {
		key = note.MirrorKey(o.Key, m.Name)
	}
	a, err := h.ask(ctx, client, http.MethodPost, h.url, body, key)
	for err == nil && a.status == http.StatusAccepted && a.location != nil {
		select {
		case <-time.After(a.after):
		case <-ctx.Done():
			return a.text, context.Cause(ctx)
		}
		at := a.location
		a, err = h.ask(ctx, client, http.MethodGet, at, nil, key)
		if err == nil && a.location == nil {
			a.location = at
		}
	}
	if err == nil && a.status/100 != 2 {
		err = fmt.Errorf("the hook answers %d %s", a.status, http.StatusText(a.status))
		if text := lastLine(a.text); text != "" {
			err = fmt.Errorf("%w: %s", err, text)
		}
	}
	return a.text, err
}

// hookClient makes a client that goes the mirror's way and follows no redirect:
// what is signed is meant for one server.
func hookClient(m *mirror.Mirror) (client *http.Client, done func(), err error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	switch m.Rules.Proxy {
	case "":
	case "none":
		t.Proxy = nil
	default:
		u, err := url.Parse(m.Rules.Proxy)
		if err != nil {
			return nil, nil, fmt.Errorf("proxy %s: not a URL", mirror.Redact(m.Rules.Proxy))
		}
		t.Proxy = http.ProxyURL(u)
	}
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, t.CloseIdleConnections, nil
}

// answer is what a hook says.
type answer struct {
	status   int
	text     string
	location *url.URL // nil: none, or not on the hook's server
	after    time.Duration
}

func (h byHook) ask(ctx context.Context, client *http.Client, method string, at *url.URL, body []byte, key string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set(note.Header, note.Message{Method: method, Path: at.EscapedPath(), Body: body}.Sign(key, time.Now()))
	}
	resp, err := client.Do(r)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok { // it repeats the URL, and with it a secret
			err = ue.Err
		}
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxOutput))
	if err != nil {
		return answer{}, fmt.Errorf("reading the hook's answer: %w", err)
	}
	a := answer{status: resp.StatusCode, text: string(text), after: pollAfter}
	if resp.StatusCode == http.StatusAccepted {
		if a.location, err = h.sameServer(resp); err != nil {
			return a, err
		}
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		a.after = min(max(time.Duration(min(n, 3600))*time.Second, pollLeast), pollMost)
	}
	if resp.StatusCode/100 == 3 {
		return a, fmt.Errorf("the hook redirects (%d), which is not followed", resp.StatusCode)
	}
	return a, nil
}

// sameServer gives an answer's Location; one on another server is an error.
func (h byHook) sameServer(resp *http.Response) (*url.URL, error) {
	to, err := resp.Location()
	switch {
	case errors.Is(err, http.ErrNoLocation):
		return nil, nil
	case err != nil:
		return nil, errors.New("the hook's Location is not a URL")
	case to.Scheme != h.url.Scheme || to.Host != h.url.Host:
		return nil, fmt.Errorf("the hook's Location is on another server: %s", to.Host)
	}
	to.User, to.Fragment = h.url.User, ""
	return to, nil
}
