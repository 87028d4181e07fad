package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	hashBig        = 3      // files of options.hashMiB
	hashSmall      = 2000   // files of up to hashSmallBytes
	hashSmallBytes = 64_000 // 32 KB on average
)

// sumPrograms compute one digest each of what `mbctl hash` computes at once.
var sumPrograms = []string{"md5sum", "sha1sum", "sha256sum", "sha512sum"}

// measureHash hashes some large and many small files, beside the programs that
// compute one digest each, with all files in the page cache.
func measureHash(ctx context.Context, work string, o options) error {
	root := filepath.Join(work, "hash")
	files, err := makeContent(root, o.hashMiB)
	if err != nil {
		return err
	}
	env := []string{"MIRRORBRAIN_DATABASE=sqlite://" + filepath.Join(work, "hash.db")}
	if _, err := measure(ctx, env, "bin/mbctl", "index", root); err != nil {
		return err
	}
	var hash, atOnce, inTurn []measured
	var toAtOnce, toInTurn []float64
	for range 3 {
		four, err := sumsAtOnce(ctx, files)
		if err != nil {
			return err
		}
		turns, err := sumsInTurn(ctx, files)
		if err != nil {
			return err
		}
		own, err := measure(ctx, env, "bin/mbctl", "hash", "--force")
		if err != nil {
			return err
		}
		hash, atOnce, inTurn = append(hash, own), append(atOnce, four), append(inTurn, turns)
		toAtOnce = append(toAtOnce, own.wall.Seconds()/four.wall.Seconds())
		toInTurn = append(toInTurn, own.wall.Seconds()/turns.wall.Seconds())
	}
	slices.Sort(toAtOnce)
	slices.Sort(toInTurn)
	fmt.Printf("| %d files of %d MiB and %d small ones | wall s | mbctl hash against it | CPU s | peak memory |\n"+
		"| --- | ---: | ---: | ---: | ---: |\n", hashBig, o.hashMiB, hashSmall)
	row := func(name string, m measured, ratio string) {
		fmt.Printf("| %s | %.2f | %s | %.2f | %d MiB |\n", name, m.wall.Seconds(), ratio, m.cpu.Seconds(), m.peak>>20)
	}
	row("md5sum, sha1sum, sha256sum, sha512sum at once", middle(atOnce), fmt.Sprintf("%.2f", toAtOnce[len(toAtOnce)/2]))
	row("the same, one after the other", middle(inTurn), fmt.Sprintf("%.2f", toInTurn[len(toInTurn)/2]))
	row("mbctl hash --force", middle(hash), "")
	again, err := measure(ctx, env, "bin/mbctl", "hash")
	if err != nil {
		return err
	}
	row("mbctl hash, nothing to do", again, "")
	fmt.Println()
	return nil
}

// makeContent makes the files, of content that is always the same, and leaves
// them in the page cache.
func makeContent(root string, mib int) (files []string, err error) {
	random := rand.NewChaCha8([32]byte{1})
	sizes := rand.New(random)
	for i := range hashBig + hashSmall {
		size, dir := int64(mib)<<20, root
		if i >= hashBig {
			size, dir = sizes.Int64N(hashSmallBytes), filepath.Join(root, fmt.Sprintf("d%02d", i%50))
		}
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // must be readable by others to be indexed
			return nil, err
		}
		path := filepath.Join(dir, fmt.Sprintf("f%04d.iso", i))
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // as above
		if err != nil {
			return nil, err
		}
		_, err = io.CopyN(f, random, size)
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return nil, err
		}
		files = append(files, path)
	}
	return files, nil
}

// sumsAtOnce starts all programs together.
func sumsAtOnce(ctx context.Context, files []string) (measured, error) {
	var all measured
	var failed error
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for _, program := range sumPrograms {
		wg.Go(func() {
			m, err := measure(ctx, nil, program, files...)
			mu.Lock()
			defer mu.Unlock()
			all.cpu, all.peak = all.cpu+m.cpu, all.peak+m.peak
			if failed == nil {
				failed = err
			}
		})
	}
	wg.Wait()
	all.wall = time.Since(began)
	return all, failed
}

func sumsInTurn(ctx context.Context, files []string) (all measured, err error) {
	for _, program := range sumPrograms {
		m, err := measure(ctx, nil, program, files...)
		if err != nil {
			return all, err
		}
		all.wall, all.cpu, all.peak = all.wall+m.wall, all.cpu+m.cpu, max(all.peak, m.peak)
	}
	return all, nil
}
