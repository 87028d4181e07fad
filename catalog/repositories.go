package catalog

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Repositories knows the package repositories below some folders and what
// their indexes consist of. FollowRepositories keeps it up to date. Its methods
// are safe for concurrent use; a nil Repositories has none.
type Repositories struct {
	table atomic.Pointer[repositoryTable] // nil: nothing was read yet
	rules atomic.Pointer[[]RepositoryRule]
	wake  chan struct{}
}

// repositoryTable never changes.
type repositoryTable struct {
	rules    []RepositoryRule // that it was made by
	byFolder map[string]*Repository
	// As in aliases: only folders of a length that some repository's has are
	// looked up.
	lengths [4]uint64
	longest int
}

// NewRepositories makes a table without rules.
func NewRepositories() *Repositories {
	return &Repositories{wake: make(chan struct{}, 1)}
}

// SetRules says where repositories are looked for. What is new is known after
// the next reading of the database, within a second or two; until then what
// looks like an index file there belongs to a repository that is never
// Current. Rules that are the same as before change nothing.
func (r *Repositories) SetRules(rules []RepositoryRule) {
	next := slices.SortedFunc(slices.Values(rules), func(a, b RepositoryRule) int {
		if c := strings.Compare(a.Folder, b.Folder); c != 0 {
			return c
		}
		return slices.Compare(a.Markers, b.Markers)
	})
	next = slices.CompactFunc(next, sameRule)
	if was := r.rules.Load(); was != nil && slices.EqualFunc(*was, next, sameRule) {
		return
	}
	r.rules.Store(&next)
	wakeUp(r.wake)
}

// Find gives the repository whose index a path of the tree belongs to: the one
// in the deepest folder if there are several; nil: none. It does not allocate.
func (r *Repositories) Find(path string) *Repository {
	if r == nil {
		return nil
	}
	rules := r.rules.Load()
	if rules == nil || len(*rules) == 0 {
		return nil
	}
	t := r.table.Load()
	if found := t.find(path); found != nil {
		return found
	}
	for i := range *rules {
		rule := &(*rules)[i]
		if mirror.Below(path, rule.Folder) && !t.knows(rule) && looksLikeIndex(path, rule.Markers) {
			return unknownRepository
		}
	}
	return nil
}

// Around gives the repositories whose indexes are in or below a folder, or
// around it.
func (r *Repositories) Around(folder string) []*Repository {
	t := r.table.Load()
	if t == nil {
		return nil
	}
	var list []*Repository
	for at, repo := range t.byFolder {
		if mirror.Below(at, folder) || mirror.Below(folder, at) {
			list = append(list, repo)
		}
	}
	return list
}

// unknownRepository is never Current, and no mirror has it.
var unknownRepository = newRepository("", 0, [16]byte{}, nil, roaring.New())

// Len is the number of repositories.
func (r *Repositories) Len() int {
	if r == nil || r.table.Load() == nil {
		return 0
	}
	return len(r.table.Load().byFolder)
}

func newRepositoryTable(rules []RepositoryRule, byFolder map[string]*Repository) *repositoryTable {
	t := &repositoryTable{rules: rules, byFolder: byFolder, longest: -1}
	for folder := range byFolder {
		t.lengths[len(folder)>>6&3] |= 1 << (len(folder) & 63)
		t.longest = max(t.longest, len(folder))
	}
	return t
}

// knows reports whether t was made by this rule, too.
func (t *repositoryTable) knows(rule *RepositoryRule) bool {
	if t == nil {
		return false
	}
	for i := range t.rules {
		if sameRule(t.rules[i], *rule) {
			return true
		}
	}
	return false
}

func (t *repositoryTable) find(path string) *Repository {
	if t == nil {
		return nil
	}
	for n := folderLen(path, t.longest); n >= 0; n = folderLen(path, n-1) {
		if r := t.get(path[:n]); r != nil && r.kinds.isIndex(below(path, n)) {
			return r
		}
	}
	return nil
}

// folderLen gives the length of the longest folder of path that has at most so
// many bytes; 0: it is the root; -1: there is none.
func folderLen(path string, most int) int {
	if most < 0 {
		return -1
	}
	return max(strings.LastIndexByte(path[:min(len(path), most+1)], '/'), 0)
}

// below gives what of path is below its folder of n bytes.
func below(path string, n int) string {
	if n == 0 {
		return path
	}
	return path[n+1:]
}

func (t *repositoryTable) get(folder string) *Repository {
	if n := len(folder); t.lengths[n>>6&3]&(1<<(n&63)) == 0 {
		return nil
	}
	return t.byFolder[folder]
}
