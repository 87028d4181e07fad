package autoindex

import "fmt"

// Names is a set of patterns for whole names, of which one has to match, such as
// those of files that are not listed (Apache's IndexIgnore). Unlike in what
// clients ask for, "*" and "?" match a dot at the beginning, too. The zero value
// matches nothing.
type Names []*Pattern

// ParseNames reads patterns.
func ParseNames(patterns ...string) (Names, error) {
	all := make(Names, 0, len(patterns))
	for _, text := range patterns {
		p, err := ParsePattern(text)
		if err != nil {
			return nil, err
		}
		if text == "" {
			return nil, fmt.Errorf("an empty pattern matches no name")
		}
		p.anyDot = true
		all = append(all, p)
	}
	return all, nil
}

// Match reports whether one of the patterns matches.
func (n Names) Match(name string) bool {
	for _, p := range n {
		if p.Match(name) {
			return true
		}
	}
	return false
}
