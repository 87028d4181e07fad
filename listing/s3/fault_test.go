package s3

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/s3test"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// errAny stands for any error that callers do not branch on.
var errAny = errors.New("any error")

const (
	bomb = `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>` +
		`<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>&b;</Key></Contents></ListBucketResult>`
	noEntity = `<ListBucketResult><Contents><Key>&b;</Key></Contents></ListBucketResult>`
)

// TestFaults lists five keys, two a page, from servers that misbehave.
func TestFaults(t *testing.T) {
	t.Parallel()
	more := func(s string) string { return strings.ReplaceAll(s, "<IsTruncated>false", "<IsTruncated>true") }
	for name, c := range map[string]struct {
		fault    s3test.Fault
		err      error // nil: five entries
		want     string
		requests int // 0: any number
		entries  int // with an error
	}{
		"busy":                 {fault: s3test.Fail(503, "SlowDown", 1, 3, 4), requests: 6},
		"busy for ever":        {fault: s3test.Fail(503, "SlowDown"), err: listing.ErrBusy, want: "SlowDown", requests: busyAttempts},
		"busy later":           {fault: s3test.Fail(429, "TooManyRequests", 2, 3, 4, 5, 6, 7, 8, 9), err: listing.ErrBusy, requests: 9, entries: 2},
		"broken for a moment":  {fault: s3test.Fail(500, "InternalError", 2, 3), requests: 5},
		"broken":               {fault: s3test.Fail(500, "InternalError"), err: errAny, want: "InternalError", requests: attempts},
		"bad gateway":          {fault: s3test.Say(502, "<html>Bad Gateway</html>", 2), requests: 4},
		"error in a good page": {fault: s3test.Say(200, "<Error><Code>InternalError</Code></Error>", 2), requests: 4},
		"cut":                  {fault: s3test.Cut(1, 3), requests: 5},
		"cut for ever":         {fault: s3test.Cut(), err: errAny, want: "EOF", requests: attempts},
		"ended":                {fault: s3test.End(2, 3), requests: 5},
		"ended for ever":       {fault: s3test.End(2, 3, 4), err: errAny, want: "EOF", requests: 4, entries: 2},
		"denied":               {fault: s3test.Fail(403, "AccessDenied"), err: listing.ErrAuth, want: "without keys", requests: 1},
		"denied later":         {fault: s3test.Fail(403, "AccessDenied", 2), err: listing.ErrAuth, requests: 2, entries: 2},
		"clock":                {fault: s3test.Fail(403, "RequestTimeTooSkewed"), err: listing.ErrAuth, want: "clock", requests: 1},
		"no bucket":            {fault: s3test.Fail(404, "NoSuchBucket"), err: listing.ErrNoFolder, requests: 1},
		"not found":            {fault: s3test.Say(404, "not here"), err: listing.ErrNoFolder, requests: 1},
		"no user":              {fault: s3test.Fail(404, "XAdminUserNotFound"), err: listing.ErrAuth, requests: 1},
		"no something":         {fault: s3test.Fail(404, "NoSuchSomething"), err: errAny, want: "NoSuchSomething", requests: 1},
		"teapot":               {fault: s3test.Say(418, "no coffee"), err: listing.ErrNotIndex, requests: 1},
		"a web page":           {fault: s3test.Say(200, "<!DOCTYPE html><html><br></html>"), err: listing.ErrNotIndex, requests: 1},
		"no page":              {fault: s3test.Say(200, "\ufeff hello"), err: listing.ErrNotIndex, requests: 1},
		"nothing":              {fault: s3test.Say(200, ""), err: errAny, requests: attempts},
		"another list":         {fault: s3test.Say(200, "<ListAllMyBucketsResult/>"), err: listing.ErrNotIndex, requests: 1},
		"crossed elements":     {fault: s3test.Say(200, "<ListBucketResult><Contents></ListBucketResult></Contents>"), err: listing.ErrNotIndex, requests: 1},
		"deep":                 {fault: s3test.Say(200, "<ListBucketResult>"+strings.Repeat("<a>", 1000)), err: listing.ErrNotIndex, requests: 1},
		"entity bomb":          {fault: s3test.Say(200, bomb), err: listing.ErrNotIndex, requests: 1},
		"unknown entity":       {fault: s3test.Say(200, noEntity), err: listing.ErrNotIndex, requests: 1},
		"neither true":         {fault: s3test.Say(200, "<ListBucketResult><IsTruncated>maybe</IsTruncated></ListBucketResult>"), err: listing.ErrNotIndex, requests: 1},
		"redirect":             {fault: s3test.Redirect(307, "http://127.0.0.1:1/bucket/", ""), err: errAny, want: "not followed", requests: 1},
		"redirect, region":     {fault: s3test.Redirect(301, "http://127.0.0.1:1/bucket/", "eu-west-1", 1), requests: 4},
		"redirect, for ever":   {fault: s3test.Redirect(301, "http://127.0.0.1:1/bucket/", "eu-west-1"), err: errAny, want: "not followed", requests: 2},
		"redirect, bad region": {fault: s3test.Redirect(301, "http://127.0.0.1:1/bucket/", "x.evil.example/"), err: errAny, want: "not followed", requests: 1},
		"endless, same token":  {fault: s3test.Stuck, err: errAny, want: "again and again", requests: 2, entries: 6},
		"endless, same keys":   {fault: s3test.Again, err: errAny, want: "again and again"},
		"endless, empty":       {fault: s3test.Empty, err: errAny, want: "1001 pages without a key", requests: 1001},
		"no token":             {fault: s3test.Edit(func(s string) string { return strings.ReplaceAll(s, "NextContinuationToken", "Other") }), err: errAny, want: "not how to ask", requests: 1, entries: 2},
		"more, but no":         {fault: s3test.Edit(more, 3), err: errAny, want: "not how to ask", requests: 3, entries: 5},
		"refuses all versions": {fault: s3test.Fail(501, "NotImplemented"), err: errAny, want: "NotImplemented", requests: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := s3test.Start(t, numbered(5), s3test.Options{PageSize: 2, Fault: c.fault})
			all, sum, err := list(t, srv.URL, "", listing.Options{})
			switch {
			case c.err == nil && err != nil, !errors.Is(err, c.err) && (err == nil || c.err != errAny): //nolint:errorlint // the very one is meant
				t.Errorf("got %v, want %v", err, c.err)
			case c.err == errAny: //nolint:errorlint // the very one is meant
				for _, e := range []error{listing.ErrNoFolder, listing.ErrAuth, listing.ErrBusy, listing.ErrNotIndex} {
					if errors.Is(err, e) {
						t.Errorf("%v is %v", err, e)
					}
				}
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if c.err == nil && (len(all) != 5 || !sum.Complete()) || c.entries > 0 && len(all) != c.entries {
				t.Errorf("%d entries, %+v", len(all), sum)
			}
			if c.requests > 0 && srv.Lists() != c.requests {
				t.Errorf("%d requests, want %d", srv.Lists(), c.requests)
			}
		})
	}
}

