package ftp

import (
	"strconv"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

var (
	dosDates  = []string{"01-02-06", "01-02-2006", "2006-01-02"}
	dosClocks = []string{"03:04PM", "15:04"}
)

// parseDOS reads what IIS and others print in the style of DIR:
//
//	02-03-24  04:05PM                 1229 name
//	02-03-24  04:05PM       <DIR>          name
func parseDOS(line string) (listing.Entry, error) {
	fs := fields(line)
	if len(fs) < 4 {
		return listing.Entry{}, errLine
	}
	at, ok := dosTime(fs[0].text, fs[1].text)
	if !ok {
		return listing.Entry{}, errLine
	}
	kind, size, name := listing.File, int64(-1), line[fs[2].end:]
	switch what := fs[2].text; {
	case what == "<DIR>":
		kind = listing.Dir
	case what == "<JUNCTION>", strings.HasPrefix(what, "<SYMLINK"):
		kind = listing.Symlink
	default:
		n, err := strconv.ParseInt(strings.ReplaceAll(what, ",", ""), 10, 64)
		if err != nil || n < 0 {
			return listing.Entry{}, errLine
		}
		size = n
	}
	// One blank follows a size, ten fill the column behind <DIR>.
	blanks := 1
	if kind != listing.File {
		blanks = 10
	}
	for ; blanks > 0 && strings.HasPrefix(name, " "); blanks-- {
		name = name[1:]
	}
	e, err := entry(name, kind)
	if err != nil {
		return e, err
	}
	e.SizeMin, e.SizeMax = size, size
	setTime(&e, at, time.Minute, true)
	return e, nil
}

func dosTime(day, clock string) (time.Time, bool) {
	for _, d := range dosDates {
		for _, c := range dosClocks {
			if at, err := time.Parse(d+" "+c, day+" "+clock); err == nil && at.Year() > 0 {
				return at, true
			}
		}
	}
	return time.Time{}, false
}
