package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func newEditCommand(a *app) *cobra.Command {
	var flags mirrorFlags
	var create, enable bool
	cmd := &cobra.Command{
		Use:   "edit NAME [flags]",
		Short: "Change a mirror's settings",
		Long: `Changes a mirror's settings. With flags, those settings are replaced. Without
flags the mirror is opened as text in $VISUAL or $EDITOR; what changed is shown
and asked about before it is stored.

Without flags and for a name that no mirror has, --new opens an empty form for a
new mirror; without --new it is asked whether that is meant.`,
		Example: `  mbctl edit example --score 50 --other-countries at,ch
  mbctl edit example --other-countries ''      # none any more
  mbctl edit example                           # in the editor
  mbctl edit another --new                     # an empty form`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeMirror,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case flags.changed() == "" && !enable:
				return a.editText(cmd.Context(), args[0], create)
			case create:
				return usagef("edit --new: opens a form; with flags, mirrors are added by 'mbctl new'")
			}
			return a.editFlags(cmd.Context(), args[0], &flags, enable)
		},
	}
	flags.add(cmd.Flags())
	cmd.Flags().BoolVar(&enable, "enable", false, "let it take requests, as 'mbctl enable' does")
	cmd.Flags().BoolVar(&create, "new", false, "a form for a new mirror of this name")
	return cmd
}

func (a *app) editFlags(ctx context.Context, name string, flags *mirrorFlags, enable bool) error {
	if err := flags.check(); err != nil {
		return err
	}
	what := flags.changed()
	if enable {
		what = strings.TrimPrefix(what+", enable", ", ")
	}
	return a.changeEach(ctx, []string{name}, "edit: "+what, func(m *mirror.Mirror) error {
		s := flags.over(settingsOf(m))
		if err := s.apply(m); err != nil {
			return usagef("%w", err)
		}
		if enable {
			m.Enabled, m.EnableAfterScan, m.DisabledUntil = true, false, time.Time{}
		}
		return nil
	}, func(*mirror.Mirror) string { return "changed " + what })
}

// errUnchanged ends an edit in which nothing was changed.
var errUnchanged = errors.New("nothing was changed")

// editText opens a mirror in an editor until the text is valid and the change
// is confirmed, or given up.
func (a *app) editText(ctx context.Context, name string, create bool) error {
	if _, tty := terminal(a.out); !tty && os.Getenv("VISUAL") == "" && os.Getenv("EDITOR") == "" {
		return usagef("edit %s: give the flags to change, or set $EDITOR", name)
	}
	in := bufio.NewReader(a.in)
	m, err := a.mirrorToEdit(ctx, in, name, create)
	if err != nil {
		return err
	}
	isNew := m.ID == 0
	before, err := settingsText(&m)
	if err != nil {
		return err
	}
	edited, after, err := a.editUntilValid(ctx, in, &m, before)
	switch {
	case errors.Is(err, errUnchanged):
		a.say("%s: %v", m.Name, err)
		return nil
	case err != nil:
		return err
	}
	shown := changedLines(before, after)
	if isNew {
		shown = changedLines(nil, after)
	}
	fmt.Fprintf(a.out, "%s", shown)
	if !a.ask(in, "Store this? [y/N] ", false) {
		return errGivenUp(m.Name)
	}
	if isNew {
		return a.storeNew(ctx, &m, edited)
	}
	return a.storeEdited(ctx, &m, before, edited)
}

func errGivenUp(name string) error {
	return fmt.Errorf("edit %s: given up, nothing was stored", name)
}

// mirrorToEdit gives the mirror that is meant, or one without an ID that is to
// be made.
func (a *app) mirrorToEdit(ctx context.Context, in *bufio.Reader, name string, create bool) (mirror.Mirror, error) {
	form := mirror.Mirror{Name: name, Score: 100}
	if create {
		if err := mirror.ValidName(name); err != nil {
			return form, usagef("%w", err)
		}
		_, err := a.exactMirror(ctx, name)
		switch {
		case err == nil:
			return form, fmt.Errorf("there is a mirror %s already: 'mbctl edit %s' changes it", name, name)
		case errors.Is(err, store.ErrNotFound):
			return form, nil
		}
		return form, err
	}
	m, err := a.findMirror(ctx, name)
	if _, usage := errors.AsType[*codedError](err); err == nil || usage || a.db == nil || mirror.ValidName(name) != nil {
		return m, err
	}
	if _, tty := terminal(a.out); tty && a.ask(in, fmt.Sprintf("There is no mirror %s. Make a new one? [y/N] ", name), false) {
		return form, nil
	}
	return m, fmt.Errorf("%w; 'mbctl edit %s --new' makes one", err, name)
}

