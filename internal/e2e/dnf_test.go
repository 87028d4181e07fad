package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dnf runs dnf in a root of its own. repo is the line that says where the
// repository is.
func (r *rpmRepo) dnf(name, repo string, args ...string) result {
	r.t.Helper()
	dir := r.folder(name)
	for _, sub := range []string{"repos", "root", "cache", "log", "state", "vars"} {
		check(r.t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	r.write(filepath.Join(dir, "dnf.conf"), strings.ReplaceAll(`[main]
reposdir=DIR/repos
cachedir=DIR/cache
logdir=DIR/log
persistdir=DIR/state
varsdir=DIR/vars
pluginpath=DIR/none
gpgcheck=0
retries=2
timeout=10
fastestmirror=0
zchunk=0
`, "DIR", dir))
	r.write(filepath.Join(dir, "repos", "test.repo"), "[test]\nname=test\nenabled=1\n"+repo+"\n")
	return r.run(dir, append([]string{"dnf", "--config=" + filepath.Join(dir, "dnf.conf"), "--installroot=" + filepath.Join(dir, "root"), "--releasever=1", "-y"}, args...)...)
}

// dnfGets has a new dnf download the package hello, and gives the version that it
// took for the latest; 0: none.
func (r *rpmRepo) dnfGets(name, repo string) (version int, out result) {
	r.t.Helper()
	to := r.folder(name + "-got")
	out = r.dnf(name, repo, "install", "--downloadonly", "--downloaddir="+to, "hello")
	for v := range 3 {
		got := filepath.Join(to, filepath.Base(r.rpm(v)))
		if _, err := os.Stat(got); err == nil {
			r.same(r.rpm(v), got)
			version = v
		}
	}
	return version, out
}

// dnf takes all of a repository from the mirrors that it is told; so these must
// have the same generation of its index, and no parts of another. It gets over one
// that is down, and one with a broken package.
func TestDNF(t *testing.T) {
	t.Parallel()
	r := newRPMRepo(t, "repository /rpm")
	r.release(1)
	stale, torn := r.copyOf("stale"), r.copyOf("torn")
	r.release(2)
	check(t, os.Remove(filepath.Join(torn, r.repomd())))
	check(t, os.Link(filepath.Join(r.root, r.repomd()), filepath.Join(torn, r.repomd())))
	r.publish()
	bad := []*webMirror{r.mirrorOf("stale", stale, "--score", "1000000"), r.mirrorOf("torn", torn, "--score", "1000000")}
	good := r.mirror("good", "--score", "1")
	wrong, down := r.mirror("wrong", "--score", "1000"), r.mirror("down", "--score", "1000000")
	wrong.corrupt(r.rpm(2))
	down.Stop()
	r.start()
	get := func(name, line string) {
		t.Helper()
		good.forget()
		if v, out := r.dnfGets(name, line); v != 2 {
			t.Errorf("%s: got version %d: exit %d\n%s%s", name, v, out.code, out.stdout, out.stderr)
		}
		good.used(r.rpm(2))
	}
	get("metalink", "metalink="+r.url(r.repomd())+".metalink")
	get("mirrorlist", "mirrorlist="+r.url(r.dir)+"/?mirrorlist&format=dnf")
	r.must("disable", "wrong", "down")
	r.follows()
	get("baseurl", "baseurl="+r.url(r.dir))
	for _, m := range bad {
		m.unused()
	}
}

// A mirror that turns out to have yesterday's repository is good enough for dnf as
// long as the Metalink names its index as an earlier version; not after that.
func TestDNFAlternates(t *testing.T) {
	t.Parallel()
	r := newRPMRepo(t, "metalink_alternates 1h")
	r.release(1)
	r.publish()
	yesterday := r.copyOf("yesterday")
	r.release(2)
	r.publish()
	m := r.mirror("mirror")
	r.start()
	// Another machine behind the same name, say.
	check(t, os.Rename(m.dir, m.dir+"-today"))
	check(t, os.Rename(yesterday, m.dir))
	metalink := "metalink=" + r.url(r.repomd()) + ".metalink"
	if v, out := r.dnfGets("named", metalink); v != 1 {
		t.Errorf("got version %d: exit %d\n%s%s", v, out.code, out.stdout, out.stderr)
	}
	m.used(r.repomd())
	m.used(r.rpm(1))
	r.handler = "metalink_alternates off"
	r.reload()
	if v, out := r.dnfGets("not-named", metalink); v != 0 || out.code == 0 {
		t.Errorf("without alternates: got version %d: exit %d\n%s%s", v, out.code, out.stdout, out.stderr)
	}
}
