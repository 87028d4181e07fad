package geoip

import "log/slog"

// Kind is what a database is used for. One file may do for both.
type Kind uint8

// The kinds.
const (
	KindPlaces Kind = 1 << iota
	KindASN
)

// Inspect reads the database at path once and tries whether it does for all of
// the kinds, as [Open] and [OpenASN] would.
func Inspect(path string, kinds Kind) (Info, error) {
	f := &file{path: path, log: slog.New(slog.DiscardHandler)}
	var info Info
	for kind, check := range map[Kind]checker{KindPlaces: checkPlaces, KindASN: checkASNs} {
		if kinds&kind == 0 {
			continue
		}
		f.check = check
		v, _, err := f.read()
		if err != nil {
			return Info{}, err
		}
		info = v.info
	}
	return info, nil
}
