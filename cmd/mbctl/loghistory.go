package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// stateDoc is a state that a mirror came to have, in JSON output.
type stateDoc struct {
	At     time.Time `json:"at"`
	Since  time.Time `json:"since"`
	State  string    `json:"state"`
	Reason string    `json:"reason,omitempty"`
}

// runDoc is a scan in JSON output.
type runDoc struct {
	At       time.Time `json:"at"`
	Seconds  float64   `json:"seconds"`
	OK       bool      `json:"ok"`
	Protocol string    `json:"protocol,omitempty"`
	Held     uint64    `json:"held"`
	Files    uint64    `json:"files"`
	// Response is in seconds.
	Response float64 `json:"response,omitempty"`
	Error    string  `json:"error,omitempty"`
}

// history gives what is remembered of a mirror, the newest first.
func (a *app) history(ctx context.Context, name string, w store.EventWish) (store.History, error) {
	m, err := a.findMirror(ctx, name)
	if err != nil {
		return store.History{}, err
	}
	h, err := a.db.MirrorHistory(ctx, m.ID, w.After)
	slices.Reverse(h.Changes)
	slices.Reverse(h.Runs)
	h.Changes, h.Runs = h.Changes[:min(len(h.Changes), w.Limit)], h.Runs[:min(len(h.Runs), w.Limit)]
	return h, err
}

func (a *app) logStates(ctx context.Context, name string, w store.EventWish) error {
	h, err := a.history(ctx, name, w)
	if err != nil {
		return err
	}
	docs, rows := []stateDoc{}, [][]string{}
	for _, c := range h.Changes {
		docs = append(docs, stateDoc{At: c.At.UTC(), Since: c.Since.UTC(), State: string(c.State), Reason: c.Reason})
		rows = append(rows, []string{c.At.Local().Format("2006-01-02 15:04:05"), string(c.State), c.Reason})
	}
	if a.json {
		return a.printJSON(docs)
	}
	return a.printHistory([]string{"time", "state", "reason"}, rows)
}

func (a *app) logScans(ctx context.Context, name string, w store.EventWish) error {
	h, err := a.history(ctx, name, w)
	if err != nil {
		return err
	}
	docs, rows := []runDoc{}, [][]string{}
	for i := range h.Runs {
		r := &h.Runs[i]
		docs = append(docs, runDoc{
			At: r.At.UTC(), Seconds: r.Took.Seconds(), OK: r.OK, Protocol: r.Protocol, Held: r.Held, Files: r.Files,
			Response: r.Response.Seconds(), Error: r.Error,
		})
		rows = append(rows, runRow(r))
	}
	if a.json {
		return a.printJSON(docs)
	}
	return a.printHistory([]string{"time", "took", "by", "holds", "answers in", "error"}, rows)
}

func runRow(r *mirror.Run) []string {
	response := ""
	if r.Response > 0 {
		response = fmt.Sprintf("%.1f ms", float64(r.Response)/1e6)
	}
	return []string{
		r.At.Local().Format("2006-01-02 15:04:05"), fmt.Sprintf("%.1f s", r.Took.Seconds()), r.Protocol,
		fmt.Sprintf("%s of %s (%.1f %%)", count(r.Held), count(r.Files), 100*r.Coverage()), response, r.Error,
	}
}

func (a *app) printHistory(header []string, rows [][]string) error {
	if len(rows) == 0 {
		a.note("Nothing is remembered.")
		return nil
	}
	a.printTable(sheet{header: header, rows: rows})
	return nil
}
