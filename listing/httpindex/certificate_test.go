package httpindex

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// The names in a certificate may hold control characters, and the error that
// they are the wrong ones repeats them.
func TestErrorsArePrintable(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"\x1b]0;owned\a.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	l, err := New(strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), listing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.List(t.Context(), "", func(listing.Entry) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "owned") || strings.ContainsAny(err.Error(), "\x1b\a") {
		t.Errorf("got %q", err)
	}
}
