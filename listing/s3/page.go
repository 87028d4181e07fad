package s3

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// Bounds of one answer.
const (
	// maxPage is the most that is read of a page, unpacked, in bytes: a thousand
	// of the longest keys that S3 allows, encoded, take a fifth of it.
	maxPage = 16 << 20
	// maxKeys is how many keys a page may have. Servers are asked for a
	// thousand, and some give what they think best.
	maxKeys = 50_000
	// maxDepth is how deep elements may be in each other.
	maxDepth = 8
)

var (
	errPageSize = fmt.Errorf("the page is larger than %d MiB", maxPage>>20)
	errPageKeys = fmt.Errorf("the page has more than %d keys", maxKeys)
)

// page is one answer of ListObjectsV2, or of ListObjects before it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
type page struct {
	objects    []object
	truncated  bool   // there is more
	encoded    bool   // keys are percent-encoded
	token      string // NextContinuationToken
	nextMarker string // of ListObjects; it is the last key where it is missing
	version2   bool   // has what only ListObjectsV2 says
}

// object is one key as it was listed.
type object struct {
	key, modified, etag, class string

	size int64 // -1: not told
}

// document is what a server may answer with: a page or an error.
type document struct {
	page page
	fail *serverError
}

// parse reads an answer of at most limit bytes, whichever it is. What breaks off
// is io.ErrUnexpectedEOF; what is something else, listing.ErrNotIndex.
func parse(r io.Reader, limit int) (document, error) {
	p := parser{dec: xml.NewDecoder(&bounded{r, limit})}
	err := p.run()
	se, syntax := errors.AsType[*xml.SyntaxError](err)
	switch {
	case errors.Is(err, io.EOF), syntax && se.Msg == "unexpected EOF":
		err = io.ErrUnexpectedEOF
	case syntax:
		err = fmt.Errorf("%w: the answer is not the XML of an S3 server: %w", listing.ErrNotIndex, err)
	}
	return p.doc, err
}

// bounded reads at most left bytes.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errPageSize
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// parser goes through the elements. It takes names without their namespaces,
// because servers have several, and passes over what it does not know.
type parser struct {
	dec  *xml.Decoder
	open []string // elements
	text []byte   // of the innermost one
	doc  document
	o    object
}

// run ends with the root element; nothing is expected behind it.
func (p *parser) run() error {
	for {
		// Unlike Token, RawToken keeps nothing of the elements above.
		t, err := p.dec.RawToken()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			err = p.start(t.Name.Local)
		case xml.CharData:
			if len(p.open) == 0 && len(bytes.TrimLeft(t, "\ufeff \t\r\n")) > 0 {
				return fmt.Errorf("%w: the answer is not the XML of an S3 server, but begins with %.40q", listing.ErrNotIndex, t)
			}
			p.text = append(p.text, t...)
		case xml.EndElement:
			err = p.end(t.Name.Local)
			if err == nil && len(p.open) == 0 {
				return nil
			}
		case xml.Directive: // a document type, in which entities are defined
			err = fmt.Errorf("%w: the answer has a document type", listing.ErrNotIndex)
		}
		if err != nil {
			return err
		}
	}
}

func (p *parser) start(name string) error {
	switch {
	case len(p.open) == maxDepth:
		return fmt.Errorf("%w: elements are more than %d deep", listing.ErrNotIndex, maxDepth)
	case len(p.open) == 0 && name == "Error":
		p.doc.fail = &serverError{}
	case len(p.open) == 0 && name != "ListBucketResult":
		return fmt.Errorf("%w: the answer is no list of a bucket, but <%s>", listing.ErrNotIndex, name)
	}
	p.open = append(p.open, name)
	p.text = p.text[:0]
	if len(p.open) == 2 && name == "Contents" {
		p.o = object{size: -1}
	}
	return nil
}

func (p *parser) end(name string) error {
	depth := len(p.open)
	if depth == 0 || p.open[depth-1] != name {
		return fmt.Errorf("%w: </%s> closes another element", listing.ErrNotIndex, name)
	}
	var err error
	switch {
	case p.doc.fail != nil && depth == 2:
		p.doc.fail.set(name, string(p.text))
	case p.doc.fail != nil:
	case depth == 3 && p.open[1] == "Contents":
		p.object(name)
	case depth == 2 && name == "Contents":
		if len(p.doc.page.objects) == maxKeys {
			return errPageKeys
		}
		p.doc.page.objects = append(p.doc.page.objects, p.o)
	case depth == 2:
		err = p.result(name)
	}
	p.open = p.open[:depth-1]
	p.text = p.text[:0]
	return err
}

// result takes a child of the root.
func (p *parser) result(name string) error {
	d := &p.doc.page
	switch name {
	case "IsTruncated":
		truncated, err := strconv.ParseBool(strings.TrimSpace(string(p.text)))
		if err != nil {
			return fmt.Errorf("%w: IsTruncated is %.20q", listing.ErrNotIndex, p.text)
		}
		d.truncated = truncated
	case "EncodingType":
		d.encoded = string(p.text) == "url"
	case "NextContinuationToken":
		d.token, d.version2 = string(p.text), true
	case "NextMarker":
		d.nextMarker = string(p.text)
	case "KeyCount", "ContinuationToken":
		d.version2 = true
	}
	return nil
}

// object takes a child of Contents.
func (p *parser) object(name string) {
	switch name {
	case "Key":
		p.o.key = string(p.text)
	case "LastModified":
		p.o.modified = string(p.text)
	case "ETag":
		p.o.etag = string(p.text)
	case "Size":
		if n, err := strconv.ParseInt(string(p.text), 10, 64); err == nil && n >= 0 {
			p.o.size = n
		}
	case "StorageClass":
		if string(p.text) != "STANDARD" {
			p.o.class = string(p.text)
		}
	}
}
