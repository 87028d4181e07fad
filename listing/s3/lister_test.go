package s3

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/s3test"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// The tests do not wait as long as the real thing, and use no keys of whoever
// runs them.
func TestMain(m *testing.M) {
	retryPause = time.Millisecond
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"} {
		os.Unsetenv(name)
	}
	os.Exit(m.Run())
}

// list lists all below sub.
func list(t testing.TB, url, sub string, opts listing.Options) ([]listing.Entry, listing.Summary, error) {
	t.Helper()
	l, err := New(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	return listWith(t, l, sub)
}

func listWith(t testing.TB, l *Lister, sub string) ([]listing.Entry, listing.Summary, error) {
	t.Helper()
	var all []listing.Entry
	sum, err := l.List(t.Context(), sub, func(e listing.Entry) error { all = append(all, e); return nil })
	if sum.Entries != len(all) {
		t.Errorf("%d entries, %d counted", len(all), sum.Entries)
	}
	return all, sum, err
}

func paths(all []listing.Entry) []string {
	names := []string{}
	for _, e := range all {
		names = append(names, e.Path)
	}
	return names
}

// numbered makes n objects.
func numbered(n int) []s3test.Object {
	all := make([]s3test.Object, n)
	for i := range all {
		all[i] = s3test.Object{Key: fmt.Sprintf("%03d", i), Size: int64(i)}
	}
	return all
}

// keyFile writes a file of keys.
func keyFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var secrets = map[string]string{"AKIAIOSFODNN7EXAMPLE": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

const secretLine = "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

// TestTree lists a tree of odd names from every kind of server.
func TestTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := mirrortest.Tree(t, dir)
	want := map[string]int64{}
	for path, info := range files {
		want[path] = info.Size()
	}
	objects := s3test.Tree(t, dir)
	for i := range objects {
		objects[i].Key = "pub/x y/" + objects[i].Key
	}
	objects = append(objects, s3test.Object{Key: "pub/x y"}, s3test.Object{Key: "pub/x yz/a"}, s3test.Object{Key: "private"})
	for name, o := range map[string]s3test.Options{
		"anyone":         {},
		"signed":         {Keys: secrets},
		"session":        {Keys: secrets, Token: "token=="},
		"refuses V2":     {Version: s3test.RefusesVersion2, Keys: secrets},
		"ignores V2":     {Version: s3test.IgnoresVersion2},
		"gzip":           {Fault: s3test.Zip},
		"in one page":    {PageSize: 1000},
		"one key a page": {PageSize: 1},
		"old bucket":     {Bucket: "Old_Bucket", Keys: secrets},
		"tenant":         {Bucket: "tenant:bucket", Keys: secrets},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if o.PageSize == 0 {
				o.PageSize = 7
			}
			srv := s3test.Start(t, objects, o)
			var opts listing.Options
			if o.Keys != nil {
				opts.PasswordFile = keyFile(t, strings.TrimSuffix(secretLine+":"+o.Token, ":"))
			}
			all, sum, err := list(t, srv.URL+"pub/x%20y/", "", opts)
			if err != nil || !sum.Complete() || sum.Refused != 0 {
				t.Fatalf("%+v, %v", sum, err)
			}
			got := map[string]int64{}
			for _, e := range all {
				got[e.Path] = e.SizeMin
				if e.Kind != listing.File || !e.SizeExact() || e.MTime != s3test.Uploaded.UnixNano() || e.Precision != time.Second || e.ZoneUnknown {
					t.Errorf("%+v", e)
				}
			}
			if d := cmp.Diff(want, got); d != "" || len(all) != len(want) {
				t.Errorf("%d entries, %s", len(all), d)
			}
			if o.Keys != nil && srv.Signed() == 0 {
				t.Error("nothing was signed")
			}
		})
	}
}

