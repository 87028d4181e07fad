package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"strings"
	"time"
)

// request is one of the demo's own requests and what must come of it.
type request struct {
	what string
	from place
	path string
	want string // mirror; "" means served by the redirector itself
}

// check makes the demo's requests and compares every byte that comes back with
// the origin.
func (d *demo) check(ctx context.Context) error {
	requests := []request{
		{"a client in Germany", germany, d.common, "berlin"},
		{"a client in the USA", usa, d.common, "newyork"},
		{"a client in Japan", japan, d.common, "tokyo"},
		{"the USA, a file that newyork lacks", usa, d.missing, "berlin"},
		{"Germany, only stale copies exist", germany, d.changing, ""},
	}
	say("Requests:\n")
	var errs []error
	for _, r := range requests {
		if err := d.try(ctx, r); err != nil {
			errs = append(errs, err)
			say("    WRONG: %v", err)
		}
	}
	if err := d.tryDigest(ctx); err != nil {
		errs = append(errs, err)
		say("    WRONG: %v", err)
	}
	pages := d.pages()
	for _, p := range pages {
		if err := p.try(ctx); err != nil {
			errs = append(errs, err)
			say("    WRONG: %v", err)
		}
	}
	all := len(requests) + 1 + len(pages)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%d of %d requests went wrong", len(errs), all)
	}
	say("\nAll %d answers were right, and every file had the origin's contents.", all)
	return nil
}

// opened is a page that people open, and texts that must be on it.
type opened struct {
	what, url string
	want      []string
}

func (d *demo) pages() []opened {
	file := path.Base(d.common)
	return []opened{
		{"the folder", d.folder(), []string{html.EscapeString(file), "3<span> mirrors"}},
		{"the mirrors of the file", d.base + (&url.URL{Path: d.common + ".mirrorlist"}).EscapedPath(), []string{"berlin", "newyork", "tokyo"}},
		{"all mirrors", d.base + "mirrors/", []string{"berlin", "newyork", "tokyo"}},
		{"a mirror", d.base + "mirrors/berlin", []string{"berlin", "<svg"}},
	}
}

// try fetches the page as a browser does.
func (p *opened) try(ctx context.Context) error {
	got, err := get(ctx, &http.Client{Timeout: 20 * time.Second}, p.url, "")
	if err != nil {
		return err
	}
	say("  the page with %s\n    %d, %s, %d bytes", p.what, got.status, got.header.Get("Content-Type"), len(got.body))
	if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
		return fmt.Errorf("%s is no page", p.url)
	}
	for _, text := range p.want {
		if !bytes.Contains(got.body, []byte(text)) {
			return fmt.Errorf("%q is not on %s", text, p.url)
		}
	}
	return nil
}

// tryDigest asks what a file hashes to.
func (d *demo) tryDigest(ctx context.Context) error {
	target := (&url.URL{Path: d.common + ".sha256"}).EscapedPath()
	got, err := get(ctx, &http.Client{Timeout: 20 * time.Second}, d.base+target, "")
	if err != nil {
		return err
	}
	say("  what %s hashes to\n    %d, %s", d.common, got.status, strings.TrimSpace(string(got.body)))
	content, err := os.ReadFile(d.path("origin", d.common))
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("%x  %s\n", sha256.Sum256(content), path.Base(d.common)); string(got.body) != want {
		return fmt.Errorf("should have been %q", want)
	}
	return nil
}

// try makes one request, follows its redirect and compares the contents.
func (d *demo) try(ctx context.Context, r request) error {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 20 * time.Second}
	got, err := get(ctx, client, d.base+(&url.URL{Path: r.path}).EscapedPath(), r.from.address)
	if err != nil {
		return err
	}
	mirror, location := got.header.Get("X-MirrorBrain-Mirror"), got.header.Get("Location")
	say("  %s asks for %s", r.what, r.path)
	if location != "" {
		say("    %d, to %s (%s): %s", got.status, mirror, got.header.Get("X-MirrorBrain-Realm"), location)
		if got, err = get(ctx, client, location, ""); err != nil {
			return err
		}
	} else {
		say("    %d, served by the redirector itself", got.status)
	}
	want, err := os.ReadFile(d.path("origin", r.path))
	switch {
	case err != nil:
		return err
	case mirror != r.want:
		return fmt.Errorf("went to %q, should have gone to %q", mirror, r.want)
	case got.status != http.StatusOK:
		return fmt.Errorf("status %d at the end", got.status)
	case !bytes.Equal(got.body, want):
		return errors.New("the contents differ from the origin's")
	}
	return nil
}

// answer is what a server sent.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func get(ctx context.Context, client *http.Client, target, from string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return answer{}, err
	}
	if from != "" {
		req.Header.Set("X-Forwarded-For", from)
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, body}, err
}

// caughtUp waits until the redirector knows what mbctl wrote.
func (d *demo) caughtUp(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "bin/mbctl", "status", "--json")
	cmd.Env = append(os.Environ(), "MIRRORBRAIN_DATABASE=sqlite://"+d.path("mirrorbrain.db"))
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("mbctl status: %w", err)
	}
	var want, have struct {
		Revision int64 `json:"revision"`
	}
	if err := json.Unmarshal(out, &want); err != nil {
		return fmt.Errorf("mbctl status: %w", err)
	}
	for range 100 {
		got, err := get(ctx, http.DefaultClient, d.base+"health", "")
		if err == nil && got.status == http.StatusOK && json.Unmarshal(got.body, &have) == nil && have.Revision >= want.Revision {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("the redirector knows revision %d of the database, not yet %d, after ten seconds", have.Revision, want.Revision)
}
