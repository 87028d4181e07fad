package autoindex

import "fmt"

// Format is how a listing is written.
type Format uint8

// The formats. Auto leaves the choice to the Accept header.
const (
	Auto  Format = iota
	Plain        // Apache's bullet list (F=0)
	Fancy        // Apache's columns in <pre> (F=1)
	Table        // Apache's HTML table (F=2)
	HTML         // the page for people
	Text         // Caddy's columns, text/plain
	JSON         // Caddy's keys and ours
	formats
)

var formatNames = [formats]string{"auto", "plain", "fancy", "table", "html", "text", "json"}

// String is the word of the configuration for the format.
func (f Format) String() string {
	if f < formats {
		return formatNames[f]
	}
	return fmt.Sprintf("format(%d)", uint8(f))
}

// ParseFormat reads the word of the configuration.
func ParseFormat(word string) (Format, error) {
	for f, name := range formatNames {
		if name == word {
			return Format(f), nil
		}
	}
	return Auto, fmt.Errorf("no format is called %q: auto, plain, fancy, table, html, text and json are", word)
}

// Type is the media type of what is written, with its charset; "" for Auto.
func (f Format) Type() string {
	switch f {
	case Plain, Fancy, Table, HTML:
		return "text/html; charset=utf-8"
	case Text:
		return "text/plain; charset=utf-8"
	case JSON:
		return "application/json; charset=utf-8"
	default:
		return ""
	}
}
