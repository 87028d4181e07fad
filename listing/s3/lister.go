// Package s3 lists buckets of Amazon S3 and of servers that speak its language
// (MinIO, Ceph, Garage, R2 and others).
//
// # URLs
//
//	s3://BUCKET/PREFIX/                      a bucket of Amazon's
//	s3+https://HOST[:PORT]/BUCKET/PREFIX/    a bucket on another server
//	s3+http://HOST[:PORT]/BUCKET/PREFIX/     the same, unprotected
//
// and behind it, as a query:
//
//	region=NAME       where the bucket is, which signatures depend on. Default:
//	                  what the host name says (s3.REGION.example.com), for
//	                  Amazon's buckets the environment's AWS_REGION, else
//	                  us-east-1. Servers that know better are believed.
//	style=virtual     the bucket is part of the host name (BUCKET.HOST); default
//	                  for Amazon's where the bucket's name permits it
//	style=path        the bucket is part of the path
//	profile=NAME      the section of the credentials file to take the keys from
//
// # Keys
//
// A bucket that everyone may list needs none. Else they come from the password
// file of the mirror: ACCESS_KEY_ID:SECRET in its first line (a session token
// may follow after another colon), or a credentials file of Amazon's tools. A
// profile without a password file is looked for in ~/.aws/credentials. With
// neither, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the
// environment are used; a server that does not know those is asked again without.
// Keys never are part of a URL. Requests are signed (AWS Signature Version 4),
// so the secret itself is never sent; and no redirect is followed, except that a
// bucket of Amazon's may be in another region than was thought.
//
// # What a listing tells
//
// Sizes are exact. The time is that of the upload: a tool that keeps the file's
// own time does so in metadata that listings do not show. So a mirror in a
// bucket counts like one that does not keep times: a file of the current
// version's size that was uploaded after that version's time is the current one.
// The ETag is handed on as the MD5 where it looks like one.
//
// There are no folders in a bucket, and none are listed: keys that end in a
// slash and have no contents, with which consoles mark folders, are passed over.
// An object "a" beside another "a/b" is possible here. Objects in an archive
// (GLACIER, DEEP_ARCHIVE) cannot be fetched before they are restored, and are
// listed as something that is not a file.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// Lister lists one bucket, or what is below one prefix of it.
type Lister struct {
	target target
	opts   listing.Options
	client *http.Client
	signer *v4.Signer
}

// New makes a lister for the URL of a bucket. Keys are looked for when it lists.
func New(rawURL string, opts listing.Options) (*Lister, error) {
	t, err := parseTarget(rawURL)
	if err != nil {
		return nil, err
	}
	opts = opts.WithDefaults()
	client, err := newClient(opts)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", mirror.Redact(rawURL), err)
	}
	return &Lister{target: t, opts: opts, client: client, signer: newSigner()}, nil
}

// Protocol is "s3".
func (l *Lister) Protocol() string { return "s3" }

// List lists all keys below sub, page by page. A prefix without a single key is
// listing.ErrNoFolder; a bucket without one is empty.
func (l *Lister) List(ctx context.Context, sub string, yield func(listing.Entry) error) (listing.Summary, error) {
	defer l.client.CloseIdleConnections()
	s := &session{l: l, yield: yield, region: l.target.firstRegion(), said: map[string]bool{}, sieve: listing.Sieve{Skip: l.opts.Skip, Top: sub}}
	err := mirror.ValidPath(sub)
	if err == nil {
		s.keys, err = l.target.keys(l.opts.PasswordFile)
	}
	if err == nil {
		err = s.run(ctx, sub)
	}
	if stop, ok := errors.AsType[stopError](err); ok {
		return s.sum, stop.error
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return s.sum, fmt.Errorf("listing %s: %w", l.shown(), listing.Plain(err))
	}
	return s.sum, nil
}
