package checksum

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/zsync"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a tree with its index.
type world struct {
	t    *testing.T
	db   *store.Store
	root string
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return "sqlite://" + filepath.Join(t.TempDir(), "test.db") },
		"postgres": func() string { return pgtest.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := store.Open(url(), store.Options{})
			must(t, err)
			t.Cleanup(func() { _ = db.Close() })
			must(t, db.Prepare(t.Context()))
			test(t, &world{t, db, t.TempDir()})
		})
	}
}

func (w *world) write(path string, content []byte) {
	w.t.Helper()
	p := filepath.Join(w.root, path)
	must(w.t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(w.t, os.WriteFile(p, content, 0o600))
}

// index makes the index what the tree is. A file that is not as it was is a new
// version.
func (w *world) index() {
	w.t.Helper()
	ctx := w.t.Context()
	var b store.IndexBatch
	live := w.live()
	must(w.t, filepath.WalkDir(w.root, func(p string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		var st unix.Stat_t
		must(w.t, unix.Stat(p, &st))
		rel, err := filepath.Rel(w.root, p)
		must(w.t, err)
		old, known := live[rel]
		delete(live, rel)
		switch {
		case known && old.Size == st.Size && old.MTime == st.Mtim.Nano() && old.CTime == st.Ctim.Nano():
			return nil
		case known:
			b.Remove = append(b.Remove, old.ID)
		}
		b.Add = append(b.Add, store.NewFile{Path: rel, Size: st.Size, MTime: st.Mtim.Nano(), CTime: st.Ctim.Nano(), Precision: 1})
		return nil
	}))
	for _, old := range live {
		b.Remove = append(b.Remove, old.ID)
	}
	l, err := w.db.Acquire(ctx, "index", "test", time.Minute)
	must(w.t, err)
	_, err = w.db.ApplyIndex(ctx, l, b)
	must(w.t, err)
	must(w.t, w.db.Release(ctx, l))
}

func (w *world) live() map[string]store.FileRow {
	w.t.Helper()
	live := make(map[string]store.FileRow)
	must(w.t, w.db.Read(w.t.Context(), func(n *store.Snapshot) error {
		return n.Files(0, func(r store.FileRow) error { live[string(r.Path)] = r; return nil })
	}))
	return live
}

func (w *world) run(o Options) Report {
	w.t.Helper()
	if o.Root == "" {
		o.Root = w.root
	}
	r, err := Run(w.t.Context(), w.db, o)
	must(w.t, err)
	r.Took = 0
	return r
}

func (w *world) digests(path string) mirror.Digests {
	w.t.Helper()
	d, err := w.db.Digests(w.t.Context(), w.live()[path].ID)
	if err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
	return d
}

func (w *world) hashed(path string) bool {
	_, err := w.db.Digests(w.t.Context(), w.live()[path].ID)
	return err == nil
}

func (w *world) expect(got, want Report) {
	w.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		w.t.Errorf("report (-want +got):\n%s", d)
	}
}

// The digests are those of the programs that people compare with.
func TestRunAgainstPrograms(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		contents := map[string][]byte{"empty": nil, "a/small": []byte("x"), "a/b/\xff odd\n": noise(70_000), "large": noise(5_000_000)}
		for p, c := range contents {
			w.write(p, c)
		}
		w.index()
		w.expect(w.run(Options{ZSync: true, Tree: true}), Report{Files: 4, Bytes: 5_070_001})
		for p, c := range contents {
			d := w.digests(p)
			for program, sum := range map[string][]byte{
				"md5sum": d.MD5[:], "sha1sum": d.SHA1[:], "sha256sum": d.SHA256[:], "sha512sum": d.SHA512[:],
			} {
				cmd := exec.CommandContext(t.Context(), program, "-")
				cmd.Stdin = bytes.NewReader(c)
				out, err := cmd.Output()
				must(t, err)
				if want, _, _ := strings.Cut(string(out), " "); hex.EncodeToString(sum) != want {
					t.Errorf("%s of %q is %x, want %s", program, p, sum, want)
				}
			}
			want := slowSum(t, c, 0)
			want.ZSync = zsync.ParamsFor(int64(len(c)))
			if diff := cmp.Diff(want, d); diff != "" {
				t.Errorf("%q (-want +got):\n%s", p, diff)
			}
			var sums bytes.Buffer
			must(t, w.db.ZSyncSums(t.Context(), w.live()[p].ID, &sums))
			if int64(sums.Len()) != zsync.SumsSize(int64(len(c)), want.ZSync) {
				t.Errorf("%q: %d bytes of sums for zsync", p, sums.Len())
			}
		}
		w.expect(w.run(Options{ZSync: true, Tree: true}), Report{})
		w.expect(w.run(Options{Tree: true}), Report{}) // more than asked for is no harm
		// But a tree makes hybrids of torrents, which not everybody wants.
		w.expect(w.run(Options{ZSync: true}), Report{Files: 3, Bytes: 5_070_001})
		w.expect(w.run(Options{LeastPiece: 1 << 20}), Report{Files: 4, Bytes: 5_070_001})
		if d := w.digests("large"); d.Pieces.Count() != 5 {
			t.Errorf("%d pieces", d.Pieces.Count())
		}
		w.expect(w.run(Options{LeastPiece: 1 << 20, ZSync: true}), Report{Files: 4, Bytes: 5_070_001})
		w.expect(w.run(Options{LeastPiece: 1 << 20, ZSync: true, Force: true, Paths: []string{"a"}}), Report{Files: 2, Bytes: 70_001})
	})
}

