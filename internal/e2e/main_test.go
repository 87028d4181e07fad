package e2e

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/programtest"
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
	if bin, err = programtest.Bin(filepath.Join("..", ".."), tmp); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	programtest.Forget()
	return m.Run()
}
