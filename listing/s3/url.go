package s3

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Schemes are the URL schemes of buckets.
var Schemes = []string{"s3", "s3+https", "s3+http"}

// defaultRegion is what requests are signed for where nothing names another
// region. Servers that are not Amazon's mostly accept it, or say what they want.
const defaultRegion = "us-east-1"

var (
	// Names of buckets as they were ever allowed, and Ceph's "tenant:bucket".
	bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$`)
	// Names that can be a part of a host name.
	bucketHost = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)
	// What a server may call a region: it becomes part of Amazon's host names.
	regionName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)
	// Regions in host names as "s3.eu-central-1.example.com".
	hostRegion  = regexp.MustCompile(`^s3[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-[0-9]+)\.`)
	profileName = regexp.MustCompile(`^[A-Za-z0-9._@/+-]{1,128}$`)
)

// target is what the URL of a bucket names.
type target struct {
	scheme  string // of the requests: https or http
	host    string // of the server, with its port where it is not the usual one; "": Amazon's
	bucket  string
	prefix  string // of the keys, less its slash at the end; form of mirror.ValidPath
	region  string // "": the URL does not tell
	style   string // virtual or path; "": what is usual
	profile string // of a credentials file; "": the default one
}

// ParseURL checks the URL of a bucket in one of the forms that the package
// describes, and gives it as it is to be stored: names as they are, but for
// what must be percent-encoded; the path with a slash at the end; the query in
// a fixed order. It asks no server. Keys in the URL are an error, which does
// not show them.
func ParseURL(raw string) (string, error) {
	t, err := parseTarget(raw)
	if err != nil {
		return "", err
	}
	return t.String(), nil
}

func parseTarget(raw string) (target, error) {
	raw = strings.TrimSpace(raw)
	// How a URL is shown depends on where the first '@' is thought to belong: a
	// secret may hold '/' and '?'.
	fail := func(err error) (target, error) {
		return target{}, fmt.Errorf("URL %q: %w", mirror.Redact(raw), err)
	}
	plain, query, _ := strings.Cut(raw, "?")
	base, err := mirror.BaseURL(plain, Schemes...)
	if err != nil && strings.Contains(raw, "@") {
		return fail(errors.New("does not name a bucket; keys do not belong into the URL, but into the password file"))
	} else if err != nil {
		return target{}, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return fail(errors.New("does not parse")) // cannot be: BaseURL has parsed it
	}
	if u.User != nil {
		return fail(errors.New("keys do not belong into the URL, but into the password file or the environment"))
	}
	var t target
	if err := t.place(u); err != nil {
		return fail(err)
	}
	if err := t.options(query); err != nil {
		return fail(err)
	}
	if err := t.check(); err != nil {
		return fail(err)
	}
	return t, nil
}

// place reads server, bucket and prefix.
func (t *target) place(u *url.URL) error {
	path := strings.Trim(u.Path, "/")
	if u.Scheme == "s3" {
		if u.Port() != "" {
			return errors.New("s3:// names a bucket of Amazon's; a server of another maker is written s3+https://HOST:PORT/BUCKET/")
		}
		t.scheme, t.bucket, t.prefix = "https", u.Host, path
		return nil
	}
	t.scheme = strings.TrimPrefix(u.Scheme, "s3+")
	t.host = strings.ToLower(u.Host)
	if usual := map[string]string{"https": ":443", "http": ":80"}[t.scheme]; strings.HasSuffix(t.host, usual) {
		t.host = strings.TrimSuffix(t.host, usual)
	}
	t.bucket, t.prefix, _ = strings.Cut(path, "/")
	if t.bucket == "" {
		return fmt.Errorf("names no bucket; write %s://%s/BUCKET/", u.Scheme, u.Host)
	}
	return nil
}

// options reads the query.
func (t *target) options(query string) error {
	if strings.Contains(query, "#") {
		return errors.New("a base URL has no fragment")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("the query does not parse")
	}
	for key, v := range values {
		into, ok := map[string]*string{"region": &t.region, "style": &t.style, "profile": &t.profile}[key]
		switch {
		case !ok:
			return fmt.Errorf("%q in the query: must be region, style or profile", key)
		case len(v) != 1 || v[0] == "":
			return fmt.Errorf("%s in the query must have one value", key)
		}
		*into = v[0]
	}
	return nil
}

// check looks at what was read.
func (t *target) check() error {
	host := (&url.URL{Host: t.host}).Hostname()
	_, notIP := netip.ParseAddr(host)
	switch {
	case !bucketName.MatchString(t.bucket) || strings.Contains(t.bucket, ".."):
		return fmt.Errorf("%q cannot be the name of a bucket", t.bucket)
	case t.host == "" && strings.Contains(t.bucket, ":"):
		return fmt.Errorf("%q cannot be the name of a bucket of Amazon's", t.bucket)
	case t.region != "" && !regionName.MatchString(t.region):
		return fmt.Errorf("%q cannot be the name of a region", t.region)
	case t.profile != "" && !profileName.MatchString(t.profile):
		return fmt.Errorf("%q cannot be the name of a profile", t.profile)
	case !slices.Contains([]string{"", "path", "virtual"}, t.style):
		return fmt.Errorf("style %q: must be path or virtual", t.style)
	case t.style == "virtual" && (!bucketHost.MatchString(t.bucket) || notIP == nil):
		return fmt.Errorf("style virtual: %s.%s cannot be a host name", t.bucket, host)
	}
	return mirror.ValidPath(t.prefix)
}

// String is the URL as operators write it.
func (t *target) String() string {
	var b strings.Builder
	if t.host == "" {
		b.WriteString("s3://" + t.bucket + "/")
	} else {
		b.WriteString("s3+" + t.scheme + "://" + t.host + "/" + mirror.EscapePath(t.bucket) + "/")
	}
	if t.prefix != "" {
		b.WriteString(mirror.EscapePath(t.prefix) + "/")
	}
	sep := byte('?')
	for _, o := range []struct{ key, value string }{{"region", t.region}, {"style", t.style}, {"profile", t.profile}} {
		if o.value != "" {
			b.WriteByte(sep)
			b.WriteString(o.key + "=" + url.QueryEscape(o.value))
			sep = '&'
		}
	}
	return b.String()
}

// firstRegion is what the first request is signed for. The environment is asked
// for Amazon's buckets alone: other makers' servers have regions of their own.
func (t *target) firstRegion() string {
	if t.region != "" {
		return t.region
	}
	if m := hostRegion.FindStringSubmatch(t.host); m != nil {
		return m[1]
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if r := os.Getenv(name); t.host == "" && regionName.MatchString(r) {
			return r
		}
	}
	return defaultRegion
}

// endpoint is where the bucket is asked for its keys. Only for Amazon's buckets
// does it depend on the region, which must have the form of regionName.
func (t *target) endpoint(region string) *url.URL {
	host, virtual := t.host, t.style == "virtual"
	if host == "" {
		host = "s3." + region + ".amazonaws.com"
		if strings.HasPrefix(region, "cn-") {
			host += ".cn"
		}
		// Amazon's certificate is for one label before "s3".
		virtual = t.style == "virtual" || t.style == "" && bucketHost.MatchString(t.bucket) && !strings.Contains(t.bucket, ".")
	}
	if virtual {
		return &url.URL{Scheme: t.scheme, Host: t.bucket + "." + host, Path: "/"}
	}
	// Signatures are made over the path with ':' encoded.
	escaped := "/" + strings.ReplaceAll(t.bucket, ":", "%3A") + "/"
	return &url.URL{Scheme: t.scheme, Host: host, Path: "/" + t.bucket + "/", RawPath: escaped}
}
