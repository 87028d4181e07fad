package mirrorbrain

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// What file_server finds by an unclean path is treated like the file that it is.
func TestUncleanPaths(t *testing.T) {
	d, s := documents(t, new(Handler))
	d.write("staged.iso", fileSize)
	d.must(osChmod(d.root, "staged.iso", 0o640))
	for _, target := range []string{"//staged.iso", "/./staged.iso", "/iso/../staged.iso", "/iso//../staged.iso"} {
		s.get(target).want(t, target, 404, "error closed")
	}
	for _, target := range []string{"//iso/x%20y.iso", "/iso/./x%20y.iso", "/a/../iso/x%20y.iso"} {
		r := s.get(target)
		r.want(t, target, 302, "redirect mirror country de")
		if l := r.header.Values("Link"); !strings.HasPrefix(l[0], "<http://dl.example.org/iso/x%20y.iso.meta4>") {
			t.Errorf("%s: %q", target, l)
		}
	}
	s.get("//iso/x%20y.iso.sha256").want(t, "a document", 200, "document requested")
	s.get("/../../etc/passwd").want(t, "above the root", 0, "local not_indexed")
}

// Clients append paths to what a list of a folder names, so with signed URLs it
// can name no mirrors; and what is kept for long names none by a stamp.
func TestStampsInLists(t *testing.T) {
	d := newDepot(t)
	d.file("repo/repodata/repomd.xml", "repo/a.rpm", "x.iso")
	d.hash("repo/repodata/repomd.xml", "x.iso")
	d.finish()
	conf := trackers()
	conf.StampKey = "secret"
	s := d.site(conf)
	d.mirror(mirror.Mirror{Name: "m"}, "repo/repodata/repomd.xml", "repo/a.rpm", "x.iso")
	d.follow(s)
	for _, target := range []string{"/repo/?mirrorlist&format=dnf", "/repo/repodata/repomd.xml.metalink", "/x.iso.torrent", "/x.iso.magnet", "/x.iso.zsync"} {
		r, body := s.fetch(target)
		if r.status != 200 || strings.Contains(body, "m.example") || strings.Contains(body, "?time=") || !strings.Contains(body, "dl.example.org") {
			t.Errorf("%s: %d %q", target, r.status, body)
		}
	}
	if _, body := s.fetch("/x.iso.meta4"); !strings.Contains(body, "m.example/pub/x.iso?time=") {
		t.Error(body)
	}
	if _, err := compileStamp("secretsecretsecret", "SECRET"); err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("%v", err)
	}
}

// Lists of a folder keep to what is said of repositories in it.
func TestRepositoryLists(t *testing.T) {
	d := newDepot(t)
	index := []string{"deb/dists/stable/InRelease", "deb/dists/stable/main/binary-amd64/Packages.gz"}
	var pool []string
	for i := range 30 {
		pool = append(pool, fmt.Sprintf("deb/pool/%d.deb", i))
	}
	d.file(append(index, pool...)...)
	d.finish()
	conf := &Handler{Repositories: []Repository{{Path: "/deb"}}}
	conf.YumLists = [][]string{{"suite=stable", "/deb", "dists/stable/InRelease"}}
	s := d.site(conf)
	d.mirror(mirror.Mirror{Name: "whole"}, append(index, pool...)...)
	d.mirror(mirror.Mirror{Name: "mixed", Score: 5000}, append(index[:1:1], pool...)...)
	d.follow(s)
	for _, target := range []string{"/deb/?mirrorlist&format=text", "/?mirrorlist&format=text", "/?suite=stable"} {
		until(t, target, func() bool {
			_, body := s.fetch(target, from("203.0.113.77"))
			return strings.HasPrefix(body, "http://whole.example/pub/") && !strings.Contains(body, "mixed")
		})
	}
}

func TestYumBehindPrefix(t *testing.T) {
	d := newDepot(t)
	d.file("repo/repodata/repomd.xml")
	conf := new(Handler)
	conf.YumLists = [][]string{{"release=9", "/repo", "repodata/repomd.xml"}}
	conf.Fallbacks = []Fallback{{URL: "http://fb.example/"}}
	s := d.site(conf)
	if _, body := s.fetch("/?release=9"); body != "http://fb.example/repo/\n" {
		t.Errorf("%q", body)
	}
}

// Removed files are not redirected where they were not before.
func TestRemovedAnchor(t *testing.T) {
	d := newDepot(t)
	d.file("x.iso", "x.iso.asc")
	s := d.site(&Handler{KeepRemoved: []Allowance{{Path: "/", For: caddy.Duration(time.Hour)}}, ExcludeNetwork: []string{"203.0.113.0/24"}})
	d.mirror(mirror.Mirror{Name: "m"}, "x.iso", "x.iso.asc")
	d.remove("x.iso", "x.iso.asc")
	d.must(osRemove(d.root, "x.iso"))
	d.must(osRemove(d.root, "x.iso.asc"))
	d.follow(s)
	until(t, "it is known what was removed", func() bool { return s.get("/x.iso").status == 302 })
	s.get("/x.iso.asc").want(t, "a signature", 0, "local not_indexed")
	s.get("/x.iso", from("203.0.113.7")).want(t, "an excluded network", 0, "local not_indexed")
}

func TestNoMirrorNames(t *testing.T) {
	conf := trackers()
	conf.NoMirror = "404"
	_, s := documents(t, conf)
	s.get("/iso/lonely.iso").want(t, "the file", 404, "error no_mirror")
	for _, as := range []string{"torrent", "magnet", "zsync"} {
		s.get("/iso/lonely.iso."+as).want(t, as, 404, "error no_mirror")
	}
	if _, body := s.fetch("/iso/lonely.iso.json"); strings.Contains(body, `"realm"`) {
		t.Errorf("a list with this server: %s", body)
	}
}

// An alias has the signature beside it, not the target's.
func TestAliasSignature(t *testing.T) {
	d, s := documents(t, new(Handler))
	d.must(os.Symlink("iso/x y.iso", filepath.Join(d.root, "latest.iso")))
	d.alias("latest.iso", "iso/x y.iso", false)
	d.follow(s)
	s.get("/latest.iso").want(t, "an alias", 302, "redirect mirror country de")
	if l := strings.Join(s.get("/latest.iso").header.Values("Link"), " "); strings.Contains(l, ".asc") {
		t.Errorf("%s", l)
	}
	d.alias("latest.iso.asc", "iso/x y.iso.asc", false)
	d.follow(s)
	if l := strings.Join(s.get("/latest.iso").header.Values("Link"), " "); !strings.Contains(l, "/latest.iso.asc>") {
		t.Errorf("%s", l)
	}
}

// A reload that fails takes nothing from the configuration that goes on.
func TestFailedStartKeepsRules(t *testing.T) {
	d := newDepot(t)
	d.file("f.db")
	s := d.site(&Handler{KeepRemoved: []Allowance{{Path: "/", For: caddy.Duration(time.Hour)}}})
	other := d.site(new(Handler))
	d.mirror(mirror.Mirror{Name: "m"}, "f.db")
	other.h.app.stopLoops()
	d.remove("f.db")
	d.must(osRemove(d.root, "f.db"))
	d.follow(s)
	until(t, "the removed file is known", func() bool { return s.h.rt.db.kept.Len() == 1 })
}
