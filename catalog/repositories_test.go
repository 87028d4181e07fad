package catalog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func startRepositories(t *testing.T, c *Catalog, r *Repositories, src Source, o BesideOptions) (stop func()) {
	t.Helper()
	if o.Every == 0 {
		o.Every = time.Millisecond
	}
	return inBackground(t, func(ctx context.Context) { FollowRepositories(ctx, c, r, src, o) })
}

// folderOf gives the folder of the repository whose index path is of; "-": none.
func folderOf(r *Repositories, path string) string {
	switch found := r.Find(path); found {
	case nil:
		return "-"
	case unknownRepository:
		return "?"
	default:
		return found.Folder
	}
}

// current reports whether path is known to be in the index of a repository of
// so many files, as the catalog has it now.
func current(c *Catalog, r *Repositories, path string, files int) func() bool {
	return func() bool {
		e, _ := c.Lookup(path)
		found := r.Find(path)
		return found != nil && found.Files() == files && found.Current(c.View(), e.ID)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	byFolder := map[string]*Repository{}
	for folder, kinds := range map[string]repositoryKind{
		"f/repodata": rpmMD, "dists/sid": debian, "dists/sid/main/x": debian, "a": alpine, "p/\xff": pacman,
		"both": debian | alpine, strings.Repeat("l", 300): marked,
	} {
		byFolder[folder] = newRepository(folder, kinds, [16]byte{}, nil, roaring.New())
	}
	r := NewRepositories()
	r.SetRules([]RepositoryRule{{}})
	r.table.Store(newRepositoryTable(*r.rules.Load(), byFolder))
	for path, want := range map[string]string{
		"f/repodata/x": "f/repodata", "f/repodata/y/x": "-", "f/x": "-", "x": "-", "repodata/x": "-",
		"dists/sid/InRelease": "dists/sid", "dists/sid/main/Packages": "dists/sid", "dists/sid/main/x/Packages": "dists/sid/main/x",
		"dists/sid/main/x/y/z": "dists/sid/main/x", "dists/side/Packages": "-", "dists/sid/x.deb": "-",
		"a/APKINDEX.tar.gz": "a", "a/x.apk": "-", "p/\xff/core.db": "p/\xff", "both/y/z": "both",
		strings.Repeat("l", 300) + "/x":   strings.Repeat("l", 300),
		strings.Repeat("a/", 1<<20) + "x": "-",
		"":                                "-",
	} {
		if got := folderOf(r, path); got != want {
			t.Errorf("%.40q: in %q, want %q", path, got, want)
		}
	}
	var none *Repositories
	if none.Find("a/APKINDEX.tar.gz") != nil || none.Len() != 0 || NewRepositories().Find("x") != nil {
		t.Error("no repositories have one")
	}
	r = NewRepositories()
	r.SetRules([]RepositoryRule{{Folder: ""}})
	r.table.Store(newRepositoryTable(*r.rules.Load(), map[string]*Repository{"": byFolder["dists/sid"]}))
	if r.Find("x") == nil || r.Find("a/b/c") == nil {
		t.Error("a repository in the root is not found")
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	db, c := newFakeDB(), New(Options{})
	for id := range mirror.ID(3) {
		db.putMirror(mirror.Mirror{ID: id + 2, Name: string(rune('a' + id))})
	}
	db.hold(2, 1, 2, 3, 7)
	db.hold(3, 1, 2)
	db.commit()
	mustSync(t, c, db)
	r := newRepository("f", rpmMD, [16]byte{}, nil, roaring.BitmapOf(1, 2, 3))
	check := func(what string, want ...bool) {
		t.Helper()
		for range 2 { // computed and remembered
			for i, yes := range want {
				w := c.Holdings()
				plain := &World{Mirrors: w.Mirrors, Held: w.Held}
				if r.Complete(w, i) != yes || r.Complete(plain, i) != yes {
					t.Errorf("%s: mirror %d: complete %v, want %v", what, i, r.Complete(w, i), yes)
				}
			}
		}
	}
	check("at first", true, false, false)
	old := c.Holdings()
	db.hold(3, 1, 2, 3)
	db.commit()
	mustSync(t, c, db)
	check("a mirror has caught up", true, true, false)
	if r.Complete(old, 1) {
		t.Error("the world before has changed")
	}
	// Positions shift: a mirror before the others comes, one goes.
	db.putMirror(mirror.Mirror{ID: 1, Name: "first"})
	db.deleteMirror(2)
	db.putMirror(mirror.Mirror{ID: 9, Name: "last"})
	db.hold(9, 1, 2, 3)
	db.commit()
	mustSync(t, c, db)
	check("others", false, true, false, true)
	if newRepository("f", rpmMD, [16]byte{}, nil, roaring.New()).Complete(c.Holdings(), 3) {
		t.Error("a mirror has all of nothing")
	}
	if got := c.Holdings().heldAs; slices.Contains(got, 0) || len(got) != 4 {
		t.Errorf("numbers of holdings: %v", got)
	}
}

func TestRepositoriesFollow(t *testing.T) {
	t.Parallel()
	db, c, r := newFakeDB(), New(Options{}), NewRepositories()
	md := db.add("f/repodata/repomd.xml", 1)
	primary := db.add("f/repodata/1-primary.xml", 1)
	db.add("f/x.rpm", 1)
	db.add("other/repodata/repomd.xml", 1)
	db.add("d/dists/sid/main/Packages", 1)
	db.add("d/plain/file", 1)
	db.commit()
	rules := []RepositoryRule{{Folder: "f"}, {Folder: "d", Markers: []string{"STAMP"}}}
	r.SetRules(rules)
	for path, want := range map[string]string{"f/repodata/x": "?", "f/x.rpm": "-", "other/repodata/x": "-", "d/STAMP": "?", "f/STAMP": "-"} {
		if got := folderOf(r, path); got != want {
			t.Errorf("before anything is known: %s is in %s, want %s", path, got, want)
		}
	}
	if unknownRepository.Current(c.View(), 0) {
		t.Error("the unknown repository is current")
	}
	start(t, c, db, FollowOptions{})
	startRepositories(t, c, r, db, BesideOptions{})
	eventually(t, "the first repository", current(c, r, "f/repodata/repomd.xml", 2))
	if r.Len() != 1 || folderOf(r, "other/repodata/repomd.xml") != "-" || folderOf(r, "f/x.rpm") != "-" {
		t.Errorf("%d repositories", r.Len())
	}

	// A new generation, with the table of the one before.
	before := r.Find("f/repodata/repomd.xml")
	db.remove(md)
	db.remove(primary)
	md2 := db.add("f/repodata/repomd.xml", 2)
	db.add("f/repodata/2-primary.xml", 2)
	db.add("f/repodata/2-filelists.xml", 2)
	stays := db.add("f/repodata/stays.xml", 1)
	db.commit()
	eventually(t, "the next generation", current(c, r, "f/repodata/repomd.xml", 4))
	if v := c.View(); before.Current(v, md2) || before.Current(v, stays) || before.Current(v, primary) {
		t.Error("the generation before is current")
	}

	// Markers make a repository of files that were there.
	db.add("d/dists/sid/InRelease", 1)
	db.add("d/plain/STAMP", 1)
	db.commit()
	eventually(t, "a Debian repository", current(c, r, "d/dists/sid/main/Packages", 2))
	eventually(t, "a marked folder", current(c, r, "d/plain/file", 2))
	db.add("d/dists/sid/main/dep11/x", 1)
	apk := db.add("d/plain/APKINDEX.tar.gz", 1)
	db.commit()
	eventually(t, "a file deep below", current(c, r, "d/dists/sid/main/dep11/x", 3))
	eventually(t, "a folder of two kinds", current(c, r, "d/plain/APKINDEX.tar.gz", 3))
	same := r.Find("d/dists/sid/InRelease")
	db.remove(apk)
	db.commit()
	eventually(t, "a folder of one kind again", current(c, r, "d/plain/file", 2))
	if r.Find("d/dists/sid/InRelease") != same {
		t.Error("a repository without a change is another one")
	}

	// The marker goes.
	db.remove(md2)
	db.commit()
	eventually(t, "the first repository is none any more", func() bool { return r.Find("f/repodata/stays.xml") == nil })

	// Other rules.
	r.SetRules(slices.Clone(rules[1:]))
	r.SetRules([]RepositoryRule{{Folder: "other"}})
	if got := folderOf(r, "other/repodata/repomd.xml"); got != "?" && got != "other/repodata" {
		t.Errorf("by a new rule: %s", got)
	}
	eventually(t, "the other repository", current(c, r, "other/repodata/repomd.xml", 1))
	if r.Len() != 1 {
		t.Errorf("%d repositories", r.Len())
	}
	r.SetRules(nil)
	if r.Find("other/repodata/repomd.xml") != nil {
		t.Error("without rules there is a repository")
	}
}

// TestRepositoriesModel compares what was followed with what is read afresh.
func TestRepositoriesModel(t *testing.T) {
	t.Parallel()
	rules := []RepositoryRule{{Folder: "", Markers: []string{"m"}}}
	db := newFakeDB()
	state := newRepositoryState(rules, newHasher(db.key, nil))
	folders := []string{"", "a/", "a/b/", "a/b/c/", "d/"}
	names := []string{"repomd.xml", "Release", "APKINDEX.tar.gz", "x.db", "m", "file", "x.deb"}
	livePaths := map[string]mirror.FileID{}
	rnd := uint64(1)
	next := func(n int) int {
		rnd = rnd*6364136223846793005 + 1442695040888963407
		return int(rnd >> 33 % uint64(n))
	}
	since := db.head.Revision
	for round := range 300 {
		for range 1 + next(4) {
			path := folders[next(len(folders))] + names[next(len(names))]
			if id, ok := livePaths[path]; ok {
				db.remove(id)
				delete(livePaths, path)
			}
			if next(2) == 0 {
				livePaths[path] = db.add(path, 1)
			}
		}
		head := db.commit()
		fresh := newRepositoryState(rules, state.hash)
		err := db.Read(t.Context(), func(s Snapshot) error {
			return errors.Join(state.change(s, since, func() {}), fresh.load(s, func() {}))
		})
		if err != nil {
			t.Fatal(err)
		}
		since = head.Revision
		got, want := state.table().byFolder, fresh.table().byFolder
		for folder, w := range want {
			g := got[folder]
			if g == nil || g.kinds != w.kinds || !g.ids.Equals(w.ids) || g.count != w.count || !slices.Equal(g.markers, w.markers) {
				t.Fatalf("round %d: %q: got %+v, want %+v", round, folder, g, w)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("round %d: %d repositories, want %d", round, len(got), len(want))
		}
	}
}

func TestRepositoriesBroken(t *testing.T) {
	t.Parallel()
	db := newFakeDB()
	c, log := newLogged()
	r := NewRepositories()
	r.SetRules([]RepositoryRule{{Folder: "f"}})
	db.add("f/repodata/repomd.xml", 1)
	db.commit()
	start(t, c, db, FollowOptions{})
	startRepositories(t, c, r, db, BesideOptions{})
	eventually(t, "the repository", current(c, r, "f/repodata/repomd.xml", 1))
	db.add("f/repodata/a", 1)
	db.add("f/repodata/b", 1)
	head := db.commit()
	eventually(t, "the catalog has them", func() bool { return c.View().Head() == head })
	eventually(t, "so have the repositories", current(c, r, "f/repodata/b", 3))
	state := newRepositoryState(*r.rules.Load(), newHasher(db.key, nil))
	state.table()
	err := db.Read(t.Context(), func(s Snapshot) error {
		s.(*fakeSnapshot).breakAt = 2
		_, err := gatherRepositories(state, state.rules, nil, nil)(s, change, 1, func() {})
		return err
	})
	if !errors.Is(err, errBroken) || state.current != nil {
		t.Errorf("a broken reading: %v, and the state is as before: %v", err, state.current != nil)
	}
	if log.count("was not read") != 0 {
		t.Error("something was said")
	}
}

func TestRepositoriesFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "catalog")
	db, c, r := newFakeDB(), New(Options{}), NewRepositories()
	rules := []RepositoryRule{{Folder: "f", Markers: []string{"\xff"}}}
	r.SetRules(rules)
	db.add("f/\xfe/repodata/repomd.xml", 1)
	db.add("f/\xfe/repodata/primary", 1)
	db.commit()
	start(t, c, db, FollowOptions{})
	stop := startRepositories(t, c, r, db, BesideOptions{File: file})
	path := "f/\xfe/repodata/repomd.xml"
	eventually(t, "the repository", current(c, r, path, 2))
	stop()
	raw, err := os.ReadFile(file + reposSuffix)
	if err != nil {
		t.Fatal(err)
	}

	db.set(func(d *fakeDB) { d.err = errors.New("away") })
	again := NewRepositories()
	again.SetRules(rules)
	stop = startRepositories(t, c, again, db, BesideOptions{File: file})
	eventually(t, "the repository from the file", current(c, again, path, 2))
	if got := folderOf(again, "f/repodata/x"); got != "-" {
		t.Errorf("the rule is in the file, but f/repodata is in %s", got)
	}
	db.set(func(d *fakeDB) { d.err = nil })
	db.add("f/\xfe/repodata/other", 1)
	db.commit()
	eventually(t, "the other file", current(c, again, path, 3))
	stop()

	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 4
		if _, err := readRepositories(bytes.NewReader(bad), int64(len(bad))); err == nil {
			t.Errorf("byte %d is damaged, and nobody says so", i)
		}
		if _, err := readRepositories(bytes.NewReader(raw[:i]), int64(i)); err == nil {
			t.Errorf("cut off after %d bytes, and nobody says so", i)
		}
	}
	if err := os.WriteFile(file+reposSuffix, raw[:len(raw)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	log := &logBuffer{}
	stop = startRepositories(t, New(Options{Logger: slog.New(slog.NewTextHandler(log, nil))}), NewRepositories(), db, BesideOptions{File: file})
	eventually(t, "it is said", func() bool { return log.count("is not used") == 1 })
	stop()
}

func FuzzRepositoryFile(f *testing.F) {
	table := newRepositoryTable([]RepositoryRule{{Folder: "f", Markers: []string{"m"}}}, map[string]*Repository{
		"f/repodata": newRepository("f/repodata", rpmMD, [16]byte{1}, []marker{{1, 2, rpmMD}}, roaring.BitmapOf(2, 3)),
		"d":          newRepository("d", debian, [16]byte{1}, nil, roaring.BitmapOf(70000)),
	})
	var b bytes.Buffer
	if err := table.write(&b, [16]byte{1}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	v := New(Options{}).View()
	f.Fuzz(func(t *testing.T, p []byte) {
		for range 2 {
			table, err := readRepositories(bytes.NewReader(p), int64(len(p)))
			if err == nil {
				for _, path := range []string{"f/repodata/x", "d/a/b", "x"} {
					if r := table.find(path); r != nil {
						r.Current(v, 2)
						r.Complete(&World{Held: []*roaring.Bitmap{roaring.BitmapOf(2)}}, 0)
					}
				}
				err = table.write(io.Discard, [16]byte{})
			}
			if err != nil && !errors.Is(err, errFormat) {
				t.Errorf("error %v", err)
			}
			p = bytes.Clone(p)
			reseal(p)
		}
	})
}
