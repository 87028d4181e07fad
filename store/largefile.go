package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// LargeFiles is what a mirror's web servers said when they were asked for a part
// of files from beyond 2 and 4 GiB.
type LargeFiles struct {
	URLs    []string        // the base URLs that were asked
	Sound   *roaring.Bitmap // ids of versions of which all gave the part; never nil when read
	Unsound *roaring.Bitmap // likewise, of which one did not
	// Since is when the first of Unsound was asked for; zero: there is none.
	// AddLargeFiles sets it.
	Since time.Time
}

// LargeFiles gives what is remembered of a mirror, empty when nothing is.
func (s *Store) LargeFiles(ctx context.Context, id mirror.ID) (LargeFiles, error) {
	f, err := largeFiles(ctx, s.db, id, "")
	return f, fail(fmt.Sprintf("reading which large files of mirror %d were asked for", id), deadline(ctx, err))
}

func largeFiles(ctx context.Context, q querier, id mirror.ID, lock string) (LargeFiles, error) {
	f := LargeFiles{Sound: roaring.New(), Unsound: roaring.New()}
	var urls string
	var sound, unsound []byte
	var since int64
	err := q.QueryRowContext(ctx, "SELECT urls, sound, unsound, since FROM large_file WHERE mirror = $1"+lock, int64(id)).
		Scan(&urls, &sound, &unsound, &since)
	if errors.Is(err, sql.ErrNoRows) {
		return f, nil
	} else if err != nil {
		return f, err
	}
	if err := json.Unmarshal([]byte(urls), &f.URLs); err != nil {
		return f, err
	}
	if f.Sound, err = unpacked(sound); err != nil {
		return f, err
	}
	if f.Unsound, err = unpacked(unsound); err != nil {
		return f, err
	}
	f.Since = instant(since)
	return f, nil
}

// AddLargeFiles adds new verdicts of a mirror to those remembered, over which
// they go. What other URLs said before is forgotten. ErrNotFound: there is no
// such mirror.
func (s *Store) AddLargeFiles(ctx context.Context, id mirror.ID, news LargeFiles) error {
	return s.update(ctx, fmt.Sprintf("remembering which large files of mirror %d were asked for", id), func(t *tx) error {
		if _, err := t.lockMirror(ctx, id); err != nil {
			return err
		}
		old, err := largeFiles(ctx, t, id, t.d.forUpdate)
		if err != nil {
			return err
		}
		now, err := t.clock(ctx)
		if err != nil {
			return err
		}
		gone, err := t.purgedIDs(ctx)
		if err != nil {
			return err
		}
		return t.putLargeFiles(ctx, id, old.with(news, instant(now), gone))
	})
}

// with gives f and, over them, the verdicts of news.
func (f LargeFiles) with(news LargeFiles, now time.Time, gone *roaring.Bitmap) LargeFiles {
	all := LargeFiles{URLs: news.URLs, Sound: orEmpty(news.Sound).Clone(), Unsound: orEmpty(news.Unsound).Clone()}
	if slices.Equal(f.URLs, news.URLs) {
		asked := roaring.Or(all.Sound, all.Unsound)
		older := roaring.AndNot(f.Unsound, asked)
		if !older.IsEmpty() {
			all.Since = f.Since
		}
		all.Sound.Or(roaring.AndNot(f.Sound, asked))
		all.Unsound.Or(older)
	}
	all.Sound.AndNot(gone)
	all.Unsound.AndNot(gone)
	switch {
	case all.Unsound.IsEmpty():
		all.Since = time.Time{}
	case all.Since.IsZero():
		all.Since = now
	}
	return all
}

func (t *tx) putLargeFiles(ctx context.Context, id mirror.ID, f LargeFiles) error {
	urls, err := json.Marshal(f.URLs)
	if err != nil {
		return err
	}
	sound, err := packed(f.Sound)
	if err != nil {
		return err
	}
	unsound, err := packed(f.Unsound)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `INSERT INTO large_file (mirror, urls, sound, unsound, since) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (mirror) DO UPDATE SET urls = excluded.urls, sound = excluded.sound, unsound = excluded.unsound, since = excluded.since`,
		int64(id), text(string(urls)), sound, unsound, nanos(f.Since))
	return err
}
