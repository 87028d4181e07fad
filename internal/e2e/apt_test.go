package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
)

// debRepo is a folder of the tree with a repository of Debian packages.
type debRepo struct {
	*depot
}

// release adds a version of the package mb-hello, and makes the indexes anew.
func (r *debRepo) release(version int) {
	r.t.Helper()
	work := r.folder(fmt.Sprintf("deb-%d", version))
	for name, text := range map[string]string{
		"DEBIAN/control":       fmt.Sprintf("Package: mb-hello\nVersion: %d\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: says hello\n", version),
		"usr/share/hello/text": fmt.Sprintf("hello %d\n", version),
	} {
		check(r.t, os.MkdirAll(filepath.Dir(filepath.Join(work, name)), 0o755))
		r.write(filepath.Join(work, name), text)
	}
	repo := filepath.Join(r.root, "deb")
	suite := filepath.Join(repo, "dists", "stable")
	check(r.t, os.MkdirAll(filepath.Join(suite, "main", "binary-amd64"), 0o755))
	check(r.t, os.MkdirAll(filepath.Dir(filepath.Join(r.root, r.deb(version))), 0o755))
	r.succeeds(r.dir, "dpkg-deb", "--root-owner-group", "--build", work, filepath.Join(r.root, r.deb(version)))
	packages := r.succeeds(repo, "apt-ftparchive", "packages", "pool").stdout
	r.write(filepath.Join(suite, "main", "binary-amd64", "Packages"), packages)
	option := "APT::FTPArchive::Release::"
	text := r.succeeds(suite, "apt-ftparchive", "-o"+option+"Suite=stable", "-o"+option+"Codename=stable",
		"-o"+option+"Components=main", "-o"+option+"Architectures=amd64", "release", ".").stdout
	r.write(filepath.Join(suite, "Release"), text)
	r.gpg(suite, "--yes", "--clearsign", "--output", "InRelease", "Release")
}

// gpg runs gpg with a key of the repository's own.
func (r *debRepo) gpg(dir string, args ...string) {
	r.t.Helper()
	home := filepath.Join(r.dir, "gpg")
	run := func(args ...string) {
		r.succeeds(dir, append([]string{"gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	}
	if _, err := os.Stat(home); err != nil {
		check(r.t, os.Mkdir(home, 0o700))
		r.t.Cleanup(func() { r.run(dir, "gpgconf", "--homedir", home, "--kill", "all") })
		run("--quick-generate-key", "archive@example.org", "default", "default", "never")
		run("--output", r.key(), "--export")
	}
	run(args...)
}

// key is the file with the repository's public key.
func (r *debRepo) key() string { return filepath.Join(r.dir, "archive.gpg") }

// deb is the path of a version of the package in the tree.
func (r *debRepo) deb(version int) string {
	return fmt.Sprintf("deb/pool/main/m/mb-hello_%d_all.deb", version)
}

const debIndex = "deb/dists/stable/main/binary-amd64/Packages"

// apt is an apt-get with a root of its own. uri is where the repository is.
func (r *debRepo) apt(name, uri string) func(args ...string) result {
	r.t.Helper()
	dir := r.folder(name)
	for _, sub := range []string{"etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg", "got"} {
		check(r.t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	mirrortest.Readable(r.t, dir)
	r.write(filepath.Join(dir, "var/lib/dpkg/status"), "")
	r.write(filepath.Join(dir, "etc/apt/sources.list"), "deb [signed-by="+r.key()+"] "+uri+" stable main\n")
	conf := filepath.Join(dir, "apt.conf")
	r.write(conf, strings.ReplaceAll(`Dir "DIR";
Dir::State::status "DIR/var/lib/dpkg/status";
Dir::Bin::methods "/usr/lib/apt/methods";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "10";
`, "DIR", dir))
	return func(args ...string) result {
		return r.run(filepath.Join(dir, "got"), append([]string{"APT_CONFIG=" + conf, "apt-get", "-q"}, args...)...)
	}
}

// aptGets has a new apt-get update and download the package, and checks that it got
// the latest version.
func (r *debRepo) aptGets(name, uri string, version int) {
	r.t.Helper()
	apt := r.apt(name, uri)
	for _, args := range [][]string{{"update"}, {"download", "mb-hello"}} {
		if got := apt(args...); got.code != 0 {
			r.t.Fatalf("%s: apt-get %v: exit %d\n%s%s", name, args, got.code, got.stdout, got.stderr)
		}
	}
	r.same(r.deb(version), filepath.Join(r.dir, name, "got", filepath.Base(r.deb(version))))
}

// apt gets the indexes from here and packages from mirrors by redirects, or all
// of it from the mirrors of a list; stale ones are in neither.
func TestAPT(t *testing.T) {
	t.Parallel()
	r := &debRepo{newDepot(t, "", func(string) {})}
	r.release(1)
	stale := r.copyOf("stale")
	r.release(2)
	r.publish()
	bad, good, down := r.mirrorOf("stale", stale), r.mirror("good", "--score", "1"), r.mirror("down", "--score", "100000")
	r.start()
	list := "mirror+" + r.url("deb") + "/?mirrorlist&format=apt"
	down.forget()
	r.aptGets("first", list, 2)
	if len(down.hits())+len(good.hits()) == 0 {
		t.Error("it has not used the mirrors of the list")
	}
	down.Stop()
	good.forget()
	r.aptGets("failover", list, 2)
	good.used(debIndex)
	good.used(r.deb(2))

	r.must("disable", "down")
	r.follows()
	good.forget()
	r.aptGets("redirects", r.url("deb"), 2)
	good.used(r.deb(2))
	if n := good.sent(debIndex); n != 0 {
		t.Errorf("an index came from a mirror: %v", good.hits())
	}
	bad.unused()
}