// editUntilValid gives what was edited, and its text.
func (a *app) editUntilValid(ctx context.Context, in *bufio.Reader, m *mirror.Mirror, before []byte) (edited settings, after []byte, err error) {
	text, problem := before, ""
	for {
		if text, err = a.runEditor(ctx, m.Name, text, problem); err != nil {
			return edited, nil, err
		}
		edited, err = parseSettings(text)
		if err == nil {
			if after, err = reformat(edited); err == nil && bytes.Equal(after, before) {
				return edited, nil, errUnchanged
			}
		}
		if err == nil {
			probe := *m
			err = edited.apply(&probe)
		}
		if err == nil {
			return edited, after, nil
		}
		fmt.Fprintf(a.err, "%s\n", printable(err.Error()))
		if !a.ask(in, "Edit again? [Y/n] ", true) {
			return edited, nil, errGivenUp(m.Name)
		}
		problem = err.Error()
	}
}

// storeNew adds the mirror, disabled as `new` does.
func (a *app) storeNew(ctx context.Context, m *mirror.Mirror, edited settings) error {
	if err := edited.apply(m); err != nil {
		return err
	}
	db, err := a.store(ctx)
	if err != nil {
		return err
	}
	if err := db.CreateMirror(ctx, m, who()); err != nil {
		return fmt.Errorf("adding mirror %s: %w", m.Name, err)
	}
	a.changed = true
	if a.json {
		return a.printJSON(docOf(m, a.maxScanAge()))
	}
	a.say("added %s: %s", m.Name, placeText(m))
	a.say("next: mbctl update %s (finds its place and network), mbctl scan %s --enable", m.Name, m.Name)
	return nil
}

// storeEdited stores the text, unless somebody else changed the mirror while it was
// open in the editor.
func (a *app) storeEdited(ctx context.Context, m *mirror.Mirror, before []byte, edited settings) error {
	return a.changeEach(ctx, []string{m.Name}, "edit", func(now *mirror.Mirror) error {
		current, err := settingsText(now)
		if err != nil {
			return err
		}
		if !bytes.Equal(current, before) {
			return fmt.Errorf("somebody else changed it meanwhile (see 'mbctl log %s'); edit again", m.Name)
		}
		return edited.apply(now)
	}, func(*mirror.Mirror) string { return "changed" })
}

func settingsText(m *mirror.Mirror) ([]byte, error) { return reformat(settingsOf(m)) }

func reformat(s settings) ([]byte, error) { return toml.Marshal(s) }

func parseSettings(text []byte) (settings, error) {
	var s settings
	dec := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		if sm, ok := errors.AsType[*toml.StrictMissingError](err); ok {
			return s, fmt.Errorf("unknown setting %q", strings.Join(sm.Errors[0].Key(), "."))
		}
		return s, tomlError(err)
	}
	return s, nil
}

// tomlError adds the line, which the library tells only when asked.
func tomlError(err error) error {
	de, ok := errors.AsType[*toml.DecodeError](err)
	if !ok {
		return err
	}
	line, _ := de.Position()
	return fmt.Errorf("line %d: %s", line, strings.TrimPrefix(de.Error(), "toml: "))
}

// runEditor lets the operator edit a mirror; problem is shown at the top.
func (a *app) runEditor(ctx context.Context, name string, text []byte, problem string) ([]byte, error) {
	head := "# Mirror " + name + ". Save and leave the editor; you will be asked before it is stored.\n"
	return a.editFile(ctx, name+".toml", head, text, problem)
}

// editFile lets the operator edit text in a file of that name. The head, and
// what was not valid before, are comments above it, and are not given back.
func (a *app) editFile(ctx context.Context, base, head string, text []byte, problem string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "mbctl-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if problem != "" {
		head += "# Not valid: " + strings.ReplaceAll(problem, "\n", "\n# ") + "\n"
	}
	file := filepath.Join(dir, base)
	if err := os.WriteFile(file, append([]byte(head), text...), 0o600); err != nil {
		return nil, err
	}
	editor := "vi"
	for _, env := range []string{"EDITOR", "VISUAL"} {
		if e := os.Getenv(env); e != "" {
			editor = e
		}
	}
	// $EDITOR may hold arguments ("code --wait"), so a shell splits it, as git does.
	cmd := exec.CommandContext(ctx, "sh", "-c", editor+` "$1"`, "sh", file)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.in, a.out, a.err
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("editor %q: %w", editor, err)
	}
	edited, err := os.ReadFile(file)
	return bytes.TrimPrefix(edited, []byte(head)), err
}

// ask puts a yes-or-no question; no answer (end of input) is no.
func (a *app) ask(in *bufio.Reader, question string, yes bool) bool {
	fmt.Fprint(a.out, question)
	line, err := in.ReadString('\n')
	switch answer := strings.ToLower(strings.TrimSpace(line)); {
	case answer == "" && err == nil:
		return yes
	default:
		return answer == "y" || answer == "yes"
	}
}

// changedLines shows the lines that differ, as a unified diff without its head.
func changedLines(before, after []byte) []byte {
	var out []byte
	for l := range bytes.Lines(diff.Diff("before", before, "after", after)) {
		if (l[0] == '-' || l[0] == '+') && !bytes.HasPrefix(l, []byte("--- ")) && !bytes.HasPrefix(l, []byte("+++ ")) {
			out = append(append(out, printable(string(bytes.TrimRight(l, "\r\n")))...), '\n')
		}
	}
	return out
}
