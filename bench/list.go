package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/protocols"
)

// listAll lists the URLs, several at once, and counts what comes: the listing
// that a scan is measured against.
func listAll(ctx context.Context, urls []string, jobs int) error {
	if len(urls) == 0 {
		return errors.New("-list: which URLs?")
	}
	var files atomic.Int64
	errs := make([]error, len(urls))
	next := make(chan int)
	var wg sync.WaitGroup
	for range jobs {
		wg.Go(func() {
			for i := range next {
				errs[i] = list(ctx, urls[i], &files)
			}
		})
	}
	for i := range urls {
		next <- i
	}
	close(next)
	wg.Wait()
	fmt.Println(files.Load(), "files")
	return errors.Join(errs...)
}

func list(ctx context.Context, url string, files *atomic.Int64) error {
	l, err := protocols.Open(url, listing.Options{})
	if err != nil {
		return err
	}
	sum, err := l.List(ctx, "", func(e listing.Entry) error {
		if e.Kind == listing.File {
			files.Add(1)
		}
		return nil
	})
	if err == nil && !sum.Complete() {
		err = fmt.Errorf("listing %s: %v", url, sum.Incomplete)
	}
	return err
}
