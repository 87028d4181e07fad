package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/copies"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// probeFlags are what `probefile` takes.
type probeFlags struct {
	mirrors []string
	all     bool
	urls    string
	digest  bool
	content bool
	max     string
	timeout string
	jobs    int
}

// keepContent is how much --content shows of a file, in bytes.
const keepContent = 1 << 10

func newProbefileCommand(a *app) *cobra.Command {
	var f probeFlags
	cmd := &cobra.Command{
		Use:   "probefile PATH [-m NAME]... [--all]",
		Short: "Ask all mirrors at once what they have of a file",
		Long: `Asks mirrors for one file, whatever the database says of them: by HEAD at the
URLs that clients are sent to, and with --urls where scans look. What they answer
is compared with the versions in the index by size and time, and with --digest
by the SHA-256 of the bytes themselves; a link's with those of what it stands
for. Without -m all enabled mirrors are asked,
with --all the disabled ones too.

Piped, the columns are separated by tabs: mirror, what its copy is (current,
former, other, doubtful, missing, web page, no answer; "there" where the index
does not know the path), HTTP status, size, time (UTC), URL, digest, what went
wrong.
Exit code 3: some do not have the current version.`,
		Example: `  mbctl probefile iso/x.iso
  mbctl probefile iso/x.iso -m example --urls all
  mbctl probefile timestamp.txt --all --content
  mbctl probefile iso/x.iso --digest --json | jq '.copies[] | select(.digest == "differs")'`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completePaths,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runProbefile(cmd.Context(), args[0], f)
		},
	}
	fs := cmd.Flags()
	a.addMirrorFlag(cmd, &f.mirrors, "only this `MIRROR`, enabled or not (several allowed)")
	fs.BoolVarP(&f.all, "all", "a", false, "disabled mirrors too")
	fs.StringVar(&f.urls, "urls", "http", "`WHICH` URLs: http (clients'), scan (rsync, else FTP, S3, HTTP) or all")
	fs.BoolVar(&f.digest, "digest", false, "read the file by HTTP and compare its SHA-256")
	fs.BoolVar(&f.digest, "md5", false, "the same as --digest, for those who know MirrorBrain")
	fs.BoolVar(&f.content, "content", false, "read the file by HTTP and show how it begins")
	fs.StringVar(&f.max, "max-bytes", "1GiB", "read no files longer than this `SIZE`")
	fs.StringVar(&f.timeout, "timeout", "20s", "`TIME` for an answer, and of silence while bytes come")
	fs.IntVarP(&f.jobs, "jobs", "j", 24, "`NUMBER` of URLs asked at once")
	return cmd
}

func (a *app) runProbefile(ctx context.Context, arg string, f probeFlags) error {
	path, err := treePath(arg)
	if err != nil {
		return err
	}
	o, err := a.probeOptions(f)
	if err != nil {
		return err
	}
	if _, err := a.store(ctx); err != nil {
		return err
	}
	mirrors, err := a.probeTargets(ctx, f)
	if err != nil {
		return err
	}
	if len(mirrors) == 0 && !a.json {
		return nil // it is said why
	}
	real, err := a.db.Resolve(ctx, path) // a link has no versions of its own
	if err != nil {
		return err
	}
	k, err := a.known(ctx, real)
	if err != nil {
		return err
	}
	k.path = path
	var clients askers
	defer clients.close()
	places, others, err := probePlaces(mirrors, path, f.urls, &clients)
	if err != nil {
		return err
	}
	if len(places) == 0 && len(mirrors) > 0 {
		return fmt.Errorf("no mirror carries %q, as to their --subtree settings", path)
	}
	answers := copies.Ask(ctx, places, o)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return a.printProbe(k, answers, others)
}

func (a *app) probeOptions(f probeFlags) (copies.Options, error) {
	o, err := a.askOptions()
	if err != nil {
		return o, err
	}
	o.Digest, o.Parallel = f.digest || f.content, f.jobs
	if f.content {
		o.Keep = keepContent
	}
	if o.MaxBytes, err = parseSize(f.max); err != nil || o.MaxBytes <= 0 {
		return o, usagef("--max-bytes %s: write for example 100MiB", f.max)
	}
	if o.Timeout, err = parseDuration(f.timeout); err != nil || o.Timeout == 0 {
		return o, usagef("--timeout %s: write for example 20s", f.timeout)
	}
	switch {
	case f.jobs < 1:
		return o, usagef("--jobs %d: must be at least 1", f.jobs)
	case f.all && len(f.mirrors) > 0:
		return o, usagef("probefile: name mirrors or say --all, not both")
	case !slices.Contains([]string{"http", "scan", "all"}, f.urls):
		return o, usagef("--urls %s: must be http, scan or all", f.urls)
	}
	return o, nil
}

// probeTargets gives the mirrors to ask, or says why there are none.
func (a *app) probeTargets(ctx context.Context, f probeFlags) ([]mirror.Mirror, error) {
	if len(f.mirrors) > 0 {
		var some []mirror.Mirror
		for _, name := range f.mirrors {
			m, err := a.findMirror(ctx, name)
			if err != nil {
				return nil, err
			}
			some = append(some, m)
		}
		return some, nil
	}
	all, err := a.db.Mirrors(ctx)
	if err != nil {
		return nil, err
	}
	total := len(all)
	if !f.all {
		all = slices.DeleteFunc(all, func(m mirror.Mirror) bool { return !m.Enabled })
	}
	if len(all) == 0 {
		a.sayNoMirrors(total)
	}
	return all, nil
}

