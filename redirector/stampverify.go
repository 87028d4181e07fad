package redirector

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Why Stamp.Verify refuses a URL.
var (
	// ErrNoStamp is a query without the two arguments of a stamp.
	ErrNoStamp = errors.New("the URL is not signed")
	// ErrStampWrong is a stamp made with another key or algorithm, at another
	// time or for another path.
	ErrStampWrong = errors.New("the stamp is wrong")
	// ErrStampExpired is a genuine stamp that is too old.
	ErrStampExpired = errors.New("the stamp is too old")
	// ErrStampFuture is a genuine stamp from later than the clocks of two
	// servers that set them can differ.
	ErrStampFuture = errors.New("the stamp is from the future: compare this server's clock with the redirector's")
)

// StampSkew is how far in the future a stamp may be, because clocks differ.
const StampSkew = time.Minute

// maxEpochDigits keeps times of requests within what every verifier can count
// with, JavaScript's numbers included.
const maxEpochDigits = 12

// Verify checks the stamp of a request: path is its percent-decoded path,
// before any rewriting, and query its query as the client sent it. now is in
// seconds since the Unix epoch; stamps may be up to maxAge old, and up to
// StampSkew early. The error is one of ErrNoStamp, ErrStampWrong,
// ErrStampExpired and ErrStampFuture, the last two wrapped.
func (s *Stamp) Verify(path, query string, now int64, maxAge time.Duration) error {
	epoch, stamp, ok := findStamp(query, s.digits)
	if !ok {
		return ErrNoStamp
	}
	if !s.genuine(path, epoch, stamp) {
		return ErrStampWrong
	}
	// Only now: what is said of the age is said of the redirector's own time.
	signed, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return ErrNoStamp // cannot be: it is a few digits
	}
	switch age := now - signed; {
	case age > int64(maxAge/time.Second):
		return fmt.Errorf("%w: %d s, %v is allowed", ErrStampExpired, age, maxAge)
	case age < -int64(StampSkew/time.Second):
		return fmt.Errorf("%w: it is %d s early", ErrStampFuture, -age)
	}
	return nil
}

// genuine compares the stamp with that of each key, in a time that says nothing
// about how much of it is right.
func (s *Stamp) genuine(path, epoch, stamp string) bool {
	n := len(epoch) + len(" ")
	if s.algorithm == StampHMAC {
		n += len(path)
	}
	message := append(make([]byte, 0, n), epoch...)
	message = append(message, ' ')
	if s.algorithm == StampHMAC {
		message = append(message, path...)
	}
	var buf [64]byte
	found := 0
	for _, k := range s.keys {
		found |= subtle.ConstantTimeCompare(k.appendSum(buf[:0], s.algorithm, message), []byte(stamp))
	}
	return found == 1
}

// findStamp finds the arguments time and stamp, which stand side by side in
// this order, in a query; further arguments around them do not matter. In a
// regular expression: (?:^|&)time=([0-9]{1,12})&stamp=([0-9a-f]{digits})(?:&|$)
func findStamp(query string, digits int) (epoch, stamp string, ok bool) {
	const timeArg, stampArg = "time=", "stamp="
	for rest, more := query, true; more; {
		var arg string
		arg, rest, more = strings.Cut(rest, "&")
		if !strings.HasPrefix(arg, timeArg) || !strings.HasPrefix(rest, stampArg) {
			continue
		}
		epoch = arg[len(timeArg):]
		stamp = rest[len(stampArg):]
		stamp = stamp[:indexAny(stamp, "&")]
		if 1 <= len(epoch) && len(epoch) <= maxEpochDigits && only(epoch, "0123456789") &&
			len(stamp) == digits && only(stamp, "0123456789abcdef") {
			return epoch, stamp, true
		}
	}
	return "", "", false
}

// only reports whether s consists of these characters.
func only(s, chars string) bool {
	return strings.Trim(s, chars) == ""
}
