package page

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

//go:embed words
var wordFiles embed.FS

// builtIn are the languages that come with the program; the first is complete
// by definition.
var builtIn = []string{"en", "de"}

// languages are those that a look offers.
type languages struct {
	list    []*Words
	matcher language.Matcher
}

// maxAccept is how much of an Accept-Language field is looked at.
const maxAccept = 256

// Words gives the language to answer in: the one that a field Accept-Language
// (RFC 9110 section 12.5.4) prefers of those that are offered, else the first.
func (l *Look) Words(accept string) *Words {
	all := l.languages
	if accept == "" || len(accept) > maxAccept || len(all.list) == 1 {
		return all.list[0]
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return all.list[0]
	}
	_, i, confidence := all.matcher.Match(tags...)
	if confidence == language.No {
		i = 0
	}
	return all.list[i]
}

// Several reports whether pages depend on Accept-Language.
func (l *Look) Several() bool { return len(l.languages.list) > 1 }

// openLanguages reads the words of languages, own laid over the ones built in.
func openLanguages(names []string, own fs.FS) (*languages, error) {
	if len(names) == 0 {
		names = builtIn
	}
	l := new(languages)
	var tags []language.Tag
	for _, name := range names {
		tag, err := language.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("language %q: %w", name, err)
		}
		w, err := readWords(name, own)
		if err != nil {
			return nil, fmt.Errorf("language %s: %w", name, err)
		}
		l.list = append(l.list, w)
		tags = append(tags, tag)
	}
	l.matcher = language.NewMatcher(tags)
	return l, nil
}

// readWords reads a language: what it lacks is in English.
func readWords(name string, own fs.FS) (*Words, error) {
	known := 0
	w := new(Words)
	for _, from := range []struct {
		files  fs.FS
		folder string
	}{{wordFiles, "words/" + builtIn[0]}, {wordFiles, "words/" + name}, {own, name}} {
		if from.files == nil {
			continue
		}
		n, err := w.read(from.files, from.folder)
		if err != nil {
			return nil, err
		}
		if from.folder != "words/"+builtIn[0] || name == builtIn[0] {
			known += n
		}
	}
	if known == 0 {
		return nil, fmt.Errorf("there are no words in it; the languages that come with the program are %s", strings.Join(builtIn, ", "))
	}
	w.Lang = name
	return w, nil
}

// read lays the files of a folder over the words, and says how many there were.
func (w *Words) read(files fs.FS, folder string) (n int, err error) {
	for name, part := range map[string]any{"common": &w.Common, "list": &w.List, "index": &w.Index, "status": &w.Status} {
		text, err := fs.ReadFile(files, folder+"/"+name+".json")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return n, err
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(part); err != nil {
			return n, fmt.Errorf("%s/%s.json: %w", folder, name, err)
		}
		n++
	}
	text, err := fs.ReadFile(files, folder+"/countries.txt")
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	if w.countries == nil {
		w.countries = make(map[string]string, 256)
	}
	for line := range strings.Lines(string(text)) {
		if code, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			w.countries[code] = name
		}
	}
	return n + 1, nil
}

// English are the words of pages that nobody said anything about.
var English = sync.OnceValue(func() *Words {
	w, err := readWords(builtIn[0], nil)
	if err != nil {
		panic(err) // a test reads them
	}
	return w
})
