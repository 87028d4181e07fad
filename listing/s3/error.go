package s3

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// serverError is an answer that is not a page.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
type serverError struct {
	status int // of HTTP

	code, message string // "": the answer was not in S3's form
	region        string // where the bucket is; "": not told, or no region's name

	retry time.Duration // what Retry-After asks for
}

func (e *serverError) Error() string {
	s := strings.TrimSpace(fmt.Sprintf("HTTP status %d %s", e.status, http.StatusText(e.status)))
	if e.code != "" {
		s += ": " + e.code
	}
	if e.message != "" {
		s += ": " + e.message
	}
	return s
}

// Unwrap gives the error that callers branch on. The code says more than the
// status, which servers choose differently.
func (e *serverError) Unwrap() error {
	switch e.code {
	case "NoSuchBucket", "NoSuchKey", "NoSuchTenant", "InvalidBucketName":
		return listing.ErrNoFolder
	case "AccessDenied", "InvalidAccessKeyId", "XAdminUserNotFound", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken",
		"InvalidSecurity", "RequestTimeTooSkewed", "AccountProblem", "AllAccessDisabled", "AuthorizationHeaderMalformed":
		return listing.ErrAuth
	case "SlowDown", "SlowDownRead", "ServiceUnavailable", "TooManyRequests", "RequestLimitExceeded", "Throttling", "XMinioServerNotInitialized":
		return listing.ErrBusy
	}
	switch e.status {
	case http.StatusNotFound, http.StatusGone:
		if e.code == "" { // else something else is not found: a user, say
			return listing.ErrNoFolder
		}
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return listing.ErrAuth
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return listing.ErrBusy
	case http.StatusOK:
		return nil
	}
	if e.code == "" && e.status < http.StatusInternalServerError {
		return listing.ErrNotIndex
	}
	return nil
}

// set takes a child of the Error element.
func (e *serverError) set(name, value string) {
	value = strings.TrimSpace(value)
	switch name {
	case "Code":
		e.code = value
	case "Message":
		e.message = value
	case "Region":
		if regionName.MatchString(value) {
			e.region = value
		}
	}
}

// unknownKeys reports whether the server has never heard of the keys.
func (e *serverError) unknownKeys() bool {
	switch e.code {
	case "InvalidAccessKeyId", "InvalidToken", "XAdminUserNotFound":
		return true
	}
	return false
}

// refusesVersion2 reports whether a server may not know ListObjectsV2.
func (e *serverError) refusesVersion2() bool {
	switch e.code {
	case "InvalidArgument", "InvalidRequest", "NotImplemented", "MethodNotAllowed", "UnsupportedParameter":
		return true
	case "":
		return e.status == http.StatusNotImplemented || e.status == http.StatusBadRequest || e.status == http.StatusMethodNotAllowed
	}
	return false
}

// transient reports whether asking again may help.
func (e *serverError) transient() bool {
	return e.Unwrap() == listing.ErrBusy || //nolint:errorlint // Unwrap gives the very error
		e.status >= http.StatusInternalServerError && e.status != http.StatusNotImplemented ||
		e.code == "InternalError" || e.code == "RequestTimeout"
}

// retryAfter reads the header of that name; 0 when there is none.
func retryAfter(h string) time.Duration {
	if n, err := strconv.Atoi(h); err == nil && n > 0 {
		return time.Duration(min(n, 86400)) * time.Second
	}
	if at, err := http.ParseTime(h); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
