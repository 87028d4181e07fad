package catalog

import (
	"strings"
	"testing"
)

func TestMarkerKind(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]repositoryKind{
		"repomd.xml": rpmMD, "repomd.xml.asc": 0, "REPOMD.XML": 0,
		"InRelease": debian, "Release": debian, "Release.gpg": 0,
		"APKINDEX.tar.gz": alpine, "APKINDEX.tar.gz.sig": 0,
		"core.db": pacman, "core.db.tar.zst": pacman, "core.db.tar.zst.sig": 0, "core.db.sig": 0, "core.files": 0, "x.dbx": 0,
		"TIMESTAMP": marked, "both.db": pacman | marked, "x": 0, "": 0,
	} {
		if got := markerKind(name, []string{"TIMESTAMP", "both.db"}); got != want {
			t.Errorf("%q: got %b, want %b", name, got, want)
		}
		// What the database does not select would never be found.
		if want&^marked != 0 && !strings.Contains(name, markerParts[0]) && !strings.Contains(strings.Join(markerNames, " "), name) {
			t.Errorf("%q is not asked for", name)
		}
	}
}

func TestIsIndex(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind  repositoryKind
		rel   string
		index bool
	}{
		{rpmMD, "repomd.xml", true},
		{rpmMD, "0a1b-primary.xml.zst", true},
		{rpmMD, "sub/primary.xml", false},
		{marked, "anything", true},
		{marked, "sub/anything", false},
		{debian, "InRelease", true},
		{debian, "main/binary-amd64/Packages.xz", true},
		{debian, "main/binary-amd64/by-hash/SHA256/00", true},
		{debian, "main/dep11/icons-64x64.tar.gz", true},
		{debian, "x_1_all.deb", false},
		{debian, "amd64/x_1.udeb", false},
		{debian, "amd64/x_1.dsc", false},
		{debian, "amd64/deb", true}, // a name, not a suffix
		{alpine, "APKINDEX.tar.gz", true},
		{alpine, "APKINDEX.tar.gz.sig", true},
		{alpine, "busybox-1.36-r0.apk", false},
		{alpine, "sub/APKINDEX.tar.gz", false},
		{pacman, "core.db", true},
		{pacman, "core.db.sig", true},
		{pacman, "core.db.tar.gz", true},
		{pacman, "core.db.tar.gz.sig", true},
		{pacman, "core.files", true},
		{pacman, "core.files.tar.gz", true},
		{pacman, "zlib-1.3-1-x86_64.pkg.tar.zst", false},
		{pacman, "zlib-1.3-1-x86_64.pkg.tar.zst.sig", false},
		{alpine | pacman, "core.files", true},
		{alpine | debian, "core.apk", true},
		{0, "repomd.xml", false},
	} {
		if got := test.kind.isIndex(test.rel); got != test.index {
			t.Errorf("kind %b, %q: %v", test.kind, test.rel, got)
		}
	}
}

func TestLooksLikeIndex(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"f/repodata/x": true, "repodata/x": true, "f/xrepodata/x": false, "f/repodata.rpm": false,
		"d/dists/sid/InRelease": true, "d/dists/sid/main/Packages.gz": true, "d/by-hash/SHA256/0": true, "d/Release.gpg": true,
		"a/APKINDEX.tar.gz": true, "p/core.db": true, "p/core.files.sig": true, "o/STAMP": true,
		"p/x.pkg.tar.zst": false, "f/x.rpm": false, "STAMP/x": false, "x": false,
	} {
		if got := looksLikeIndex(path, []string{"STAMP"}); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}

func TestNewRepositoryRule(t *testing.T) {
	t.Parallel()
	r, err := NewRepositoryRule("/a/b/", "y", "x", "y")
	if err != nil || r.Folder != "a/b" || len(r.Markers) != 2 || r.Markers[0] != "x" {
		t.Errorf("%+v, %v", r, err)
	}
	for _, bad := range [][]string{{"a//b"}, {"a/../b"}, {"a", ""}, {"a", "x/y"}, {"a", ".."}, {"a", "x\x00"}} {
		if r, err := NewRepositoryRule(bad[0], bad[1:]...); err == nil {
			t.Errorf("%q gave %+v", bad, r)
		}
	}
}
