package catalog

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// repositoryKind is a set of the kinds of package repositories that a folder
// is, for there are folders that are several.
type repositoryKind uint8

const (
	// rpmMD is the repodata folder of an RPM repository: everything beside
	// repomd.xml (as createrepo makes it).
	rpmMD repositoryKind = 1 << iota
	// debian is everything below a folder with an InRelease or Release file, but
	// for packages (https://wiki.debian.org/DebianRepository/Format).
	debian
	// alpine is the APKINDEX files beside APKINDEX.tar.gz (apk-repository(5)).
	alpine
	// pacman is the databases that repo-add makes, and their signatures.
	pacman
	// marked is everything beside a marker that the operator named.
	marked
)

// The markers: names, and a part that all other names of markers have.
var (
	markerNames = []string{"repomd.xml", "InRelease", "Release", "APKINDEX.tar.gz"}
	markerParts = []string{".db"}
)

// markerKind says what kind of repository a file of this name makes of its
// folder; 0: none. own are the operator's markers.
func markerKind(name string, own []string) (k repositoryKind) {
	switch name {
	case "repomd.xml":
		k = rpmMD
	case "InRelease", "Release":
		k = debian
	case "APKINDEX.tar.gz":
		k = alpine
	default:
		if strings.HasSuffix(name, ".db") || strings.Contains(name, ".db.tar.") && !strings.HasSuffix(name, ".sig") {
			k = pacman
		}
	}
	if slices.Contains(own, name) {
		k |= marked
	}
	return k
}

// isIndex reports whether a file belongs to the index of a repository of these
// kinds. rel is its path relative to the repository's folder.
func (k repositoryKind) isIndex(rel string) bool {
	name := rel[strings.LastIndexByte(rel, '/')+1:]
	if k&debian != 0 && !isDebianPackage(name) {
		return true
	}
	if len(name) != len(rel) {
		return false // all others are flat
	}
	return k&(rpmMD|marked) != 0 ||
		k&alpine != 0 && strings.HasPrefix(name, "APKINDEX") ||
		k&pacman != 0 && isPacmanIndex(name)
}

// isDebianPackage tells the packages of a flat repository from its index.
func isDebianPackage(name string) bool {
	switch path.Ext(name) {
	case ".deb", ".udeb", ".ddeb", ".dsc":
		return true
	}
	return false
}

func isPacmanIndex(name string) bool {
	name = strings.TrimSuffix(name, ".sig")
	return strings.HasSuffix(name, ".db") || strings.HasSuffix(name, ".files") ||
		strings.Contains(name, ".db.tar.") || strings.Contains(name, ".files.tar.")
}

// looksLikeIndex guesses by its path alone whether a file is of a repository's
// index, for as long as it is not known where repositories are.
func looksLikeIndex(file string, own []string) bool {
	folder, name := cutPath(file)
	switch {
	case markerKind(name, own) != 0, strings.HasPrefix(name, "APKINDEX"), isPacmanIndex(name):
		return true
	case folder == "repodata", strings.HasSuffix(folder, "/repodata"), strings.Contains(folder, "/by-hash/"):
		return true
	}
	for _, p := range [...]string{"Release.", "Packages", "Sources", "Contents-", "Translation-", "Components-"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// cutPath gives the folder and the name of a path.
func cutPath(file string) (folder, name string) {
	at := strings.LastIndexByte(file, '/')
	return file[:max(at, 0)], file[at+1:]
}

// RepositoryRule says below which folder repositories are looked for.
type RepositoryRule struct {
	Folder  string   // "": everywhere
	Markers []string // names of files that mark repositories, beside the known ones
}

// NewRepositoryRule checks what an operator gave.
func NewRepositoryRule(folder string, markers ...string) (RepositoryRule, error) {
	p, err := mirror.CleanSubtree(folder)
	if err != nil {
		return RepositoryRule{}, err
	}
	for _, m := range markers {
		if m == "" || strings.Contains(m, "/") {
			return RepositoryRule{}, fmt.Errorf("marker %q: must be the name of a file, without a folder", m)
		}
		if err := mirror.ValidPath(m); err != nil {
			return RepositoryRule{}, fmt.Errorf("marker: %w", err)
		}
	}
	return RepositoryRule{Folder: p, Markers: slices.Compact(slices.Sorted(slices.Values(markers)))}, nil
}

func sameRule(a, b RepositoryRule) bool {
	return a.Folder == b.Folder && slices.Equal(a.Markers, b.Markers)
}
