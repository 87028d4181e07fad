package replay

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/accesslog"
)

// bytesOf is how much the client fetches: the whole file, or the part that the log
// tells of.
func bytesOf(e *accesslog.Entry, size int64) int64 {
	if e.Status == http.StatusPartialContent && e.Bytes > 0 {
		return min(e.Bytes, size)
	}
	if n, ok := rangeLength(e.Range, size); ok {
		return n
	}
	return size
}

// rangeLength gives the length of the one part that a Range field asks for (RFC 9110
// section 14.1.2). False for several parts, and for what is no range of the file:
// all of it is served then.
func rangeLength(field string, size int64) (int64, bool) {
	spec, ok := strings.CutPrefix(strings.ToLower(field), "bytes=")
	first, last, dash := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok || !dash {
		return 0, false
	}
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		return min(n, size), err == nil && n > 0
	}
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil || from < 0 || from >= size {
		return 0, false
	}
	to := size - 1
	if last != "" {
		if to, err = strconv.ParseInt(last, 10, 64); err != nil || to < from {
			return 0, false
		}
	}
	return min(to, size-1) - from + 1, true
}
