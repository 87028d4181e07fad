package geofetch

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
)

// block is a header of a tar archive (POSIX.1-2017, pax, "ustar Interchange
// Format") and its content, for what archive/tar does not write.
func block(kind byte, name string, content []byte) []byte {
	head := make([]byte, 512)
	copy(head, name)
	copy(head[100:], "0000644\x00")
	copy(head[124:], fmt.Sprintf("%011o\x00", len(content)))
	copy(head[148:], "        ")
	head[156] = kind
	copy(head[257:], "ustar\x0000")
	sum := 0
	for _, b := range head {
		sum += int(b)
	}
	copy(head[148:], fmt.Sprintf("%06o\x00 ", sum))
	return append(append(head, content...), make([]byte, -len(content)&511)...)
}

func record(key, value string) string {
	rest := " " + key + "=" + value + "\n"
	n := len(rest)
	for n != len(fmt.Sprint(n))+len(rest) {
		n = len(fmt.Sprint(n)) + len(rest)
	}
	return fmt.Sprint(n) + rest
}

// A file in an archive that is all holes takes no room there, but would fill the
// disk.
func TestHolesAreNoDatabase(t *testing.T) {
	t.Parallel()
	holes := block('x', "pax", []byte(record("GNU.sparse.major", "1")+record("GNU.sparse.minor", "0")+
		record("GNU.sparse.name", "x/City.mmdb")+record("GNU.sparse.realsize", fmt.Sprint(int64(1)<<50))))
	holes = append(holes, block('0', "x/sparse", append([]byte("0\n"), make([]byte, 510)...))...)
	holes = append(holes, make([]byte, 1024)...)
	for name, content := range map[string][]byte{"plain": holes, "gzip": packed(holes)} {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := unpack(bytes.NewReader(content), f); err == nil || !strings.Contains(err.Error(), "larger than any database") {
			t.Errorf("%s: %v", name, err)
		}
		if st, err := f.Stat(); err != nil || st.Size() != 0 {
			t.Errorf("%s: %v bytes, %v", name, st.Size(), err)
		}
	}
}

// Where a publisher sends us on to, nobody learns the key, which may be in the
// URL; and nobody on the way is to decide what comes.
func TestRedirectsKeepKeys(t *testing.T) {
	t.Parallel()
	var referer []string
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		referer = append(referer, r.Header["Referer"]...)
		http.NotFound(w, r)
	}))
	t.Cleanup(store.Close)
	to := store.URL + "/x"
	from := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to, http.StatusFound)
	}))
	t.Cleanup(from.Close)
	update := func() error {
		s, err := ParseSource(from.URL+"/x.mmdb?license_key=secret", "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		_, err = Update(t.Context(), Options{Source: s, Path: filepath.Join(t.TempDir(), "x.mmdb"), Kinds: geoip.KindPlaces})
		return err
	}
	if err := update(); err == nil || referer != nil {
		t.Errorf("%v; the other server was told %q", err, referer)
	}
	to = "http://192.0.2.1/x"
	if err := update(); err == nil || !strings.Contains(err.Error(), "redirected to http") {
		t.Errorf("to http elsewhere: %v", err)
	}
}
