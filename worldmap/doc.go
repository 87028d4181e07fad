// Package worldmap draws places on a map of the world, as an SVG image that
// stands in a page's HTML: mirrors, the client they are for, and the way between
// them. The page needs nothing from another server for it, and no script.
//
// The outlines of the land are those of Natural Earth, which are in the public
// domain; OUTLINE.md says how they came here. Colours and line widths are those
// of Style, which goes into the page's style sheet once.
package worldmap

import _ "embed" // for the outlines and the style sheet

//go:generate go run ./internal/outline -in ../package/land-50m.json -out outline.txt

// outline is SVG path data in units of the map.
//
//go:embed outline.txt
var outline string

//go:embed style.css
var style string

// Style is the CSS of maps and legends. Its colours are variables, which begin
// with --mirrorbrain-map-, and follow the page's own (--mirrorbrain-card, -text,
// -soft, -line and -accent) where it has them.
func Style() string { return style }
