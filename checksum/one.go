package checksum

import (
	"context"
	"errors"
	"os"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// ErrOther: the file at hand is not the version that the index knows.
var ErrOther = errors.New("it is not as the index knows it; run 'mbctl index'")

// One reads one file of the tree in root, and stores nothing. copied is as in
// Options. ErrOther: the file is not that version, or did not stay it.
func One(ctx context.Context, root *os.Root, copied bool, path string, v mirror.Version) (mirror.Digests, error) {
	t := tree{root: root, copied: copied}
	is := indexed{path: path, Version: v}
	f, before, err := t.open(&is)
	if err == nil {
		defer f.Close()
		var d mirror.Digests
		if d, err = Sum(ctx, f, v.Size, SumOptions{}); err == nil {
			if err = t.unchanged(f, &is, &before); err == nil {
				return d, nil
			}
		}
	}
	if errors.Is(err, errChanged) || errors.Is(err, errGone) || errors.Is(err, ErrSize) {
		err = ErrOther
	}
	return mirror.Digests{}, err
}
