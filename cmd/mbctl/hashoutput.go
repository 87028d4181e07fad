package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/checksum"
)

// Files are named one by one up to these numbers, which bound memory and mail
// from cron; the counts are exact.
const (
	hashNamed = 20     // of one kind of trouble, for people
	hashJSON  = 10_000 // in a JSON document
)

// hashDoc is the JSON form of a run of `hash`.
type hashDoc struct {
	DryRun      bool          `json:"dry_run"`
	Hashed      int64         `json:"hashed"` // in a dry run: would be
	Bytes       int64         `json:"bytes"`
	Signatures  int64         `json:"signatures"` // files of which only the signature was looked at
	Signed      int64         `json:"signed"`
	Changed     int64         `json:"changed"`
	Unreadable  int64         `json:"unreadable"`
	Others      int64         `json:"others"`
	Seconds     float64       `json:"seconds"`
	BytesPerSec float64       `json:"bytes_per_second"`
	Files       []hashFileDoc `json:"files"`
	LeftOut     int64         `json:"left_out"` // not in Files, which has at most 10000
}

type hashFileDoc struct {
	Path  string `json:"path"`
	Size  int64  `json:"size"`
	What  string `json:"what"` // hash, signature, changed, unreadable
	Error string `json:"error,omitempty"`
}

var hashWhat = map[checksum.What]string{
	checksum.Would: "hash", checksum.WouldSign: "signature", checksum.Changed: "changed", checksum.Unreadable: "unreadable",
}

// hashOutput shows a run of `hash` as it goes.
type hashOutput struct {
	a     *app
	dry   bool
	bar   *progressbar.ProgressBar
	told  map[checksum.What]int64
	files []hashFileDoc
	out   int64 // left out of files
}

func (a *app) newHashOutput(dryRun bool) *hashOutput {
	h := &hashOutput{a: a, dry: dryRun, told: map[checksum.What]int64{}, files: []hashFileDoc{}}
	if _, tty := terminal(a.err); tty && !a.quiet && !a.json && !dryRun {
		h.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(a.err), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(20), progressbar.OptionShowBytes(true),
			progressbar.OptionUseIECUnits(true), progressbar.OptionSetPredictTime(true), progressbar.OptionSetDescription("hashing"))
	}
	return h
}

// tell names a file; see checksum.Options.
func (h *hashOutput) tell(n checksum.Notice) {
	h.told[n.What]++
	switch {
	case h.a.json && len(h.files) >= hashJSON:
		h.out++
	case h.a.json:
		d := hashFileDoc{Path: n.Path, Size: n.Size, What: hashWhat[n.What]}
		if n.Err != nil {
			d.Error = n.Err.Error()
		}
		h.files = append(h.files, d)
	case n.What == checksum.Would:
		h.a.say("would hash %s (%s)", printable(n.Path), sizeOf(n.Size))
	case n.What == checksum.WouldSign:
		h.a.say("would look at the signature of %s", printable(n.Path))
	case h.told[n.What] > hashNamed:
	default:
		if h.bar != nil {
			_ = h.bar.Clear()
		}
		more := ""
		if h.told[n.What] == hashNamed {
			more = " (more like this are only counted)"
		}
		fmt.Fprintf(h.a.err, "%s: %s%s\n", printable(n.Path), printable(reason(n.Err, n.Path)), more)
	}
}

// reason gives an error without the path that is said already.
func reason(err error, path string) string {
	return strings.ReplaceAll(err.Error(), " "+path+":", "")
}

// progress gives what shows the progress; nil where nothing does.
func (h *hashOutput) progress() func(checksum.Progress) {
	if h.bar == nil {
		return nil
	}
	return func(p checksum.Progress) {
		if !p.Counting {
			h.bar.ChangeMax64(max(1, p.AllBytes))
		}
		of := ""
		if !p.Counting {
			of = " of " + count(p.All)
		}
		h.bar.Describe(count(p.Files) + of + " files")
		// At the end the bar would be gone, and small files may still follow.
		_ = h.bar.Set64(min(p.Bytes, max(0, p.AllBytes-1)))
	}
}

func (h *hashOutput) finish() {
	if h.bar != nil {
		_ = h.bar.Clear()
	}
}

func (a *app) printHashReport(r *checksum.Report, h *hashOutput) error {
	perSec := 0.0
	if s := r.Took.Seconds(); s > 0 && !r.DryRun {
		perSec = float64(r.Bytes) / s
	}
	if a.json {
		return a.printJSON(hashDoc{
			DryRun: r.DryRun, Hashed: r.Files, Bytes: r.Bytes, Signatures: r.Signatures, Signed: r.Signed,
			Changed: r.Changed, Unreadable: r.Unreadable, Others: r.Others,
			Seconds: r.Took.Seconds(), BytesPerSec: perSec, Files: h.files, LeftOut: h.out,
		})
	}
	if r.Nothing() {
		a.say("Nothing to hash: every file asked for has its digests. After a change of the tree: mbctl index, then mbctl hash")
		return nil
	}
	verb := "hashed"
	if r.DryRun {
		verb = "would hash"
	}
	parts := []string{fmt.Sprintf("%s %s files, %s", verb, count(r.Files), sizeOf(r.Bytes))}
	if !r.DryRun {
		parts[0] += fmt.Sprintf(" in %.1fs (%s/s)", r.Took.Seconds(), sizeOf(int64(perSec)))
	}
	for _, p := range []struct {
		n    int64
		text string
	}{
		{r.Signed, "signed"},
		{r.Signatures, "looked at for their signature alone"},
		{r.Changed, "changed since the last index run (run 'mbctl index')"},
		{r.Unreadable, "unreadable"},
		{r.Others, "left to other runs that are at work on them"},
	} {
		if p.n > 0 {
			parts = append(parts, count(p.n)+" "+p.text)
		}
	}
	a.say("%s", strings.Join(parts, "; "))
	return nil
}
