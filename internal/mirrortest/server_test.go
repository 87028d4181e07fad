package mirrortest

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWebServers(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, string, ...Options) *Server{
		"nginx": Nginx, "apache": Apache, "lighttpd": Lighttpd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "file"), []byte("hello"), 0o644); err != nil {
				t.Fatal(err)
			}
			s := start(t, dir, Options{Host: "127.0.0.2"})
			if got := get(t, s.URL+"file"); got != "hello" {
				t.Errorf("file: got %q, want hello", got)
			}
			if got := get(t, s.URL); !strings.Contains(got, `href="file"`) {
				t.Errorf("index does not link to the file:\n%s", got)
			}
			s.Stop()
			if _, err := http.Get(s.URL); err == nil {
				t.Error("it still answers after Stop")
			}
			again := start(t, dir, Options{Host: s.Host, Port: s.Port})
			if got := get(t, again.URL+"file"); got != "hello" {
				t.Errorf("started again: got %q, want hello", got)
			}
		})
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestFTPServers(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, string, ...Options) *Server{
		"vsftpd": Vsftpd, "goftp": GoFTP, "pyftpdlib": PyFTPD,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir(), Options{Host: "127.0.0.3"})
			conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(s.URL, "ftp://"), "/"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			buf := make([]byte, 100)
			n, err := conn.Read(buf)
			if err != nil || !strings.HasPrefix(string(buf[:n]), "220") {
				t.Errorf("greeting: got %q, %v", buf[:n], err)
			}
		})
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := Tree(t, dir)
	if len(files) != 4*len(OddNames) {
		t.Errorf("got %d files, want %d", len(files), 4*len(OddNames))
	}
}
