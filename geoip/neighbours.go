package geoip

import (
	_ "embed"
	"strings"
)

//go:embed neighbours.txt
var neighboursText string

// readNeighbours reads the built-in list: a continent and its neighbours a line.
func readNeighbours(text string) map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			all[words[0]] = words[1:]
		}
	}
	return all
}
