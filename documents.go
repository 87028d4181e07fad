package mirrorbrain

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"path"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// The values of {http.mirrorbrain.reason} for documents; redirects to mirrors
// have the first.
const (
	reasonMirror     = "mirror"
	reasonRequested  = "requested"  // by the URL
	reasonNegotiated = "negotiated" // by Accept
)

// represent finds out in which representation the file is asked for. A suffix
// has been looked at before: it takes part in finding the file.
func (q *question) represent() {
	if q.as != redirector.AsFile || q.ask.As != redirector.AsFile {
		if q.as == redirector.AsFile {
			q.as = q.ask.As
		}
		if q.as == redirector.AsMirrorList && q.ask.Format == "json" {
			q.as = redirector.AsJSON
		}
		return
	}
	if accept := q.r.Header["Accept"]; q.h.documents&negotiable != 0 && redirector.Negotiates(accept) && !isMetalink(q.file) {
		kind, _, _ := strings.Cut(q.mimeType(), ";")
		q.as = redirector.Negotiate(accept, kind, q.h.documents)
		q.negotiated = q.as != redirector.AsFile
	}
}

// isMetalink: a client that accepts Metalinks means this file.
func isMetalink(file string) bool {
	return strings.HasSuffix(file, ".meta4") || strings.HasSuffix(file, ".metalink")
}

// negotiable are the documents that a client can ask for by Accept.
const negotiable = 1<<redirector.AsMeta4 | 1<<redirector.AsMetalink | 1<<redirector.AsJSON

// document answers with a document about the file. why is the reason for which
// the file itself is not redirected; "" if it is.
func (q *question) document(w http.ResponseWriter, why string) action {
	q.identify()
	q.exempted = why
	d, act := q.write(w)
	if d == nil {
		return act
	}
	q.o.as = q.as
	q.serve(w, d)
	reason := reasonRequested
	if q.negotiated {
		reason = reasonNegotiated
	}
	if !q.o.simulated {
		documentsTotal.WithLabelValues(q.h.Instance, q.as.String()).Inc()
	}
	return q.o.say(resultDocument, reason, done)
}

// write makes the document; nil: the answer is another.
func (q *question) write(w http.ResponseWriter) (*document, action) {
	switch q.as {
	case redirector.AsMirrorList:
		return q.mirrorList()
	case redirector.AsJSON:
		return q.jsonList()
	case redirector.AsMeta4, redirector.AsMetalink:
		return q.metalink(w)
	case redirector.AsTorrent:
		return q.torrent()
	case redirector.AsMagnet:
		return q.magnet()
	case redirector.AsZSync:
		return q.zsync()
	default:
		return q.digest()
	}
}

// absent answers that there is no such document; busy that it cannot be made
// now, because the database is asked for it and does not answer.
func (q *question) absent(reason string) (*document, action) {
	return nil, q.o.say(resultError, reason, notFound)
}

func (q *question) busy() (*document, action) {
	return nil, q.o.say(resultError, "database", unavailable)
}

// digests gives what is known of the file's bytes; nil: nothing. Where the
// database does not answer it is the SHA-256 from memory alone, with errBusy.
//
// What is remembered must agree with the SHA-256 that the catalog has: a file
// may have been hashed again, and a database that was restored may have given a
// version's number to another file.
func (q *question) digests() (*mirror.Digests, error) {
	sum, hashed := q.view.SHA256(q.entry.ID)
	if !hashed {
		return nil, nil
	}
	memory := q.h.rt.db.digests
	d, found, err := memory.get(q.entry.ID)
	if found && d.SHA256 != sum {
		memory.forget(q.entry.ID)
		d, found, err = memory.get(q.entry.ID)
	}
	if found && d.SHA256 == sum {
		return d, nil
	}
	q.degraded = err != nil
	return &mirror.Digests{SHA256: sum}, err
}

// readDigests asks the database.
func (d *database) readDigests(ctx context.Context, id mirror.FileID) (*mirror.Digests, error) {
	digests, err := d.store.Digests(ctx, id)
	if err != nil {
		return nil, err
	}
	return &digests, nil
}

// digestsOf is readDigests for versions that need not be hashed.
func (d *database) digestsOf(ctx context.Context, id mirror.FileID) (*mirror.Digests, bool, error) {
	digests, err := d.readDigests(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	return digests, err == nil, err
}

// weighDigests and its like say how much memory what is remembered takes, in
// bytes, about.
func weighDigests(_ mirror.FileID, d *mirror.Digests) int {
	if d == nil {
		return 0
	}
	n := 512 + len(d.Pieces.SHA1) + len(d.Pieces.SHA256) + len(d.Pieces.Layer)
	if d.Signature != nil {
		n += len(d.Signature.Data)
	}
	return n
}

func weighHistory(path string, list []pastVersion) int {
	n := len(path)
	for i := range list {
		n += 64 + weighDigests(0, list[i].Digests)
	}
	return n
}

func weighFolder(path string, c *contents) int {
	if c == nil {
		return len(path)
	}
	const mirrors = 200 // a guess: what is known of each is 8 bytes
	return len(path) + 8*mirrors + int(c.ids.GetSizeInBytes())
}

// digest is the file's digest in the form that md5sum and its kin print and
// check.
func (q *question) digest() (*document, action) {
	sum, act := q.sum()
	if sum == nil {
		return nil, act
	}
	line := hex.AppendEncode(nil, sum)
	if !q.ask.OnlyHash && !q.h.HashOnly {
		line = appendSumName(line, path.Base(q.file))
	}
	return &document{kind: redirector.TypeText, body: append(line, '\n'), shared: true}, done
}

// sum is the digest asked for; nil: the answer is another.
func (q *question) sum() ([]byte, action) {
	if q.as == redirector.AsSHA256 { // never waits
		if sum, ok := q.view.SHA256(q.entry.ID); ok {
			return sum[:], done
		}
		_, act := q.absent("not_hashed")
		return nil, act
	}
	d, err := q.digests()
	var sum []byte
	switch {
	case err != nil:
		_, act := q.busy()
		return nil, act
	case d == nil:
	case q.as == redirector.AsMD5 && d.MD5 != [16]byte{}:
		sum = d.MD5[:]
	case q.as == redirector.AsSHA1 && d.SHA1 != [20]byte{}:
		sum = d.SHA1[:]
	case q.as == redirector.AsSHA512 && d.SHA512 != [64]byte{}:
		sum = d.SHA512[:]
	case q.as == redirector.AsBTIH && d.Torrent.V1 != [20]byte{}:
		sum = d.Torrent.V1[:]
	}
	if sum == nil {
		_, act := q.absent("not_hashed")
		return nil, act
	}
	return sum, done
}

// appendSumName appends a file's name to its digest. A name with a line break
// or a backslash is escaped, and the line begins with a backslash then, as GNU
// coreutils writes it and expects it.
func appendSumName(line []byte, name string) []byte {
	if !strings.ContainsAny(name, "\\\n\r") {
		return append(append(line, "  "...), name...)
	}
	line = append([]byte{'\\'}, line...)
	escaped := strings.NewReplacer("\\", `\\`, "\n", `\n`, "\r", `\r`).Replace(name)
	return append(append(line, "  "...), escaped...)
}
