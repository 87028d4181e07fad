// Package push tells mirrors to fetch what is new: in order of their tiers, by
// ssh, by a web hook, or by a command of the operator's.
package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Options of a run. Zero values are defaults.
type Options struct {
	Jobs    int           // mirrors of a tier pushed at once; default 8
	Timeout time.Duration // for each mirror; default 1h
	Subtree string        // folder of the tree that has changed; "": all
	// KeepGoing begins the next tier also when no mirror of a tier has succeeded.
	// Without it the later ones are left out: they would only fetch what they
	// have.
	KeepGoing bool
	// Key signs hooks; "": they are not signed. Each mirror's are signed with the
	// key that note.MirrorKey derives from it.
	Key string
	// SSHConfig is a file that ssh reads instead of the user's configuration.
	SSHConfig string
	// Pushed, if set, is told each result as soon as there is one. It may be
	// called from several goroutines.
	Pushed func(Result)
	// TierDone, if set, is told when a tier has ended, with its results, before
	// the next one begins. It should not take long.
	TierDone func([]Result)
	Log      *slog.Logger // default: nobody
}

// Result says how the push of one mirror went.
type Result struct {
	Mirror mirror.Mirror
	Tier   int
	How    string // ssh, http or exec
	Took   time.Duration
	// Output is what the mirror or the command said, the end of it, from foreign
	// hands.
	Output string
	Err    error  // why it failed; nil: it succeeded or was not pushed
	Left   string // why it was not pushed; "": it was
}

// TimedOut reports whether the mirror was given up.
func (r Result) TimedOut() bool { return errors.Is(r.Err, errTimeout) }

// OK reports whether the mirror was pushed, and said that it is done.
func (r Result) OK() bool { return r.Err == nil && r.Left == "" }

var errTimeout = errors.New("timed out")

// pusher is one way to push.
type pusher interface {
	push(ctx context.Context, m *mirror.Mirror, o *Options) (output string, err error)
	how() string
}

// Check reports why a mirror cannot be pushed by what is in Sync.Push.
func Check(push string) error {
	_, err := parse(push)
	return err
}

func parse(push string) (pusher, error) {
	scheme, rest, ok := strings.Cut(push, ":")
	switch {
	case ok && scheme == "exec":
		return parseCommand(rest)
	case ok && scheme == "ssh":
		return parseSSH(push)
	case ok && (scheme == "http" || scheme == "https"):
		return parseHook(push)
	}
	return nil, fmt.Errorf("push %q: must be an ssh://, http:// or https:// URL, or exec:COMMAND", mirror.Redact(push))
}

// Run pushes mirrors tier by tier: the next begins when all of one have ended or
// timed out. There is a result for each mirror, in the order of tiers and names.
// When ctx ends, what is under way is stopped.
func Run(ctx context.Context, mirrors []mirror.Mirror, o Options) ([]Result, error) {
	sub, err := mirror.CleanSubtree(o.Subtree)
	if err != nil {
		return nil, fmt.Errorf("subtree: %w", err)
	}
	o.Subtree = sub
	o.Jobs, o.Timeout, o.Log = cmp.Or(o.Jobs, 8), cmp.Or(o.Timeout, time.Hour), cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	var all []Result
	why := ""
	for _, tier := range Tiers(mirrors) {
		results := make([]Result, len(tier))
		if why != "" {
			for i, m := range tier {
				results[i] = Result{Mirror: m, Tier: m.Sync.Tier, Left: why}
			}
			all = append(all, results...)
			continue
		}
		runTier(ctx, tier, results, &o)
		all = append(all, results...)
		if o.TierDone != nil {
			o.TierDone(results)
		}
		switch {
		case ctx.Err() != nil:
			why = "interrupted"
		case !o.KeepGoing && noneOK(results):
			why = fmt.Sprintf("no mirror of tier %d succeeded", tier[0].Sync.Tier)
		}
	}
	return all, nil
}

// noneOK reports whether all mirrors that were pushed failed.
func noneOK(results []Result) bool {
	failed := false
	for _, r := range results {
		if r.OK() {
			return false
		}
		failed = failed || r.Err != nil
	}
	return failed
}

// Tiers sorts mirrors into their tiers, the lowest first, and by name.
func Tiers(mirrors []mirror.Mirror) [][]mirror.Mirror {
	mirrors = slices.Clone(mirrors)
	slices.SortFunc(mirrors, func(a, b mirror.Mirror) int {
		return cmp.Or(cmp.Compare(a.Sync.Tier, b.Sync.Tier), strings.Compare(a.Name, b.Name))
	})
	var tiers [][]mirror.Mirror
	for i, m := range mirrors {
		if i == 0 || m.Sync.Tier != mirrors[i-1].Sync.Tier {
			tiers = append(tiers, nil)
		}
		tiers[len(tiers)-1] = append(tiers[len(tiers)-1], m)
	}
	return tiers
}

func runTier(ctx context.Context, tier []mirror.Mirror, results []Result, o *Options) {
	places := make(chan struct{}, o.Jobs)
	var wg sync.WaitGroup
	for i := range tier {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			results[i] = one(ctx, &tier[i], o)
			if o.Pushed != nil {
				o.Pushed(results[i])
			}
		})
	}
	wg.Wait()
}

// one pushes one mirror.
func one(ctx context.Context, m *mirror.Mirror, o *Options) Result {
	r := Result{Mirror: *m, Tier: m.Sync.Tier}
	switch {
	case ctx.Err() != nil:
		r.Left = "interrupted"
		return r
	case m.Sync.Push == "":
		r.Left = "has no push"
		return r
	case !mirror.Below(o.Subtree, m.Subtree) && !mirror.Below(m.Subtree, o.Subtree):
		r.Left = fmt.Sprintf("carries %s/ alone", m.Subtree)
		return r
	}
	p, err := parse(m.Sync.Push)
	if err != nil {
		r.Err = err
		return r
	}
	r.How = p.how()
	limited, cancel := context.WithTimeoutCause(ctx, o.Timeout, errTimeout)
	defer cancel()
	began := time.Now()
	r.Output, r.Err = p.push(limited, m, o)
	r.Took = time.Since(began)
	if r.Err != nil && limited.Err() != nil {
		if r.Err = context.Cause(limited); r.TimedOut() {
			r.Err = fmt.Errorf("%w after %v", errTimeout, o.Timeout)
		}
	}
	o.Log.Debug("a mirror was pushed", "mirror", m.Name, "how", r.How, "took", r.Took, "error", r.Err)
	return r
}
