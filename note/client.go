package note

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
	"strings"
	"time"
)

// Client sends notes.
type Client struct {
	URL string // where the receiver is
	Key string // a token, or the mirror's key
	// HTTP, if set, sends the requests. Redirects are not followed in any case: a
	// signature is for one URL.
	HTTP *http.Client
	Now  func() time.Time // default: time.Now
}

// StatusError is an answer that is not the one hoped for.
type StatusError struct {
	Status int
	Why    string        // what the server says, from foreign hands
	After  time.Duration // when the server wants to be asked again; 0: it does not say
	Skew   time.Duration // how far the server's clock is ahead of ours; 0: not known
	To     string        // where the server redirects to; "": it does not
}

// Error says what may be the reason and what can be done.
func (e *StatusError) Error() string {
	why := fmt.Sprintf("the server answers %d %s", e.Status, http.StatusText(e.Status))
	if e.Why != "" {
		why += ": " + e.Why
	}
	switch {
	case e.Status == http.StatusUnauthorized && e.Skew.Abs() > MaxSkew-10*time.Second:
		ahead := "behind"
		if e.Skew < 0 {
			ahead = "ahead of"
		}
		return fmt.Sprintf("%s; the clock of this host is %v %s the server's: set it", why, e.Skew.Abs().Round(time.Second), ahead)
	case e.Status == http.StatusUnauthorized:
		return why + "; is it the right key, for this mirror?"
	case e.Status == http.StatusNotFound && e.Why == "", e.Status == http.StatusMethodNotAllowed && e.Why == "":
		return why + "; is the URL that of mirrorbrain_hooks?"
	case e.To != "":
		return fmt.Sprintf("%s; it redirects to %s: give that URL, if you trust it", why, e.To)
	}
	return why
}

// Send sends a note. The answer's ID is for State.
func (c *Client) Send(ctx context.Context, n Note) (Answer, error) {
	if n.Nonce == "" {
		n.Nonce = rand.Text()
	}
	body, err := json.Marshal(n)
	if err != nil {
		return Answer{}, err
	}
	if len(body) > MaxBody || len(n.Paths) > MaxPaths {
		return Answer{}, fmt.Errorf("the note is too long: at most %d paths and %d bytes; name folders around them", MaxPaths, MaxBody)
	}
	return c.do(ctx, http.MethodPost, c.URL, body)
}

// State asks what became of a note.
func (c *Client) State(ctx context.Context, id string) (Answer, error) {
	return c.do(ctx, http.MethodGet, strings.TrimSuffix(c.URL, "/")+"/"+url.PathEscape(id), nil)
}

// Wait asks until the note is done or ctx ends. A server that is away meanwhile
// is asked again.
func (c *Client) Wait(ctx context.Context, id string, every time.Duration) error {
	for {
		a, err := c.State(ctx, id)
		pause := every
		e, answered := errors.AsType[*StatusError](err)
		switch {
		case err == nil && a.State == Done:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case answered && e.Status < http.StatusInternalServerError && e.Status != http.StatusTooManyRequests:
			return err
		case answered:
			pause = max(pause, e.After)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

const maxAnswer = 64 << 10

func (c *Client) do(ctx context.Context, method, target string, body []byte) (Answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	sent := now()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(Header, Message{method, r.URL.EscapedPath(), body}.Sign(c.Key, sent))
	client := http.Client{Timeout: time.Minute}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	var a struct {
		Answer
		failure
	}
	notJSON := json.Unmarshal(b, &a)
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusAccepted {
		return Answer{}, statusError(resp, a.Error, sent)
	}
	if notJSON != nil || a.ID == "" || a.State == "" {
		return Answer{}, errors.New("the server's answer is not one to a note; is the URL that of mirrorbrain_hooks?")
	}
	return a.Answer, nil
}

func statusError(resp *http.Response, why string, sent time.Time) *StatusError {
	e := &StatusError{Status: resp.StatusCode, Why: why}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
		e.After = time.Duration(min(n, 3600)) * time.Second
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		e.Skew = date.Sub(sent)
	}
	if resp.StatusCode/100 == 3 {
		if to, err := resp.Location(); err == nil {
			e.To = to.Redacted()
		}
	}
	return e
}
