package mirrorlist

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// YumRule turns the arguments of a Yum client, as in
// mirrorlist=https://host/?release=9&arch=x86_64, into a folder of the tree. It
// is MirrorBrain's YumDir: conditions on arguments, a folder, and a marker file
// in it that a mirror must have.
type YumRule struct {
	args   []yumArg
	dir    []yumPart
	marker string
}

// yumArg is a condition: the argument must be there and its value match.
type yumArg struct {
	key   string
	value *regexp.Regexp
}

// yumPart is a piece of the folder's path: literal text, followed by the value
// of an argument unless arg is negative.
type yumPart struct {
	text string
	arg  int
}

// ParseYumRule reads a rule: any number of key=regex, at least one, and two
// words without "=" in them, the folder and the marker file in it, in this order
// and anywhere between. The regular expressions (RE2) must match the whole value.
// $1 to $9 in the folder stand for the value of the n-th key.
func ParseYumRule(words []string) (YumRule, error) {
	var r YumRule
	var paths []string
	for _, word := range words {
		key, expr, isArg := strings.Cut(word, "=")
		switch {
		case !isArg:
			paths = append(paths, word)
			continue
		case key == "":
			return YumRule{}, fmt.Errorf("yum rule: %q has no argument's name before the equals sign", word)
		}
		if _, err := regexp.Compile(expr); err != nil { // by itself: parentheses must pair within it
			return YumRule{}, fmt.Errorf("yum rule: the expression for %s: %w", key, err)
		}
		value, err := regexp.Compile(`\A(?:` + expr + `)\z`)
		if err != nil {
			return YumRule{}, fmt.Errorf("yum rule: the expression for %s: %w", key, err)
		}
		r.args = append(r.args, yumArg{key, value})
	}
	if len(r.args) == 0 || len(paths) != 2 {
		return YumRule{}, errors.New("yum rule: needs key=regex, a folder and the name of a file in it, as in release=9|10 arch=x86_64 $1/os/$2 repodata/repomd.xml")
	}
	return r, r.parsePaths(paths[0], paths[1])
}

// parsePaths reads the folder and the marker file.
func (r *YumRule) parsePaths(dir, marker string) (err error) {
	if r.marker, err = mirror.CleanSubtree(marker); err != nil || r.marker == "" {
		return fmt.Errorf("yum rule: %q cannot be a file in the folder %s", marker, dir)
	}
	rest := strings.Trim(dir, "/")
	for {
		text, after, found := cutReference(rest)
		if !found {
			r.dir = append(r.dir, yumPart{rest, -1})
			break
		}
		n := int(after[0]) - '1'
		if n < 0 || n >= len(r.args) {
			return fmt.Errorf("yum rule: $%c in %s: there are arguments $1 to $%d", after[0], dir, len(r.args))
		}
		r.dir = append(r.dir, yumPart{text, n})
		rest = after[1:]
	}
	if _, err := r.fill(func(int) string { return "x" }); err != nil {
		return fmt.Errorf("yum rule: %w", err)
	}
	return nil
}

// cutReference cuts s around the first "$" that a digit follows; after begins
// with the digit.
func cutReference(s string) (before, after string, found bool) {
	for i := range len(s) - 1 {
		if s[i] == '$' && s[i+1] >= '0' && s[i+1] <= '9' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// fill puts values into the folder's path, and makes sure that they do not lead
// out of it.
func (r *YumRule) fill(value func(int) string) (string, error) {
	var b strings.Builder
	for _, p := range r.dir {
		b.WriteString(p.text)
		if p.arg >= 0 {
			b.WriteString(value(p.arg))
		}
	}
	return b.String(), mirror.ValidPath(b.String())
}

// Match gives the folder that a query asks for and the path of the marker file
// in it, both in the tree. Every argument of the rule must be there and match;
// of an argument given twice the first value counts. What does not give a valid
// path does not match.
func (r *YumRule) Match(query url.Values) (dir, marker string, ok bool) {
	for i := range r.args {
		a := &r.args[i]
		if values := query[a.key]; len(values) == 0 || !a.value.MatchString(values[0]) {
			return "", "", false
		}
	}
	dir, err := r.fill(func(n int) string { return query[r.args[n].key][0] })
	if err != nil {
		return "", "", false
	}
	marker = r.marker
	if dir != "" {
		marker = dir + "/" + marker
	}
	return dir, marker, mirror.ValidPath(marker) == nil
}
