package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

type missingError struct{ program string }

func (e *missingError) Error() string {
	return fmt.Sprintf("%s is not installed (and %s not set)", e.program, EnvDSN)
}

func isMissing(err error) bool {
	_, ok := errors.AsType[*missingError](err)
	return ok
}

// program finds an installed program, PostgreSQL's also where Debian, Red Hat
// and FreeBSD keep them beside PATH; of several the newest.
func program(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/pgsql-*/bin/", "/usr/local/*/bin/", "/usr/sbin/", "/usr/local/sbin/"} {
		found, _ := filepath.Glob(pattern + name) // the patterns are well-formed
		slices.Sort(found)
		slices.Reverse(found)
		for _, p := range found {
			if fi, err := os.Stat(p); err == nil && fi.Mode()&0o111 != 0 {
				return p, nil
			}
		}
	}
	return "", &missingError{name}
}

func missing(names ...string) error {
	for _, n := range names {
		if _, err := program(n); err != nil {
			return err
		}
	}
	return nil
}
