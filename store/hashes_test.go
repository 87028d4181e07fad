package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// someDigests are digests that differ by n in every field.
func someDigests(n byte) *mirror.Digests {
	return &mirror.Digests{
		MD5: [16]byte{n, 1}, SHA1: [20]byte{n, 2}, SHA256: [32]byte{n, 3, 0, 255}, SHA512: [64]byte{n, 4},
		Pieces: mirror.Pieces{
			Length: 1 << 18, SHA1: bytes.Repeat([]byte{n, 5}, 20), SHA256: bytes.Repeat([]byte{n, 6}, 32),
			Root: [32]byte{n, 7}, Layer: bytes.Repeat([]byte{n, 8}, 32),
		},
		Torrent: mirror.InfoHashes{V1: [20]byte{n, 9}, V2: [32]byte{n, 10}},
	}
}

func walkHashes(t *testing.T, s *Store, wish HashWish) (all []HashRow) {
	t.Helper()
	w := must[*HashWalk](t)(s.HashWalk(t.Context(), wish))
	for {
		rows := must[[]HashRow](t)(w.Next(t.Context()))
		if len(rows) == 0 {
			return all
		}
		all = append(all, rows...)
	}
}

func hashPaths(rows []HashRow) (paths []string) {
	for i := range rows {
		paths = append(paths, string(rows[i].Path))
	}
	return paths
}

var quarter = []PieceStep{{1 << 40, 1 << 18}}

func TestHashes(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		add(t, s, lease(t, s, "index"), "a", "b")
		a, b := live(t, s)["a"].ID, live(t, s)["b"].ID
		if _, err := s.Digests(ctx, a); !errors.Is(err, ErrNotFound) {
			t.Errorf("before: %v", err)
		}
		run := lease(t, s, "hash/1")
		first, second := someDigests(1), &mirror.Digests{Pieces: mirror.Pieces{Length: 1 << 18}}
		sig := &mirror.Signature{Suffix: ".sig", Data: []byte{0x89, 0, 0xff}}
		head := must[Head](t)(s.Head(ctx))
		ok(t, s.PutHashes(ctx, run, []Hashes{{ID: a, Digests: first, Signature: sig, Sig: 7}, {ID: b, Digests: second}, {ID: 999, Digests: first}}))
		first.Signature = sig
		for id, want := range map[mirror.FileID]*mirror.Digests{a: first, b: second} {
			if d := cmp.Diff(*want, must[mirror.Digests](t)(s.Digests(ctx, id))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		}
		if d := cmp.Diff(map[mirror.FileID][32]byte{a: first.SHA256, b: {}}, digestsSince(t, s, head.Revision)); d != "" {
			t.Errorf("nodes see (-want +got):\n%s", d)
		}
		// Another signature is a change that nodes see.
		head = must[Head](t)(s.Head(ctx))
		ok(t, s.PutHashes(ctx, run, []Hashes{{ID: a}}))
		first.Signature = nil
		if d := cmp.Diff(*first, must[mirror.Digests](t)(s.Digests(ctx, a))); d != "" {
			t.Errorf("without signature (-want +got):\n%s", d)
		}
		if d := cmp.Diff(map[mirror.FileID][32]byte{a: first.SHA256}, digestsSince(t, s, head.Revision)); d != "" {
			t.Errorf("nodes see (-want +got):\n%s", d)
		}
		ok(t, s.Release(ctx, run))
		if err := s.PutHashes(ctx, run, []Hashes{{ID: a, Digests: second}}); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("without the lease: %v", err)
		}
	})
}

func digestsSince(t *testing.T, s *Store, since int64) map[mirror.FileID][32]byte {
	t.Helper()
	got := map[mirror.FileID][32]byte{}
	ok(t, s.Read(t.Context(), func(n *Snapshot) error {
		return n.Digests(since, func(id mirror.FileID, sum [32]byte) error { got[id] = sum; return nil })
	}))
	return got
}

