package movein

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/checksum"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// Sampling says which files are read again before digests are believed.
type Sampling struct {
	Root   string // folder with the tree
	Copied bool   // see checksum.Options
	Files  int    // how many files drawn at random
	Bytes  int64  // most bytes to read for them, and as many for the largest file
}

// ErrDiffers: a digest of the other system is not that of the file. None of
// its digests is to be believed.
var ErrDiffers = errors.New("digests differ")

// DigestReport says what became of the other system's digests.
type DigestReport struct {
	Read    int64 `json:"read"`    // of the other system
	Known   int64 `json:"known"`   // those of files that have one here already, and the same one
	Other   int64 `json:"other"`   // of paths or versions that our index does not have
	Taken   int64 `json:"taken"`   // taken over, or would be
	Checked int64 `json:"checked"` // files that were read again, all with the same digests
	Bytes   int64 `json:"bytes"`   // of those
	Changed int64 `json:"changed"` // files drawn that are not as the index knows them
}

// Digests are those of another system that fit our index.
type Digests struct {
	Report DigestReport
	sums   map[mirror.FileID][32]byte
	sample sample
}

// current is a version of our index that has no digest of ours.
type current struct {
	mirror.Version
	sha256 *[32]byte // ours; nil: none
}

// pathKey stands for a path in memory, of which there may be millions.
type pathKey [16]byte

func keyOf(path []byte) pathKey {
	sum := sha256.Sum256(path)
	return pathKey(sum[:16])
}

// index reads the current versions, and their digests.
func index(ctx context.Context, db *store.Store) (map[pathKey]*current, error) {
	all, byID := map[pathKey]*current{}, map[mirror.FileID]*current{}
	err := db.Read(ctx, func(n *store.Snapshot) error {
		err := n.Files(0, func(r store.FileRow) error {
			c := &current{Version: r.Version}
			all[keyOf(r.Path)], byID[r.ID] = c, c
			return nil
		})
		if err != nil {
			return err
		}
		return n.Digests(0, func(id mirror.FileID, sum [32]byte) error {
			if c := byID[id]; c != nil {
				c.sha256 = &sum
			}
			return nil
		})
	})
	return all, err
}

// ReadDigests reads the digests of another system and keeps those of files that
// our index has in the same version, by size and modification time. A digest
// that is not the one that we have is an ErrDiffers.
func ReadDigests(ctx context.Context, db *store.Store, from DigestSource, s Sampling) (*Digests, error) {
	known, err := index(ctx, db)
	if err != nil {
		return nil, err
	}
	d := &Digests{sums: map[mirror.FileID][32]byte{}, sample: sample{files: s.Files, bytes: s.Bytes}}
	err = from(ctx, func(there *Digest) error {
		d.Report.Read++
		here := known[keyOf([]byte(there.Path))]
		switch {
		case here == nil, here.Size != there.Size, !here.SameTime(there.MTime, there.Precision), len(there.SHA256) != 32:
			d.Report.Other++
		case here.sha256 == nil:
			d.sums[here.ID] = [32]byte(there.SHA256)
			d.sample.offer(there, here.Version)
		case !bytes.Equal(here.sha256[:], there.SHA256):
			return fmt.Errorf("%w: %s has SHA-256 %x here and %x there, and size and time are the same", ErrDiffers, there.Path, here.sha256[:], there.SHA256)
		default:
			d.Report.Known++
		}
		return nil
	})
	d.Report.Taken = int64(len(d.sums))
	return d, err
}

// Check reads the sample. Any difference is an ErrDiffers that names the file.
// It is an error too when there are digests and none of them could be checked.
func (d *Digests) Check(ctx context.Context, s Sampling) error {
	if len(d.sums) == 0 {
		return nil
	}
	root, err := os.OpenRoot(s.Root)
	if err != nil {
		return fmt.Errorf("the tree: %w", err)
	}
	defer root.Close()
	var unread error
	for _, drawn := range d.sample.drawn() {
		got, err := checksum.One(ctx, root, s.Copied, drawn.Path, drawn.version)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, checksum.ErrOther):
			d.Report.Changed++
			unread = fmt.Errorf("%s: %w", drawn.Path, err)
			continue
		case err != nil:
			unread = fmt.Errorf("%s: %w", drawn.Path, err)
			continue
		}
		if err := drawn.compare(&got); err != nil {
			return err
		}
		d.Report.Checked++
		d.Report.Bytes += drawn.Size
	}
	if d.Report.Checked == 0 {
		if unread == nil {
			unread = errors.New("all files are larger than the sample may be")
		}
		return fmt.Errorf("no digest could be checked, so none is taken over: %w", unread)
	}
	return nil
}

// compare holds a digest against the file's.
func (d *Digest) compare(got *mirror.Digests) error {
	for _, one := range []struct {
		name        string
		there, file []byte
	}{{"SHA-256", d.SHA256, got.SHA256[:]}, {"SHA-1", d.SHA1, got.SHA1[:]}, {"MD5", d.MD5, got.MD5[:]}} {
		if len(one.there) > 0 && !bytes.Equal(one.there, one.file) {
			return fmt.Errorf("%w: %s has the %s %x, and there it is %x", ErrDiffers, d.Path, one.name, one.file, one.there)
		}
	}
	return nil
}

// Store stores the SHA-256 sums. What else belongs to a file's digests here is
// computed by `mbctl hash`, for which such a file has not been hashed yet.
//
// A sum that somebody stored since the digests were read stays.
func (d *Digests) Store(ctx context.Context, db *store.Store) error {
	err := db.Read(ctx, func(n *store.Snapshot) error {
		return n.Digests(0, func(id mirror.FileID, _ [32]byte) error {
			delete(d.sums, id)
			return nil
		})
	})
	if err != nil {
		return err
	}
	d.Report.Taken = int64(len(d.sums))
	return db.PutDigests(ctx, d.sums)
}
