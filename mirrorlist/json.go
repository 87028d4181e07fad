package mirrorlist

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// AppendJSON appends the list as a JSON object and a newline. What is not known
// is left out; the lists and maps are always there. pretty indents it.
//
// It is written by hand because lists are asked for by programs, often, and
// encoding/json takes several times as long for them.
func (f *File) AppendJSON(dst []byte, pretty bool) []byte {
	w := jsonWriter{b: dst, from: len(dst)}
	w.open('{')
	f.appendFacts(&w)
	f.appendClient(&w)
	w.key("mirrors")
	w.open('[')
	for i := range f.Sources {
		w.open('{')
		w.source(&f.Sources[i], f.Client != nil)
		w.close('}')
	}
	w.close(']')
	f.appendExcluded(&w)
	f.appendDocuments(&w)
	w.close('}')
	return finish(w.b, len(dst), pretty)
}

// finish ends the JSON value that begins at from with a newline, indented if
// asked for.
func finish(b []byte, from int, pretty bool) []byte {
	if pretty {
		var buf bytes.Buffer
		if err := json.Indent(&buf, b[from:], "", "  "); err == nil {
			b = append(b[:from], buf.Bytes()...)
		}
	}
	return append(b, '\n')
}

func (f *File) appendFacts(w *jsonWriter) {
	s := f.Subject
	w.text("url", s.URL)
	w.text("path", s.Path)
	w.text("name", s.Name)
	w.int("size", s.Size)
	w.time("mtime", s.MTime)
	w.time("published", s.Published)
	w.key("digests")
	w.open('{')
	for _, d := range digests(s.Digests) {
		w.hex(string(d.kind), d.sum)
	}
	w.close('}')
}

func (f *File) appendClient(w *jsonWriter) {
	c := f.Client
	if c == nil {
		return
	}
	w.key("client")
	w.open('{')
	if c.Addr.IsValid() {
		w.text("ip", c.Addr.String())
	}
	w.ifKnown("country", c.Country)
	w.ifKnown("continent", c.Continent)
	if c.ASN != 0 {
		w.int("asn", int64(c.ASN))
	}
	if c.Prefix.IsValid() {
		w.text("prefix", c.Prefix.String())
	}
	w.close('}')
}

func (f *File) appendExcluded(w *jsonWriter) {
	w.key("excluded")
	w.open('[')
	for i := range f.Excluded {
		e := &f.Excluded[i]
		w.open('{')
		w.text("name", e.Name)
		w.ifKnown("country", e.Country)
		w.text("reason", e.Reason)
		w.close('}')
	}
	w.close(']')
}

func (f *File) appendDocuments(w *jsonWriter) {
	w.key("documents")
	w.open('{')
	for i := range f.Documents {
		w.comma()
		w.b = append(appendQuoted(w.b, string(f.Documents[i].Kind)), ':')
		w.b = appendQuoted(w.b, f.Documents[i].URL)
	}
	w.close('}')
}

// source writes the members of a source; those that say how it stands to the
// client only if there is one.
func (w *jsonWriter) source(s *mirror.Source, standing bool) {
	w.text("url", s.URL)
	w.text("name", s.Name)
	w.ifKnown("country", s.Country)
	w.ifKnown("continent", s.Continent)
	if standing {
		if page.KnownKm(s.DistanceKm) {
			w.int("distance_km", page.Kilometres(s.DistanceKm))
		}
		w.text("realm", s.Realm())
	} else if s.Kind != mirror.SourceMirror {
		w.text("realm", s.Realm())
	}
	w.int("weight", int64(s.Score))
	if standing {
		w.part("share", s.Share)
	}
}

// jsonWriter appends JSON. The commas come by themselves.
type jsonWriter struct {
	b    []byte
	from int // where the value begins
}

// comma separates what comes from what was before.
func (w *jsonWriter) comma() {
	if n := len(w.b); n > w.from {
		switch w.b[n-1] {
		case '{', '[', ':':
		default:
			w.b = append(w.b, ',')
		}
	}
}

func (w *jsonWriter) open(bracket byte) {
	w.comma()
	w.b = append(w.b, bracket)
}

func (w *jsonWriter) close(bracket byte) { w.b = append(w.b, bracket) }

// key begins a member; its name needs no escapes.
func (w *jsonWriter) key(k string) {
	w.comma()
	w.b = append(w.b, '"')
	w.b = append(w.b, k...)
	w.b = append(w.b, '"', ':')
}

func (w *jsonWriter) text(k, v string) {
	w.key(k)
	w.b = appendQuoted(w.b, v)
}

// ifKnown is text that is left out when it is empty.
func (w *jsonWriter) ifKnown(k, v string) {
	if v != "" {
		w.text(k, v)
	}
}

func (w *jsonWriter) int(k string, v int64) {
	w.key(k)
	w.b = strconv.AppendInt(w.b, v, 10)
}

// part writes a number from 0 to 1 with at most four decimals, which takes a
// third of the time that strconv needs for any number.
func (w *jsonWriter) part(k string, v float64) {
	w.key(k)
	n := 0
	if v > 0 { // not NaN either, for which JSON has no word
		n = int(min(v, 1)*1e4 + 0.5)
	}
	w.b = append(w.b, byte('0'+n/1e4))
	if n %= 1e4; n == 0 {
		return
	}
	w.b = append(w.b, '.')
	for scale := 1000; n > 0; scale /= 10 {
		w.b = append(w.b, byte('0'+n/scale))
		n %= scale
	}
}

// time writes ns since the epoch in RFC 3339, in whole seconds; not 0.
func (w *jsonWriter) time(k string, ns int64) {
	if ns == 0 {
		return
	}
	w.key(k)
	w.b = append(w.b, '"')
	w.b = time.Unix(0, ns).UTC().AppendFormat(w.b, time.RFC3339)
	w.b = append(w.b, '"')
}

func (w *jsonWriter) hex(k string, sum []byte) {
	w.key(k)
	w.b = append(w.b, '"')
	w.b = hex.AppendEncode(w.b, sum)
	w.b = append(w.b, '"')
}
