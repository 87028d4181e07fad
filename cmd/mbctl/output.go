package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// terminal gives w's width if it is a terminal.
func terminal(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil
}

// colored reports whether output to w is coloured.
func (a *app) colored(w io.Writer) bool {
	_, tty := terminal(w)
	return tty && !a.noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// printJSON prints one indented document.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// say prints a line for people, unless --quiet or --json is set.
func (a *app) say(format string, args ...any) {
	if !a.quiet && !a.json {
		fmt.Fprintf(a.out, format+"\n", args...)
	}
}

// note prints a line for people on standard error, where it is in no script's
// way, unless --quiet or --json is set.
func (a *app) note(format string, args ...any) {
	if !a.quiet && !a.json {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}

// sheet is a table to print.
type sheet struct {
	header []string
	rows   [][]string
	right  []int                                  // columns aligned to the right
	color  func(col int, cell string) text.Colors // nil: none
}

// printTable prints a sheet: aligned, with a header and colours on a terminal;
// elsewhere one row a line, columns separated by tabs, no header, so that
// scripts can rely on it.
func (a *app) printTable(s sheet) {
	width, tty := terminal(a.out)
	if !tty {
		for _, r := range s.rows {
			fmt.Fprintln(a.out, strings.Join(oneLine(r), "\t"))
		}
		return
	}
	t := table.NewWriter()
	t.SetOutputMirror(a.out)
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Box.UnfinishedRow = "…" // columns that the terminal is too narrow for
	style.Format.Header = text.FormatDefault
	if a.colored(a.out) {
		style.Color.Header = text.Colors{text.Bold}
	}
	t.SetStyle(style)
	t.Style().Size.WidthMax = width
	t.AppendHeader(row(s.header))
	configs := make([]table.ColumnConfig, len(s.header))
	for i := range configs {
		configs[i].Number = i + 1
		if s.color != nil && a.colored(a.out) {
			configs[i].Transformer = func(v any) string {
				cell := fmt.Sprint(v)
				return s.color(i, cell).Sprint(cell)
			}
		}
	}
	for _, i := range s.right {
		configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
	}
	t.SetColumnConfigs(configs)
	for _, r := range s.rows {
		t.AppendRow(row(oneLine(r)))
	}
	t.Render()
}

func row(cells []string) table.Row {
	r := make(table.Row, len(cells))
	for i, c := range cells {
		r[i] = c
	}
	return r
}

// oneLine keeps control characters in data (names that mirrors chose) from
// breaking lines or steering terminals.
func oneLine(cells []string) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = printable(c)
	}
	return out
}

// printable takes out what steers terminals, or has them show a line in another
// order.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' ' // indents lines of the database driver's errors
		}
		if r < ' ' || r >= 0x7f && r < 0xa0 || unicode.Is(unicode.Bidi_Control, r) {
			return '?'
		}
		return r
	}, s)
}

// age gives how long ago t was in one short unit, "never" for the zero time.
func age(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// count prints n with thousands separated by commas.
func count[T ~int | ~int64 | ~uint64](n T) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
