package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// The exit codes, the same for all commands.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitSomeFailed  = 3 // some mirrors failed, the others are done
	exitUnreachable = 4 // database unreachable
	exitRefused     = 5 // refused, needs --force
)

// exitCodesBegin is how the part of the help begins that tells the exit codes, its
// last one.
const exitCodesBegin = "Exit codes: "

const exitCodesHelp = exitCodesBegin + `0 done; 1 error; 2 usage; 3 some mirrors failed, the others are
done; 4 database unreachable; 5 refused, needs --force.`

// codedError carries the exit code that an error leads to.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// usagef is a mistake in how the command was called.
func usagef(format string, args ...any) error {
	return &codedError{exitUsage, fmt.Errorf(format, args...)}
}

// flagError says of a flag for a number what it must be.
func flagError(err error) error {
	bad, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok || !strings.HasPrefix(bad.GetFlag().Value.Type(), "int") && !strings.HasPrefix(bad.GetFlag().Value.Type(), "uint") {
		return err
	}
	return fmt.Errorf("--%s %s: must be a whole number", bad.GetFlag().Name, bad.GetValue())
}

// exitCode gives the exit code for err.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if ce, ok := errors.AsType[*codedError](err); ok {
		return ce.code
	}
	switch {
	case errors.Is(err, store.ErrUnreachable):
		return exitUnreachable
	case errors.Is(err, origin.ErrRefused):
		return exitRefused
	}
	return exitError
}
