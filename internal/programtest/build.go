// Package programtest builds the project's two programs for tests, and runs
// programs so that nothing is left running when a test, or the whole test
// process, ends.
package programtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// binVar names a folder with caddy and mbctl that are built already.
const binVar = "MIRRORBRAIN_BIN"

// Bin gives the absolute path of a folder with caddy and mbctl: the one that
// MIRRORBRAIN_BIN names, else tmp, where they are built from the project's
// folder, as xcaddy.sh does.
func Bin(project, tmp string) (string, error) {
	bin := os.Getenv(binVar)
	if bin == "" {
		bin = tmp
		for _, program := range []string{"caddy", "mbctl"} {
			cmd := exec.Command("go", "build", "-tags", "nobadger,nomysql,nopgx", "-o", filepath.Join(bin, program), "./cmd/"+program)
			cmd.Dir = project
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				return "", fmt.Errorf("building %s: %w\n%s", program, err, out)
			}
		}
	}
	return filepath.Abs(bin)
}

// Forget takes out of the environment what the machine or its user configured
// and what is not tested: folders, databases, proxies.
func Forget() {
	for _, env := range os.Environ() {
		if name, _, _ := strings.Cut(env, "="); strings.HasPrefix(name, "XDG_") || name == "MB" || name == "MIRRORBRAIN_DATABASE" ||
			strings.HasSuffix(strings.ToLower(name), "_proxy") {
			_ = os.Unsetenv(name)
		}
	}
}
