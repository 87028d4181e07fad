package archtest

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

const module = "github.com/caddy-mirrorbrain/caddy-mirrorbrain"

// levels lists the top folders from the bottom up. A package imports packages
// of lower levels, and of its own folder.
var levels = [][]string{
	{"mirror"},
	{"page", "worldmap"},
	{"sql", "geoip", "asn", "listing", "metalink", "mirrorlist", "torrent", "zsync", "accesslog"},
	{"store"},
	{"catalog", "origin", "checksum", "copies"},
	{"redirector", "retry", "traffic", "filecheck", "scanner", "holding", "probe", "stats", "autoindex", "mirrorstatus", "note"},
	{"checkup", "movein", "push", "await", "daemon", "explain", "replay", "survey"}, // movein takes over from other redirectors, and knows redirector for the shares
	{"", "cmd", "bench", "examples"}, // the root package and the programs
}

var (
	// drivers are what only store may touch: SQL and what speaks to databases.
	drivers = []string{
		"database/sql", "github.com/jackc/pgx", "github.com/jackc/pgconn", "github.com/lib/pq",
		"modernc.org/sqlite", "github.com/mattn/go-sqlite3", "github.com/golang-migrate/migrate", "github.com/redis/go-redis",
	}
	// foreign are the packages that read a database of another system, each with
	// its driver. Nothing of ours is in there, so the suite that store is tested
	// with would be of no use to them.
	foreign = map[string][]string{
		"movein/mirrorbrain": {"github.com/jackc/pgx"},
		"movein/mirrorbits":  {"github.com/redis/go-redis"},
	}
	caddy = []string{"github.com/caddyserver"}

	// pure are the packages that know neither Caddy nor SQL, not even through
	// others: they are tested and fuzzed without a server or a database.
	pure = []string{"redirector", "retry", "traffic", "filecheck", "metalink", "mirrorlist", "torrent", "zsync", "autoindex", "mirrorstatus", "page", "worldmap", "mirror", "geoip", "asn", "listing", "explain"}
	// caddyUsers are the packages that may import Caddy. mbctl must not link it.
	caddyUsers = []string{"", "cmd/caddy"}
)

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Imports    []string // of its files without tests
	Deps       []string // all that it reaches
}

// folder is the package's path within the module, "" for the root.
func (p pkg) folder() string { return folderOf(p.ImportPath) }

func folderOf(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
}

// violations checks every rule on every package.
func violations(pkgs []pkg) []string {
	var all []string
	for _, p := range pkgs {
		for _, rule := range []func(pkg) []string{onlyStandard, onlyStore, onlyRoot, pureStaysPure, pointsDown, harnessesStayInTests} {
			for _, v := range rule(p) {
				all = append(all, fmt.Sprintf("%s: %s", cmp.Or(p.folder(), "the root package"), v))
			}
		}
	}
	return all
}

// onlyStandard: mirror holds the words that all others speak; it imports
// nothing but the standard library.
func onlyStandard(p pkg) (found []string) {
	if top(p.folder()) != "mirror" {
		return nil
	}
	for _, i := range p.Imports {
		if first, _, _ := strings.Cut(i, "/"); strings.Contains(first, ".") {
			found = append(found, "imports "+i+", but mirror imports only the standard library")
		}
	}
	return found
}

// onlyStore: all SQL of our database is in store, so that one suite of tests
// covers it on both databases.
func onlyStore(p pkg) (found []string) {
	if top(p.folder()) == "store" || isHarness(p.ImportPath) {
		return nil
	}
	for _, i := range p.Imports {
		if isOneOf(i, drivers) && !isOneOf(i, foreign[p.folder()]) {
			found = append(found, "imports "+i+", but only store speaks to databases")
		}
	}
	return found
}

// onlyRoot: Caddy is known to the root package alone; nothing else may reach
// it, mbctl least of all.
func onlyRoot(p pkg) (found []string) {
	if slices.Contains(caddyUsers, p.folder()) || isHarness(p.ImportPath) {
		return nil
	}
	for _, d := range p.Deps {
		if isOneOf(d, caddy) {
			return []string{"reaches " + d + ", but only the root package and cmd/caddy know Caddy"}
		}
	}
	return nil
}

func pureStaysPure(p pkg) (found []string) {
	if !slices.Contains(pure, top(p.folder())) || isHarness(p.ImportPath) {
		return nil
	}
	for _, d := range p.Deps {
		if isOneOf(d, drivers) {
			return []string{"reaches " + d + ", but is to be free of SQL"}
		}
	}
	return nil
}

// pointsDown: see levels.
func pointsDown(p pkg) (found []string) {
	if top(p.folder()) == "internal" || isHarness(p.ImportPath) {
		return nil
	}
	own := level(p.folder())
	if own < 0 {
		return []string{"has no level: give its folder a place in the list in internal/archtest"}
	}
	for _, i := range p.Imports {
		if !isOurs(i) || isHarness(i) || top(folderOf(i)) == "internal" {
			continue
		}
		to := folderOf(i)
		sameFolder := top(to) == top(p.folder())
		rootFromProgram := to == "" && p.folder() == "cmd/caddy"
		if level(to) >= own && !sameFolder && !rootFromProgram {
			found = append(found, "imports "+cmp.Or(to, "the root package")+", which is not below it")
		}
	}
	return found
}

// harnessesStayInTests: what starts servers for tests has no business in a
// program.
func harnessesStayInTests(p pkg) (found []string) {
	if isHarness(p.ImportPath) {
		return nil
	}
	for _, i := range p.Imports {
		if isHarness(i) {
			found = append(found, "imports "+folderOf(i)+" outside its tests")
		}
	}
	return found
}

// isHarness tells packages for tests by their names, as the standard library
// does (httptest, fstest).
func isHarness(importPath string) bool {
	return isOurs(importPath) && strings.HasSuffix(path.Base(importPath), "test")
}

func isOurs(importPath string) bool { return isOneOf(importPath, []string{module}) }

// isOneOf reports whether importPath is one of, or in, the given modules or
// packages. Prefixes end at a slash.
func isOneOf(importPath string, list []string) bool {
	return slices.ContainsFunc(list, func(p string) bool {
		return importPath == p || strings.HasPrefix(importPath, p+"/")
	})
}

func level(folder string) int {
	return slices.IndexFunc(levels, func(l []string) bool { return slices.Contains(l, top(folder)) })
}

// top is the first element of a folder.
func top(folder string) string {
	first, _, _ := strings.Cut(folder, "/")
	return first
}
