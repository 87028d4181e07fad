package autoindex

import (
	"strconv"
	"strings"
)

// Negotiate chooses the format by an Accept header (RFC 9110 section 12.5.1):
// JSON or Text where the client names it and likes nothing of the others
// better, else the page. Of equally liked ones the first named wins; "*/*" and
// the like mean the page.
func Negotiate(accept string) Format {
	best, bestQ := HTML, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		media, params, _ := strings.Cut(part, ";")
		f := Auto
		switch strings.ToLower(strings.TrimSpace(media)) {
		case "application/json":
			f = JSON
		case "text/plain":
			f = Text
		case "text/html", "application/xhtml+xml":
			f = HTML
		}
		if q := quality(params); f != Auto && q > bestQ {
			best, bestQ = f, q
		}
	}
	return best
}

// quality reads the weight among parameters; 1 where there is none, 0 for one
// that is none.
func quality(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		if q, err := strconv.ParseFloat(value, 64); err == nil && q >= 0 && q <= 1 {
			return q
		}
		return 0
	}
	return 1
}