// Digests go with their version.
func TestHashesOfVanished(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		l, run := lease(t, s, "index"), lease(t, s, "hash/1")
		add(t, s, l, "a")
		rows := walkHashes(t, s, HashWish{})
		a := rows[0].ID
		_, _, err := s.ClaimHashes(ctx, run, rows)
		ok(t, err)
		d := someDigests(1)
		d.ZSync = mirror.ZSyncParams{BlockSize: 1, SeqMatches: 1, RsumBytes: 2, ChecksumBytes: 3}
		ok(t, s.PutHashes(ctx, run, []Hashes{{ID: a, Digests: d, Sums: []byte("12345")}}))
		must[Head](t)(s.ApplyIndex(ctx, l, IndexBatch{Remove: []mirror.FileID{a}}))
		ok(t, s.FinishIndex(ctx, l, Origin{}, IndexStats{}))
		// Kept as long as the version: mirrors still have it.
		must[mirror.Digests](t)(s.Digests(ctx, a))
		must[PurgeStats](t)(s.Purge(ctx, 0))
		if _, err := s.Digests(ctx, a); !errors.Is(err, ErrNotFound) {
			t.Errorf("digests: %v", err)
		}
		for _, table := range []string{"digest", "file_hash", "zsync_part", "hash_claim"} {
			var n int
			ok(t, s.db.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n))
			if n != 0 {
				t.Errorf("%s has %d rows left", table, n)
			}
		}
	})
}

func TestZSyncSums(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		run := lease(t, s, "hash/1")
		l := lease(t, s, "index")
		// Blocks of one byte with five bytes of sums: some parts.
		const size = ZSyncPart/5*2 + 1000
		must[Head](t)(s.ApplyIndex(ctx, l, IndexBatch{Add: []NewFile{{Path: "a", Size: size}}}))
		a := live(t, s)["a"].ID
		d := someDigests(1)
		d.ZSync = mirror.ZSyncParams{BlockSize: 1, SeqMatches: 1, RsumBytes: 2, ChecksumBytes: 3}
		sums := make([]byte, 5*size)
		for i := range sums {
			sums[i] = byte(i * i >> 8)
		}
		var out bytes.Buffer
		ok(t, s.PutZSyncPart(ctx, run, a, 0, sums[:ZSyncPart]))
		ok(t, s.PutZSyncPart(ctx, run, a, 5, sums[:ZSyncPart])) // of a run that was broken off
		if err := s.ZSyncSums(ctx, a, &out); !errors.Is(err, ErrNotFound) {
			t.Errorf("visible before the digests: %v", err)
		}
		parts := len(sums) / ZSyncPart
		ok(t, s.PutHashes(ctx, run, []Hashes{{ID: a, Digests: d, Part: parts, Sums: sums[parts*ZSyncPart:]}}))
		if err := s.ZSyncSums(ctx, a, &out); err == nil || !strings.Contains(err.Error(), "part 1 is missing") {
			t.Errorf("a part is missing: %v", err)
		}
		for i := range parts {
			ok(t, s.PutZSyncPart(ctx, run, a, i, sums[i*ZSyncPart:][:ZSyncPart]))
		}
		out.Reset()
		ok(t, s.ZSyncSums(ctx, a, &out))
		if !bytes.Equal(out.Bytes(), sums) {
			t.Errorf("%d bytes of sums, want %d, or other ones", out.Len(), len(sums))
		}
		full := errors.New("full")
		if err := s.ZSyncSums(ctx, a, badWriter{full}); !errors.Is(err, full) {
			t.Errorf("a writer's error: %v", err)
		}
		// Hashed again without them.
		ok(t, s.PutHashes(ctx, run, []Hashes{{ID: a, Digests: someDigests(1)}}))
		if err := s.ZSyncSums(ctx, a, &out); !errors.Is(err, ErrNotFound) {
			t.Errorf("switched off: %v", err)
		}
		if err := s.PutZSyncPart(ctx, run, a, 0, nil); err == nil {
			t.Error("a short part in the middle was taken")
		}
		ok(t, s.PutZSyncPart(ctx, run, 999, 0, sums[:ZSyncPart])) // purged meanwhile
	})
}

