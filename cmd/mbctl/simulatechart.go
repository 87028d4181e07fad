package main

import (
	"fmt"
	"math"
	"os"
	"strings"
)

// chart draws a bar for each mirror and column, on terminals or where it is asked for.
func (o *simulateOutput) chart(rows []simulateRow) {
	width, tty := terminal(o.a.out)
	if !tty && !o.f.chart || o.a.quiet {
		return
	}
	if !tty {
		width = 80
	}
	columns := o.columns()
	names, most := 0, 0.0
	for _, r := range rows {
		names = max(names, len([]rune(printable(r.name))))
		for _, c := range columns {
			most = max(most, r.cells[c].Requests)
		}
	}
	names = min(names, 32)
	room := width - names - len("  changed  ") - len(" 100.0%") - 1
	if room < 5 || most == 0 {
		return
	}
	fine := tty && utf8Locale()
	fmt.Fprintln(o.a.out)
	for _, r := range rows {
		for i, c := range columns {
			name := []rune(printable(r.name))
			name = name[:min(len(name), names)]
			if i > 0 {
				name = nil
			}
			share := r.cells[c].Requests / o.report.Counted.Requests
			fmt.Fprintf(o.a.out, "%s%s  %-7s %s %s\n", string(name), strings.Repeat(" ", names-len(name)), simulateNames[c],
				space(bar(r.cells[c].Requests/most*float64(room), fine)), percentOf(share, 1))
		}
	}
}

// space puts a space before what there is.
func space(s string) string {
	if s == "" {
		return s
	}
	return " " + s
}

// bar draws a bar of some characters' length: to an eighth of one where the terminal
// has them (U+2588 to U+258F), else in whole ones.
func bar(length float64, fine bool) string {
	if !fine {
		return strings.Repeat("#", int(math.Round(length)))
	}
	eighths := int(math.Round(length * 8))
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string(rune('█' + 8 - rest))
	}
	return s
}

// utf8Locale reports whether the environment says that text is UTF-8.
func utf8Locale() bool {
	for _, env := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(env); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}
