package page

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Theme is how an operator wants pages to look. The zero value is the pages as
// they come.
type Theme struct {
	// What the project is called, for the head of every page. Default: nothing.
	Name string `json:"name,omitempty"`

	// URL that the name and the logo lead to. Default: nowhere.
	Home string `json:"home,omitempty"`

	// URL of an image before the name, a path on the same host or a `data:` URL.
	// Default: none.
	Logo string `json:"logo,omitempty"`

	// URL of a style sheet that is read after the pages' own, to set their CSS
	// variables, for instance. Default: none.
	Style string `json:"style,omitempty"`

	// A folder with what takes the place of the pages' own: `*.html`, which
	// define blocks in the language of Go's html/template, and `words/LANG/*.json`.
	// Or a file that defines blocks. Default: none.
	Templates string `json:"templates,omitempty"`

	// The languages that are offered (BCP 47); clients get the one that they ask
	// for, else the first. Default: en, de.
	Languages []string `json:"languages,omitempty"`
}

// Zero reports whether nothing is set.
func (t *Theme) Zero() bool {
	return t.Name == "" && t.Home == "" && t.Logo == "" && t.Style == "" && t.Templates == "" && len(t.Languages) == 0
}

// Look is a theme that has been read. It never changes.
type Look struct {
	theme  Theme
	blocks []block
	styles string // source expressions that allow the theme's style sheet
	images string // and its logo

	languages *languages
}

// block is a file of the operator's.
type block struct{ name, text string }

// maxBlock is how long a file of a theme may be.
const maxBlock = 1 << 20

// Open reads a theme. Errors name the file or the setting.
func Open(t Theme) (*Look, error) {
	t.Languages = slices.Clone(t.Languages)
	l := &Look{theme: t}
	var err error
	if l.styles, err = allowed("style", t.Style); err != nil {
		return nil, err
	}
	if l.images, err = allowed("logo", t.Logo); err != nil {
		return nil, err
	}
	if t.Home != "" && SafeURL(t.Home) == "" {
		return nil, fmt.Errorf("home: %q must be a path, or an http or https URL", t.Home)
	}
	words, err := l.openTemplates(t.Templates)
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	if l.languages, err = openLanguages(t.Languages, words); err != nil {
		return nil, err
	}
	return l, nil
}

// openTemplates reads the blocks of a folder or a file, and gives the folder of
// words; nil for none.
func (l *Look) openTemplates(path string) (fs.FS, error) {
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, l.addBlock(path)
	}
	files, err := filepath.Glob(filepath.Join(path, "*.html"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if err := l.addBlock(f); err != nil {
			return nil, err
		}
	}
	words := filepath.Join(path, "words")
	if _, err := os.Stat(words); errors.Is(err, fs.ErrNotExist) {
		if len(files) == 0 {
			return nil, fmt.Errorf("%s has neither *.html nor words/", path)
		}
		return nil, nil
	}
	return os.DirFS(words), nil
}

func (l *Look) addBlock(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.Size() > maxBlock {
		return fmt.Errorf("%s is longer than %d bytes", file, maxBlock)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	l.blocks = append(l.blocks, block{file, string(text)})
	return nil
}

// SafeURL gives a URL that may be a link: a path, or an http or https URL; ""
// for every other.
func SafeURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil {
		return ""
	}
	switch {
	case u.Scheme == "" && u.Host == "", (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "":
		return raw
	}
	return ""
}

// allowed gives the source expression (CSP Level 3 section 2.3.1) of a URL that
// pages load something from; "" for none.
func allowed(what, raw string) (string, error) {
	if raw == "" || what == "logo" && strings.HasPrefix(raw, "data:image/") {
		return "", nil
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", what, err)
	case u.Host == "" && u.Scheme == "":
		return "'self'", nil
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.ContainsAny(u.Host, " ;,'"):
		return "", fmt.Errorf("%s: %q must be a path, or an http or https URL", what, raw)
	}
	return u.Scheme + "://" + u.Host, nil
}
