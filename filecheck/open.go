package filecheck

import (
	"path/filepath"
	"strings"
)

// OpenStat gives an Options.Stat that tells whether others may read a file below
// root: Regular if they may, Absent if there is a file or folder that they may
// not read or enter on the way to it. What is not there counts as open: there is
// nothing to hide. Size and MTime are not set. It calls mode for each part of a
// path; use it where files are asked for rarely.
func OpenStat(root string) func(path string) (Info, error) {
	root = strings.TrimRight(filepath.Clean(root), "/") + "/"
	return func(path string) (Info, error) {
		rel, ok := strings.CutPrefix(path, root)
		if !ok {
			return Info{}, nil
		}
		for i := 0; i <= len(rel); i++ {
			if i < len(rel) && rel[i] != '/' {
				continue
			}
			perm, folder, there, err := mode(root + rel[:i])
			switch {
			case err != nil:
				return Info{}, err
			case !there:
				return Info{State: Regular}, nil
			case folder && perm&0o005 != 0o005, !folder && perm&0o004 == 0:
				return Info{State: Absent}, nil
			}
		}
		return Info{State: Regular}, nil
	}
}
