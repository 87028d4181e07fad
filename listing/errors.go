package listing

import "errors"

// Errors that callers branch on; listers wrap them with what the server said.
var (
	// ErrNoFolder is returned when the listed URL or folder does not exist on the server.
	ErrNoFolder = errors.New("no such folder on the server")
	// ErrAuth is returned when the server wants a (different) user or password.
	ErrAuth = errors.New("user or password not accepted")
	// ErrBusy is returned when the server has too many connections; try later.
	ErrBusy = errors.New("server is busy")
	// ErrNotIndex is returned when a web server answers with something that is
	// not an index page.
	ErrNotIndex = errors.New("not a folder index")
)
