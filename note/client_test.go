package note

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestClient(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.rc.Now = nil
	c := Client{URL: o.url + "/hooks", Key: MirrorKey(token, "alpha")}
	a, err := c.Send(t.Context(), Note{Mirror: "alpha", Paths: []string{"a/"}})
	if err != nil || a.State != Waiting {
		t.Fatal(a, err)
	}
	go func() {
		time.Sleep(20 * time.Millisecond)
		list, _ := o.db.Wishes(context.Background())
		_ = o.db.Grant(context.Background(), list[0])
	}()
	if err := c.Wait(t.Context(), a.ID, 5*time.Millisecond); err != nil {
		t.Error(err)
	}
	for want, f := range map[string]func(*Client){
		"right key":         func(c *Client) { c.Key = "x" },
		"clock of this":     func(c *Client) { c.Now = func() time.Time { return time.Now().Add(-time.Hour) } },
		"ahead of":          func(c *Client) { c.Now = func() time.Time { return time.Now().Add(time.Hour) } },
		"mirrorbrain_hooks": func(c *Client) { c.URL = o.url + "/elsewhere" },
		"connection":        func(c *Client) { c.URL = "http://127.0.0.1:1/hooks" },
	} {
		other := c
		f(&other)
		if _, err := other.Send(t.Context(), Note{Mirror: "alpha"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := c.Send(t.Context(), Note{Mirror: "beta"}); err == nil {
		t.Error("one mirror noted for another")
	}
	if a, err = c.Send(t.Context(), Note{Mirror: "alpha"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := c.Wait(ctx, a.ID, time.Millisecond); err == nil {
		t.Error("done without being done")
	}
}

// A redirect is not followed: the note and its signature are for one server.
func TestClientFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer other.Close()
	web := httptest.NewServer(http.RedirectHandler(other.URL+"/x", http.StatusTemporaryRedirect))
	defer web.Close()
	c := Client{URL: web.URL, Key: token}
	if _, err := c.Send(t.Context(), Note{}); err == nil || !strings.Contains(err.Error(), "redirects to "+other.URL) || reached {
		t.Errorf("%v, reached: %v", err, reached)
	}
}
