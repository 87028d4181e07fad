package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
)

// rpmRepo is a folder of the tree with a repository of RPM packages.
type rpmRepo struct {
	*depot

	dir string // in the tree
}

// release adds a version of the package hello, which has several pieces, and makes
// the repository's index anew.
func (r *rpmRepo) release(version int) {
	r.t.Helper()
	work := r.folder(fmt.Sprintf("rpmbuild-%d", version))
	r.write(filepath.Join(work, "hello.spec"), fmt.Sprintf(`Name: hello
Version: %d
Release: 1
Summary: Says hello
License: MIT
BuildArch: noarch
%%description
It says hello.
%%install
mkdir -p %%{buildroot}/usr/share/hello
cp data %%{buildroot}/usr/share/hello/data
%%files
/usr/share/hello/data
`, version))
	check(r.t, os.MkdirAll(filepath.Join(work, "BUILD"), 0o755))
	check(r.t, os.WriteFile(filepath.Join(work, "BUILD", "data"), noise(byte(version), 3<<20), 0o644))
	repo := filepath.Join(r.root, r.dir)
	check(r.t, os.MkdirAll(repo, 0o755))
	r.succeeds(work, "rpmbuild", "-bb", "--quiet", "--define", "_binary_payload w1.gzdio", "--define", "_topdir "+work, "--define", "_rpmdir "+repo, "hello.spec")
	r.succeeds(repo, "createrepo_c", "--quiet", "--no-database", "--revision", fmt.Sprint(version), ".")
}

// rpm is the path of a version of the package in the tree.
func (r *rpmRepo) rpm(version int) string {
	return fmt.Sprintf("%s/noarch/hello-%d-1.noarch.rpm", r.dir, version)
}

// repomd is the path of the index.
func (r *rpmRepo) repomd() string { return r.dir + "/repodata/repomd.xml" }

func newRPMRepo(t *testing.T, handler string) *rpmRepo {
	t.Helper()
	mirrortest.Program(t, "createrepo_c")
	return &rpmRepo{depot: newDepot(t, handler, func(string) {}), dir: "rpm"}
}
