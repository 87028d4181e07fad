package listing

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	o := Options{}.WithDefaults()
	if o.Timeout != DefaultTimeout || o.ContactTimeout != 30*time.Second || o.Parallel != 4 || o.UserAgent == "" {
		t.Errorf("%+v", o)
	}
	o.Log("nobody listens")
	if o = (Options{Timeout: time.Second}).WithDefaults(); o.ContactTimeout != time.Second {
		t.Errorf("connecting may take %v", o.ContactTimeout)
	}
	if o = (Options{Timeout: time.Second, ContactTimeout: time.Minute}).WithDefaults(); o.ContactTimeout != time.Minute {
		t.Errorf("connecting may take %v", o.ContactTimeout)
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	plain := Options{}.WithDefaults()
	own := Options{Skip: func(path string, dir bool) bool { return path == "a/b" && !dir }}.WithDefaults()
	for _, c := range []struct {
		path       string
		dir        bool
		plain, own bool
	}{
		{".~tmp~", true, true, true},
		{"a/.~tmp~", true, true, true},
		{".~tmp~", false, false, false},
		{"x.~tmp~", true, false, false},
		{".~tmp~/x", true, false, false},
		{"a/b", false, false, true},
		{"a/b", true, false, false},
	} {
		if got := plain.Skip(c.path, c.dir); got != c.plain {
			t.Errorf("%q, folder %v: %v by default", c.path, c.dir, got)
		}
		if got := own.Skip(c.path, c.dir); got != c.own {
			t.Errorf("%q, folder %v: %v", c.path, c.dir, got)
		}
	}
}

func TestDialer(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Source: "x"}, {Proxy: "http://u:geheim@"}} {
		if _, err := o.Dialer(0); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	d, err := Options{Source: "::1", Proxy: "socks5://proxy"}.Dialer(0)
	if err != nil || !d.Proxied() || d.Source().String() != "::1" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestReadPassword(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, want := range map[string]string{
		"secret": "secret", "secret\n": "secret", "s  p\r\nmore\n": "s  p", "\n": "", "": "", strings.Repeat("x", 5000): strings.Repeat("x", 4096),
	} {
		file := filepath.Join(dir, "password")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadPassword(file)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%.20q: %.20q, %v", text, got, err)
		}
	}
	if _, err := ReadPassword(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
