package mirrorbrain

import (
	"fmt"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/catalog"
)

// Repository says where there are package repositories.
type Repository struct {
	// A folder, at or below which they are. A folder below it is one if it has a
	// file `repomd.xml` (rpm-md), `InRelease` or `Release` (Debian),
	// `APKINDEX.tar.gz` (Alpine), `*.db` (pacman), or one of the markers.
	Path string `json:"path,omitempty"`

	// Names of further files that mark a folder whose files belong together.
	Markers []string `json:"markers,omitempty"`

	rule catalog.RepositoryRule
}

// provisionRepositories checks the folders.
func (h *Handler) provisionRepositories() error {
	for i := range h.Repositories {
		r := &h.Repositories[i]
		var err error
		if r.rule, err = catalog.NewRepositoryRule(r.Path, r.Markers...); err != nil {
			return fmt.Errorf("repository: %w", err)
		}
	}
	return nil
}

// follow tells the databases of this configuration's instances what its sites
// need beside the catalog: the versions that went lately, and repositories.
// What an earlier configuration wanted is forgotten.
func (a *App) follow() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, in := range a.instances {
		var lists []allowances
		var longest time.Duration
		var rules []catalog.RepositoryRule
		for _, h := range a.sites {
			if h.rt.db != in.db {
				continue
			}
			lists = append(lists, h.outdated, h.kept)
			longest = max(longest, h.outdated.longest(), h.kept.longest())
			for _, r := range h.Repositories {
				rules = append(rules, r.rule)
			}
		}
		in.db.repositories.SetRules(rules)
		in.db.kept.SetWant(longest, func(path []byte) (age time.Duration) {
			for _, l := range lists {
				age = max(age, l.of(string(path)))
			}
			return age
		})
	}
}