// Sums for zsync that are larger than a part.
func TestRunParts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		parts := &partWriter{ctx: t.Context(), r: &run{db: w.db}}
		var err error
		parts.r.lease, err = w.db.Acquire(t.Context(), "hash/1", "test", time.Minute)
		must(t, err)
		w.write("f", []byte("x"))
		w.index()
		parts.id = w.live()["f"].ID
		sums := noise(2*store.ZSyncPart + 77)
		for some := range slices.Chunk(sums, 30_000) {
			_, err := parts.Write(some)
			must(t, err)
		}
		if parts.part != 2 || !bytes.Equal(parts.buf, sums[2*store.ZSyncPart:]) {
			t.Errorf("%d parts and %d bytes", parts.part, len(parts.buf))
		}
		must(t, w.db.Release(t.Context(), parts.r.lease))
		_, err = parts.Write(sums[:store.ZSyncPart])
		if fatal, ok := errors.AsType[*storeError](err); !ok || !errors.Is(fatal, store.ErrLeaseLost) {
			t.Errorf("without the lease: %v", err)
		}
	})
}

func TestRunPassesOver(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		names := []string{"fine", "gone", "grown", "touched", "chmod", "pipe", "folder", "link", "d/below", "out/file"}
		for _, n := range names {
			w.write(n, []byte(n))
		}
		w.index()
		at := func(n string) string { return filepath.Join(w.root, n) }
		w.write("grown", []byte("longer than it was"))
		must(t, os.Chtimes(at("touched"), time.Time{}, time.Unix(1e9, 0)))
		must(t, os.Chmod(at("chmod"), 0o644))
		for _, n := range []string{"gone", "pipe", "folder", "link"} {
			must(t, os.Remove(at(n)))
		}
		must(t, unix.Mkfifo(at("pipe"), 0o644))
		must(t, os.Mkdir(at("folder"), 0o755))
		must(t, os.Symlink("link", at("link")))
		must(t, os.RemoveAll(at("d")))
		w.write("d", []byte("a file now"))
		must(t, os.Rename(at("out"), filepath.Join(t.TempDir(), "out")))
		must(t, os.Symlink("/etc", at("out")))
		var told []string
		r := w.run(Options{Tell: func(n Notice) { told = append(told, fmt.Sprintf("%s %d", n.Path, n.What)) }})
		w.expect(r, Report{Files: 1, Bytes: 4, Changed: 8, Unreadable: 1})
		slices.Sort(told)
		var want []string
		for _, n := range names[1:] {
			what := Changed
			if n == "out/file" { // a way out of the tree is for somebody to look at
				what = Unreadable
			}
			want = append(want, fmt.Sprintf("%s %d", n, what))
		}
		slices.Sort(want)
		if d := cmp.Diff(want, told); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		for _, n := range names[1:] {
			if w.hashed(n) {
				t.Errorf("%s has digests", n)
			}
		}
	})
}

// A file that is written to while it is read.
func TestRunChangesMeanwhile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.write("f", noise(1_000_000))
		w.index()
		old := w.live()["f"]
		r := w.run(Options{InfoHashes: func(string, int64, *mirror.Digests) mirror.InfoHashes {
			// Called when all was read. Size and mtime are as before.
			w.write("f", noise(1_000_001)[:1_000_000])
			must(t, os.Chtimes(filepath.Join(w.root, "f"), time.Time{}, time.Unix(0, old.MTime)))
			return mirror.InfoHashes{}
		}})
		w.expect(r, Report{Changed: 1})
	})
}

func TestRunCopied(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for _, n := range []string{"exact", "rounded", "late", "early"} {
			w.write(n, []byte(n))
			must(t, os.Chtimes(filepath.Join(w.root, n), time.Time{}, time.Unix(1e9, 500)))
		}
		w.index()
		there := &world{t, w.db, t.TempDir()}
		for n, at := range map[string]time.Time{
			"exact": time.Unix(1e9, 500), "rounded": time.Unix(1e9, 0), "late": time.Unix(1e9, 501), "early": time.Unix(1e9-1, 0),
		} {
			there.write(n, []byte(n))
			must(t, os.Chtimes(filepath.Join(there.root, n), time.Time{}, at))
		}
		w.expect(there.run(Options{}), Report{Changed: 4}) // its ctimes are its own
		w.expect(there.run(Options{Copied: true}), Report{Files: 2, Bytes: 12, Changed: 2})
	})
}

