package s3test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// algorithm is the scheme of the Authorization header.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
const algorithm = "AWS4-HMAC-SHA256"

// emptyHash is the SHA-256 of no body.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// allowed checks the signature, and answers where there is something wrong.
func (s *Server) allowed(w http.ResponseWriter, r *http.Request) bool {
	header := r.Header.Get("Authorization")
	if header == "" {
		if len(s.o.Keys) == 0 {
			return true
		}
		fail(w, http.StatusForbidden, "AccessDenied", "Access Denied", "")
		return false
	}
	a, err := parseAuthorization(header)
	if err != nil {
		fail(w, http.StatusBadRequest, "AuthorizationHeaderMalformed", err.Error(), "")
		return false
	}
	secret, known := s.o.Keys[a.id]
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	switch {
	case !known:
		fail(w, http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", "")
	case a.region != s.o.Region:
		fail(w, http.StatusBadRequest, "AuthorizationHeaderMalformed",
			fmt.Sprintf("The authorization header is malformed; the region '%s' is wrong; expecting '%s'", a.region, s.o.Region), s.o.Region)
	case err != nil || a.day != at.Format("20060102") || time.Since(at).Abs() > 15*time.Minute:
		fail(w, http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", "")
	case r.Header.Get("X-Amz-Content-Sha256") != emptyHash:
		fail(w, http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", "")
	case r.Header.Get("X-Amz-Security-Token") != s.o.Token:
		fail(w, http.StatusBadRequest, "InvalidToken", "The provided token is malformed or otherwise invalid.", "")
	case !a.covers(r) || a.signature != a.sign(r, secret):
		fail(w, http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.", "")
	default:
		s.signed.Add(1)
		return true
	}
	return false
}

// authorization is what the header says.
type authorization struct {
	id, day, region string
	headers         []string
	signature       string
}

func parseAuthorization(header string) (a authorization, err error) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return a, fmt.Errorf("not %s", algorithm)
	}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			p := strings.Split(value, "/")
			if len(p) != 5 || p[3] != "s3" || p[4] != "aws4_request" {
				return a, fmt.Errorf("the Credential is mal-formed")
			}
			a.id, a.day, a.region = p[0], p[1], p[2]
		case "SignedHeaders":
			a.headers = strings.Split(value, ";")
		case "Signature":
			a.signature = value
		}
	}
	return a, nil
}

// covers reports whether all is signed that has to be.
func (a *authorization) covers(r *http.Request) bool {
	if !slices.Contains(a.headers, "host") {
		return false
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(a.headers, name) {
			return false
		}
	}
	return true
}

// sign computes the signature that the request is to have.
func (a *authorization) sign(r *http.Request, secret string) string {
	scope := strings.Join([]string{a.day, a.region, "s3", "aws4_request"}, "/")
	hash := sha256.Sum256([]byte(a.canonical(r)))
	text := strings.Join([]string{algorithm, r.Header.Get("X-Amz-Date"), scope, hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{a.day, a.region, "s3", "aws4_request"} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, text))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonical writes the request in the one form in which it is signed.
func (a *authorization) canonical(r *http.Request) string {
	var query []string
	for name, values := range r.URL.Query() {
		for _, v := range values {
			query = append(query, escape(name, false)+"="+escape(v, false))
		}
	}
	slices.Sort(query)
	lines := []string{r.Method, escape(r.URL.Path, true), strings.Join(query, "&")}
	for _, name := range a.headers {
		value := strings.Join(r.Header.Values(name), ",")
		if name == "host" {
			value = r.Host
		}
		lines = append(lines, name+":"+strings.Join(strings.Fields(value), " "))
	}
	return strings.Join(append(lines, "", strings.Join(a.headers, ";"), r.Header.Get("X-Amz-Content-Sha256")), "\n")
}

// escape encodes all but unreserved characters.
func escape(s string, slash bool) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; unreserved(c) || slash && c == '/' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