type badWriter struct{ err error }

func (w badWriter) Write([]byte) (int, error) { return 0, w.err }

func TestHashWalk(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		l := lease(t, s, "index")
		want := []string{"z", "\xff\xfe", "b/a", "b/b'c", "b/ß/x", "b-1/y", "d/e/f/g"}
		add(t, s, l, want...)
		if d := cmp.Diff(want, hashPaths(walkHashes(t, s, HashWish{}))); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		for path, want := range map[string][]string{
			"b": {"b/a", "b/b'c", "b/ß/x"}, "b/ß": {"b/ß/x"}, "d": {"d/e/f/g"}, "z": {"z"}, "b/b'c": {"b/b'c"},
		} {
			if d := cmp.Diff(want, hashPaths(walkHashes(t, s, HashWish{Path: path}))); d != "" {
				t.Errorf("%s (-want +got):\n%s", path, d)
			}
		}
		for _, path := range []string{"none", "b/none", "none/a", "z/a"} {
			if _, err := s.HashWalk(ctx, HashWish{Path: path}); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: %v", path, err)
			}
		}
	})
}

// What has everything is not given again, until the wishes or signatures change.
func TestHashWalkMissing(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		l, run := lease(t, s, "index"), lease(t, s, "hash/1")
		add(t, s, l, "x/a", "x/\xffb", "x/a.sig", "x/b.asc")
		wish := HashWish{Pieces: quarter, Tree: true}
		put := func(rows []HashRow) {
			t.Helper()
			var list []Hashes
			for _, r := range rows {
				h := Hashes{ID: r.ID, Asc: r.Beside[0].ID, Sig: r.Beside[1].ID}
				if r.Read {
					h.Digests = someDigests(1)
				}
				list = append(list, h)
			}
			ok(t, s.PutHashes(ctx, run, list))
		}
		expect := func(wish HashWish, read bool, want ...string) []HashRow {
			t.Helper()
			rows := walkHashes(t, s, wish)
			if d := cmp.Diff(want, hashPaths(rows)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			for _, r := range rows {
				if r.Read != read {
					t.Errorf("%s: read %v", r.Path, r.Read)
				}
			}
			return rows
		}
		rows := expect(wish, true, "x/a", "x/a.sig", "x/b.asc", "x/\xffb")
		if got, want := rows[0].Beside[1], live(t, s)["x/a.sig"]; got.ID != want.ID || got.MTime != want.MTime || got.CTime != want.CTime || got.Size != want.Size {
			t.Errorf("beside: %+v, want %+v", got, want)
		}
		if rows[0].Beside[0].ID != 0 || rows[3].Beside != [2]Sig{} {
			t.Errorf("beside: %+v, %+v", rows[0].Beside[0], rows[3].Beside)
		}
		put(rows)
		expect(wish, true)
		expect(HashWish{Pieces: quarter, Tree: true, All: true}, true, "x/a", "x/a.sig", "x/b.asc", "x/\xffb")
		expect(HashWish{Pieces: quarter}, true, "x/a", "x/a.sig", "x/b.asc", "x/\xffb") // they have trees
		expect(HashWish{Pieces: quarter, Tree: true, ZSync: true}, true, "x/a", "x/a.sig", "x/b.asc", "x/\xffb")
		expect(HashWish{Pieces: []PieceStep{{3, 1 << 18}, {1 << 40, 1 << 19}}, Tree: true}, true, "x/a.sig", "x/b.asc", "x/\xffb")
		// A signature comes, and one goes.
		add(t, s, l, "x/\xffb.asc")
		must[Head](t)(s.ApplyIndex(ctx, l, IndexBatch{Remove: []mirror.FileID{live(t, s)["x/a.sig"].ID}}))
		put(walkHashes(t, s, HashWish{Path: "x/\xffb.asc", Pieces: quarter, Tree: true}))
		put(expect(wish, false, "x/a", "x/\xffb"))
		expect(wish, false)
	})
}

