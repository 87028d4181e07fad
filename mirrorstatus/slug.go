package mirrorstatus

import (
	"slices"
	"strings"
)

// The documents about all mirrors.
const (
	indexName   = "index.html" // in a folder; on a server it is the path itself
	allJSON     = "mirrors.json"
	allBadge    = "badge.svg"
	mirmonName  = "mirmon.txt"
	openAPIName = "openapi.json"
)

// taken are the names before the suffix that mirrors cannot have, because other
// documents have them; those of sorted lists come on top.
var taken = []string{"index", "mirrors", "badge", "mirmon", "openapi", "mirrorbrain"}

// slug is what the documents of a mirror are called, before their suffix: its
// name, with a low line where it would be taken for another document. No two
// mirrors have one slug.
func slug(name string) string {
	bare := strings.ToLower(strings.TrimRight(name, "_"))
	if slices.Contains(taken, bare) || strings.HasPrefix(bare, sortedPrefix) {
		return name + "_"
	}
	for _, suffix := range []string{".html", ".json", ".svg", ".txt"} {
		if strings.HasSuffix(bare, suffix) {
			return name + "_"
		}
	}
	return name
}

// named finds the mirror whose documents are called so.
func (s *Site) named(called string) *Mirror {
	for _, name := range []string{called, strings.TrimSuffix(called, "_")} {
		if m := s.Find(name); m != nil && slug(name) == called {
			return m
		}
	}
	return nil
}