// A server that stays silent is given up, however patient the caller is.
func TestSilent(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t, numbered(1), s3test.Options{Fault: s3test.Hang()})
	_, _, err := list(t, srv.URL, "", listing.Options{Timeout: 50 * time.Millisecond})
	if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() || srv.Lists() > attempts {
		t.Errorf("%d requests, %v", srv.Lists(), err)
	}
}

// What is not known to be a list has no entries that could count.
func TestUndecodable(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t, numbered(5), s3test.Options{Fault: s3test.Edit(func(s string) string {
		return strings.NewReplacer(">003<", ">%zz<", ">004<", ">%ff<", "<Size>1<", "<Size>-1<", "<Size>2<", "<Size>many<", "05:06:07.000Z", "yesterday").Replace(s)
	})})
	all, sum, err := list(t, srv.URL, "", listing.Options{})
	if err != nil || len(all) != 4 || sum.Refused != 1 || sum.Complete() {
		t.Fatalf("%d entries, %+v, %v", len(all), sum, err)
	}
	if all[1].SizeMin != -1 || all[2].SizeMax != -1 || all[3].Path != "\xff" || all[0].Precision != 0 {
		t.Errorf("%+v", all)
	}
}

// A server that does not heed the prefix shows what nobody asked for.
func TestForeignKeys(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t, []s3test.Object{{Key: "a/x"}}, s3test.Options{Fault: s3test.Edit(func(s string) string {
		return strings.ReplaceAll(s, "<Key>a/", "<Key>b/")
	})})
	all, sum, err := list(t, srv.URL+"a/", "", listing.Options{})
	if !errors.Is(err, listing.ErrNoFolder) || len(all) != 0 || sum.Refused != 1 {
		t.Errorf("%d entries, %+v, %v", len(all), sum, err)
	}
}

// TestEndless is about pages that are new again and again, which only limits end.
func TestEndless(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t, nil, s3test.Options{Fault: s3test.Endless})
	l, err := New(srv.URL, listing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := listing.Bounded(l, listing.Limits{Entries: 100}).List(t.Context(), "", func(listing.Entry) error { return nil })
	if _, ok := errors.AsType[*listing.LimitError](err); !ok || sum.Entries < 100 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// The keys are for one server: no other one hears of them.
func TestRedirectTellsNobody(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv := s3test.Start(t, numbered(1), s3test.Options{Keys: secrets, Fault: s3test.Redirect(status, other.URL+"/bucket/", "eu-west-1")})
		if _, _, err := list(t, srv.URL, "", listing.Options{PasswordFile: keyFile(t, secretLine)}); err == nil || !strings.Contains(err.Error(), "not followed") {
			t.Errorf("%d: %v", status, err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the other server was asked %d times", n)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t, numbered(10), s3test.Options{PageSize: 4})
	l, err := New(srv.URL, listing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	sum, err := l.List(t.Context(), "", func(e listing.Entry) error {
		if e.Path == "005" {
			return enough
		}
		return nil
	})
	if err != enough || sum.Entries != 6 || srv.Lists() != 2 { //nolint:errorlint // yield's very own
		t.Errorf("%+v, %v", sum, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	sum, err = l.List(ctx, "", func(listing.Entry) error { cancel(why); return nil })
	if !errors.Is(err, why) || sum.Entries != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// Nothing listens there, which is tried again; and the message says where.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t, nil)
	srv.HTTP.Close()
	_, _, err := list(t, srv.URL, "", listing.Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "listing "+srv.URL+": dial tcp") {
		t.Errorf("got %v", err)
	}
}

// Errors are kept and shown, whatever the server has put into them.
func TestErrorsArePrintable(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t, nil, s3test.Options{Fault: s3test.Say(403, "<Error><Code>x</Code><Message>a&#x9b;b"+strings.Repeat("c", 5000)+"\n\nd</Message></Error>")})
	_, _, err := list(t, srv.URL, "", listing.Options{})
	if err == nil || len(err.Error()) > 1200 || strings.ContainsAny(err.Error(), "\n\u009b") {
		t.Errorf("got %q", err)
	}
}
