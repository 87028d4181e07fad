package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// bin is the folder with the built caddy and mbctl.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() || runtime.GOOS != "linux" {
		fmt.Println("end-to-end tests are left out: -short, or not Linux")
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	tmp, err := os.MkdirTemp("", "mbe2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(tmp)
	if bin = os.Getenv("MIRRORBRAIN_BIN"); bin == "" {
		bin = tmp
		if err := build(bin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	if bin, err = filepath.Abs(bin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// What the machine or its user configured is not what is tested.
	for _, env := range os.Environ() {
		if name, _, _ := strings.Cut(env, "="); strings.HasPrefix(name, "XDG_") || name == "MB" || name == "MIRRORBRAIN_DATABASE" ||
			strings.HasSuffix(strings.ToLower(name), "_proxy") {
			_ = os.Unsetenv(name)
		}
	}
	return m.Run()
}

// build makes both programs as xcaddy.sh does.
func build(to string) error {
	for _, program := range []string{"caddy", "mbctl"} {
		cmd := exec.Command("go", "build", "-tags", "nobadger,nomysql,nopgx", "-o", filepath.Join(to, program), "./cmd/"+program)
		cmd.Dir = filepath.Join("..", "..")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", program, err, out)
		}
	}
	return nil
}
