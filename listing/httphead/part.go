package httphead

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// maxPart is the largest part that Part asks for.
const maxPart = 1 << 10

// Part asks for the bytes from to to (both included; at most a KiB) of a file of
// size bytes, and reports whether the server serves it well: those bytes of a
// file of this size (206, RFC 9110 section 15.3.7), or the whole file of this
// size where ranges are ignored, of which nothing is read. An error means that
// there was no answer, or none that tells: a status that says the server is in
// trouble, a part that broke off.
func Part(ctx context.Context, client *http.Client, rawURL string, from, to, size int64) (well bool, a Answer, err error) {
	a, err = part(ctx, client, rawURL, from, to, size)
	switch {
	case err != nil:
		return false, a, fmt.Errorf("asking for a part of %s: %w", mirror.Redact(rawURL), listing.Plain(err))
	case a.Status >= http.StatusInternalServerError, a.Status == http.StatusTooManyRequests, a.Status == http.StatusRequestTimeout:
		return false, a, fmt.Errorf("asking for a part of %s: HTTP status %d", mirror.Redact(rawURL), a.Status)
	}
	return a.Found() && a.Size == size, a, nil
}

func part(ctx context.Context, client *http.Client, rawURL string, from, to, size int64) (Answer, error) {
	if from < 0 || to < from || to >= size || to-from >= maxPart {
		return Answer{}, fmt.Errorf("a part from %d to %d of %d bytes is not asked for", from, to, size)
	}
	resp, err := send(ctx, client, http.MethodGet, rawURL, fmt.Sprintf("bytes=%d-%d", from, to))
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	a := answer(resp)
	switch {
	case resp.StatusCode == http.StatusOK && a.Size < 0:
		return a, errors.New("the whole file came, and the server does not tell its size")
	case resp.StatusCode != http.StatusPartialContent:
		return a, nil
	}
	span, total := contentRange(resp.Header.Get("Content-Range"))
	switch {
	case span != fmt.Sprintf("%d-%d", from, to): // something else than what was asked for
		a.Size = -1
		return a, nil
	case total == "*": // RFC 9110 section 14.4: the server does not know
		a.Size = size
	}
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, to-from+2))
	switch {
	case err != nil:
		return a, err
	case n > to-from+1:
		a.Size = -1
	case n < to-from+1:
		return a, errors.New("the part broke off")
	}
	return a, nil
}

// contentRange takes "bytes 0-0/1234" apart; both empty when it is not that.
func contentRange(s string) (span, total string) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	span, total, ok := strings.Cut(strings.TrimSpace(rest), "/")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return "", ""
	}
	return strings.TrimSpace(span), strings.TrimSpace(total)
}

// Fetch reads a whole file of at most most bytes into w; the answer's Size is how
// many came, more than most when there are more. When it was not found, nothing
// is written. An error means that there was no answer, or that it broke off.
func Fetch(ctx context.Context, client *http.Client, rawURL string, most int64, w io.Writer) (Answer, error) {
	a, err := fetch(ctx, client, rawURL, most, w)
	if err != nil {
		return a, fmt.Errorf("fetching %s: %w", mirror.Redact(rawURL), listing.Plain(err))
	}
	return a, nil
}

func fetch(ctx context.Context, client *http.Client, rawURL string, most int64, w io.Writer) (Answer, error) {
	resp, err := send(ctx, client, http.MethodGet, rawURL, "")
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	a := answer(resp)
	if !a.Found() || a.Size > most {
		return a, nil
	}
	a.Size, err = io.Copy(w, io.LimitReader(resp.Body, most+1))
	return a, err
}