// TestEntries shows what becomes of single objects.
func TestEntries(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	objects := []s3test.Object{
		{Key: "a", Body: []byte("contents"), Modified: at},
		{Key: "a/b", Size: 3, Class: "INTELLIGENT_TIERING"},
		{Key: "archive/old", Size: 5, Class: "GLACIER"},
		{Key: "archive/older", Size: 5, Class: "DEEP_ARCHIVE"},
		{Key: "archive/instant", Size: 5, Class: "GLACIER_IR", ETag: `"0123"`},
		{Key: "folder/"},
		{Key: "full/", Size: 1},
		{Key: "empty//segment"},
		{Key: "/slash"},
		{Key: "../up"},
		{Key: "x/../y"},
		{Key: "nul\x00"},
		{Key: strings.Repeat("long", 1000)},
		{Key: strings.Repeat("d/", 500) + "deep", ETag: `"zz0123456789abcdef0123456789abcd"`},
	}
	var log []string
	srv := s3test.Start(t, objects)
	all, sum, err := list(t, srv.URL, "", listing.Options{Log: func(m string) { log = append(log, m) }})
	if err != nil || !sum.Complete() || sum.Refused != 7 {
		t.Errorf("%+v, %v", sum, err)
	}
	want := []listing.Entry{
		{Path: "a", SizeMin: 8, SizeMax: 8, MTime: at.UnixNano(), Precision: time.Millisecond, MD5: md5.Sum([]byte("contents")), HasMD5: true},
		{Path: "a/b", SizeMin: 3, SizeMax: 3, MTime: s3test.Uploaded.UnixNano(), Precision: time.Second},
		{Path: "archive/instant", SizeMin: 5, SizeMax: 5, MTime: s3test.Uploaded.UnixNano(), Precision: time.Second},
		{Path: "archive/old", Kind: listing.Other, SizeMin: -1, SizeMax: -1},
		{Path: "archive/older", Kind: listing.Other, SizeMin: -1, SizeMax: -1},
		{Path: strings.Repeat("d/", 500) + "deep", MTime: s3test.Uploaded.UnixNano(), Precision: time.Second},
	}
	if d := cmp.Diff(want, all); d != "" {
		t.Error(d)
	}
	if len(log) != 1 || !strings.Contains(log[0], "archive") {
		t.Errorf("logged %q", log)
	}
}

// TestPlain is about servers that write keys as they are.
func TestPlain(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t, []s3test.Object{{Key: "a+b%20c <&> ü"}, {Key: "b"}}, s3test.Options{Plain: true, PageSize: 1})
	all, sum, err := list(t, srv.URL, "", listing.Options{})
	if d := cmp.Diff([]string{"a+b%20c <&> ü", "b"}, paths(all)); d != "" || err != nil || !sum.Complete() {
		t.Errorf("%+v, %v, %s", sum, err, d)
	}
}

func TestSub(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t, []s3test.Object{{Key: "a/b/c"}, {Key: "a/b/d"}, {Key: "a/bc"}, {Key: "marked/"}})
	for _, c := range []struct {
		prefix, sub string
		want        []string
		err         error
	}{
		{"", "", []string{"a/b/c", "a/b/d", "a/bc"}, nil},
		{"", "a/b", []string{"a/b/c", "a/b/d"}, nil},
		{"a/", "", []string{"b/c", "b/d", "bc"}, nil},
		{"a/", "b", []string{"b/c", "b/d"}, nil},
		{"a/b", "", []string{"c", "d"}, nil},
		{"", "marked", nil, nil},
		{"marked", "", nil, nil},
		{"", "a/b/c", nil, listing.ErrNoFolder},
		{"a", "none", nil, listing.ErrNoFolder},
		{"none", "", nil, listing.ErrNoFolder},
	} {
		all, sum, err := list(t, srv.URL+c.prefix, c.sub, listing.Options{})
		if !errors.Is(err, c.err) || !sum.Complete() || !slices.Equal(paths(all), c.want) {
			t.Errorf("%q, %q: %q, %+v, %v", c.prefix, c.sub, paths(all), sum, err)
		}
	}
	srv.Set(nil)
	if all, sum, err := list(t, srv.URL, "", listing.Options{}); err != nil || len(all) != 0 || !sum.Complete() {
		t.Errorf("empty bucket: %+v, %v", sum, err)
	}
	if _, _, err := list(t, srv.URL, "../x", listing.Options{}); err == nil {
		t.Error("no error for a folder that is none")
	}
	if _, _, err := list(t, strings.Replace(srv.URL, "/bucket/", "/other/", 1), "", listing.Options{}); !errors.Is(err, listing.ErrNoFolder) || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("no bucket: %v", err)
	}
}

// amazon makes a lister whose connections to Amazon lead to a server of the test.
func amazon(t *testing.T, srv *s3test.Server, url string, opts listing.Options) (*Lister, *[]string) {
	t.Helper()
	l, err := New(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	var hosts []string
	l.client.Transport = &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			hosts = append(hosts, addr)
			return (&net.Dialer{}).DialContext(ctx, network, srv.HTTP.Listener.Addr().String())
		},
	}
	return l, &hosts
}

