package catalog

import "github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"

// AnyOf says which mirrors will do for one request where not just those do
// that hold the file's current version.
type AnyOf struct {
	World *World
	// Older are versions that will do as well as the one asked for; see
	// Kept.Versions. Of a file that is gone, they are all there is.
	Older []KeptVersion
	// Repository, not nil, is the one whose index the file belongs to. Only
	// mirrors that have all of the index will do, and Older will not. Whether it
	// is Current must have been asked before. It is nil for a file that is gone:
	// that is of an earlier index, whoever has it.
	Repository *Repository
}

// Holds reports whether World.Mirrors[i] will do for a request for id; 0: the
// file is gone.
func (a *AnyOf) Holds(i int, id mirror.FileID) bool {
	if a.Repository != nil {
		return a.Repository.Complete(a.World, i) && a.World.Holds(i, id)
	}
	if id != 0 && a.World.Holds(i, id) {
		return true
	}
	_, ok := a.Version(i)
	return ok
}

// Version gives the latest of Older that World.Mirrors[i] has.
func (a *AnyOf) Version(i int) (KeptVersion, bool) {
	for _, v := range a.Older {
		if a.World.Holds(i, v.ID) {
			return v, true
		}
	}
	return KeptVersion{}, false
}
