//go:build !unix

package geofetch

import (
	"io/fs"
	"os"
)

func keepOwner(*os.File, fs.FileInfo) {}
