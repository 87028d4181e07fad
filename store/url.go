package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const databaseFile = "mirrorbrain.db"

// systemFolder, where it exists, is where the default database is.
var systemFolder = "/var/lib/mirrorbrain"

// DefaultURL is the database of those who configured none: a SQLite file in
// /var/lib/mirrorbrain if that folder exists, writable or not, else in
// $XDG_DATA_HOME/mirrorbrain (default ~/.local/share).
func DefaultURL() (string, error) {
	if fi, err := os.Stat(systemFolder); err == nil && fi.IsDir() {
		return sqliteURL(filepath.Join(systemFolder, databaseFile)), nil
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("looking for the default database: %w", err)
	}
	folder, err := userFolder()
	if err != nil {
		return "", fmt.Errorf("no database given, and no default: %w", err)
	}
	return sqliteURL(filepath.Join(folder, databaseFile)), nil
}

// userFolder is where one user's default database is; it need not exist.
func userFolder() (string, error) {
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) { // the specification says to ignore relative ones
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		data = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(data, "mirrorbrain"), nil
}
