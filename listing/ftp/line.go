package ftp

import (
	"errors"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// errLine is returned for a line that no parser understands. Such a line may
// be a file, so a listing that has one is not complete.
var errLine = errors.New("line not understood")

// errNoEntry is returned for lines that stand for nothing to list: the total,
// the folder itself, its parent.
var errNoEntry = errors.New("not an entry")

// entry makes an entry of what all formats have. Its path is the bare name.
func entry(name string, kind listing.Kind) (listing.Entry, error) {
	switch name {
	case ".", "..":
		return listing.Entry{Path: name}, errNoEntry
	case "":
		return listing.Entry{}, errLine
	}
	return listing.Entry{Path: name, Kind: kind, SizeMin: -1, SizeMax: -1}, nil
}

// setTime sets the modification time; years that nanoseconds cannot hold are
// taken for unknown.
func setTime(e *listing.Entry, at time.Time, precision time.Duration, zoneUnknown bool) {
	if y := at.Year(); y > 1678 && y < 2262 {
		e.MTime, e.Precision, e.ZoneUnknown = at.UnixNano(), precision, zoneUnknown
	}
}

// parseList reads a line of LIST, in the form of UNIX or of DOS. now is needed
// for dates without a year.
func parseList(line string, now time.Time) (listing.Entry, error) {
	if len(line) > 0 && line[0] >= '0' && line[0] <= '9' {
		return parseDOS(line)
	}
	return parseUnix(line, now)
}
