package e2e

import (
	"path/filepath"
	"testing"
)

// zypper runs in a root of its own, with a repository.
func (r *rpmRepo) zypper(root string, args ...string) {
	r.t.Helper()
	env := "ZYPP_LOGFILE=" + filepath.Join(root, "zypper.log") // else the machine's
	out := r.succeeds(root, append([]string{env, "zypper", "--non-interactive", "--no-gpg-checks", "--root", root}, args...)...)
	r.t.Log(out.stdout, out.stderr) // it may fail and exit with 0
}

// zypper of before 2025 asks for the Metalink of each file, by Accept, and fetches
// the pieces from all mirrors at once. So it gets over those that are down or have
// wrong bytes. The index it takes from here, and nothing from stale mirrors.
func TestZypper(t *testing.T) {
	t.Parallel()
	r := newRPMRepo(t, "repository /rpm")
	r.release(1)
	stale := r.copyOf("stale")
	r.release(2)
	r.publish()
	bad := r.mirrorOf("stale", stale)
	good, wrong, down := r.mirror("good"), r.mirror("wrong"), r.mirror("down")
	wrong.corrupt(r.rpm(2))
	down.Stop()
	r.start()
	root := r.folder("zypper")
	r.zypper(root, "addrepo", "--no-gpgcheck", r.url(r.dir), "test")
	r.zypper(root, "refresh")
	r.zypper(root, "download", "hello")
	r.same(r.rpm(2), filepath.Join(root, "var/cache/zypp/packages/test/noarch", filepath.Base(r.rpm(2))))
	good.used(r.rpm(2))
	wrong.used(r.rpm(2))
	bad.unused()
	if n := r.answered("/" + r.rpm(2))["application/metalink+xml"]; n != 1 {
		t.Errorf("it got %d Metalinks", n)
	}
}
