package mirrorbrain

import (
	"strings"
)

// Excludes kept files of mirrors out of MirrorBrain's database. Ours knows only
// what the index knows, so they become excludes of the index: globs as in
// origin.Globs.

// globOfRegexp turns a regular expression of scan_exclude into a glob that
// matches the same, where that is simple: literal text and ".*". It was searched
// for in "folder/name", and in "folder/name/" of a folder, without a slash first.
// "" is for what no index has anyway.
func globOfRegexp(expr string) (glob string, ok bool) {
	rest, start := strings.CutPrefix(expr, "^")
	rest, end := cutEnd(rest)
	text, ok := globText(rest)
	switch {
	case !ok || text == "" || strings.Contains(text, "//"):
		return "", false
	case strings.Trim(text, "/") == ".~tmp~":
		return "", true
	}
	inner := strings.Trim(text, "/")
	whole := strings.HasSuffix(text, "/") // the name ends there
	if strings.Trim(inner, "*?/") == "" || strings.Contains(inner, "**") {
		return "", false
	}
	if strings.HasSuffix(text, "/*") { // x/.* is all below x
		inner, whole = strings.TrimSuffix(inner, "/*"), true
	}
	begins := start || strings.HasPrefix(text, "/")
	switch {
	case strings.Contains(inner, "*") && strings.Contains(inner, "/"):
		return "", false // ".*" would also match slashes
	case !begins:
		if strings.Contains(inner, "/") {
			return "", false
		}
		inner = "*" + strings.TrimPrefix(inner, "*")
	case !start: // a slash stands before it; at the top it does, too, with us
		inner = "**/" + inner
	case !strings.Contains(inner, "/"):
		inner = "/" + inner
	}
	if !whole && !end {
		inner = strings.TrimSuffix(inner, "*") + "*"
	}
	if whole {
		inner += "/"
	}
	return inner, true
}

func cutEnd(expr string) (string, bool) {
	if strings.HasSuffix(expr, "\\$") {
		return expr, false
	}
	return strings.CutSuffix(expr, "$")
}

// globText turns literal text and ".*" of a regular expression into a glob's;
// false for all else.
func globText(expr string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(expr); i++ {
		c := expr[i]
		switch {
		case c == '\\' && i+1 < len(expr) && isPunct(expr[i+1]):
			i++
			if expr[i] == '*' || expr[i] == '?' || expr[i] == '[' || expr[i] == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(expr[i])
		case c == '.' && strings.HasPrefix(expr[i+1:], "*"):
			i++
			b.WriteByte('*')
		case c == '.':
			b.WriteByte('?')
		case strings.IndexByte(`\^$*+?()[]{}|`, c) >= 0, c < ' ':
			return "", false
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

func isPunct(c byte) bool {
	letter := c|0x20 >= 'a' && c|0x20 <= 'z'
	return c > ' ' && c < 0x7f && !letter && (c < '0' || c > '9')
}

// globOfRsync turns a pattern of rsync's --exclude (rsync(1), "PATTERN MATCHING
// RULES") into a glob. "" is for what no index has anyway.
func globOfRsync(pattern string) (glob string, ok bool) {
	inner := strings.TrimSuffix(pattern, "/")
	folder := len(inner) != len(pattern)
	anchored := strings.HasPrefix(inner, "/")
	inner = strings.TrimPrefix(inner, "/")
	switch {
	case inner == "" || strings.Contains(pattern, "//") || strings.HasPrefix(pattern, "- ") || strings.HasPrefix(pattern, "+ "):
		return "", false
	case inner == ".~tmp~":
		return "", true
	}
	for segment := range strings.SplitSeq(inner, "/") {
		// "**" within a name would cross slashes; alone it stands for folders,
		// as with us.
		if strings.Contains(segment, "**") && segment != "**" {
			return "", false
		}
	}
	switch {
	case anchored:
		inner = "/" + inner
	case strings.Contains(inner, "/"):
		inner = "**/" + inner
	case inner == "**":
		return "", false
	}
	if folder {
		inner += "/"
	}
	return inner, true
}