// A folder with more files than are asked for at once, among small ones.
func TestHashWalkPages(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		var want []string
		for i, n := range []int{3, 2*hashRows + 5, 1, hashRows, 0, 10, hashRows - 1, 2, 2} {
			for j := range n {
				want = append(want, fmt.Sprintf("f%d/%04d", i, j))
			}
		}
		add(t, s, lease(t, s, "index"), want...)
		if d := cmp.Diff(want, hashPaths(walkHashes(t, s, HashWish{}))); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

func TestClaimHashes(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		l := lease(t, s, "index")
		add(t, s, l, "a", "b", "c", "d")
		one, two := lease(t, s, "hash/1"), lease(t, s, "hash/2")
		rows := walkHashes(t, s, HashWish{})
		claim := func(run Lease, rows []HashRow, busy int, want ...string) {
			t.Helper()
			mine, others, err := s.ClaimHashes(ctx, run, rows)
			ok(t, err)
			if d := cmp.Diff(want, hashPaths(mine)); d != "" || others != busy {
				t.Errorf("%d with others; (-want +got):\n%s", others, d)
			}
		}
		claim(one, rows[:2], 0, "a", "b")
		claim(two, rows[:3], 2, "c")
		// What was hashed since it was looked for needs no hashing.
		ok(t, s.PutHashes(ctx, one, []Hashes{{ID: rows[0].ID, Digests: someDigests(1)}}))
		claim(two, rows[:1], 0)
		// What is gone neither.
		must[Head](t)(s.ApplyIndex(ctx, l, IndexBatch{Remove: []mirror.FileID{rows[3].ID}}))
		claim(two, rows[3:], 0)
		// A run that ended leaves its files to others, one that died as well.
		ok(t, s.ReleaseClaims(ctx, one))
		claim(two, rows[1:2], 0, "b")
		ok(t, s.Release(ctx, two))
		claim(lease(t, s, "hash/3"), rows[1:3], 0, "b", "c")
		if _, _, err := s.ClaimHashes(ctx, two, rows); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("without a lease: %v", err)
		}
	})
}

// Runs that claim the same files at once share them, and none waits forever.
func TestClaimTogether(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		const files, runs = 60, 4
		var paths []string
		for i := range files {
			paths = append(paths, fmt.Sprintf("f%02d", i))
		}
		add(t, s, lease(t, s, "index"), paths...)
		rows := walkHashes(t, s, HashWish{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		type result struct {
			mine []HashRow
			err  error
		}
		results := make(chan result, runs)
		for i := range runs {
			run := lease(t, s, fmt.Sprintf("hash/%d", i))
			own := slices.Clone(rows)
			if i%2 == 1 {
				slices.Reverse(own)
			}
			go func() {
				var r result
				for some := range slices.Chunk(own, 7) {
					mine, _, err := s.ClaimHashes(ctx, run, some)
					if err != nil {
						r.err = err
						break
					}
					r.mine = append(r.mine, mine...)
					var list []Hashes
					for _, m := range mine {
						list = append(list, Hashes{ID: m.ID, Digests: someDigests(byte(m.ID))})
					}
					if r.err = s.PutHashes(ctx, run, list); r.err != nil {
						break
					}
				}
				results <- r
			}()
		}
		var all []string
		for range runs {
			r := <-results
			ok(t, r.err)
			all = append(all, hashPaths(r.mine)...)
		}
		slices.Sort(all)
		if d := cmp.Diff(paths, all); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}