func TestRunSignatures(t *testing.T) {
	t.Parallel()
	const armor = "-----BEGIN PGP SIGNATURE-----\n\n"
	each(t, func(t *testing.T, w *world) {
		w.write("f", []byte("content"))
		w.write("f.asc", []byte("-----BEGIN PGP SIGNED MESSAGE-----\n"))
		w.write("f.sig", []byte("\x89\x01"))
		w.index()
		w.expect(w.run(Options{}), Report{Files: 3, Bytes: 44, Signed: 1})
		signature := func(want string) {
			t.Helper()
			got := ""
			if s := w.digests("f").Signature; s != nil {
				got = s.Suffix + " " + string(s.Data)
			}
			if got != want {
				t.Errorf("signature %q, want %q", got, want)
			}
		}
		signature(".sig \x89\x01")
		w.expect(w.run(Options{}), Report{})
		// Another one, that is preferred.
		w.write("f.asc", []byte(armor+"1"))
		w.index()
		w.expect(w.run(Options{Paths: []string{"f"}, DryRun: true}), Report{Signatures: 1, DryRun: true})
		w.expect(w.run(Options{Paths: []string{"f"}}), Report{Signatures: 1, Signed: 1})
		signature(".asc " + armor + "1")
		// One that changes again before it is read: the old one stays.
		w.write("f.asc", []byte(armor+"22"))
		w.index()
		w.write("f.asc", []byte(armor+"333"))
		w.expect(w.run(Options{Paths: []string{"f"}}), Report{Changed: 1})
		signature(".asc " + armor + "1")
		w.index()
		w.expect(w.run(Options{Paths: []string{"f"}}), Report{Signatures: 1, Signed: 1})
		signature(".asc " + armor + "333")
		// None any more.
		must(t, os.Remove(filepath.Join(w.root, "f.asc")))
		must(t, os.Remove(filepath.Join(w.root, "f.sig")))
		w.index()
		w.expect(w.run(Options{}), Report{Signatures: 1})
		signature("")
	})
}

// What was finished before an interruption is stored, and nothing is left
// claimed.
func TestRunInterrupted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const files = 200
		for i := range files {
			w.write(fmt.Sprintf("f%03d", i), []byte("x"))
		}
		w.index()
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		r, err := Run(ctx, w.db, Options{Root: w.root, Jobs: 1, InfoHashes: func(string, int64, *mirror.Digests) mirror.InfoHashes {
			if n++; n == 100 {
				cancel()
			}
			return mirror.InfoHashes{}
		}})
		if !errors.Is(err, context.Canceled) || r.Files < 90 || r.Files >= files {
			t.Errorf("%d files, %v", r.Files, err)
		}
		rest := w.run(Options{})
		w.expect(rest, Report{Files: files - r.Files, Bytes: files - r.Files})
	})
}

// Runs at the same time hash every file once.
func TestRunTogether(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const files, runs = 400, 3
		for i := range files {
			w.write(fmt.Sprintf("d%d/f%03d", i%7, i), noise(i))
		}
		w.index()
		var mu sync.Mutex
		times := map[string]int{}
		var wg sync.WaitGroup
		reports := make([]Report, runs)
		for i := range runs {
			wg.Go(func() {
				var err error
				reports[i], err = Run(t.Context(), w.db, Options{
					Root: w.root, Jobs: 2, Progress: func(Progress) {},
					InfoHashes: func(name string, _ int64, _ *mirror.Digests) mirror.InfoHashes {
						mu.Lock()
						defer mu.Unlock()
						times[name]++
						return mirror.InfoHashes{}
					},
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var sum int64
		for _, r := range reports {
			sum += r.Files
		}
		if sum != files || len(times) != files {
			t.Errorf("%d files hashed, %d of them different", sum, len(times))
		}
		for name, n := range times {
			if n != 1 {
				t.Errorf("%s was read %d times", name, n)
			}
		}
		w.expect(w.run(Options{}), Report{})
	})
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.write("f", []byte("x"))
		w.index()
		if _, err := Run(t.Context(), w.db, Options{Root: filepath.Join(w.root, "none")}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("no root: %v", err)
		}
		if _, err := Run(t.Context(), w.db, Options{Root: w.root, Paths: []string{"none"}}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no path: %v", err)
		}
		must(t, w.db.Close())
		if _, err := Run(t.Context(), w.db, Options{Root: w.root}); err == nil {
			t.Error("no database: no error")
		}
	})
}
