// Package note carries the notes by which mirrors ("I have synced") and build
// systems ("this path changed") ask for a scan or an index run before its turn.
// A note is never believed: what it brings forward is looked at as always. The
// package signs notes, receives them, and sends them; it knows no web server
// but net/http.
package note

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Header is the header field with the signature: "t=<unix>,v1=<hex>".
const Header = "X-MirrorBrain-Signature"

// MaxSkew is how far the time in a signature may be from the receiver's clock.
const MaxSkew = 5 * time.Minute

// MirrorKey derives the key of one mirror from a token, in hexadecimal digits:
// HMAC-SHA256(token, "mirror:" + name). So no table of keys is needed; who has
// a mirror's key knows neither the token nor another's key.
func MirrorKey(token, name string) string {
	return hex.EncodeToString(sum(token, mirrorPrefix+name))
}

// mirrorPrefix keeps what keys are made of apart from what is signed.
const mirrorPrefix = "mirror:"

func sum(key string, parts ...string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	for _, p := range parts {
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// Message is what a signature is about.
type Message struct {
	Method string // "POST"
	Path   string // of the URL as it was sent, percent-encoded, without the query
	Body   []byte
}

// Sign gives the value of Header: HMAC-SHA256 over method, path, seconds since
// the Unix epoch, each followed by a newline, and the body.
func (m Message) Sign(key string, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(m.sum(key, t))
}

// The method, the path of a request and a number have no newlines, so no two
// messages give the same bytes.
func (m Message) sum(key, t string) []byte {
	return sum(key, m.Method, "\n", m.Path, "\n", t, "\n", string(m.Body))
}

// signature is a value of Header.
type signature struct {
	text string // the time as it was written, for that is what was signed
	at   time.Time
	sum  []byte
}

var errSignature = errors.New("the signature is not of the form t=<unix>,v1=<hex>")

// parseSignature reads a value of Header. Names that it does not know are
// passed over, so that there may be a v2 beside v1 one day.
func parseSignature(s string) (signature, error) {
	const longest = 512
	var sig signature
	if len(s) > longest {
		return sig, errSignature
	}
	for field := range strings.SplitSeq(s, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		switch {
		case !ok:
			return sig, errSignature
		case name == "t":
			t, err := strconv.ParseInt(value, 10, 64)
			if err != nil || t < 0 || sig.text != "" {
				return sig, errSignature
			}
			sig.text, sig.at = value, time.Unix(t, 0)
		case name == "v1":
			b, err := hex.DecodeString(value)
			if err != nil || len(b) != sha256.Size || sig.sum != nil {
				return sig, errSignature
			}
			sig.sum = b
		}
	}
	if sig.text == "" || sig.sum == nil {
		return sig, errSignature
	}
	return sig, nil
}

// fresh reports whether the signature's time is near now.
func (s signature) fresh(now time.Time) bool {
	return s.at.Sub(now).Abs() <= MaxSkew
}

// sameSecret compares without telling by its time where, or in what length, the
// two differ.
func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
