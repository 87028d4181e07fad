package protocols

import (
	"context"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"rsync://mirror.example/module/": "rsync",
		"rsyncs://mirror.example/mod/":   "rsync",
		"ftp://mirror.example/pub/":      "ftp",
		"ftps://mirror.example/pub/":     "ftp",
		"http://mirror.example/pub/":     "http",
		"HTTPS://mirror.example/pub":     "http",
	} {
		l, err := Open(url, listing.Options{})
		if err != nil || l.Protocol() != want {
			t.Errorf("%s: got %v, %v, want %s", url, l, err, want)
		}
		if !Known(url) {
			t.Errorf("%s is not known", url)
		}
	}
	for _, url := range []string{"", "mirror.example", "file:///srv", "gopher://u:secret@mirror.example/", "http://", "ftp://"} {
		l, err := Open(url, listing.Options{})
		if err == nil || l != nil {
			t.Errorf("%q: got %v, %v, want an error", url, l, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error shows the password: %v", url, err)
		}
	}
}

// TestSameTree lists one tree through every protocol: what they say differs in
// precision only.
func TestSameTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := mirrortest.Tree(t, dir)
	for name, start := range map[string]func(testing.TB, string, ...mirrortest.Options) *mirrortest.Server{
		"vsftpd": mirrortest.Vsftpd, "goftp": mirrortest.GoFTP, "lighttpd": mirrortest.Lighttpd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := Open(start(t, dir).URL, listing.Options{})
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			sum, err := l.List(context.Background(), "", func(e listing.Entry) error {
				if info, ok := files[e.Path]; ok && e.Kind == listing.File && e.SizeFits(info.Size()) {
					found++
				}
				return nil
			})
			if err != nil || !sum.Complete() || found != len(files) {
				t.Errorf("found %d of %d files, %+v, %v", found, len(files), sum, err)
			}
		})
	}
}
