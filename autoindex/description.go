package autoindex

import (
	"fmt"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror/glob"
)

// Descriptions gives files their descriptions, as Apache's AddDescription does.
// Of the rules that match a file the first counts. The zero value describes
// nothing.
type Descriptions struct {
	rules []describe
}

type describe struct {
	text string
	path *glob.Pattern // a pattern with a slash is one of the whole path,
	name *Pattern      // one with wildcards one of the name,
	part string        // and any other may be anywhere in the name
}

// Add adds a rule after the others: text, without markup, for what matches a
// pattern. A pattern with "/" is one of package mirror/glob for the path; one
// with wildcards is for the whole name; others are for names that contain it.
func (d *Descriptions) Add(text, pattern string) error {
	r := describe{text: text}
	var err error
	switch {
	case pattern == "":
		return fmt.Errorf("description %q: an empty pattern", text)
	case strings.Contains(pattern, "/"):
		r.path, err = glob.Parse(pattern)
	case strings.ContainsAny(pattern, "*?["):
		if r.name, err = ParsePattern(pattern); err == nil {
			r.name.anyDot = true
		}
	default:
		r.part = pattern
	}
	if err != nil {
		return fmt.Errorf("description %q: %w", text, err)
	}
	d.rules = append(d.rules, r)
	return nil
}

// Describe describes the entries of l that have no description yet.
func (d *Descriptions) Describe(l *Listing) {
	if len(d.rules) == 0 {
		return
	}
	folder := []byte(strings.TrimPrefix(l.Path, "/"))
	matchers := make([]*glob.Matcher, len(d.rules))
	begun := make([]glob.State, len(d.rules)) // after the folder
	for i, r := range d.rules {
		if r.path != nil {
			matchers[i] = r.path.Matcher()
			begun[i] = matchers[i].After(matchers[i].Start(), folder)
		}
	}
	for i := range l.Entries {
		e := &l.Entries[i]
		for j := 0; j < len(d.rules) && e.Description == ""; j++ {
			m := matchers[j]
			if m != nil && len(begun[j]) > 0 && m.Matches(m.After(begun[j], []byte(e.Folder+e.Name))) ||
				m == nil && d.rules[j].matches(e.Name) {
				e.Description = d.rules[j].text
			}
		}
	}
}

func (r *describe) matches(name string) bool {
	if r.name != nil {
		return r.name.Match(name)
	}
	return strings.Contains(name, r.part)
}
