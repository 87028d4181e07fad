package s3

import (
	"encoding/hex"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// kind is what a key turned out to be.
type kind uint8

const (
	isFile      kind = iota
	isFolder         // "a/b/", with which consoles and file systems mark a folder
	isForeign        // not below the folder that was asked for
	isRefused        // no path
	isUndecoded      // percent-encoding that is none
)

// entry makes the entry of an object. prefix is that of all keys that were
// asked for, base the part of it that is not in paths.
func (o *object) entry(base, prefix string, encoded bool) (listing.Entry, kind) {
	key := o.key
	if encoded {
		var err error
		if key, err = url.QueryUnescape(key); err != nil { // servers write "+" for a space
			return listing.Entry{}, isUndecoded
		}
	}
	if !strings.HasPrefix(key, prefix) {
		return listing.Entry{}, isForeign
	}
	path := key[len(base):]
	if key == prefix || o.size == 0 && strings.HasSuffix(path, "/") && mirror.ValidPath(path[:len(path)-1]) == nil {
		return listing.Entry{}, isFolder
	}
	if path == "" || mirror.ValidPath(path) != nil {
		return listing.Entry{}, isRefused
	}
	e := listing.Entry{Path: path, SizeMin: o.size, SizeMax: o.size}
	if o.archived() {
		e.Kind, e.SizeMin, e.SizeMax = listing.Other, -1, -1
		return e, isFile
	}
	e.MTime, e.Precision = uploaded(o.modified)
	e.MD5, e.HasMD5 = digest(o.etag)
	return e, isFile
}

// archived reports whether the object has to be restored before anyone can
// fetch it. (GLACIER_IR, the instant one, can be fetched.)
func (o *object) archived() bool { return o.class == "GLACIER" || o.class == "DEEP_ARCHIVE" }

// uploaded reads LastModified, "2009-10-12T17:50:30.000Z". Amazon knows seconds
// and writes milliseconds; others know more.
func uploaded(s string) (mtime int64, precision time.Duration) {
	at, err := time.Parse(time.RFC3339, s)
	// Nanoseconds would overflow in 1678 and 2262.
	if err != nil || at.Year() < 1700 || at.Year() > 2200 {
		return 0, 0
	}
	precision = time.Second
	if at.Nanosecond() != 0 {
		precision = time.Millisecond
	}
	return at.Truncate(precision).UnixNano(), precision
}

// digest reads an ETag: of what was uploaded in one piece it mostly is the MD5,
// in quotes; of what came in parts it has a '-' and their number.
func digest(etag string) (sum [16]byte, ok bool) {
	etag = strings.Trim(etag, `"`)
	if len(etag) != 2*len(sum) {
		return sum, false
	}
	n, err := hex.Decode(sum[:], []byte(etag))
	if err != nil || n != len(sum) {
		return [16]byte{}, false
	}
	return sum, true
}
