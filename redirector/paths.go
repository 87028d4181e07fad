package redirector

import (
	"fmt"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// PathRule selects files by path: all below a folder, or those that a glob
// matches. The zero value selects all.
type PathRule struct {
	folder string
	glob   *pathGlob
}

// CompilePathRule reads a folder ("/a/b", with or without slashes around it) or
// a glob in the language of exclude_path: with one of "*?[" it is a glob.
func CompilePathRule(s string) (PathRule, error) {
	if strings.ContainsAny(s, "*?[") {
		g, err := compilePathGlob(s)
		return PathRule{glob: &g}, err
	}
	folder, err := mirror.CleanSubtree(s)
	if err != nil {
		return PathRule{}, fmt.Errorf("folder: %w", err)
	}
	return PathRule{folder: folder}, nil
}

// Match reports whether the rule selects the file at path.
func (r *PathRule) Match(path string) bool {
	if r.glob != nil {
		return r.glob.match(path, path[strings.LastIndexByte(path, '/')+1:])
	}
	return mirror.Below(path, r.folder)
}
