package browsertest

import (
	"os"
	"path/filepath"
	"testing"
)

// toolsVar names the folder with node_modules, where it is not .cache/browser of
// the project.
const toolsVar = "MIRRORBRAIN_BROWSER_TOOLS"

// tool finds a file of an npm package, or skips the test (fails it when CI is
// set).
func tool(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv(toolsVar)
	if dir == "" {
		dir = filepath.Join(projectRoot(t), ".cache", "browser")
	}
	file := filepath.Join(dir, "node_modules", name)
	if _, err := os.Stat(file); err == nil {
		return file
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: run scripts/browser-tools.sh", file)
	}
	t.Skipf("%s is missing: run scripts/browser-tools.sh", file)
	return ""
}

// projectRoot is the folder with go.mod, at or above the working folder, which is
// that of the package under test.
func projectRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no folder above has a go.mod")
		}
		dir = filepath.Dir(dir)
	}
}