// probePlaces gives the URLs to ask, and how many mirrors do not carry the path.
func probePlaces(mirrors []mirror.Mirror, path, which string, clients *askers) (places []copies.Place, others int, err error) {
	for i := range mirrors {
		m := &mirrors[i]
		rel, ok := below(m, path)
		if !ok {
			others++
			continue
		}
		for _, base := range probeBases(m, which) {
			p, err := clients.place(m, base, rel)
			if err != nil {
				return nil, 0, err
			}
			places = append(places, p)
		}
	}
	return places, others, nil
}

func probeBases(m *mirror.Mirror, which string) []string {
	var scan []string
	for _, u := range []string{m.Rsync, m.FTP, m.S3} {
		if u != "" {
			scan = append(scan, u)
		}
	}
	switch {
	case which == "all":
		return slices.Concat(m.HTTP, scan)
	case which == "scan" && len(scan) > 0:
		return scan[:1]
	case which == "scan":
		return m.HTTP[:min(1, len(m.HTTP))]
	}
	return m.HTTP
}

// probefileDoc is the JSON output of `probefile`.
type probefileDoc struct {
	Path     string          `json:"path"`
	Versions []versionDoc    `json:"versions"` // that the index knows
	Copies   []probedCopyDoc `json:"copies"`
	Elsewise int             `json:"mirrors_without_this_part"` // of the tree
}

type versionDoc struct {
	Version string `json:"version"`
	Size    int64  `json:"size"`
	MTime   string `json:"mtime"`
	SHA256  string `json:"sha256,omitempty"`
}

type probedCopyDoc struct {
	Mirror string `json:"mirror"`
	URL    string `json:"url"`

	probeDoc

	Content string  `json:"content,omitempty"`
	Seconds float64 `json:"seconds"`
}

func (a *app) printProbe(k *knownFile, answers []copies.Copy, others int) error {
	doc := probefileDoc{Path: k.path, Versions: k.docs(), Copies: []probedCopyDoc{}, Elsewise: others}
	tally := map[copyIs]int{}
	s := sheet{header: []string{"mirror", "is", "http", "size", "time", "url", "digest", "error"}, right: []int{3}}
	for i := range answers {
		c := &answers[i]
		is, sum := k.judge(c)
		tally[is]++
		doc.Copies = append(doc.Copies, probedCopyDoc{
			Mirror: c.Mirror, URL: c.URL(), probeDoc: *probeDocOf(c, is, sum),
			Content: strings.ToValidUTF8(string(c.Content), "\uFFFD"), Seconds: c.Took.Seconds(),
		})
		s.rows = append(s.rows, slices.Concat([]string{c.Mirror}, probeCells(c, is), []string{c.URL(), sum, copyError(c)}))
	}
	if a.json {
		if err := a.printJSON(doc); err != nil {
			return err
		}
		return k.lacking(tally, len(answers))
	}
	s.color = func(col int, cell string) text.Colors {
		if col != 1 {
			return nil
		}
		return copyColor(copyIs(cell))
	}
	if !a.quiet {
		a.printTable(s)
		for i := range answers {
			if c := &answers[i]; len(c.Content) > 0 {
				fmt.Fprintf(a.out, "%s:\n", printable(c.URL()))
				for l := range strings.Lines(string(c.Content)) {
					fmt.Fprintf(a.out, "    %s\n", printable(strings.TrimRight(l, "\r\n")))
				}
			}
		}
	}
	a.sayTally(k, tally, others)
	return k.lacking(tally, len(answers))
}

func copyColor(is copyIs) text.Colors {
	switch is {
	case copyCurrent, copyThere:
		return text.Colors{text.FgGreen}
	case copyFormer, copyDoubtful:
		return text.Colors{text.FgYellow}
	case copyOther, copyMissing, copyPage, copyNoAnswer:
	}
	return text.Colors{text.FgRed}
}

// docs are the versions of a path for JSON output.
func (k *knownFile) docs() []versionDoc {
	docs := []versionDoc{}
	for _, v := range k.versions {
		d := versionDoc{Version: versionText(v.Version), Size: v.Size, MTime: timeText(v.MTime, v.Precision)}
		if sum, ok := k.sha256[v.ID]; ok {
			d.SHA256 = fmt.Sprintf("%x", sum)
		}
		docs = append(docs, d)
	}
	return docs
}

// sayTally tells on standard error, below the table, how many have what.
func (a *app) sayTally(k *knownFile, tally map[copyIs]int, others int) {
	if a.quiet {
		return
	}
	var parts []string
	for _, is := range []copyIs{copyThere, copyCurrent, copyFormer, copyOther, copyDoubtful, copyMissing, copyPage, copyNoAnswer} {
		if n := tally[is]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, is))
		}
	}
	line := strings.Join(parts, ", ")
	if others > 0 {
		line += fmt.Sprintf("; %s not carry this part of the tree", pluralVerb(others))
	}
	if len(k.versions) == 0 {
		line += "; the index does not know the path"
	}
	fmt.Fprintln(a.err, line)
}

func pluralVerb(n int) string {
	if n == 1 {
		return "1 mirror does"
	}
	return fmt.Sprintf("%d mirrors do", n)
}

// lacking is the error for copies that are not what they should be.
func (k *knownFile) lacking(tally map[copyIs]int, asked int) error {
	good := tally[copyCurrent] + tally[copyThere]
	if good == asked {
		return nil
	}
	what := "the current version of "
	if len(k.versions) == 0 {
		what = ""
	}
	return &codedError{exitSomeFailed, fmt.Errorf("%d of %d places do not have %s%s", asked-good, asked, what, k.path)}
}
