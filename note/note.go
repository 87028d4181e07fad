package note

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// What a note may hold at most.
const (
	MaxBody  = 64 << 10 // bytes
	MaxPaths = 100
)

// Note is the body of a request. With Mirror it says that this mirror has
// synced, without that paths of the tree have changed.
type Note struct {
	Mirror string `json:"mirror,omitempty"`
	// Paths of the tree; none: all of it. One that ends in a slash is a folder.
	Paths []string `json:"paths,omitempty"`
	// Nonce makes two notes of one second different. Nobody reads it.
	Nonce string `json:"nonce,omitempty"`
}

// parse reads the body of a note. An empty body is an empty note.
func parse(body []byte) (Note, error) {
	var n Note
	if len(bytes.TrimSpace(body)) == 0 {
		return n, nil
	}
	if !utf8.Valid(body) {
		return n, errors.New("the body is not UTF-8; name a folder around files whose names are not")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&n); err != nil {
		return Note{}, fmt.Errorf("the body is not a note: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Note{}, errors.New("the body has something after the note")
	}
	return n, n.check()
}

// parseForeign reads the body of a webhook, which is made for somebody else:
// all that counts in it are paths, where it has any.
func parseForeign(body []byte) (Note, error) {
	var n Note
	var any struct {
		Paths json.RawMessage `json:"paths"`
	}
	if utf8.Valid(body) && json.Unmarshal(body, &any) == nil {
		_ = json.Unmarshal(any.Paths, &n.Paths) // something else of that name
	}
	return n, n.check()
}

// mirrorIn gives the name of the mirror that a body claims to be from, before
// it is known to be from anybody; "" for none.
func mirrorIn(body []byte) string {
	var n struct {
		Mirror string `json:"mirror"`
	}
	if json.Unmarshal(body, &n) != nil || mirror.ValidName(n.Mirror) != nil {
		return ""
	}
	return n.Mirror
}

func (n *Note) check() error {
	if n.Mirror != "" {
		if err := mirror.ValidName(n.Mirror); err != nil {
			return err
		}
	}
	if len(n.Paths) > MaxPaths {
		return fmt.Errorf("%d paths are too many: %d at most", len(n.Paths), MaxPaths)
	}
	for _, p := range n.Paths {
		if _, err := mirror.CleanSubtree(p); err != nil {
			return err
		}
	}
	return nil
}

// Speakable gives the path itself, or the nearest folder around it that can be
// written in JSON: names of files need not be UTF-8.
func Speakable(path string) string {
	for !utf8.ValidString(path) {
		i := strings.LastIndexByte(strings.TrimSuffix(path, "/"), '/')
		path = path[:i+1]
	}
	return path
}

// outermost sorts folders and leaves out what lies below others.
func outermost(folders []string) []string {
	slices.Sort(folders)
	var out []string
	for _, f := range folders {
		if !slices.ContainsFunc(out, func(o string) bool { return mirror.Below(f, o) }) {
			out = append(out, f)
		}
	}
	return out
}
