package mirrorbrain

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

// page is how many digests are asked for at a time.
const page = 5000

// digestTables are where digests are, the newest form first: the joined tables,
// and the columns for path, id and mtime.
var digestTables = []struct{ table, from, id, path, mtime string }{
	{"files", "files h", "h.id", "h.path", "floor(extract(epoch FROM h.mtime))::bigint"},
	{"filemetadata", "filemetadata h", "h.id", "h.path", "floor(extract(epoch FROM h.mtime))::bigint"},
	{"hash", "hash h JOIN filearr f ON f.id = h.file_id", "h.file_id", "f.path", "h.mtime"},
}

// Digests streams what `mb makehashes` stored. Paths that cannot be in a tree
// are passed over.
func (d *Database) Digests(ctx context.Context, fn func(*movein.Digest) error) error {
	for _, t := range digestTables {
		if !d.has(t.table, "sha256") || !d.has(t.table, "mtime") || !d.has(t.table, "size") {
			continue
		}
		var stopped error // by fn
		for last, n := int64(-1), page; n == page; {
			n = 0
			// Pages by id: the whole at once would be held in memory by the server.
			query := fmt.Sprintf(`SELECT CAST(%[2]s AS text), CAST(%[3]s AS text), CAST(h.size AS text), CAST(%[4]s AS text),
				encode(h.md5, 'hex'), encode(h.sha1, 'hex'), encode(h.sha256, 'hex')
				FROM %[1]s WHERE %[2]s > %[5]d ORDER BY %[2]s LIMIT %[6]d`, t.from, t.id, t.path, t.mtime, last, page)
			err := d.each(ctx, query, func(v []*string) (err error) {
				n++
				if v[0] != nil { // the primary key
					if last, err = strconv.ParseInt(*v[0], 10, 64); err != nil {
						return err
					}
				}
				if digest, ok := digestOf(v); ok {
					stopped = fn(digest)
				}
				return stopped
			})
			switch {
			case stopped != nil:
				return stopped
			case err != nil:
				return d.fail("reading the digests", err)
			}
		}
		return nil
	}
	return nil
}

func digestOf(v []*string) (*movein.Digest, bool) {
	for i := range 4 {
		if v[i] == nil {
			return nil, false
		}
	}
	size, err1 := strconv.ParseInt(*v[2], 10, 64)
	mtime, err2 := strconv.ParseInt(*v[3], 10, 64)
	const farthest = 1 << 33 // s; what it is times 1e9 fits
	if err1 != nil || err2 != nil || mtime < -farthest || mtime > farthest {
		return nil, false
	}
	return &movein.Digest{
		Path: strings.TrimPrefix(*v[1], "/"), Size: size, MTime: mtime * int64(time.Second), Precision: time.Second,
		MD5: sum(v[4], 16), SHA1: sum(v[5], 20), SHA256: sum(v[6], 32),
	}, true
}

// sum reads a digest of n bytes; nil: it is none.
func sum(text *string, n int) []byte {
	if text == nil || len(*text) != 2*n {
		return nil
	}
	b, err := hex.DecodeString(*text)
	if err != nil {
		return nil
	}
	return b
}
