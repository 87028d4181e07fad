package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The texts of commands are plain text, so pages are made from them directly:
// by way of Markdown, as cobra's own generator goes, *.yaml and keep_versions
// would lose characters. The macros are those of man(7).

// writeManPages writes a page for each command into a folder.
func writeManPages(root *cobra.Command, dir string, date time.Time) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // documentation is for everybody
		return err
	}
	var each func(cmd *cobra.Command) error
	each = func(cmd *cobra.Command) error {
		if unlisted(cmd) {
			return nil
		}
		file := filepath.Join(dir, pageName(cmd)+".1")
		if err := os.WriteFile(file, manPage(cmd, date), publicMode); err != nil {
			return err
		}
		for _, sub := range cmd.Commands() {
			if err := each(sub); err != nil {
				return err
			}
		}
		return nil
	}
	return each(root)
}

// unlisted are the commands without a page of their own.
func unlisted(cmd *cobra.Command) bool {
	return cmd.Hidden || cmd.Name() == "help" || cmd.HasParent() && cmd.Parent().Name() == "completion"
}

// pageName is "mbctl-db-check".
func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manDate is the date on the pages, so that one source gives the same bytes: the
// one that builds agreed upon (reproducible-builds.org), or else the commit's.
func manDate() time.Time {
	if s, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(s, 0).UTC()
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return t.UTC()
			}
		}
	}
	return time.Unix(0, 0).UTC()
}

func manPage(cmd *cobra.Command, date time.Time) []byte {
	b := &roff{}
	name := pageName(cmd)
	b.line(".TH %s 1 %s %s %s", quoted(strings.ToUpper(name)), `"`+date.Format(time.DateOnly)+`"`, quoted("mbctl"), quoted("mbctl manual"))
	b.line(".nh\n.ad l") // names of settings are not broken, and lines are as they are in a terminal
	b.line(".SH NAME\n%s \\- %s", roffText(name), roffText(strings.TrimSuffix(cmd.Short, ".")))
	b.line(".SH SYNOPSIS")
	use := strings.TrimSuffix(strings.TrimPrefix(cmd.UseLine(), cmd.CommandPath()), " [flags]")
	if cmd.HasSubCommands() && use == "" {
		use = "COMMAND"
	}
	b.line(".B %s", roffText(cmd.CommandPath()))
	b.text(strings.TrimSpace("[flags] " + use))
	long, exitCodes := description(cmd)
	if long != "" {
		b.line(".SH DESCRIPTION")
		b.paragraphs(long)
	}
	b.commands(cmd)
	b.flags(cmd)
	if cmd.Example != "" {
		b.line(".SH EXAMPLES")
		b.verbatim(cmd.Example)
	}
	if !cmd.HasParent() {
		b.surroundings()
	}
	b.line(".SH EXIT STATUS")
	b.paragraphs(exitCodes)
	b.seeAlso(cmd)
	return b.Bytes()
}

// roff is a page that is being written.
type roff struct{ bytes.Buffer }

func (b *roff) line(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }

// text writes lines that are filled.
func (b *roff) text(s string) {
	for l := range strings.Lines(s) {
		b.line("%s", roffLine(strings.TrimSpace(l)))
	}
}

// verbatim writes lines that stay as they are.
func (b *roff) verbatim(s string) {
	b.line(".nf")
	for l := range strings.Lines(s) {
		b.line("%s", roffLine(strings.TrimRight(l, " \n")))
	}
	b.line(".fi")
}

// paragraphs writes the long text of a command: indented lines are tables and
// commands, and stay as they are.
func (b *roff) paragraphs(s string) {
	for i, p := range strings.Split(s, "\n\n") {
		before, table, found := strings.Cut("\n"+p, "\n  ")
		if before = strings.TrimPrefix(before, "\n"); found {
			table = "  " + table
		}
		if before != "" {
			if i > 0 {
				b.line(".PP")
			}
			b.text(before)
		}
		if table != "" {
			if i > 0 || before != "" {
				b.line(".PP")
			}
			b.verbatim(table)
		}
	}
}

func (b *roff) commands(cmd *cobra.Command) {
	head := true
	for _, sub := range cmd.Commands() {
		if sub.Hidden || sub.Name() == "help" {
			continue
		}
		if head {
			b.line(".SH COMMANDS")
			head = false
		}
		b.line(".TP\n.B %s", roffText(sub.Name()))
		b.text(sub.Short + ".")
	}
}

func (b *roff) flags(cmd *cobra.Command) {
	head := true
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		if head {
			b.line(".SH OPTIONS")
			head = false
		}
		value, usage := pflag.UnquoteUsage(f)
		b.line(".TP")
		name := "\\fB" + roffText("--"+f.Name) + "\\fR"
		if f.Shorthand != "" {
			name = "\\fB" + roffText("-"+f.Shorthand) + "\\fR, " + name
		}
		if value != "" {
			name += " \\fI" + roffText(value) + "\\fR"
		}
		b.line("%s", name)
		b.text(usage)
	})
}

// surroundings says in the first page what else has a say.
func (b *roff) surroundings() {
	b.line(".SH ENVIRONMENT")
	for _, e := range [][2]string{
		{"MIRRORBRAIN_DATABASE", "URL of the database, unless --database is given."},
		{"MB", "Instance of the configuration file, unless --instance is given."},
		{"VISUAL, EDITOR", "What mirrors and markers are edited with."},
		{"NO_COLOR", "Set to anything: no colours."},
	} {
		b.line(".TP\n.B %s", roffText(e[0]))
		b.text(e[1])
	}
	b.line(".SH FILES\n.TP\n.I %s", roffText(defaultConfig))
	b.text("The configuration: a table for each instance.")
}

func (b *roff) seeAlso(cmd *cobra.Command) {
	var names []string
	if cmd.HasParent() {
		names = append(names, pageName(cmd.Parent()))
	}
	for _, sub := range cmd.Commands() {
		if !unlisted(sub) {
			names = append(names, pageName(sub))
		}
	}
	b.line(".SH SEE ALSO")
	for i, name := range names {
		comma := ","
		if i == len(names)-1 {
			comma = ""
		}
		b.line(".BR %s (1)%s", roffText(name), comma)
	}
}

func quoted(s string) string { return `"` + strings.ReplaceAll(roffText(s), `"`, `\(dq`) + `"` }

// roffText makes text stand for itself (groff_char(7)): typewriters' quotes and
// hyphens are to be copied from the page into a shell.
func roffText(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '\\':
			b.WriteString(`\e`)
		case c == '-':
			b.WriteString(`\-`)
		case c == '\'':
			b.WriteString(`\(aq`)
		case c == '`':
			b.WriteString(`\(ga`)
		case c == '^':
			b.WriteString(`\(ha`)
		case c == '~':
			b.WriteString(`\(ti`)
		case c > '~':
			fmt.Fprintf(&b, `\[u%04X]`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// roffLine is roffText for a whole line, which must not look like a request.
func roffLine(s string) string {
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		return `\&` + roffText(s)
	}
	return roffText(s)
}
