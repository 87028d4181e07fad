package ftp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// list lists everything and returns it by path.
func list(t *testing.T, l *Lister, sub string) (map[string]listing.Entry, listing.Summary, error) {
	t.Helper()
	got := map[string]listing.Entry{}
	sum, err := l.List(context.Background(), sub, func(e listing.Entry) error {
		if _, twice := got[e.Path]; twice {
			t.Errorf("%q is listed twice", e.Path)
		}
		got[e.Path] = e
		return nil
	})
	return got, sum, err
}

func open(t *testing.T, url string) *Lister {
	t.Helper()
	l, err := New(url, listing.Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLiveServers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mirrortest.Tree(t, dir)
	recent := time.Now().Add(-50 * time.Hour).Truncate(time.Minute).Add(7 * time.Second)
	mirrortest.File(t, filepath.Join(dir, "recent"), 17, recent)
	if err := os.Chmod(filepath.Join(dir, "recent"), 0o640); err != nil {
		t.Fatal(err)
	}
	files := mirrortest.Files(t, dir)
	if err := os.Symlink("a/b", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		start func(testing.TB, string, ...mirrortest.Options) *mirrortest.Server
		opts  mirrortest.Options
		mlsd  bool
	}{
		{"vsftpd", mirrortest.Vsftpd, mirrortest.Options{}, false},
		{"vsftpd-no-epsv", mirrortest.Vsftpd, mirrortest.Options{
			Config: "cmds_denied=EPSV\npasv_address=192.0.2.1\npasv_addr_resolve=NO",
		}, false},
		{"goftp", mirrortest.GoFTP, mirrortest.Options{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := tt.start(t, dir, tt.opts)
			got, sum, err := list(t, open(t, s.URL), "")
			if err != nil {
				t.Fatal(err)
			}
			if !sum.Complete() || sum.Refused != 0 || sum.Entries != len(got) {
				t.Errorf("summary: %+v, %d entries", sum, len(got))
			}
			for path, info := range files {
				e, ok := got[path]
				if !ok {
					t.Errorf("%q is not listed", path)
					continue
				}
				delete(got, path)
				check(t, e, info, tt.mlsd)
			}
			if e := got["link"]; !tt.mlsd && (e.Kind != listing.Symlink || e.Target != "a/b") {
				t.Errorf("link: %+v", e)
			}
			delete(got, "link")
			for path, e := range got {
				if e.Kind != listing.Dir {
					t.Errorf("listed, but not there: %+v", e)
				}
				if st, err := os.Stat(filepath.Join(dir, path)); err != nil || !st.IsDir() {
					t.Errorf("not a folder: %+v", e)
				}
			}
		})
	}
}

// check compares an entry with the file.
func check(t *testing.T, e listing.Entry, info os.FileInfo, isMLSD bool) {
	t.Helper()
	want := listing.Entry{
		Path: e.Path, SizeMin: info.Size(), SizeMax: info.Size(),
		Mode: uint32(info.Mode().Perm()), HasMode: true,
		MTime: info.ModTime().UnixNano(), Precision: 24 * time.Hour, ZoneUnknown: true,
	}
	switch {
	case isMLSD:
		want.Precision, want.ZoneUnknown = time.Second, false
		want.Mode, want.HasMode = 0, false // the server does not tell
	case time.Since(info.ModTime()) < 150*24*time.Hour:
		want.Precision = time.Minute
	}
	want.MTime = info.ModTime().Truncate(want.Precision).UnixNano()
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("%q (-want +got):\n%s", e.Path, diff)
	}
}

func TestSubFolderAndErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mirrortest.Tree(t, dir)
	for name, start := range map[string]func(testing.TB, string, ...mirrortest.Options) *mirrortest.Server{
		"vsftpd": mirrortest.Vsftpd, "goftp": mirrortest.GoFTP,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, dir)
			got, sum, err := list(t, open(t, s.URL+"a"), "b")
			if _, ok := got["b/c/hash#mark"]; err != nil || !sum.Complete() || !ok || len(got) != 1+len(mirrortest.OddNames) {
				t.Errorf("sub-folder: %d entries, %+v, %v", len(got), sum, err)
			}
			if _, _, err := list(t, open(t, s.URL), "a/missing"); !errors.Is(err, listing.ErrNoFolder) {
				t.Errorf("missing folder: %v", err)
			}
			if _, _, err := list(t, open(t, s.URL+"missing"), ""); !errors.Is(err, listing.ErrNoFolder) {
				t.Errorf("missing top folder: %v", err)
			}
			stop := errors.New("enough")
			_, err = open(t, s.URL).List(context.Background(), "", func(listing.Entry) error { return stop })
			if !errors.Is(err, stop) {
				t.Errorf("error from yield: got %v", err)
			}
			s.Stop()
			if _, _, err := list(t, open(t, s.URL), ""); err == nil {
				t.Error("no error from a server that is down")
			}
		})
	}
}

func TestUnreadableFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mirrortest.Tree(t, dir)
	s := mirrortest.Vsftpd(t, dir) // lists as user ftp
	if os.Getuid() != 0 {
		t.Skip("the server runs as this user only when started by root")
	}
	secret := filepath.Join(dir, "a/b/c")
	if err := os.Chmod(secret, 0o711); err != nil { // may be entered, not listed
		t.Fatal(err)
	}
	_, sum, err := list(t, open(t, s.URL), "")
	if err != nil || len(sum.Incomplete) != 1 || !strings.Contains(sum.Incomplete[0], `"a/b/c"`) {
		t.Errorf("got %+v, %v", sum, err)
	}
	if err := os.Chmod(secret, 0o700); err != nil { // not even entered
		t.Fatal(err)
	}
	_, sum, err = list(t, open(t, s.URL), "")
	if err != nil || len(sum.Incomplete) != 1 || !strings.Contains(sum.Incomplete[0], `"a/b/c"`) {
		t.Errorf("got %+v, %v", sum, err)
	}
}

func TestPassword(t *testing.T) {
	t.Parallel()
	s := mirrortest.GoFTP(t, t.TempDir(), mirrortest.Options{User: "me", Password: "p@ss w"})
	if _, _, err := list(t, open(t, s.URL), ""); !errors.Is(err, listing.ErrAuth) {
		t.Errorf("anonymous: got %v", err)
	}
	if _, _, err := list(t, open(t, strings.Replace(s.URL, "://", "://me:wrong@", 1)), ""); !errors.Is(err, listing.ErrAuth) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("wrong password: got %v", err)
	}
	if _, sum, err := list(t, open(t, strings.Replace(s.URL, "://", "://me:p%40ss%20w@", 1)), ""); err != nil || !sum.Complete() {
		t.Errorf("right password: got %+v, %v", sum, err)
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	s := mirrortest.Vsftpd(t, t.TempDir(), mirrortest.Options{Config: "max_clients=1"})
	// The place of the connection that saw the server start may not be free yet.
	for {
		first, err := net.Dial("tcp", net.JoinHostPort(s.Host, open(t, s.URL).port))
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		greeting := make([]byte, 3)
		if _, err := first.Read(greeting); err != nil {
			t.Fatal(err)
		}
		if string(greeting) == "220" {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if _, _, err := list(t, open(t, s.URL), ""); !errors.Is(err, listing.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key, pool := certificate(t)
	dir := t.TempDir()
	mirrortest.Tree(t, dir)
	for name, start := range map[string]func(testing.TB, string, ...mirrortest.Options) *mirrortest.Server{
		"vsftpd": mirrortest.Vsftpd, "goftp": mirrortest.GoFTP,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, dir, mirrortest.Options{Cert: cert, Key: key})
			url := strings.Replace(s.URL, "ftp://", "ftps://", 1)
			if _, _, err := list(t, open(t, url), ""); err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("unknown certificate: got %v", err)
			}
			l := open(t, url)
			l.tls.RootCAs = pool
			got, sum, err := list(t, l, "")
			if err != nil || !sum.Complete() || len(got) < 4*len(mirrortest.OddNames) {
				t.Errorf("got %d entries, %+v, %v", len(got), sum, err)
			}
		})
	}
	t.Run("not offered", func(t *testing.T) {
		t.Parallel()
		s := mirrortest.Vsftpd(t, dir)
		if _, _, err := list(t, open(t, strings.Replace(s.URL, "ftp://", "ftps://", 1)), ""); err == nil {
			t.Error("listed without TLS although it was asked for")
		}
	})
}

// certificate makes a self-signed certificate for 127.0.0.1.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mirrortest.Readable(t, dir)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := errors.Join(
		os.WriteFile(certFile, certPEM, 0o644),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return certFile, keyFile, pool
}
