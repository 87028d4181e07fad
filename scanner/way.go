package scanner

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// errNoURL says that the mirror is not there by any of the protocols asked for.
var errNoURL = errors.New("has no URL for")

// way is one way to list the mirror.
type way struct{ protocol, url string }

// ways gives those that are to be tried, in order.
func (s *scan) ways() []way {
	var all []way
	for _, protocol := range s.o.Protocols {
		for _, url := range urls(&s.m, protocol) {
			all = append(all, way{protocol, url})
		}
	}
	return all
}

// urls gives the mirror's URLs for a protocol; a web server's second one is for
// when the first fails.
func urls(m *mirror.Mirror, protocol string) []string {
	switch protocol {
	case "rsync":
		if m.Rsync != "" {
			return []string{m.Rsync}
		}
	case "ftp":
		if m.FTP != "" {
			return []string{m.FTP}
		}
	case "s3":
		if m.S3 != "" {
			return []string{m.S3}
		}
	case "http":
		return m.HTTP
	}
	return nil
}

// passwordFile gives the file with what a protocol asks of us.
func passwordFile(m *mirror.Mirror, protocol string) string {
	if protocol == "s3" {
		return m.S3CredentialsFile
	}
	return m.RsyncPasswordFile
}

// listError is a failure of one protocol; another may do.
type listError struct {
	way

	err error
}

func (e *listError) Error() string {
	url, why := mirror.Redact(e.url), e.err.Error()
	return fmt.Sprintf("%s listing of %s: %s", e.protocol, url, strings.TrimPrefix(why, "listing "+url+": "))
}
func (e *listError) Unwrap() error { return e.err }
