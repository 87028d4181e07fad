package checkup

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror/glob"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// Sample is a current file of the index.
type Sample struct {
	Path    string // in the tree
	Version mirror.Version
	Earlier []mirror.Version // the same version with modification times that it had before
	SHA256  *[32]byte        // nil: not hashed
}

// Subject is a mirror, and what the database has to ask it about. Files that
// there are none of are nil.
type Subject struct {
	Mirror mirror.Mirror

	Held    uint64 // current files that it is credited with
	Carried uint64 // current files of its part of the tree

	Files []Sample  // some files that it is credited with, drawn at random
	Small *Sample   // one of them that is short and hashed
	Gzip  *Sample   // one whose name ends in .gz or .tgz
	Large [2]Sample // one longer than 2 GiB, one longer than 4 GiB; Path "": none
	Trace *Sample   // the file that tells when the mirror last synchronised; Version.ID 0: not in the index
}

const (
	askedFiles = 5       // held files that are asked for
	drawn      = 2000    // among which the others are looked for
	smallFile  = 1 << 20 // bytes of a file that is read as a whole
	maxLarge   = 100_000 // large files that are looked at
)

// Ranges begin at these offsets, which a number of 31 or 32 bits does not hold.
var largeOffsets = [2]int64{1 << 31, 1 << 32}

// TracePattern is where mirrors of many distributions keep the time of their
// last synchronisation.
const TracePattern = "project/trace/*"

// Load reads a Subject. trace is the path of the trace file; "": the newest of
// TracePattern.
func Load(ctx context.Context, db *store.Store, m mirror.Mirror, trace string) (Subject, error) {
	s := Subject{Mirror: m}
	ids, _, _, err := db.FolderIDs(ctx, m.Subtree)
	if errors.Is(err, store.ErrNotFound) {
		ids = roaring.New()
	} else if err != nil {
		return s, err
	}
	h, err := db.HoldingsOf(ctx, m.ID)
	if err != nil {
		return s, err
	}
	held := roaring.And(h.Held, ids)
	s.Carried, s.Held = ids.GetCardinality(), held.GetCardinality()
	if err := s.draw(ctx, db, held); err != nil {
		return s, err
	}
	if err := s.loadLarge(ctx, db, held); err != nil {
		return s, err
	}
	return s, s.loadTrace(ctx, db, trace)
}

// draw picks files at random, and among more of them those that have to be of
// some kind.
func (s *Subject) draw(ctx context.Context, db *store.Store, held *roaring.Bitmap) error {
	some := held
	if n := held.GetCardinality(); n > drawn {
		some = roaring.New()
		for range drawn {
			id, err := held.Select(rand.Uint32N(uint32(n)))
			if err != nil {
				return err
			}
			some.Add(id)
		}
	}
	all, err := samples(ctx, db, some)
	if err != nil {
		return err
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	s.Files = all[:min(askedFiles, len(all))]
	for i := range all {
		f := &all[i]
		if s.Gzip == nil && (strings.HasSuffix(f.Path, ".gz") || strings.HasSuffix(f.Path, ".tgz")) {
			s.Gzip = f
		}
		if s.Small != nil || f.Version.Size < 1 || f.Version.Size > smallFile {
			continue
		}
		d, err := db.Digests(ctx, f.Version.ID)
		switch {
		case err == nil:
			f.SHA256 = &d.SHA256
			s.Small = f
		case !errors.Is(err, store.ErrNotFound):
			return err
		case i > 100: // nothing seems to be hashed
			s.Small = &Sample{}
		}
	}
	if s.Small != nil && s.Small.Path == "" {
		s.Small = nil
	}
	return s.loadEarlier(ctx, db)
}

// loadEarlier completes what is compared by time.
func (s *Subject) loadEarlier(ctx context.Context, db *store.Store) error {
	var ids []mirror.FileID
	for i := range s.Files {
		ids = append(ids, s.Files[i].Version.ID)
	}
	alts, err := db.AltMTimesOf(ctx, ids)
	for i := range s.Files {
		f := &s.Files[i]
		for _, alt := range alts[f.Version.ID] {
			v := f.Version
			v.MTime, v.Precision = alt.MTime, alt.Precision
			f.Earlier = append(f.Earlier, v)
		}
	}
	return err
}

func samples(ctx context.Context, db *store.Store, ids *roaring.Bitmap) (all []Sample, err error) {
	err = db.Paths(ctx, ids, func(_ mirror.FileID, path []byte, v mirror.Version) error {
		all = append(all, Sample{Path: string(path), Version: v})
		return nil
	})
	return all, err
}

// loadLarge picks files that ranges beyond 2 and 4 GiB can be asked of, the
// shortest.
func (s *Subject) loadLarge(ctx context.Context, db *store.Store, held *roaring.Bitmap) error {
	large, err := db.LongFiles(ctx, largeOffsets[0]+rangeBytes, maxLarge)
	if err != nil {
		return err
	}
	large.And(held)
	all, err := samples(ctx, db, large)
	if err != nil {
		return err
	}
	for i, offset := range largeOffsets {
		for _, f := range all {
			if f.Version.Size >= offset+rangeBytes && (s.Large[i].Path == "" || f.Version.Size < s.Large[i].Version.Size) {
				s.Large[i] = f
			}
		}
	}
	return nil
}

func (s *Subject) loadTrace(ctx context.Context, db *store.Store, path string) error {
	if path != "" {
		s.Trace = &Sample{Path: path}
		rows, err := db.VersionsOf(ctx, path)
		if i := slices.IndexFunc(rows, func(r store.FileRow) bool { return r.Current() }); i >= 0 {
			s.Trace.Version = rows[i].Version
		}
		return err
	}
	pattern, err := glob.Parse(TracePattern)
	if err != nil {
		return err
	}
	f, err := db.Find(ctx, store.FindWish{Pattern: pattern})
	if err != nil {
		return err
	}
	for {
		rows, err := f.Next(ctx)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			hidden := bytes.Contains(r.Path, []byte("/_")) || bytes.Contains(r.Path, []byte("/."))
			if !hidden && (s.Trace == nil || r.MTime > s.Trace.Version.MTime) {
				s.Trace = &Sample{Path: string(r.Path), Version: r.Version}
			}
		}
	}
}

// below gives the path of a file below the mirror's base URLs; false: it is not
// in its part of the tree.
func (s *Subject) below(path string) (string, bool) {
	return s.Mirror.There(path)
}
