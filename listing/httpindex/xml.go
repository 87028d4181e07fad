package httpindex

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/net/html"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// readXML reads nginx's autoindex_format xml. The HTML tokenizer does, and
// leaves bytes alone that are not UTF-8, where an XML parser would give up.
func readXML(r *bufio.Reader, most pageLimits, yield func(item) error) (page, error) {
	z := html.NewTokenizer(r)
	z.SetMaxBuf(maxToken)
	var (
		p    page
		row  *item
		name []byte
		list bool
	)
	for rows := 0; ; {
		if rows == most.rows {
			p.over, p.rows = true, rows
			return p, nil
		}
		switch z.Next() {
		case html.ErrorToken:
			return endXML(p, z.Err(), list)
		case html.TextToken:
			if row != nil && len(name) <= mirror.MaxName {
				name = append(name, z.Text()...)
			}
		case html.StartTagToken:
			tag, more := z.TagName()
			if string(tag) == "list" {
				list = true
			} else if list {
				row, name = xmlItem(z, string(tag), more), name[:0]
			}
		case html.EndTagToken:
			tag, _ := z.TagName()
			if string(tag) == "list" {
				return p, nil
			}
			if row == nil {
				continue
			}
			rows++
			row.name = string(name)
			if !isName(row.name) {
				p.refused++
			} else if err := yield(*row); err != nil {
				return p, stopError{err}
			}
			row = nil
		}
	}
}

// xmlItem reads the tag of a row; nil when it is none.
func xmlItem(z *html.Tokenizer, tag string, more bool) *item {
	it := &item{sizeMin: -1, sizeMax: -1}
	switch tag {
	case "file":
	case "directory":
		it.kind = listing.Dir
	case "other":
		it.kind = listing.Other
	default:
		return nil
	}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch string(key) {
		case "size":
			if n, err := strconv.ParseInt(string(value), 10, 64); err == nil && n >= 0 {
				it.sizeMin, it.sizeMax = n, n
			}
		case "mtime":
			if at, err := parseRFC3339(string(value)); err == nil {
				it.mtime, it.precision = at.UnixNano(), time.Second
			}
		}
	}
	return it
}

func endXML(p page, cause error, list bool) (page, error) {
	switch {
	case errors.Is(cause, html.ErrBufferExceeded):
		return p, fmt.Errorf("%w: a tag of more than %d bytes", listing.ErrNotIndex, maxToken)
	case !errors.Is(cause, io.EOF):
		return p, cause
	case !list:
		return p, listing.ErrNotIndex
	}
	p.cut = "the page ends without </list>"
	return p, nil
}

// isName reports whether a child can be called so.
func isName(name string) bool {
	for i := range len(name) {
		if name[i] == '/' {
			return false
		}
	}
	return name != "" && mirror.ValidPath(name) == nil
}
