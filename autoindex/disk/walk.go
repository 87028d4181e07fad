package disk

import (
	"context"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/autoindex"
)

// WalkLimits bound a search. Its time is bounded by the context.
type WalkLimits struct {
	Entries int // looked at
	Found   int
	Depth   int // folders below the first
}

// Search looks below a folder for entries whose names are wanted, folder by
// folder, the higher ones first. Links to folders are not entered. cut: it ended
// early. An error is one of the folder itself.
func (t *Tree) Search(ctx context.Context, folder string, want func(name string) bool, limit WalkLimits) (found []autoindex.Entry, cut bool, err error) {
	seen := 0
	for level, depth := []string{""}, 0; len(level) > 0; depth++ {
		var next []string
		for _, below := range level {
			if ctx.Err() != nil || seen >= limit.Entries {
				return found, true, nil //nolint:nilerr // what was found until then is an answer
			}
			list, err := t.Read(ctx, join(folder, below))
			switch {
			case err != nil && below == "":
				return nil, false, err
			case err != nil: // gone meanwhile, or not ours to read
				continue
			}
			seen += len(list.Entries)
			cut = cut || list.Cut
			for _, e := range list.Entries {
				if e.Dir && !e.Symlink {
					next = append(next, join(below, e.Name))
				}
				if !want(e.Name) {
					continue
				}
				if len(found) == limit.Found {
					return found, true, nil
				}
				if e.Folder = below; below != "" {
					e.Folder += "/"
				}
				found = append(found, e)
			}
		}
		if depth >= limit.Depth {
			return found, cut || len(next) > 0, nil
		}
		level = next
	}
	return found, cut, nil
}

func join(folder, name string) string {
	switch {
	case folder == "":
		return name
	case name == "":
		return folder
	}
	return folder + "/" + name
}
