package e2e

import (
	"net/url"
	"path/filepath"
	"testing"
)

// wget2 follows the Link field of a redirect to the Metalink, and checks the
// pieces. It asks the first mirror alone: docs/clients.md says what becomes of
// that when the mirror is down or has wrong bytes.
func TestWget2(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "", func(root string) { keep(t, root, image, noise(5, 8<<20+3)) })
	d.publish()
	near, far := d.mirror("near", "--country", "de"), d.mirror("far", "--country", "us")
	d.start()
	u, err := url.Parse(d.base)
	check(t, err)
	for name, c := range map[string]struct {
		url string
		env []string
	}{
		"meta4": {url: d.url(image) + ".meta4"},
		// It forgets the port of a Link, so that the redirector must be at the
		// usual one; to which a proxy stands.
		"plain": {"http://" + u.Hostname() + "/" + escape(image), []string{"http_proxy=" + u.Host, "no_proxy=" + near.Host + "," + far.Host}},
	} {
		near.forget()
		dir := d.folder(name)
		d.succeeds(dir, append(c.env, "wget2", "--no-config", "--tries=3", "--timeout=10", "--header=X-Forwarded-For: "+inGermany, c.url)...)
		d.same(image, filepath.Join(dir, filepath.Base(image)))
		near.used(image)
	}
	far.unused()
	if n := d.answered("http://" + u.Hostname() + "/" + escape(image) + ".meta4")["application/metalink4+xml"]; n != 1 {
		t.Errorf("it has followed the Link to the Metalink %d times", n)
	}
}
