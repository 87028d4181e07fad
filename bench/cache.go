package main

import (
	linked "container/list"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

const (
	cacheMirrors   = 10
	cacheFiles     = 50_000
	cacheFolder    = 100 // files of a folder
	cacheSmall     = 1 << 20
	cacheLargest   = 8 << 30
	cacheZipf      = 0.9 // popularity of the nth is n to the power of -0.9, as of proxies' logs
	cacheMedian    = 60_000
	cacheSpread    = 2.5 // of the logarithm of the size
	cacheWarmShare = 4   // one of so many requests warms the caches up, and is not counted
)

// cacheShares are the sizes of caches, in per cent of the tree.
var cacheShares = []int{2, 5, 20}

var cacheCases = []policyCase{
	{"chance", func(*redirector.Policy) {}},
	{"affinity 4", func(p *redirector.Policy) { p.Affinity.Copies = 4 }},
	{"affinity 2", func(p *redirector.Policy) { p.Affinity.Copies = 2 }},
	{"affinity 1", func(p *redirector.Policy) { p.Affinity.Copies = 1 }},
	{"affinity 2, folder_below 1MiB", func(p *redirector.Policy) {
		p.Affinity = redirector.Affinity{Copies: 2, FolderBelow: cacheSmall}
	}},
}

// cacheTree is a tree of files with their popularity.
type cacheTree struct {
	paths []string
	sizes []int64
	upTo  []float64 // sums of popularity
	bytes int64
}

func makeCacheTree(rnd *rand.Rand) *cacheTree {
	t := &cacheTree{}
	rank := rnd.Perm(cacheFiles)
	sum := 0.0
	for i := range cacheFiles {
		size := int64(cacheMedian * math.Exp(cacheSpread*rnd.NormFloat64()))
		t.sizes = append(t.sizes, min(max(size, 1), cacheLargest))
		t.bytes += t.sizes[i]
		t.paths = append(t.paths, strconv.Itoa(i/cacheFolder)+"/"+strconv.Itoa(i))
		sum += math.Pow(float64(rank[i]+1), -cacheZipf)
		t.upTo = append(t.upTo, sum)
	}
	return t
}

// draw gives a file as popular as it is.
func (t *cacheTree) draw(rnd *rand.Rand) int {
	return sort.SearchFloat64s(t.upTo, rnd.Float64()*t.upTo[len(t.upTo)-1])
}

// measureCaches sends requests to mirrors of one group that have caches, and
// counts how many find their file there.
func measureCaches(ctx context.Context, requests int) error {
	if requests == 0 {
		return nil
	}
	tree := makeCacheTree(rand.New(rand.NewPCG(4, 2)))
	fmt.Printf("%d mirrors of one group, %d requests for %d files of %d GiB together; requests (bytes) found in the mirror's cache\n\n",
		cacheMirrors, requests, cacheFiles, tree.bytes>>30)
	fmt.Print("| caches of")
	for _, percent := range cacheShares {
		fmt.Printf(" | %d %% of the tree", percent)
	}
	fmt.Print(" | busiest mirror, of its share |\n| --- | ---: | ---: | ---: | ---: |\n")
	for i := range cacheCases {
		if err := ctx.Err(); err != nil {
			return err
		}
		fmt.Printf("| %s", cacheCases[i].name)
		hits, busiest := simulateCaches(&cacheCases[i], tree, requests)
		for _, h := range hits {
			fmt.Printf(" | %.1f %% (%.1f %%)", h.requests, h.bytes)
		}
		fmt.Printf(" | %.2f times |\n", busiest)
	}
	fmt.Println()
	return nil
}

// hitRate is in per cent.
type hitRate struct{ requests, bytes float64 }

// simulateCaches gives the rates by size of cache, and how much more than its
// share the busiest mirror gets.
func simulateCaches(c *policyCase, tree *cacheTree, requests int) (hits []hitRate, busiest float64) {
	rnd := rand.New(rand.NewPCG(8, 1))
	var mirrors []*mirror.Mirror
	caches := make([][]*lru, len(cacheShares))
	for i := range cacheMirrors {
		mirrors = append(mirrors, plainMirror(i, 100, mirror.Place{}))
		for s, percent := range cacheShares {
			caches[s] = append(caches[s], newLRU(tree.bytes*int64(percent)/100))
		}
	}
	set := redirector.Compile(mirrors, c.policy())
	hits = make([]hitRate, len(cacheShares))
	counts := make([]float64, cacheMirrors)
	var d redirector.Decision
	var counted, bytes float64
	for n := range requests {
		file := tree.draw(rnd)
		q := redirector.Query{
			File: mirror.FileID(file), Path: tree.paths[file], Size: tree.sizes[file], TLS: true, Now: policyNow.UnixNano(), Limit: 1,
		}
		set.Choose(&q, everyFile{}, rnd, &d)
		at, warm := d.Picks[0].Mirror, n >= requests/cacheWarmShare
		if warm {
			counted++
			bytes += float64(q.Size)
			counts[at]++
		}
		for s := range caches {
			if caches[s][at].get(file, q.Size) && warm {
				hits[s].requests++
				hits[s].bytes += float64(q.Size)
			}
		}
	}
	for s := range hits {
		hits[s].requests *= 100 / counted
		hits[s].bytes *= 100 / bytes
	}
	for _, n := range counts {
		busiest = max(busiest, n/counted*cacheMirrors)
	}
	return hits, busiest
}

type everyFile struct{}

func (everyFile) Holds(int, mirror.FileID) bool { return true }

// lru is a cache that drops what was asked for longest ago.
type lru struct {
	free  int64
	order *linked.List // of entries, latest first
	at    map[int]*linked.Element
}

type entry struct {
	file int
	size int64
}

func newLRU(size int64) *lru {
	return &lru{free: size, order: linked.New(), at: map[int]*linked.Element{}}
}

// get reports whether a file is there, and takes it in.
func (c *lru) get(file int, size int64) bool {
	if e := c.at[file]; e != nil {
		c.order.MoveToFront(e)
		return true
	}
	c.at[file] = c.order.PushFront(entry{file, size})
	for c.free -= size; c.free < 0; {
		oldest := c.order.Remove(c.order.Back()).(entry)
		delete(c.at, oldest.file)
		c.free += oldest.size
	}
	return false
}
