package main

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
)

func (a *app) printMoveIn(in *moveIn) error {
	if a.json {
		return a.printJSON(in.doc())
	}
	if a.quiet {
		return nil
	}
	a.say("%s at %s%s", printable(in.inventory.Title), in.source, map[bool]string{true: ", nothing is changed here"}[in.flags.dryRun])
	a.printSteps(in)
	a.say("Shares of the requests for a file that every mirror has, before -> after, from the mirror's country and from clients of whom nothing is known;")
	a.say("%s;", in.inventory.Law.About())
	a.say("after: in proportion to the scores; see docs/choice.md.")
	a.printChanges(in)
	a.printLeft(in)
	a.printSettings(in.settings)
	a.printMarkers(in)
	a.printDigests(in)
	a.printNext(in)
	return nil
}

// stepNote says what else is to be known of a step, in a short phrase.
func stepNote(s *movein.Step) string {
	switch {
	case s.What == movein.Left:
		return s.Record.Unusable
	case s.What == movein.Gone:
		return "not there any more; here unchanged"
	case s.What == movein.Deleted:
		return "was deleted here; --only " + s.Name + " brings it back"
	case s.Switched && s.Record.Enabled:
		return "was enabled there; here unchanged: mbctl enable " + s.Name
	case s.Switched:
		return "was disabled there; here unchanged: mbctl disable " + s.Name
	case s.What == movein.New && !s.Record.Enabled:
		return "disabled there"
	case len(s.Kept) > 0:
		return "changed here, kept: " + strings.Join(s.Kept, ", ")
	}
	return ""
}

func (a *app) printSteps(in *moveIn) {
	var rows [][]string
	for i := range in.plan.Steps {
		s := &in.plan.Steps[i]
		row := []string{s.Name, string(s.What), "-", "-", "-", "-", stepNote(s)}
		if s.Record != nil && s.What != movein.Left && s.What != movein.Deleted {
			row[2], row[3] = fmt.Sprint(s.Record.Score), fmt.Sprint(s.Score)
			row[4], row[5] = shareText(in.shares[i].Country), shareText(in.shares[i].World)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		a.say("It has no mirrors.")
		return
	}
	a.printTable(sheet{
		header: []string{"name", "", "score there", "score", "in its country", "elsewhere", "note"},
		rows:   rows,
		right:  []int{2, 3, 4, 5},
		color: func(col int, cell string) text.Colors {
			if col != 1 {
				return nil
			}
			switch movein.What(cell) {
			case movein.New, movein.Changed:
				return text.Colors{text.FgGreen}
			case movein.Conflict, movein.Left:
				return text.Colors{text.FgYellow}
			case movein.Same, movein.Gone, movein.Deleted:
				return text.Colors{text.Faint}
			}
			return nil
		},
	})
}

func shareText(s movein.Share) string {
	return fmt.Sprintf("%.1f%% -> %.1f%%", 100*s.Before, 100*s.After)
}

func (a *app) printChanges(in *moveIn) {
	for i := range in.plan.Steps {
		s := &in.plan.Steps[i]
		for _, c := range s.Changes {
			a.say("%s: %s: %s -> %s", s.Name, c.Field, printable(c.Was), printable(c.Is))
		}
		for _, c := range s.Conflicts {
			a.say("%s: conflict: %s is %s here and %s there; here it stays", s.Name, c.Field, printable(c.Was), printable(c.Is))
		}
	}
}

func (a *app) printLeft(in *moveIn) {
	for i := range in.plan.Steps {
		s := &in.plan.Steps[i]
		if s.Record == nil || s.What == movein.Deleted {
			continue
		}
		for _, left := range s.Record.Left {
			a.say("%s: not taken over: %s", s.Name, printable(left))
		}
		for _, note := range s.Record.Notes {
			a.say("%s: note: %s", s.Name, printable(note))
		}
	}
	for _, left := range in.inventory.Left {
		a.say("not taken over: %s", printable(left))
	}
}

func (a *app) printSettings(s *foreignSettings) {
	if s == nil {
		return
	}
	if len(s.lines) > 0 {
		a.say("for the table [%s] of %s:", s.instance, a.configFile())
		for _, line := range s.lines {
			a.say("  %s", printable(line))
		}
	}
	for _, left := range s.left {
		a.say("not taken over: %s", printable(left))
	}
}

func (a *app) printMarkers(in *moveIn) {
	for _, m := range in.markers() {
		a.say("marker %s: %s: %s", printable(m.Name), m.What, printable(strings.Join(m.Paths, " ")))
	}
}

func (a *app) printDigests(in *moveIn) {
	if in.note != "" {
		a.say("%s", printable(in.note))
	}
	if in.sums == nil {
		return
	}
	r := &in.sums.Report
	verb := map[bool]string{true: "would be taken over", false: "taken over"}[in.flags.dryRun]
	a.say("digests: %s %s, %s are here already, %s are of other files or versions than the index has", count(r.Taken), verb, count(r.Known), count(r.Other))
	if r.Checked > 0 {
		a.say("checked: %s files, %s, all the same", count(r.Checked), humanize.IBytes(uint64(r.Bytes)))
	}
	if r.Changed > 0 {
		a.say("passed over in the check: %s files that are not as the index knows them; run 'mbctl index'", count(r.Changed))
	}
}

func (a *app) printNext(in *moveIn) {
	n := map[movein.What]int{}
	for i := range in.plan.Steps {
		n[in.plan.Steps[i].What]++
	}
	var parts []string
	for _, w := range []movein.What{movein.New, movein.Changed, movein.Same, movein.Conflict, movein.Gone, movein.Deleted, movein.Left} {
		if n[w] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[w], w))
		}
	}
	a.say("mirrors: %s", strings.Join(parts, ", "))
	switch {
	case in.flags.dryRun:
		a.say("next: the same without --dry-run")
	case n[movein.New] > 0:
		a.say("next: mbctl scan %s", strings.Join(newNames(in.plan), " "))
	case n[movein.Changed] == 0:
		a.say("Nothing to do.")
	}
}

