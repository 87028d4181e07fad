package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// What an import does to a mirror.
const (
	actCreate = "create"
	actChange = "change"
	actDelete = "delete"
)

// importStep is one change that an import makes.
type importStep struct {
	act    string
	before mirror.Mirror // zero for a new one
	after  mirror.Mirror // zero for one that goes
	was    []byte        // before, as YAML
	diff   []byte
}

func (s *importStep) name() string {
	if s.act == actDelete {
		return s.before.Name
	}
	return s.after.Name
}

// importPlan is all that an import does.
type importPlan struct{ steps []importStep }

// newImportPlan compares the files with the mirrors of now, and refuses all of
// it for one mirror that cannot be.
func newImportPlan(wanted []yamlMirror, now []mirror.Mirror, prune bool) (*importPlan, error) {
	at := map[string]*mirror.Mirror{}
	for i := range now {
		at[now[i].Name] = &now[i]
	}
	plan := &importPlan{}
	var problems []error
	for i := range wanted {
		w := &wanted[i]
		step, err := w.step(at[w.name])
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if len(step.diff) > 0 {
			plan.steps = append(plan.steps, *step)
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	for i := range now {
		m := &now[i]
		if !prune || slices.ContainsFunc(wanted, func(w yamlMirror) bool { return w.name == m.Name }) {
			continue
		}
		step := importStep{act: actDelete, before: *m}
		if err := step.compare(); err != nil {
			return nil, err
		}
		plan.steps = append(plan.steps, step)
	}
	return plan, nil
}

// step is what makes a mirror what the file says; now is nil for a new one.
func (w *yamlMirror) step(now *mirror.Mirror) (*importStep, error) {
	step := &importStep{act: actCreate, after: mirror.Mirror{Name: w.name}}
	if now != nil {
		step.act, step.before, step.after = actChange, *now, *now
	}
	for _, f := range secretFields {
		if _, had := withoutPassword(*f.at(&w.settings)); had {
			return nil, fmt.Errorf("%s:%d: mirror %s: %s: has a password, which does not belong into a file that is kept and shared: %s",
				w.file, w.has[f.key], w.name, f.key, f.mend)
		}
	}
	if err := w.applyTo(&step.after); err != nil {
		return nil, fmt.Errorf("%s: mirror %s: %w", w.at, w.name, err)
	}
	return step, step.compare()
}

// applyTo makes m what the file says.
func (w *yamlMirror) applyTo(m *mirror.Mirror) error {
	s := w.settings
	stored := settingsOf(m)
	s.keepSecrets(&stored)
	s.keepFound(w.has, &stored)
	if err := s.apply(m); err != nil {
		return err
	}
	switch {
	case w.enabled == "", w.enabled == enabledAfterScan && m.Enabled:
	case w.enabled == enabledWord(m):
	default:
		m.Enabled, m.EnableAfterScan = w.enabled == enabledYes, w.enabled == enabledAfterScan
	}
	return nil
}

// keepFound leaves what `new` and `update` find out as it is, where a file does
// not say it.
func (s *settings) keepFound(has map[string]int, now *settings) {
	for key, take := range map[string]func(){
		"continent": func() { s.Continent = now.Continent },
		"country":   func() { s.Country = now.Country },
		"lat":       func() { s.Latitude = now.Latitude },
		"lng":       func() { s.Longitude = now.Longitude },
		"asn":       func() { s.ASN = now.ASN },
		"ipv4":      func() { s.IPv4 = now.IPv4 },
		"ipv6":      func() { s.IPv6 = now.IPv6 },
	} {
		if has[key] == 0 {
			take()
		}
	}
}

// compare makes the difference that people are shown; none: nothing is to do.
func (s *importStep) compare() error {
	var after []byte
	var err error
	before, old, name := "/dev/null", []byte(nil), "/dev/null"
	if s.act != actCreate {
		if s.was, err = mirrorYAML(&s.before); err != nil {
			return err
		}
		before, old = "a/"+s.before.Name+yamlSuffix, s.was
	}
	if s.act != actDelete {
		if after, err = mirrorYAML(&s.after); err != nil {
			return err
		}
		name = "b/" + s.after.Name + yamlSuffix
	}
	s.diff = diff.Diff(before, old, name, after)
	if _, rest, found := bytes.Cut(s.diff, []byte("\n")); found { // the line "diff A B"
		s.diff = rest
	}
	return nil
}

// showPlan prints the differences, and what they come to.
func (a *app) showPlan(p *importPlan) {
	if a.quiet {
		return
	}
	for i := range p.steps {
		for line := range strings.Lines(string(p.steps[i].diff)) {
			line = printable(strings.TrimSuffix(line, "\n"))
			if a.colored(a.out) {
				line = diffColor(line).Sprint(line)
			}
			fmt.Fprintln(a.out, line)
		}
		if p.steps[i].after.Enabled && !p.steps[i].before.Enabled && p.steps[i].after.Scan.Succeeded.IsZero() {
			a.say("note: %s takes requests once a scan has succeeded: mbctl scan %s", p.steps[i].name(), p.steps[i].name())
		}
	}
	a.say("%d to create, %d to change, %d to delete", p.count(actCreate), p.count(actChange), p.count(actDelete))
}

func diffColor(line string) text.Colors {
	switch {
	case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
		return text.Colors{text.Bold}
	case strings.HasPrefix(line, "-"):
		return text.Colors{text.FgRed}
	case strings.HasPrefix(line, "+"):
		return text.Colors{text.FgGreen}
	}
	return nil
}

func (p *importPlan) count(act string) (n int) {
	for i := range p.steps {
		if p.steps[i].act == act {
			n++
		}
	}
	return n
}

// stepDoc is a change in JSON output.
type stepDoc struct {
	Name   string `json:"name"`
	Action string `json:"action"` // create, change, delete
	Diff   string `json:"diff"`
}

func (p *importPlan) doc(dryRun bool) any {
	list := []stepDoc{}
	for i := range p.steps {
		list = append(list, stepDoc{p.steps[i].name(), p.steps[i].act, string(p.steps[i].diff)})
	}
	return map[string]any{"dry_run": dryRun, "changes": list}
}

// applyPlan stores the changes one by one: what is done stays when the database
// goes away, and the next run does the rest.
func (a *app) applyPlan(ctx context.Context, p *importPlan) error {
	for i := range p.steps {
		s := &p.steps[i]
		if err := a.applyStep(ctx, s); err != nil {
			return fmt.Errorf("%s %s: %w (%d of %d changes were made before)", s.act, s.name(), err, i, len(p.steps))
		}
	}
	a.say("created %d, changed %d, deleted %d", p.count(actCreate), p.count(actChange), p.count(actDelete))
	return nil
}

func (a *app) applyStep(ctx context.Context, s *importStep) error {
	a.changed = true
	switch s.act {
	case actCreate:
		return a.db.CreateMirror(ctx, &s.after, who())
	case actDelete:
		return a.db.DeleteMirror(ctx, s.before.ID, who())
	}
	var before mirror.Mirror
	after, err := a.db.UpdateMirror(ctx, s.before.ID, who(), "import", func(m *mirror.Mirror) error {
		now, err := mirrorYAML(m)
		if err != nil {
			return err
		}
		if m.Name != s.before.Name || !bytes.Equal(now, s.was) {
			return errors.New("somebody else changed it meanwhile: import again")
		}
		before = *m
		return s.change(m)
	})
	if err != nil {
		return err
	}
	return a.wishScan(ctx, &before, &after)
}

// change puts the settings into m; passwords, and what scans and probes wrote
// meanwhile, stay.
func (s *importStep) change(m *mirror.Mirror) error {
	after, now := settingsOf(&s.after), settingsOf(m)
	after.takeSecrets()
	after.keepSecrets(&now)
	if err := after.apply(m); err != nil {
		return err
	}
	m.Enabled, m.EnableAfterScan = s.after.Enabled, s.after.EnableAfterScan
	return nil
}
