package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

const reposSuffix = ".repositories"

// reposMeta is the first block of the file of repositories. Names are bytes,
// which JSON strings are not.
type reposMeta struct {
	Key          []byte     `json:"key"`
	Rules        []ruleJSON `json:"rules"`
	Repositories int        `json:"repositories"`
}

type ruleJSON struct {
	Folder  []byte   `json:"folder"`
	Markers [][]byte `json:"markers,omitempty"`
}

type repoJSON struct {
	Folder  []byte         `json:"folder"`
	Kinds   repositoryKind `json:"kinds"`
	Markers []markerJSON   `json:"markers"`
}

type markerJSON struct {
	Key  uint64         `json:"key"`
	ID   mirror.FileID  `json:"id"`
	Kind repositoryKind `json:"kind"`
}

// save writes the file if the table is another one than in it.
func (f *repositoryFollower) save(ctx context.Context) {
	f.savedAt = time.Now()
	t := f.r.table.Load()
	if f.o.File == "" || t == f.saved || !f.at.ok {
		return
	}
	key := f.at.key
	_, err := replaceFile(f.o.File+reposSuffix, func(w io.Writer) error { return t.write(w, key) })
	if err != nil && !f.unsaving {
		f.log.WarnContext(ctx, "the file of repositories cannot be written", "error", err)
	}
	if f.unsaving = err != nil; !f.unsaving {
		f.saved = t
	}
}

// loadFile takes the table from the file. Everything is read again once the
// database answers.
func (f *repositoryFollower) loadFile(ctx context.Context) {
	if f.o.File == "" {
		return
	}
	t, err := loadBeside(f.o.File+reposSuffix, readRepositories)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		f.log.WarnContext(ctx, "file of repositories is not used", "error", err)
	default:
		f.saved = t
		f.r.table.Store(t)
	}
}

func (t *repositoryTable) write(w io.Writer, key [16]byte) error {
	b := newBlockWriter(w, magicRepos)
	m := reposMeta{Key: key[:], Repositories: len(t.byFolder)}
	for _, r := range t.rules {
		j := ruleJSON{Folder: []byte(r.Folder)}
		for _, name := range r.Markers {
			j.Markers = append(j.Markers, []byte(name))
		}
		m.Rules = append(m.Rules, j)
	}
	if err := b.json(blockMeta, 0, 0, m); err != nil {
		return err
	}
	for i, folder := range slices.Sorted(maps.Keys(t.byFolder)) {
		if err := t.byFolder[folder].write(b, uint32(i)); err != nil {
			return fmt.Errorf("repository %q: %w", folder, err)
		}
	}
	b.block(blockEnd, 0, 0, nil)
	return b.err
}

func (r *Repository) write(b *blockWriter, i uint32) error {
	j := repoJSON{Folder: []byte(r.Folder), Kinds: r.kinds}
	for _, m := range r.markers {
		j.Markers = append(j.Markers, markerJSON{m.key, m.id, m.kind})
	}
	if err := b.json(blockRepo, i, 0, j); err != nil {
		return err
	}
	raw, err := r.ids.ToBytes()
	if err != nil {
		return err
	}
	b.block(blockRepoIDs, i, 0, raw)
	return b.err
}

// readRepositories reads a file of that size. Nothing larger than it is
// allocated on its word.
func readRepositories(r io.Reader, size int64) (*repositoryTable, error) {
	br, err := newBlockReader(r, size, magicRepos)
	if err != nil {
		return nil, err
	}
	b, err := br.next(nil)
	if err != nil {
		return nil, err
	}
	var m reposMeta
	if err := b.json(blockMeta, &m); err != nil {
		return nil, err
	}
	if len(m.Key) != 16 {
		return nil, formatError("the first block is wrong")
	}
	var rules []RepositoryRule
	for _, j := range m.Rules {
		rule := RepositoryRule{Folder: string(j.Folder)}
		for _, name := range j.Markers {
			rule.Markers = append(rule.Markers, string(name))
		}
		rules = append(rules, rule)
	}
	byFolder := map[string]*Repository{}
	for {
		if b, err = br.next(b.payload); err != nil {
			return nil, err
		}
		if b.kind == blockEnd && len(byFolder) == m.Repositories {
			if err := b.check(); err != nil {
				return nil, err
			}
			return newRepositoryTable(rules, byFolder), br.end()
		}
		repo, err := readRepository(br, &b, [16]byte(m.Key))
		if err != nil {
			return nil, err
		}
		if byFolder[repo.Folder] != nil {
			return nil, formatError("repository %q is there twice", repo.Folder)
		}
		byFolder[repo.Folder] = repo
	}
}

// readRepository reads the repository that b begins.
func readRepository(br *blockReader, b *block, key [16]byte) (*Repository, error) {
	var j repoJSON
	if err := b.json(blockRepo, &j); err != nil {
		return nil, err
	}
	next, err := br.next(b.payload)
	if err != nil {
		return nil, err
	}
	if err := next.check(); err != nil {
		return nil, err
	}
	if next.kind != blockRepoIDs || next.first != b.first {
		return nil, formatError("a block of kind %d where a repository's files belong", next.kind)
	}
	ids, err := decodeBitmap(next.payload)
	if err != nil {
		return nil, err
	}
	var markers []marker
	for _, m := range j.Markers {
		if m.Key != normKey(m.Key) {
			return nil, formatError("a marker is wrong")
		}
		markers = append(markers, marker{m.Key, m.ID, m.Kind})
	}
	return newRepository(string(j.Folder), j.Kinds, key, markers, ids), nil
}
