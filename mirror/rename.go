package mirror

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Rename says that a mirror keeps a folder of the tree under another path than
// the origin.
type Rename struct {
	Tree  string // folder of the tree, never ""
	There string // the same folder below the mirror's base URLs; "": it is what they stand for
}

// ParseRename reads "TREE=THERE", two folders in which odd bytes, '=' among
// them, may be percent-encoded.
func ParseRename(s string) (Rename, error) {
	tree, there, ok := strings.Cut(s, "=")
	if !ok {
		return Rename{}, fmt.Errorf("rename %q: write FOLDER-OF-THE-TREE=FOLDER-ON-THE-MIRROR", s)
	}
	var r Rename
	for _, part := range []struct {
		raw string
		to  *string
	}{{tree, &r.Tree}, {there, &r.There}} {
		plain, err := url.PathUnescape(strings.TrimSpace(part.raw))
		if err == nil {
			*part.to, err = CleanSubtree(plain)
		}
		if err != nil {
			return Rename{}, fmt.Errorf("rename %q: %w", s, err)
		}
	}
	if r.Tree == "" {
		return Rename{}, fmt.Errorf("rename %q: names no folder of the tree; --subtree is for a mirror whose base URLs stand for a folder", s)
	}
	return r, nil
}

// String gives the form that ParseRename reads.
func (r Rename) String() string {
	const equals = "%3D"
	return strings.ReplaceAll(EscapePath(r.Tree), "=", equals) + "=" + strings.ReplaceAll(EscapePath(r.There), "=", equals)
}

// MarshalText implements encoding.TextMarshaler.
func (r Rename) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Rename) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRename(string(b))
	return err
}

// CheckRenames reports why list cannot be the renames of a mirror that stands
// for subtree: a folder outside it, or two for one folder on either side.
func CheckRenames(list []Rename, subtree string) error {
	for i, r := range list {
		if !Below(r.Tree, subtree) || r.Tree == subtree {
			return fmt.Errorf("rename %s: %s/ is not below the mirror's subtree %s/", r, r.Tree, subtree)
		}
		for _, o := range list[:i] {
			if o.Tree == r.Tree || o.There == r.There {
				return fmt.Errorf("renames %s and %s contradict each other", o, r)
			}
		}
	}
	return nil
}

// There gives where below its base URLs the mirror keeps a path of the tree;
// false for what is outside the part of the tree that it stands for.
func (m *Mirror) There(path string) (there string, ok bool) {
	if !Below(path, m.Subtree) {
		return "", false
	}
	if r := m.RenameOf(path); r != nil {
		return join(r.There, rest(path, r.Tree)), true
	}
	return rest(path, m.Subtree), true
}

// RenameOf gives the rename that applies to a path of the tree; nil for none.
func (m *Mirror) RenameOf(path string) *Rename {
	var found *Rename
	for i := range m.Renames {
		if r := &m.Renames[i]; Below(path, r.Tree) && (found == nil || len(r.Tree) > len(found.Tree)) {
			found = r
		}
	}
	return found
}

// InTree is the reverse of There: the path of the tree that the mirror keeps at
// a path below its base URLs; false where it keeps nothing of the tree.
func (m *Mirror) InTree(there string) (path string, ok bool) {
	if len(m.Renames) == 0 {
		return join(m.Subtree, there), true
	}
	// The longest first: what lies in it is not in a folder around it.
	var fit []Rename
	for _, r := range m.Renames {
		if Below(there, r.There) {
			fit = append(fit, r)
		}
	}
	slices.SortFunc(fit, func(a, b Rename) int { return len(b.There) - len(a.There) })
	for _, r := range append(fit, Rename{Tree: m.Subtree}) {
		path := join(r.Tree, rest(there, r.There))
		if back, ok := m.There(path); ok && back == there {
			return path, true
		}
	}
	return "", false
}

// rest is what of path lies below folder.
func rest(path, folder string) string {
	return strings.TrimPrefix(path[len(folder):], "/")
}

// join puts two paths together, either of which may be the root.
func join(folder, path string) string {
	switch {
	case folder == "":
		return path
	case path == "":
		return folder
	}
	return folder + "/" + path
}
