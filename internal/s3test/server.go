// Package s3test is a small S3 server for tests: one bucket in memory, of which
// it gives lists in pages (ListObjectsV2, and ListObjects before it) and objects
// (GET, HEAD, ranges). It checks signatures (AWS Signature Version 4) by code of
// its own, sends those who ask in the wrong region elsewhere as Amazon does, and
// can be told to misbehave.
package s3test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Uploaded is the time that objects have which name none.
var Uploaded = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// Object is one object of the bucket.
type Object struct {
	Key      string
	Body     []byte // nil: Size zero bytes
	Size     int64  // of the object where Body is nil
	Modified time.Time
	ETag     string // in quotes; "": the MD5 of Body, or one of an upload in parts
	Class    string // of storage; "": STANDARD
}

// Version is what a server knows of lists.
type Version int

// The kinds of servers.
const (
	Version2        Version = iota
	RefusesVersion2         // with an error
	IgnoresVersion2         // and answers as for ListObjects
)

// Options shape a server; the zero value is a public bucket named "bucket".
type Options struct {
	Bucket   string
	Region   string            // default: us-east-1
	Keys     map[string]string // secrets by access key id, for lists; none: anyone may list
	Token    string            // session token that has to come with them
	PageSize int               // most keys in a page; default 1000
	Version  Version
	Plain    bool // does not know encoding-type
	TLS      bool
	Fault    Fault
}

// Fault answers a request for a list in the server's place, or by its means:
// list. n counts these requests from 1.
type Fault func(n int, w http.ResponseWriter, r *http.Request, list http.HandlerFunc)

// Server is a running server.
type Server struct {
	// URL is the bucket's, as operators write it; Web is where objects are.
	URL, Web string
	HTTP     *httptest.Server

	o       Options
	mu      sync.Mutex
	objects []Object // sorted by key
	lists   atomic.Int32
	signed  atomic.Int32
}

// Start runs a server until the test ends.
func Start(t testing.TB, objects []Object, opts ...Options) *Server {
	t.Helper()
	s := &Server{}
	if len(opts) > 0 {
		s.o = opts[0]
	}
	if s.o.Bucket == "" {
		s.o.Bucket = "bucket"
	}
	if s.o.Region == "" {
		s.o.Region = "us-east-1"
	}
	if s.o.PageSize == 0 {
		s.o.PageSize = 1000
	}
	s.Set(objects)
	s.HTTP = httptest.NewUnstartedServer(s)
	if s.o.TLS {
		s.HTTP.StartTLS()
	} else {
		s.HTTP.Start()
	}
	t.Cleanup(func() {
		s.HTTP.CloseClientConnections() // of clients that wait for an answer
		s.HTTP.Close()
	})
	s.URL = "s3+" + s.HTTP.URL + "/" + s.o.Bucket + "/"
	s.Web = s.HTTP.URL + "/" + s.o.Bucket + "/"
	return s
}

// Set replaces what is in the bucket.
func (s *Server) Set(objects []Object) {
	objects = slices.Clone(objects)
	for i := range objects {
		objects[i].complete()
	}
	slices.SortFunc(objects, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects = objects
}

// complete fills in what was left out.
func (o *Object) complete() {
	if o.Modified.IsZero() {
		o.Modified = Uploaded
	}
	if o.Body != nil {
		o.Size = int64(len(o.Body))
	}
	if o.ETag == "" {
		sum := md5.Sum(o.Body)
		o.ETag = `"` + hex.EncodeToString(sum[:]) + `"`
		if o.Body == nil && o.Size > 0 {
			o.ETag = strings.TrimSuffix(o.ETag, `"`) + `-3"`
		}
	}
}

// Tree gives the objects that a folder becomes when it is uploaded.
func Tree(t testing.TB, dir string) []Object {
	t.Helper()
	var all []Object
	err := filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		o := Object{Key: filepath.ToSlash(rel), Size: info.Size(), Modified: Uploaded}
		if err == nil && info.Size() < 1<<20 {
			o.Body, err = os.ReadFile(p)
		}
		all = append(all, o)
		return err
	})
	if err != nil {
		t.Fatalf("reading the tree to upload: %v", err)
	}
	return all
}

// Lists is how often lists were asked for; Signed, how many of these requests
// had a signature, a right one.
func (s *Server) Lists() int { return int(s.lists.Load()) }

// Signed is said with Lists.
func (s *Server) Signed() int { return int(s.signed.Load()) }

// ServeHTTP answers for the bucket, by its path or by its host name.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, ok := strings.CutPrefix(r.URL.Path, "/")
	if !strings.HasPrefix(r.Host, s.o.Bucket+".") {
		key, ok = strings.CutPrefix(key, s.o.Bucket)
		ok = ok && (key == "" || key[0] == '/')
		key = strings.TrimPrefix(key, "/")
	}
	switch region, amazon := amazonRegion(r.Host); {
	case !ok:
		fail(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist", "")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		fail(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "this bucket can be read", "")
	case amazon && region != s.o.Region:
		w.Header().Set("Location", "https://elsewhere.invalid/")
		w.Header().Set("X-Amz-Bucket-Region", s.o.Region)
		fail(w, http.StatusMovedPermanently, "PermanentRedirect", "The bucket must be addressed using the specified endpoint", "")
	case key != "":
		s.object(w, r, key)
	default:
		n := int(s.lists.Add(1))
		if s.o.Fault != nil {
			s.o.Fault(n, w, r, s.list)
			return
		}
		s.list(w, r)
	}
}

// amazonRegion is the region in a host name of Amazon's.
func amazonRegion(host string) (string, bool) {
	rest, ok := strings.CutSuffix(host, ".amazonaws.com")
	if !ok {
		return "", false
	}
	return rest[strings.LastIndexByte(rest, '.')+1:], true
}

// object serves one object to anyone.
func (s *Server) object(w http.ResponseWriter, r *http.Request, key string) {
	s.mu.Lock()
	i, ok := slices.BinarySearchFunc(s.objects, key, func(o Object, key string) int { return strings.Compare(o.Key, key) })
	var o Object
	if ok {
		o = s.objects[i]
	}
	s.mu.Unlock()
	switch {
	case !ok:
		fail(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.", "")
		return
	case o.Class == "GLACIER" || o.Class == "DEEP_ARCHIVE":
		fail(w, http.StatusForbidden, "InvalidObjectState", "The operation is not valid for the object's storage class", "")
		return
	}
	w.Header().Set("ETag", o.ETag)
	w.Header().Set("Content-Type", "application/octet-stream")
	body := io.ReadSeeker(bytes.NewReader(o.Body))
	if o.Body == nil {
		body = io.NewSectionReader(zeros{}, 0, o.Size)
	}
	http.ServeContent(w, r, "", o.Modified, body)
}

type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

// fail writes an error as S3 does.
func fail(w http.ResponseWriter, status int, code, message, region string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if region != "" {
		region = "<Region>" + region + "</Region>"
	}
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<Error><Code>%s</Code><Message>%s</Message>%s<RequestId>4442587FB7D0A2F9</RequestId></Error>`, code, message, region)
}
