package mirrorbrain

import (
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestAllowances(t *testing.T) {
	d := newDepot(t)
	d.file("pool/x.db", "pool/y.db", "kept/gone.iso", "other/x.iso")
	conf := &Handler{
		AllowOutdated: []Allowance{{Path: "/pool", For: caddy.Duration(time.Hour)}},
		KeepRemoved:   []Allowance{{Path: "/kept/*.iso", For: caddy.Duration(time.Hour)}},
	}
	no := false
	conf.ExcludeDefaults = &no
	conf.CheckFile = -1
	s := d.site(conf)
	d.mirror(mirror.Mirror{Name: "old"}, "pool/x.db", "pool/y.db", "kept/gone.iso", "other/x.iso")
	d.change(fileSize, "pool/x.db", "other/x.iso")
	d.mirror(mirror.Mirror{Name: "new", Score: 30}, "pool/x.db", "pool/y.db")
	d.remove("kept/gone.iso", "pool/y.db")
	d.hash("pool/x.db")
	d.follow(s)
	until(t, "old versions are known", func() bool { return s.h.rt.db.kept.Len() >= 2 })
	seen := map[string]bool{}
	for range 200 {
		r := s.get("/pool/x.db", from("203.0.113.77"))
		switch r.get("mirror") {
		case "old":
			r.want(t, "old", 302, "redirect outdated world old")
			if r.header.Get("Repr-Digest") != "" || strings.Contains(strings.Join(r.header.Values("Link"), " "), "new.example") {
				t.Fatalf("an outdated copy with the fields of the current one: %v", r.header)
			}
		case "new":
			r.want(t, "new", 302, "redirect mirror world new")
			if r.header.Get("Repr-Digest") == "" || strings.Contains(strings.Join(r.header.Values("Link"), " "), "old.example") {
				t.Fatalf("%v", r.header)
			}
		default:
			t.Fatalf("%d %s", r.status, r.get("reason"))
		}
		seen[r.get("mirror")] = true
	}
	if len(seen) != 2 {
		t.Errorf("only %v", seen)
	}
	if _, body := s.fetch("/pool/x.db.meta4"); strings.Contains(body, "old.example") || !strings.Contains(body, "new.example") {
		t.Errorf("a Metalink with an outdated copy:\n%s", body)
	}
	s.get("/other/x.iso").want(t, "no allowance", 0, "local no_mirror")
	s.get("/kept/gone.iso").want(t, "removed", 0, "local not_indexed") // still on the disk
	d.must(osRemove(d.root, "kept/gone.iso"))
	d.must(osRemove(d.root, "pool/y.db"))
	until(t, "the disk was looked at again", func() bool { return s.get("/kept/gone.iso").status == 302 })
	s.get("/kept/gone.iso").want(t, "removed", 302, "redirect removed world old")
	s.get("/kept/gone.iso?md5").want(t, "a document about what was removed", 0, "local not_indexed")
	s.get("/pool/y.db").want(t, "removed elsewhere", 0, "local not_indexed")
}

func TestRepository(t *testing.T) {
	d := newDepot(t)
	index := []string{"repo/repodata/repomd.xml", "repo/repodata/1-primary.xml.gz", "repo/repodata/2-filelists.xml.gz"}
	d.file(append(index, "repo/a.rpm")...)
	conf := &Handler{Repositories: []Repository{{Path: "/repo"}}}
	no := false
	conf.ExcludeDefaults = &no
	s := d.site(conf)
	d.mirror(mirror.Mirror{Name: "whole"}, append(index, "repo/a.rpm")...)
	d.mirror(mirror.Mirror{Name: "mixed", Score: 1000}, index[0], index[1], "repo/a.rpm")
	d.follow(s)
	until(t, "the repository is known", func() bool { return s.get("/"+index[1]).status == 302 })
	packages := map[string]bool{}
	for range 100 {
		for _, f := range index {
			s.get("/"+f, from("203.0.113.77")).want(t, f, 302, "redirect mirror world whole")
		}
		packages[s.get("/repo/a.rpm", from("203.0.113.77")).get("mirror")] = true
	}
	if !packages["mixed"] {
		t.Error("packages are not per file")
	}
	// A new generation: at no moment is a part of the index anywhere but here.
	d.change(fileSize, index[0])
	d.follow(s)
	for range 30 {
		for _, f := range index {
			s.get("/"+f).want(t, f, 0, "local no_mirror")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}
