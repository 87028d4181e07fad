package redirector

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // MirrorBrain's form of stamps, which mirrors verify
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"
)

// The algorithms of stamps.
const (
	// StampMD5 is MirrorBrain's: md5("<epoch> <key>"). A stamp is good for
	// every file.
	StampMD5 = "md5"
	// StampHMAC is HMAC-SHA-256 (RFC 2104), keyed with the key, of
	// "<epoch> <path>": a stamp is good for one path.
	StampHMAC = "hmac-sha256"
)

// minHMACKey is the length in bytes below which a key can be guessed by who
// has seen one stamp. MirrorBrain's form takes any key, because mirrors have it
// already.
const minHMACKey = 16

// Stamp signs the URLs on mirrors that clients are sent to, and verifies them
// there. A signed URL ends in
//
//	?time=<epoch>&stamp=<lower-case hexadecimal digits>
//
// where epoch is when it was signed, in decimal seconds since the Unix epoch.
//
// The path in the HMAC is that of the URL on the mirror, from the slash after
// the host to before the query, percent-decoded once: its bytes as they are,
// not normalised in any other way, and '+' stays '+'. So it does not matter
// which bytes a client or a proxy likes to percent-encode.
//
// A Stamp may be used by several goroutines at once. It never shows its keys.
type Stamp struct {
	algorithm string
	digits    int // hexadecimal digits of a stamp
	keys      []*stampKey
}

// stampKey is one key. HMAC states are kept, because keying them anew is half
// of what a stamp costs.
type stampKey struct {
	secret string
	macs   sync.Pool // of *stampMAC
}

type stampMAC struct {
	hash.Hash
	sum [sha256.Size]byte
}

// NewStamp makes a Stamp of an algorithm (StampMD5, StampHMAC). The first key
// signs; each of them verifies, so that keys can be changed without a gap. A
// key must be printable ASCII without spaces, because it has to be the same
// bytes in the configuration files of several web servers.
func NewStamp(algorithm string, keys ...string) (*Stamp, error) {
	s := &Stamp{algorithm: algorithm}
	switch algorithm {
	case StampMD5:
		s.digits = 2 * md5.Size
	case StampHMAC:
		s.digits = 2 * sha256.Size
	default:
		return nil, fmt.Errorf("the stamp's algorithm is neither %s nor %s", StampHMAC, StampMD5) // not what it is: that may be a key
	}
	if len(keys) == 0 {
		return nil, errors.New("stamp: no key")
	}
	for i, key := range keys {
		if err := checkStampKey(algorithm, key); err != nil {
			return nil, fmt.Errorf("stamp key %d %w", i+1, err)
		}
		k := &stampKey{secret: key}
		k.macs.New = func() any { return &stampMAC{Hash: hmac.New(sha256.New, []byte(key))} }
		s.keys = append(s.keys, k)
	}
	return s, nil
}

// checkStampKey says what is wrong with a key, without naming it.
func checkStampKey(algorithm, key string) error {
	switch {
	case key == "":
		return errors.New("is empty: is the placeholder or the file that it comes from?")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("has a space, a line break or a byte that is not ASCII: `openssl rand -hex 32` makes a good one")
	case algorithm == StampHMAC && len(key) < minHMACKey:
		return fmt.Errorf("has %d bytes, and must have %d or more: `openssl rand -hex 32` makes a good one", len(key), minHMACKey)
	}
	return nil
}

// Algorithm is StampMD5 or StampHMAC.
func (s *Stamp) Algorithm() string { return s.algorithm }

// Format writes a Stamp without its keys, whatever the verb.
func (s *Stamp) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%s stamp, keys: %d", s.algorithm, len(s.keys))
}

// Sign gives location, an absolute percent-encoded URL without a fragment,
// signed at now (seconds since the Unix epoch).
func (s *Stamp) Sign(location string, now int64) string {
	// The message that is signed stands where the stamp is written afterwards.
	b := make([]byte, 0, 2*len(location)+s.Len()+maxEpoch)
	b = append(b, location...)
	return string(s.AppendQuery(b, location, now))
}

// maxEpoch is how many bytes an int64 in decimal has at most.
const maxEpoch = 20

// Len is how much longer a signed URL is at most, in bytes.
func (s *Stamp) Len() int { return len("?time=&stamp=") + maxEpoch + s.digits }

// AppendQuery appends to dst only what Sign puts behind location: the query,
// from its '?' (or '&', where location has a query already).
func (s *Stamp) AppendQuery(dst []byte, location string, now int64) []byte {
	if strings.IndexByte(location, '?') < 0 {
		dst = append(dst, "?time="...)
	} else {
		dst = append(dst, "&time="...)
	}
	epoch := len(dst)
	dst = strconv.AppendInt(dst, now, 10)
	end := len(dst)
	dst = append(dst, "&stamp="...)

	from := len(dst)
	dst = append(dst, dst[epoch:end]...)
	dst = append(dst, ' ')
	if s.algorithm == StampHMAC {
		dst = appendUnescaped(dst, urlPath(location))
	}
	return s.keys[0].appendSum(dst[:from], s.algorithm, dst[from:])
}

// appendSum appends the stamp of "<epoch> <path>" or, for MD5, "<epoch> ". The
// message may stand behind dst in the same array.
func (k *stampKey) appendSum(dst []byte, algorithm string, message []byte) []byte {
	if algorithm == StampMD5 {
		sum := md5.Sum(append(message, k.secret...)) //nolint:gosec // MirrorBrain's form
		return hex.AppendEncode(dst, sum[:])
	}
	m := k.macs.Get().(*stampMAC)
	m.Reset()
	_, _ = m.Write(message) // a hash returns no error
	dst = hex.AppendEncode(dst, m.Sum(m.sum[:0]))
	k.macs.Put(m)
	return dst
}

// urlPath is the path of an absolute URL.
func urlPath(location string) string {
	_, rest, _ := strings.Cut(location, "://")
	rest = rest[indexAny(rest, "/?#"):]
	if rest = rest[:indexAny(rest, "?#")]; rest == "" {
		return "/" // what clients ask for then
	}
	return rest
}

// indexAny is strings.IndexAny, but len(s) where there is none.
func indexAny(s, chars string) int {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return i
	}
	return len(s)
}

// appendUnescaped appends path, percent-decoded. What is no percent-encoding is
// kept as it is: servers refuse such requests.
func appendUnescaped(dst []byte, path string) []byte {
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' && i+2 < len(path) {
			if hi, lo := unhex(path[i+1]), unhex(path[i+2]); hi < 16 && lo < 16 {
				c, i = hi<<4|lo, i+2
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// unhex gives the value of a hexadecimal digit, or 16.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}
