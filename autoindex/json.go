package autoindex

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// AppendJSON appends the entries as an array. The first keys of each are those
// of Caddy's "file_server browse", in its order; the others are left out where
// nothing is known:
//
//	mirrors      how many mirrors hold the file now
//	sha256       the file's digest in hexadecimal
//	files, bytes how many files a folder has below it, and their size
//	documents    words that ask about the file, as suffix or query of its URL
//	description  text
//
// Where the size of a file is unknown it is null.
func AppendJSON(dst []byte, l *Listing) []byte {
	dst = append(grow(dst, l), '[')
	for i := range l.Entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendItem(dst, &l.Entries[i])
	}
	return append(dst, "]\n"...)
}

func appendItem(dst []byte, e *Entry) []byte {
	name := e.shownName()
	dst = appendJSONString(append(dst, `{"name":`...), name)
	dst = append(dst, `,"size":`...)
	switch {
	case e.Size >= 0:
		dst = strconv.AppendInt(dst, e.Size, 10)
	case e.Dir:
		dst = append(dst, '0')
	default:
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"url":"./`...)
	dst = appendURL(dst, name)
	dst = append(dst, `","mod_time":"`...)
	dst = appendJSONTime(dst, e.ModTime)
	dst = append(dst, `","mode":`...)
	dst = strconv.AppendUint(dst, uint64(e.Mode), 10)
	dst = strconv.AppendBool(append(dst, `,"is_dir":`...), e.Dir)
	dst = strconv.AppendBool(append(dst, `,"is_symlink":`...), e.Symlink)
	if e.SymlinkTarget != "" {
		dst = appendJSONString(append(dst, `,"symlink_path":`...), e.SymlinkTarget)
	}
	dst = appendKnown(dst, e)
	return append(dst, '}')
}

// appendKnown appends what Caddy does not know.
func appendKnown(dst []byte, e *Entry) []byte {
	if n := e.knownMirrors(); n >= 0 {
		dst = strconv.AppendInt(append(dst, `,"mirrors":`...), int64(n), 10)
	}
	if e.HasSHA256() {
		dst = append(dst, `,"sha256":"`...)
		dst = append(hex.AppendEncode(dst, e.SHA256[:]), '"')
	}
	if e.Dir && e.Files >= 0 {
		dst = strconv.AppendInt(append(dst, `,"files":`...), e.Files, 10)
	}
	if e.Dir && e.Bytes >= 0 {
		dst = strconv.AppendInt(append(dst, `,"bytes":`...), e.Bytes, 10)
	}
	if e.Documents != 0 {
		before := byte('[')
		dst = append(dst, `,"documents":`...)
		for word := range e.Documents.Words() {
			dst = append(append(dst, before, '"'), word...)
			dst = append(dst, '"')
			before = ','
		}
		dst = append(dst, ']')
	}
	if e.Description != "" {
		dst = appendJSONString(append(dst, `,"description":`...), e.Description)
	}
	return dst
}

// appendURL appends a path as package net/url writes it, and "&" as package
// encoding/json does.
func appendURL(dst []byte, path string) []byte {
	begin := 0
	for i := range len(path) {
		c := path[i]
		if plainInURL[c] && c != '&' {
			continue
		}
		dst = append(dst, path[begin:i]...)
		begin = i + 1
		if c == '&' {
			dst = append(dst, `\u0026`...)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return append(dst, path[begin:]...)
}

// appendJSONTime appends a time as package encoding/json does; the unknown one is
// that of the year 1, as in Caddy, and so is one that JSON cannot have.
func appendJSONTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		t = time.Time{}
	}
	return t.AppendFormat(dst, time.RFC3339Nano)
}

// appendJSONString appends a string as package encoding/json does, with "<", ">"
// and "&" escaped. What is not UTF-8 becomes U+FFFD; the URL has the bytes.
func appendJSONString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; !plainInText[c] || c == '\\' {
			b, err := json.Marshal(s)
			if err != nil { // no string is refused
				return append(dst, `""`...)
			}
			return append(dst, b...)
		}
	}
	dst = append(append(dst, '"'), s...)
	return append(dst, '"')
}
