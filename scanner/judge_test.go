package scanner

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	const hour = int64(time.Hour)
	now := mirror.Version{ID: 2, Size: 10, MTime: 100 * hour, Precision: time.Second, Seen: 101 * hour}
	former := mirror.Version{ID: 1, Size: 8, MTime: 50 * hour, Precision: time.Second, Seen: 51 * hour, Gone: 101 * hour}
	both := []mirror.Version{now, former}
	entry := func(size, mtime int64, precision time.Duration) listing.Entry {
		return listing.Entry{SizeMin: size, SizeMax: size, MTime: mtime, Precision: precision}
	}
	zoneless := entry(10, 98*hour, time.Minute)
	zoneless.ZoneUnknown = true
	for _, test := range []struct {
		name     string
		entry    listing.Entry
		versions []mirror.Version
		want     Verdict
		id       mirror.FileID
	}{
		{"the current one", entry(10, 100*hour, time.Second), both, Held, 2},
		{"the former one", entry(8, 50*hour, time.Second), both, Held, 1},
		{"newer", entry(10, 200*hour, time.Second), both, Held, 2},
		{"older", entry(10, 99*hour, time.Second), both, Stale, 0},
		{"older, or not, by an unknown zone", zoneless, both, Doubtful, 0},
		{"another size", entry(9, 100*hour, time.Second), both, Stale, 0},
		{"no time", entry(10, 0, 0), both, Held, 2},
		{"no size", entry(-1, 100*hour, time.Second), both, Doubtful, 0},
		{"not known", entry(10, 100*hour, time.Second), nil, Unknown, 0},
	} {
		if got, v := Judge(test.entry, test.versions); got != test.want || v.ID != test.id {
			t.Errorf("%s: verdict %d, version %d; want %d, %d", test.name, got, v.ID, test.want, test.id)
		}
	}
}

func TestNewClientGuardsRedirects(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace("http://"+r.Host+"/x", "127.0.0.1", "localhost", 1), http.StatusFound)
	}))
	t.Cleanup(web.Close)
	for _, policy := range []mirror.Redirects{"", mirror.RedirectsPublic} {
		client, err := NewClient(&mirror.Mirror{HTTP: []string{web.URL + "/"}, Redirects: policy}, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.CloseIdleConnections)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
			t.Errorf("%q: status %d from another host", policy, resp.StatusCode)
		} else if !errors.Is(err, errRedirect) {
			t.Errorf("%q: %v", policy, err)
		}
	}
}
