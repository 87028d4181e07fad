package s3test

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// list gives one page.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	if !s.allowed(w, r) {
		return
	}
	q := r.URL.Query()
	version2 := q.Get("list-type") == "2" && s.o.Version != IgnoresVersion2
	if q.Get("list-type") == "2" && s.o.Version == RefusesVersion2 {
		fail(w, http.StatusBadRequest, "InvalidArgument", "Invalid Argument", "")
		return
	}
	after := q.Get("marker")
	if version2 {
		token, err := base64.URLEncoding.DecodeString(q.Get("continuation-token"))
		if err != nil {
			fail(w, http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect", "")
			return
		}
		after = string(token)
	}
	limit := s.o.PageSize
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil && n > 0 {
		limit = min(limit, n)
	}
	objects, more := s.pick(q.Get("prefix"), after, limit)
	a := answer{encode: q.Get("encoding-type") == "url" && !s.o.Plain}
	a.begin(s.o.Bucket, q.Get("prefix"), more)
	if version2 {
		a.add("KeyCount", strconv.Itoa(len(objects)))
		a.add("ContinuationToken", q.Get("continuation-token"))
	} else {
		a.add("Marker", a.key(after))
	}
	if version2 && more {
		a.add("NextContinuationToken", base64.URLEncoding.EncodeToString([]byte(objects[len(objects)-1].Key)))
	}
	for i := range objects {
		a.object(&objects[i])
	}
	if a.encode { // behind the keys, where nobody must miss it
		a.add("EncodingType", "url")
	}
	a.b.WriteString("</ListBucketResult>")
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprint(w, a.b.String())
}

// pick gives the objects of a page.
func (s *Server) pick(prefix, after string, limit int) (page []Object, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	start, _ := slices.BinarySearchFunc(s.objects, max(prefix, after), func(o Object, key string) int { return strings.Compare(o.Key, key) })
	for _, o := range s.objects[start:] {
		switch {
		case !strings.HasPrefix(o.Key, prefix):
			return page, false
		case o.Key == after:
		case len(page) == limit:
			return page, true
		default:
			page = append(page, o)
		}
	}
	return page, false
}

// answer is a page that is being written.
type answer struct {
	b      strings.Builder
	encode bool
}

func (a *answer) begin(bucket, prefix string, more bool) {
	a.b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	a.add("Name", bucket)
	a.add("Prefix", a.key(prefix))
	a.add("MaxKeys", "1000")
	a.add("IsTruncated", strconv.FormatBool(more))
}

func (a *answer) object(o *Object) {
	a.b.WriteString("<Contents>")
	a.add("Key", a.key(o.Key))
	a.add("LastModified", o.Modified.UTC().Format("2006-01-02T15:04:05.000Z"))
	a.add("ETag", o.ETag)
	a.add("Size", strconv.FormatInt(o.Size, 10))
	a.b.WriteString("<Owner><ID>75aa57f0</ID><DisplayName>owner</DisplayName></Owner>")
	class := o.Class
	if class == "" {
		class = "STANDARD"
	}
	a.add("StorageClass", class)
	a.b.WriteString("</Contents>")
}

func (a *answer) add(name, text string) {
	a.b.WriteString("<" + name + ">")
	_ = xml.EscapeText(&a.b, []byte(text)) // a Builder takes everything
	a.b.WriteString("</" + name + ">")
}

// key encodes as Amazon does: like a form, but for the slash.
func (a *answer) key(key string) string {
	if !a.encode {
		return key
	}
	var b strings.Builder
	for i := range len(key) {
		switch c := key[i]; {
		case unreserved(c) && c != '~' || c == '/' || c == '*':
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// unreserved are the characters that RFC 3986 section 2.3 calls so.
func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
