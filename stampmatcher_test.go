package mirrorbrain

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

const stampKey = "0123456789abcdef0123456789abcdef"

// provisioned makes a matcher ready, or gives the error.
func provisioned(t *testing.T, m *StampMatcher) error {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	err := m.Provision(ctx)
	if err == nil {
		err = m.Validate()
	}
	m.now = func() time.Time { return someTime }
	return err
}

// asked is a request as Caddy hands it to matchers, after a rewrite.
func asked(t *testing.T, target string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
	orig := *r
	u := *r.URL
	orig.URL = &u
	r = r.WithContext(context.WithValue(r.Context(), caddyhttp.OriginalRequestCtxKey, orig))
	r.URL = &url.URL{Path: "/rewritten", RawQuery: "x"}
	return r
}

func TestStampMatcher(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(stampKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STAMP_TEST_NEW", strings.Repeat("n", 32))
	for _, algorithm := range []string{redirector.StampMD5, redirector.StampHMAC} {
		s, err := redirector.NewStamp(algorithm, stampKey)
		if err != nil {
			t.Fatal(err)
		}
		m := &StampMatcher{Keys: []string{"{env.STAMP_TEST_NEW}", "{file." + key + "}"}, Algorithm: algorithm, MaxAge: caddy.Duration(time.Minute)}
		if err := provisioned(t, m); err != nil {
			t.Fatal(err)
		}
		now := someTime.Unix()
		for _, name := range []string{"a.iso", "a b+c%41%2b.iso", "\xff#?&.iso", "a\r\nb", "d/../e"} {
			location := "http://m.example/pub/" + mirror.EscapePath(name)
			signed := s.Sign(location, now)
			query := strings.TrimPrefix(signed, location)
			for target, want := range map[string]bool{
				location:                    false,
				signed:                      true,
				s.Sign(location, now-60):    true,
				s.Sign(location, now-61):    false,
				signed + "0":                false,
				location + ".other" + query: algorithm == redirector.StampMD5,
			} {
				if got, err := m.MatchWithError(asked(t, target)); got != want || err != nil {
					t.Errorf("%s %s: got %v, %v, want %v", algorithm, target, got, err, want)
				}
			}
		}
		// No request of Caddy's: without the original, the request itself counts.
		r := httptest.NewRequest(http.MethodGet, s.Sign("http://m.example/a", now), nil)
		if !m.Match(r) {
			t.Errorf("%s: without an original request the URL does not match", algorithm)
		}
		if text, err := json.Marshal(m); err != nil || strings.Contains(string(text), stampKey) {
			t.Errorf("the configuration shows the key: %s, %v", text, err)
		}
	}
}

func TestStampMatcherErrors(t *testing.T) {
	for want, m := range map[string]*StampMatcher{
		"no key":           {},
		"key 2 is empty":   {Keys: []string{stampKey, "{env.STAMP_TEST_NOWHERE}"}},
		"has 5 bytes":      {Keys: []string{"short"}},
		"neither":          {Keys: []string{stampKey}, Algorithm: "sha1"},
		"at least 1s":      {Keys: []string{stampKey}, MaxAge: 1000},
		"at least 1s, not": {Keys: []string{stampKey}, MaxAge: -1},
	} {
		if err := provisioned(t, m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	m := &StampMatcher{Keys: []string{stampKey}}
	if err := provisioned(t, m); err != nil || m.Algorithm != "hmac-sha256" || m.MaxAge != caddy.Duration(6*time.Hour) {
		t.Errorf("defaults: %+v, %v", m, err)
	}
}

// The page's worked example is what the code makes, and its table has every
// setting of the matcher.
func TestStampDocs(t *testing.T) {
	page, err := os.ReadFile("docs/signed-redirects.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range []string{redirector.StampMD5, redirector.StampHMAC} {
		s, err := redirector.NewStamp(algorithm, stampKey)
		if err != nil {
			t.Fatal(err)
		}
		if want := "    " + s.Sign("http://mirror.example.org/pub/a%20b.iso", 1_700_000_000) + "\n"; !strings.Contains(string(page), want) {
			t.Errorf("the page lacks%s", want)
		}
		if want := "| `" + algorithm + "` |"; !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for name := range stampOptions {
		if !strings.Contains(string(page), "\n| `"+name+" ") {
			t.Errorf("subdirective %s has no row", name)
		}
	}
	for f := range reflect.TypeFor[StampMatcher]().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("JSON field %s has no row", name)
		}
	}
}
