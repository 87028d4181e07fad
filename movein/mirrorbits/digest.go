package mirrorbits

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

// page is how many files are asked for at a time.
const page = 1000

// Digests streams what Mirrorbits knows of the files of its repository.
func (d *Database) Digests(ctx context.Context, fn func(*movein.Digest) error) error {
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		paths, next, err := d.c.SScan(ctx, "FILES", cursor, "", page).Result()
		if err != nil {
			return d.fail("reading the names of the files", err)
		}
		cursor = next
		replies := make([]*redis.SliceCmd, len(paths))
		_, err = d.c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, path := range paths {
				replies[i] = p.HMGet(ctx, "FILE_"+path, "size", "modTime", "md5", "sha1", "sha256")
			}
			return nil
		})
		if err != nil {
			return d.fail("reading the digests", err)
		}
		for i, path := range paths {
			if digest, ok := digestOf(path, replies[i].Val()); ok {
				if err := fn(digest); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// digestOf reads a file's record; false: it is not complete.
func digestOf(path string, values []any) (*movein.Digest, bool) {
	text := make([]string, 5)
	for i := range min(len(values), len(text)) {
		text[i], _ = values[i].(string) // nil: not there
	}
	size, err := strconv.ParseInt(text[0], 10, 64)
	if err != nil {
		return nil, false
	}
	mtime, ok := parseTime(text[1])
	if !ok {
		return nil, false
	}
	return &movein.Digest{
		Path: strings.TrimPrefix(path, "/"), Size: size, MTime: mtime.UnixNano(), Precision: time.Nanosecond,
		MD5: sum(text[2], 16), SHA1: sum(text[3], 20), SHA256: sum(text[4], 32),
	}, true
}

// parseTime reads a time as Go's time.Time prints itself.
func parseTime(s string) (time.Time, bool) {
	s, _, _ = strings.Cut(s, " m=")
	t, err := time.Parse("2006-01-02 15:04:05.999999999 -0700 MST", s)
	if err != nil { // the zone's name may be its offset
		if words := strings.Fields(s); len(words) >= 3 {
			t, err = time.Parse("2006-01-02 15:04:05.999999999 -0700", strings.Join(words[:3], " "))
		}
	}
	return t, err == nil && t.Year() > 1900 && t.Year() < 2200
}

// sum reads a digest of n bytes; nil: it is none.
func sum(text string, n int) []byte {
	if len(text) != 2*n {
		return nil
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}
