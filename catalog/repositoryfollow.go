package catalog

import (
	"context"
	"fmt"
	"time"
)

// FollowRepositories keeps r up to date beside c, which is to be followed by
// Follow, until ctx ends. While the database is away r goes on answering. With
// BesideOptions.File, r is written there, from time to time and at the end, in
// File + ".repositories", and read at the start.
func FollowRepositories(ctx context.Context, c *Catalog, r *Repositories, src Source, o BesideOptions) {
	f := &repositoryFollower{r: r, beside: newBeside("repositories", c, src, o)}
	f.loadFile(ctx)
	f.run(ctx, r.wake, f.tick)
	f.save(context.WithoutCancel(ctx))
}

// repositoryFollower is the state of one FollowRepositories.
type repositoryFollower struct {
	*beside

	r        *Repositories
	rules    *[]RepositoryRule // that state was read by
	state    *repositoryState  // nil: everything is to be read
	saved    *repositoryTable  // what the file has
	savedAt  time.Time
	unsaving bool // the file cannot be written, and that was said
}

func (f *repositoryFollower) tick(ctx context.Context) {
	rules := f.r.rules.Load()
	if rules == nil {
		return // nobody has said yet
	}
	if rules != f.rules {
		f.rules = rules
		f.forget()
	}
	if len(*rules) == 0 {
		return
	}
	if f.due() {
		f.update(ctx)
	}
	if time.Since(f.savedAt) >= time.Minute {
		f.save(ctx)
	}
}

// update reads what is new. The state belongs to the reading until that has
// ended well: one that broke off may have changed it in part, and then
// everything is read.
func (f *repositoryFollower) update(ctx context.Context) {
	state := f.state
	f.state = nil
	if state == nil {
		f.at = position{}
	}
	published := false
	f.read(ctx, gatherRepositories(state, *f.rules, f.c.hash, func(next *repositoryState) {
		published = true
		f.state = next
		f.r.table.Store(next.table())
	}))
	if !published && f.at.ok {
		f.state = state // there was nothing new
	}
}

func gatherRepositories(state *repositoryState, rules []RepositoryRule, hash Hash, publish func(*repositoryState)) gather {
	return func(s Snapshot, kind updateKind, since int64, row func()) (func(), error) {
		if kind == reload {
			key, err := s.Key()
			if err != nil {
				return nil, fmt.Errorf("reading the key: %w", err)
			}
			next := newRepositoryState(rules, newHasher(key, hash))
			if err := next.load(s, row); err != nil {
				return nil, fmt.Errorf("reading the repositories: %w", err)
			}
			return func() { publish(next) }, nil
		}
		if err := state.change(s, since, row); err != nil {
			return nil, fmt.Errorf("reading what changed in repositories: %w", err)
		}
		return func() { publish(state) }, nil
	}
}