func TestRegions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url    string
		bucket string
		keys   bool
		hosts  []string
	}{
		"right":             {"s3://bucket/?region=eu-west-1", "bucket", true, []string{"bucket.s3.eu-west-1.amazonaws.com:443"}},
		"wrong":             {"s3://bucket/?region=ap-south-1", "bucket", true, []string{"bucket.s3.ap-south-1.amazonaws.com:443", "bucket.s3.eu-west-1.amazonaws.com:443"}},
		"not told, anyone":  {"s3://bucket/", "bucket", false, []string{"bucket.s3.us-east-1.amazonaws.com:443", "bucket.s3.eu-west-1.amazonaws.com:443"}},
		"virtual":           {"s3+https://store.example/bucket/?style=virtual", "bucket", true, []string{"bucket.store.example:443"}},
		"bucket with a dot": {"s3://my.bucket/", "my.bucket", true, []string{"s3.us-east-1.amazonaws.com:443", "s3.eu-west-1.amazonaws.com:443"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := s3test.Options{TLS: true, Region: "eu-west-1", Bucket: c.bucket, PageSize: 2}
			var opts listing.Options
			if c.keys {
				o.Keys, opts.PasswordFile = secrets, keyFile(t, secretLine)
			}
			srv := s3test.Start(t, numbered(5), o)
			l, hosts := amazon(t, srv, c.url, opts)
			all, sum, err := listWith(t, l, "")
			if err != nil || len(all) != 5 || !sum.Complete() {
				t.Errorf("%d entries, %+v, %v", len(all), sum, err)
			}
			if d := cmp.Diff(c.hosts, *hosts); d != "" {
				t.Error(d)
			}
		})
	}
}

// A server that is not Amazon's names its region when the signature is for
// another.
func TestOwnRegion(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t, numbered(5), s3test.Options{Region: "garage", Keys: secrets, PageSize: 2})
	var log []string
	opts := listing.Options{PasswordFile: keyFile(t, secretLine), Log: func(m string) { log = append(log, m) }}
	all, _, err := list(t, srv.URL, "", opts)
	if err != nil || len(all) != 5 || srv.Lists() != 4 || srv.Signed() != 3 {
		t.Errorf("%d entries by %d requests, %v", len(all), srv.Lists(), err)
	}
	if len(log) != 1 || !strings.Contains(log[0], "?region=garage") {
		t.Errorf("logged %q", log)
	}
	if all, _, err = list(t, srv.URL+"?region=garage", "", opts); err != nil || len(all) != 5 || srv.Lists() != 7 {
		t.Errorf("%d entries by %d requests, %v", len(all), srv.Lists(), err)
	}
}

func TestKeysRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		line, want string
		token      string
		clock      bool
	}{
		"none":       {line: "", want: "asked without keys"},
		"another id": {line: "AKIAOTHER:sesame", want: "InvalidAccessKeyId"},
		"wrong":      {line: "AKIAIOSFODNN7EXAMPLE:sesame", want: "SignatureDoesNotMatch"},
		"no token":   {line: secretLine, token: "token", want: "InvalidToken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := s3test.Start(t, numbered(1), s3test.Options{Keys: secrets, Token: c.token})
			var opts listing.Options
			if c.line != "" {
				opts.PasswordFile = keyFile(t, c.line)
			}
			_, _, err := list(t, srv.URL, "", opts)
			if !errors.Is(err, listing.ErrAuth) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "sesame") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if srv.Lists() != 1 {
				t.Errorf("asked %d times", srv.Lists())
			}
		})
	}
	_, _, err := list(t, "s3://bucket/", "", listing.Options{PasswordFile: "/does/not/exist"})
	if err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("no file: %v", err)
	}
}

// Keys of the environment are somebody else's for most buckets.
func TestAmbientKeys(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "sesame")
	srv := s3test.Start(t, numbered(3), s3test.Options{PageSize: 2})
	if all, _, err := list(t, srv.URL, "", listing.Options{}); err != nil || len(all) != 3 || srv.Lists() != 3 {
		t.Errorf("%d entries by %d requests, %v", len(all), srv.Lists(), err)
	}
	srv = s3test.Start(t, numbered(3), s3test.Options{Keys: map[string]string{"AKIAOTHER": "sesame"}})
	if all, _, err := list(t, srv.URL, "", listing.Options{}); err != nil || len(all) != 3 || srv.Signed() != 1 {
		t.Errorf("%d entries by %d requests, %v", len(all), srv.Lists(), err)
	}
}
