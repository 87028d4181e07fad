package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/copies"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror/glob"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// lsFlags are what `file ls` takes.
type lsFlags struct {
	mirrors []string
	urls    bool
	probe   bool
	digest  bool
	limit   int
	max     string
}

func newFileLsCommand(a *app) *cobra.Command {
	var f lsFlags
	cmd := &cobra.Command{
		Use:   "ls PATTERN [-m NAME]...",
		Short: "Show which mirrors have which files",
		Long: `Shows which mirrors are credited with which files, by the database, and with
--probe what their web servers say now. Former versions that mirrors still hold
are shown as such; a current file that no mirror has is shown with "-".

` + patternHelp + `

Piped, the columns are separated by tabs: continent, country, score, state,
mirror, version (current or former), path; with --probe: what the copy is
(current, former, other, doubtful, missing, web page, no answer), HTTP status,
size, Last-Modified, and with --digest whether its SHA-256 is equal; with --urls
the URL; with --probe at last what went wrong. It is an error (1) when nothing
is found.`,
		Example: `  mbctl file ls iso/x.iso
  mbctl file ls '*.iso' -m example
  mbctl file ls 'update/**/repomd.xml' --probe
  mbctl file ls iso/ --probe --digest --max-bytes 10MiB --json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completePaths,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runFileLs(cmd.Context(), args[0], f)
		},
	}
	fs := cmd.Flags()
	a.addMirrorFlag(cmd, &f.mirrors, "only what this `MIRROR` has (several allowed)")
	fs.BoolVarP(&f.urls, "urls", "u", false, "show URLs")
	fs.BoolVarP(&f.probe, "probe", "p", false, "ask the mirrors by HEAD")
	fs.BoolVar(&f.digest, "digest", false, "ask the mirrors, read the files and compare their SHA-256")
	fs.BoolVar(&f.digest, "md5", false, "the same as --digest, for those who know MirrorBrain")
	fs.IntVar(&f.limit, "limit", 10_000, "end after this `NUMBER` of rows; 0: never")
	fs.StringVar(&f.max, "max-bytes", "1GiB", "read no files longer than this `SIZE`")
	return cmd
}

// heldBy is a mirror and what it holds.
type heldBy struct {
	m     mirror.Mirror
	state mirror.State
	held  *roaring.Bitmap
}

// heldFile is a row: a version and a mirror that has it; mirror nil: nobody.
type heldFile struct {
	file store.FileRow
	by   *heldBy
	copy *copies.Copy
	is   copyIs
	sum  string // what the digest says
}

func (a *app) runFileLs(ctx context.Context, text string, f lsFlags) error {
	pattern, err := glob.Parse(text)
	if err != nil {
		return usagef("%w", err)
	}
	if f.limit < 0 {
		return usagef("--limit %d: must not be negative", f.limit)
	}
	f.probe = f.probe || f.digest
	o, err := a.askOptions()
	if err != nil {
		return err
	}
	o.Digest = f.digest
	if o.MaxBytes, err = parseSize(f.max); err != nil || o.MaxBytes <= 0 {
		return usagef("--max-bytes %s: write for example 100MiB", f.max)
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	holders, err := a.holders(ctx, f.mirrors)
	if err != nil {
		return err
	}
	finder, err := db.Find(ctx, store.FindWish{Pattern: pattern, Former: true})
	if err != nil {
		return err
	}
	out := &lsOutput{a: a, f: f}
	found, err := a.listHeld(ctx, finder, holders, o, out)
	if err != nil {
		return err
	}
	if err := out.end(); err != nil {
		return err
	}
	switch {
	case out.rows > 0 && found.more && !a.quiet:
		fmt.Fprintf(a.err, "Ended after %s rows; there may be more (--limit).\n", count(out.rows))
	case out.rows == 0 && !found.files:
		return a.nothingMatches(ctx, pattern)
	case out.rows == 0:
		return fmt.Errorf("%q: none of it is on %s", text, strings.Join(f.mirrors, ", "))
	}
	return nil
}

// foundFiles says what was come across.
type foundFiles struct{ files, more bool }

// listHeld goes through the files and hands rows to out, a page at a time.
func (a *app) listHeld(ctx context.Context, finder *store.Finder, holders []heldBy, o copies.Options, out *lsOutput) (found foundFiles, err error) {
	var clients askers
	defer clients.close()
	for {
		files, err := finder.Next(ctx)
		if err != nil || len(files) == 0 {
			return found, err
		}
		found.files = true
		for len(files) > 0 {
			var rows []heldFile
			rows, files = out.take(files, holders)
			if out.f.probe {
				if err := a.probeRows(ctx, rows, o, &clients); err != nil {
					return found, err
				}
			}
			if err := out.print(rows); err != nil {
				return found, err
			}
			if out.f.limit > 0 && out.rows >= out.f.limit {
				found.more = true
				return found, nil
			}
		}
	}
}

// holders gives the named mirrors, or all, with what they hold.
func (a *app) holders(ctx context.Context, names []string) ([]heldBy, error) {
	all, err := a.db.Mirrors(ctx)
	if err != nil {
		return nil, err
	}
	if len(names) > 0 {
		all = nil
		for _, name := range names {
			m, err := a.findMirror(ctx, name)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(all, func(o mirror.Mirror) bool { return o.ID == m.ID }) {
				all = append(all, m)
			}
		}
	}
	now := time.Now()
	out := make([]heldBy, len(all))
	at := make(map[mirror.ID]int, len(all))
	for i, m := range all {
		state, _ := m.State(now, a.maxScanAge())
		out[i] = heldBy{m, state, roaring.New()}
		at[m.ID] = i
	}
	err = a.db.Read(ctx, func(n *store.Snapshot) error {
		return n.Holdings(0, func(h store.Holdings) error {
			if i, ok := at[h.Mirror]; ok {
				out[i].held = h.Held
			}
			return nil
		})
	})
	return out, err
}

// probeRows asks the mirrors of the rows for their copies.
func (a *app) probeRows(ctx context.Context, rows []heldFile, o copies.Options, clients *askers) error {
	var places []copies.Place
	var of []int
	known := map[string]*knownFile{}
	for i := range rows {
		r := &rows[i]
		if r.by == nil || len(r.by.m.HTTP) == 0 {
			continue
		}
		rel, ok := below(&r.by.m, string(r.file.Path))
		if !ok {
			continue
		}
		if known[string(r.file.Path)] == nil {
			k, err := a.known(ctx, string(r.file.Path))
			if err != nil {
				return err
			}
			known[k.path] = k
		}
		p, err := clients.place(&r.by.m, r.by.m.HTTP[0], rel)
		if err != nil {
			return err
		}
		places = append(places, p)
		of = append(of, i)
	}
	answers := copies.Ask(ctx, places, o)
	for i := range answers {
		r := &rows[of[i]]
		r.copy = &answers[i]
		r.is, r.sum = known[string(r.file.Path)].judge(r.copy)
	}
	return ctx.Err()
}

// lsOutput prints rows as they come.
type lsOutput struct {
	a    *app
	f    lsFlags
	rows int
}

// lsPage is about how many rows are shown, and asked about, at a time.
const lsPage = 1000

// take makes rows of the first files, within the limit, and gives the others.
func (w *lsOutput) take(files []store.FileRow, holders []heldBy) (rows []heldFile, rest []store.FileRow) {
	for i, r := range files {
		before := len(rows)
		for j := range holders {
			if holders[j].held.Contains(uint32(r.ID)) {
				rows = append(rows, heldFile{file: r, by: &holders[j]})
			}
		}
		if len(rows) == before && r.Current() && len(w.f.mirrors) == 0 {
			rows = append(rows, heldFile{file: r})
		}
		if left := w.f.limit - w.rows; w.f.limit > 0 && len(rows) >= left {
			return rows[:left], files[i+1:]
		}
		if len(rows) >= lsPage {
			return rows, files[i+1:]
		}
	}
	return rows, nil
}

// heldDoc is a row in JSON output.
type heldDoc struct {
	Path      string    `json:"path"`
	Version   string    `json:"version"` // current or former
	Size      int64     `json:"size"`
	MTime     string    `json:"mtime"`
	Mirror    string    `json:"mirror,omitempty"`
	Continent string    `json:"continent,omitempty"`
	Country   string    `json:"country,omitempty"`
	Score     int       `json:"score"`
	State     string    `json:"state,omitempty"`
	Enabled   bool      `json:"enabled"`
	URL       string    `json:"url,omitempty"`
	Probe     *probeDoc `json:"probe,omitempty"`
}

// probeDoc is what a mirror said of a copy, in JSON output.
type probeDoc struct {
	Is           string     `json:"is"`
	Status       int        `json:"status,omitempty"` // of HTTP
	Size         *int64     `json:"size"`
	LastModified *time.Time `json:"last_modified"`
	Digest       string     `json:"digest,omitempty"` // equal, differs, not hashed here
	SHA256       string     `json:"sha256,omitempty"`
	Elsewhere    string     `json:"redirected_to,omitempty"`
	Error        string     `json:"error,omitempty"`
}

func probeDocOf(c *copies.Copy, is copyIs, sum string) *probeDoc {
	d := &probeDoc{Is: string(is), Status: c.Status, Digest: sum, SHA256: hexOf(c), Elsewhere: c.Elsewhere, Error: errText(c.Err)}
	if c.Entry.SizeExact() {
		d.Size = &c.Entry.SizeMin
	}
	if c.Entry.Precision > 0 {
		t := time.Unix(0, c.Entry.MTime).UTC()
		d.LastModified = &t
	}
	return d
}

func versionText(v mirror.Version) string {
	if v.Current() {
		return "current"
	}
	return "former"
}

func (w *lsOutput) print(rows []heldFile) error {
	if w.a.json {
		return w.printJSON(rows)
	}
	header := []string{"cont", "cc", "score", "state", "mirror", "version", "path"}
	if w.f.probe {
		header = append(header, "is", "http", "size", "last modified")
	}
	if w.f.digest {
		header = append(header, "digest")
	}
	if w.f.urls {
		header = append(header, "url")
	}
	if w.f.probe {
		header = append(header, "error")
	}
	s := sheet{header: header, right: []int{2}}
	for i := range rows {
		s.rows = append(s.rows, w.cells(&rows[i]))
	}
	if len(s.rows) > 0 {
		w.a.printTable(s)
	}
	w.rows += len(rows)
	return nil
}

func (w *lsOutput) cells(r *heldFile) []string {
	path := string(r.file.Path)
	cells := []string{"", "", "", "", "-", versionText(r.file.Version), path}
	url := ""
	if r.by != nil {
		m := &r.by.m
		copy(cells, []string{m.Continent, m.Country, fmt.Sprint(m.Score), string(r.by.state), m.Name})
		url = copyURL(m, path)
	}
	if w.f.probe {
		cells = append(cells, probeCells(r.copy, r.is)...)
	}
	if w.f.digest {
		cells = append(cells, r.sum)
	}
	if w.f.urls {
		cells = append(cells, url)
	}
	if w.f.probe {
		cells = append(cells, copyError(r.copy))
	}
	return cells
}

// probeCells are what a copy is, HTTP status, size and time.
func probeCells(c *copies.Copy, is copyIs) []string {
	if c == nil {
		return []string{"", "", "", ""}
	}
	status := ""
	if c.Status != 0 {
		status = fmt.Sprint(c.Status)
	}
	return []string{string(is), status, sizeText(c.Entry.SizeMin, c.Entry.SizeMax), timeText(c.Entry.MTime, c.Entry.Precision)}
}

// copyError is what went wrong, without the URL that stands beside it.
func copyError(c *copies.Copy) string {
	if c == nil || c.Err == nil {
		return ""
	}
	text := c.Err.Error()
	for _, doing := range []string{"asking for ", "reading ", ""} {
		if rest, ok := strings.CutPrefix(text, doing+c.URL()+": "); ok {
			return rest
		}
	}
	return text
}

// printJSON prints elements of one list, which may be long.
func (w *lsOutput) printJSON(rows []heldFile) error {
	for i := range rows {
		r := &rows[i]
		d := heldDoc{
			Path: string(r.file.Path), Version: versionText(r.file.Version), Size: r.file.Size,
			MTime: time.Unix(0, r.file.MTime).UTC().Format(time.RFC3339Nano),
		}
		if r.by != nil {
			m := &r.by.m
			d.Mirror, d.Continent, d.Country, d.Score, d.State, d.Enabled = m.Name, m.Continent, m.Country, m.Score, string(r.by.state), m.Enabled
			d.URL = copyURL(m, d.Path)
		}
		if r.copy != nil {
			d.Probe = probeDocOf(r.copy, r.is, r.sum)
		}
		b, err := json.MarshalIndent(d, "  ", "  ")
		if err != nil {
			return err
		}
		before := ",\n  "
		if w.rows == 0 {
			before = "[\n  "
		}
		if _, err := fmt.Fprintf(w.a.out, "%s%s", before, b); err != nil {
			return err
		}
		w.rows++
	}
	return nil
}

// end closes the list.
func (w *lsOutput) end() error {
	if !w.a.json {
		return nil
	}
	text := "\n]\n"
	if w.rows == 0 {
		text = "[]\n"
	}
	_, err := fmt.Fprint(w.a.out, text)
	return err
}