func newNames(p *movein.Plan) (names []string) {
	for i := range p.Steps {
		if s := &p.Steps[i]; s.What == movein.New && s.Record.Enabled {
			if len(names) == 5 {
				return append(names, "...")
			}
			names = append(names, s.Name)
		}
	}
	return names
}

// moveInDoc is the JSON of an import.
type moveInDoc struct {
	System  string            `json:"system"`
	Source  string            `json:"source"`
	DryRun  bool              `json:"dry_run"`
	Mirrors []moveInMirrorDoc `json:"mirrors"`
	Markers []moveInMarkerDoc `json:"markers"`
	// Digests are null where they were left, for the reason in DigestsNote.
	Digests     *movein.DigestReport `json:"digests"`
	DigestsNote string               `json:"digests_note,omitempty"`
	Config      []string             `json:"config"` // lines for mbctl.toml
	Left        []string             `json:"left"`   // what could not be taken over of the whole
}

type moveInMirrorDoc struct {
	Name         string          `json:"name"`
	There        string          `json:"name_there,omitempty"`
	What         movein.What     `json:"what"`
	Note         string          `json:"note,omitempty"`
	EnabledThere bool            `json:"enabled_there"`
	ScoreThere   int             `json:"score_there"`
	Score        int             `json:"score"`
	Share        movein.Shares   `json:"share"`
	Changes      []movein.Change `json:"changes"`
	Conflicts    []movein.Change `json:"conflicts"`
	Kept         []string        `json:"kept"`
	Left         []string        `json:"left"`
	Notes        []string        `json:"notes"`
}

type moveInMarkerDoc struct {
	Name  string      `json:"name"`
	Paths []string    `json:"paths"`
	What  movein.What `json:"what"`
}

func (in *moveIn) markers() (list []moveInMarkerDoc) {
	for _, c := range in.plan.Markers {
		list = append(list, moveInMarkerDoc{c.Marker.Name, c.Marker.Paths, c.What})
	}
	if in.plan.Markers == nil {
		for _, m := range in.inventory.Markers {
			list = append(list, moveInMarkerDoc{m.Name, m.Paths, movein.Left})
		}
	}
	return list
}

func (in *moveIn) doc() moveInDoc {
	d := moveInDoc{
		System: in.inventory.Title, Source: in.source, DryRun: in.flags.dryRun,
		Mirrors: []moveInMirrorDoc{}, Markers: nonNil(in.markers()), Config: []string{}, Left: nonNil(in.inventory.Left), DigestsNote: in.note,
	}
	for i := range in.plan.Steps {
		s := &in.plan.Steps[i]
		m := moveInMirrorDoc{
			Name: s.Name, What: s.What, Note: stepNote(s), Share: in.shares[i],
			Changes: nonNil(s.Changes), Conflicts: nonNil(s.Conflicts), Kept: nonNil(s.Kept), Left: []string{}, Notes: []string{},
		}
		if r := s.Record; r != nil {
			m.There, m.EnabledThere, m.ScoreThere, m.Score, m.Left, m.Notes = r.Name, r.Enabled, r.Score, s.Score, nonNil(r.Left), nonNil(r.Notes)
		}
		d.Mirrors = append(d.Mirrors, m)
	}
	if in.sums != nil {
		d.Digests = &in.sums.Report
	}
	if in.settings != nil {
		d.Config, d.Left = nonNil(in.settings.lines), append(d.Left, in.settings.left...)
	}
	return d
}
