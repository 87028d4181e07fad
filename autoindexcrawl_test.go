package mirrorbrain

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing/protocols"
)

// filesBelow gives the paths of the files of a tree.
func filesBelow(t *testing.T, root string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			list = append(list, strings.TrimPrefix(path, root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// crawler gives a program; it is not there on every machine, but in CI.
func crawler(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("%s is not installed", name)
	} else if err != nil {
		t.Fatal(err)
	}
	return path
}

// Crawlers see the tree as it is on disk.
func TestAutoindexCrawled(t *testing.T) {
	root := t.TempDir()
	plantTree(t, root, "top.iso", "a/b/c/deep.tar.gz", "a/with space.iso", "a/amp&er#hash%.iso", "a/q?uery.iso", "a/plus+.iso",
		"a/quote\"'.iso", "a/<b>.iso", "a/c:olon.iso", "a/;semi=.iso", "a/ü.iso", "a/this name is longer than any column of Apache's listing.iso", "e/.dot")
	want := filesBelow(t, root)
	s := newServer(t)
	for _, format := range []string{"html", "fancy", "table", "plain"} {
		s.bare("", fmt.Sprintf("root * %s\nmirrorbrain_autoindex {\nformat %s\nsource disk\n}\nfile_server", root, format))
		t.Run(format, func(t *testing.T) {
			t.Run("our own", func(t *testing.T) {
				l, err := protocols.Open("http://"+s.addr+"/", listing.Options{})
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				sum, err := l.List(t.Context(), "", func(e listing.Entry) error {
					if e.Kind == listing.File {
						got = append(got, e.Path)
					}
					return nil
				})
				slices.Sort(got)
				if d := cmp.Diff(want, got); d != "" || err != nil || !sum.Complete() {
					t.Errorf("%v %v (-want +got):\n%s", err, sum.Incomplete, d)
				}
			})
			for name, args := range map[string][]string{
				"wget": {"-q", "-r", "-np", "-nH", "-e", "robots=off", "--restrict-file-names=nocontrol", "--reject-regex", `[?]|/index\.html$`, "http://" + s.addr + "/"},
				"lftp": {"-c", "set net:max-retries 1; mirror http://" + s.addr + "/ ."},
			} {
				t.Run(name, func(t *testing.T) {
					cmd := exec.Command(crawler(t, name), args...)
					cmd.Dir = t.TempDir()
					out, err := cmd.CombinedOutput()
					got := slices.DeleteFunc(filesBelow(t, cmd.Dir), func(f string) bool { return strings.HasPrefix(filepath.Base(f), "index.html") })
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("%v %s (-want +got):\n%s", err, out, d)
					}
				})
			}
		})
	}
}
