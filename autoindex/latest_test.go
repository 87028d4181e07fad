package autoindex

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestVersions(t *testing.T) {
	t.Parallel()
	for _, ascending := range [][]string{
		{"foo-1.7.tar.gz", "foo-1.7.2.tar.gz", "foo-1.12.tar.gz"},
		{"foo-1.0alpha1.iso", "foo-1.0beta1.iso", "foo-1.0beta2.iso", "foo-1.0rc1.iso", "foo-1.0-rc2.iso", "foo-1.0.iso", "foo-1.0.1.iso"},
		{"a-3.13.0a1.tgz", "a-3.13.0b2.tgz", "a-3.13.0rc1.tgz", "a-3.13.0.tgz"},
		{"openssl-1.1.1.tar.gz", "openssl-1.1.1a.tar.gz", "openssl-1.1.1w.tar.gz", "openssl-3.0.0.tar.gz"},
		{"openssh-9.9.tar.gz", "openssh-9.9p1.tar.gz", "openssh-9.9p2.tar.gz", "openssh-10.0p1.tar.gz"},
		{"x_1.0~git20240101-1.deb", "x_1.0-1.deb", "x_1.0-2.deb"},
		{"snap-2023-12-31", "snap-2024-01-02", "snap-2024-09-30", "snap-2024-10-01"},
		{"LibreOffice_7.6.7", "LibreOffice_24.2.0", "LibreOffice_24.8.0", "LibreOffice_24.8.10"},
		{"v9", "v10"},
		{"jdk8", "jdk8u402", "jdk11"},
		{"4.0-Beta", "4.0-RC1", "4.0"},
		{"5", "5.1"},
	} {
		for i := 1; i < len(ascending); i++ {
			a, b := ascending[i-1], ascending[i]
			if bytes.Compare(versionKey(a), versionKey(b)) >= 0 {
				t.Errorf("%s is not older than %s", a, b)
			}
		}
	}
}

func TestLatest(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	var entries []Entry
	for i, name := range []string{
		"foo-1.12.tar.gz", "foo-1.12.tar.gz.asc", "foo-1.12.tar.gz.sha256", "foo-1.7.2.tar.gz", "foo-1.7.tar.gz", "bar-2.0.iso",
		"orphan-3.asc", ".foo-9", "same-1.0", "same-1_0", "FOO-9.tar.gz",
	} {
		e := New(name, false)
		e.ModTime = at.Add(time.Duration(i) * time.Hour)
		entries = append(entries, e)
	}
	entries = append(entries, New("foo-2", true), New("foo-nodate", false))
	for _, tt := range []struct {
		glob string
		by   LatestBy
		want string // "" for none
	}{
		{"foo-*.tar.gz", LatestByVersion, "foo-1.12.tar.gz"},
		{"foo-*.tar.gz", LatestByTime, "foo-1.7.tar.gz"},
		{"foo-1*", LatestByVersion, "foo-1.12.tar.gz"},
		{"foo-*.asc", LatestByVersion, "foo-1.12.tar.gz.asc"},
		{"*.asc", LatestByVersion, "orphan-3.asc"},
		{"foo-*", LatestByVersion, "foo-2"},
		{"foo-*", LatestByTime, "foo-1.7.tar.gz"},
		{"same-*", LatestByVersion, "same-1_0"},
		{".foo*", LatestByVersion, ".foo-9"},
		{"?foo*", LatestByVersion, ""},
		{"nothing*", LatestByTime, ""},
		{"", LatestByTime, ""},
		{"a\x00", LatestByTime, ""},
	} {
		for range 5 { // whatever order they come in
			rand.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
			got := ""
			if e := Latest(entries, tt.glob, tt.by); e != nil {
				got = e.Name
			}
			if got != tt.want {
				t.Errorf("%s by %d: %q, want %q", tt.glob, tt.by, got, tt.want)
			}
		}
	}
}

// FuzzVersionKey: keys are never prefixes of each other, so that comparing them
// compares element by element.
func FuzzVersionKey(f *testing.F) {
	f.Add("foo-1.7rc1.tar.gz", "foo-1.7")
	f.Add("a~1", "a")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := versionKey(a), versionKey(b)
		if bytes.HasPrefix(x, y) && !slices.Equal(x, y) {
			t.Errorf("the key of %q begins that of %q", b, a)
		}
	})
}
