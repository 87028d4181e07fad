package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/accesslog"
)

// logsRead is what was read.
type logsRead struct {
	entries int64
	accesslog.Counts

	formats []string // of the logs, each once
}

// readLogs calls add with every entry of the logs. limit is the most lines of each; 0:
// there is none.
func (a *app) readLogs(ctx context.Context, logs []string, o accesslog.Options, limit int64, add func(*accesslog.Entry)) (*logsRead, error) {
	total := &logsRead{}
	bar := a.logProgress(logs)
	defer func() {
		if bar != nil {
			_ = bar.Finish()
		}
	}()
	for _, name := range logs {
		if err := a.readLog(ctx, name, o, limit, bar, total, add); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func (a *app) readLog(ctx context.Context, name string, o accesslog.Options, limit int64, bar *progressbar.ProgressBar,
	total *logsRead, add func(*accesslog.Entry),
) error {
	var in io.Reader
	if name == "-" {
		in, name = a.in, "standard input"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	if bar != nil {
		r := progressbar.NewReader(in, bar)
		in = &r
	}
	r, err := accesslog.NewReader(in, name, o)
	if err != nil {
		return err
	}
	var e accesslog.Entry
	for n := 0; limit == 0 || r.Counts().Lines < limit; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := r.Next(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		total.entries++
		add(&e)
	}
	total.take(r)
	if bad := r.FirstBad(); bad.Number > 0 {
		if bar != nil {
			_ = bar.Clear()
		}
		a.note("note: %s: %s of %s lines are not of the format %s, the first is line %d: %s",
			printable(name), count(r.Counts().Bad), count(r.Counts().Lines), r.Format(), bad.Number, printable(bad.Text))
	}
	return nil
}

// take adds what was read of one log.
func (l *logsRead) take(r *accesslog.Reader) {
	c := r.Counts()
	l.Lines += c.Lines
	l.Other += c.Other
	l.Bad += c.Bad
	if f := r.Format(); f != accesslog.Auto {
		for _, have := range l.formats {
			if have == f.String() {
				return
			}
		}
		l.formats = append(l.formats, f.String())
	}
}

// logProgress gives what shows how much of the logs is read; nil where nothing does.
func (a *app) logProgress(logs []string) *progressbar.ProgressBar {
	if _, tty := terminal(a.err); !tty || a.quiet || a.json {
		return nil
	}
	size := int64(0)
	for _, name := range logs {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			size = -1
			break
		}
		size += info.Size()
	}
	return progressbar.NewOptions64(size, progressbar.OptionSetWriter(a.err), progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(20), progressbar.OptionShowBytes(true),
		progressbar.OptionUseIECUnits(true), progressbar.OptionSetPredictTime(true), progressbar.OptionSetDescription("reading"))
}
