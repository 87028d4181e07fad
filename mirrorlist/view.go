package mirrorlist

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// view is a page as the template sees it: everything in words.
type view struct {
	Messages *Messages
	StyleURL string

	Title, Name           string
	URL                   string // of the file at the redirector
	FolderURL, FolderPath string
	Size, Bytes           string
	Modified              string
	ModifiedAttr          string
	BestURL, From, Chosen string
	Links                 []link
	Digests               []digestLine
	Signature             *link

	Count    int // of mirrors, without fallbacks and the origin
	Client   string
	Shared   string
	Groups   []group
	Excluded []row
	Why      *Why

	Made        string
	ProgramsURL string
}

// link is a document on the page.
type link struct {
	rank        int
	URL         template.URL
	Label, Hint string
}

// digestLine is a digest on the page.
type digestLine struct{ Label, URL, Hex string }

func newView(m *Messages, f *File) *view {
	s := f.Subject
	v := &view{Messages: m, Name: readable(s.Name), URL: s.URL, ProgramsURL: f.document(KindJSON)}
	v.Title = fmt.Sprintf(m.Title, v.Name)
	v.FolderURL, v.FolderPath = folderOf(s)
	v.Size, v.Bytes = m.size(s.Size), fmt.Sprintf(m.Size, m.number(s.Size))
	v.Modified, v.ModifiedAttr = when(s.MTime)
	if made, _ := when(s.Published); made != "" {
		v.Made = fmt.Sprintf(m.Footer, made)
	}
	v.documents(f)
	v.mirrors(f)
	v.choice(f)
	return v
}

// documents sorts the documents into links and digests.
func (v *view) documents(f *File) {
	for _, d := range digests(f.Subject.Digests) {
		v.Digests = append(v.Digests, digestLine{v.Messages.Documents[d.kind], f.document(d.kind), fmt.Sprintf("%x", d.sum)})
	}
	for i := range f.Documents {
		d := &f.Documents[i]
		l := link{rank(d.Kind), linkURL(d.URL), v.label(f, d), v.Messages.Hints[d.Kind]}
		switch d.Kind {
		case KindMD5, KindSHA1, KindSHA256, KindSHA512, KindBTIH, KindJSON:
		case KindSignature:
			v.Signature = &l
		default:
			v.Links = append(v.Links, l)
		}
	}
	slices.SortStableFunc(v.Links, func(a, b link) int { return cmp.Compare(a.rank, b.rank) })
}

// rank orders the links: what most people can use first.
func rank(k Kind) int {
	order := [...]Kind{KindMeta4, KindTorrent, KindMagnet, KindZSync, KindMetalink}
	if i := slices.Index(order[:], k); i >= 0 {
		return i
	}
	return len(order)
}

// label is what a document is called.
func (v *view) label(f *File, d *Document) string {
	m := v.Messages
	switch sums := f.Subject.Digests; {
	case d.Label != "":
		return readable(d.Label)
	case d.Kind == KindSignature && sums != nil && sums.Signature != nil:
		return fmt.Sprintf(m.Signature, readable(sums.Signature.Suffix))
	case m.Documents[d.Kind] != "":
		return m.Documents[d.Kind]
	}
	return readable(string(d.Kind))
}

// linkURL lets magnet URIs pass, which html/template takes for dangerous; what
// else it does not know it still replaces.
func linkURL(u string) template.URL {
	if strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "magnet:?") {
		return template.URL(u) //nolint:gosec // the schemes are those of links, and the template escapes the rest
	}
	return "#"
}

// mirrors lists the mirrors, and who they are listed for.
func (v *view) mirrors(f *File) {
	m := v.Messages
	v.Groups = groups(m, f)
	for i := range f.Sources {
		if f.Sources[i].Kind == mirror.SourceMirror {
			v.Count++
		}
	}
	v.Client = m.ForAll
	if f.Client != nil {
		v.Client = m.client(f.Client)
	}
	for i := range f.Excluded {
		e := &f.Excluded[i]
		out := row{URL: e.URL, Name: readable(e.Name), Reason: readable(e.Reason)}
		out.Code, out.Country = m.country(e.Country)
		v.Excluded = append(v.Excluded, out)
	}
	v.Why = readableWhy(f.Why)
}

// readableWhy makes sure that what others wrote reads as it is.
func readableWhy(w *Why) *Why {
	if w == nil {
		return nil
	}
	out := new(Why)
	for _, s := range w.Summary {
		out.Summary = append(out.Summary, readable(s))
	}
	for _, s := range w.Settings {
		out.Settings = append(out.Settings, Setting{readable(s.Name), readable(s.Value), readable(s.Effect)})
	}
	return out
}

// choice says where the button leads, and why there.
func (v *view) choice(f *File) {
	m := v.Messages
	v.BestURL = f.Subject.URL
	if f.Client == nil {
		v.From = m.FromAny
		return
	}
	if len(f.Sources) == 0 {
		return
	}
	best := &f.Sources[0]
	name := readable(best.Name)
	v.BestURL = best.URL
	where := []string{name}
	if _, country := m.country(best.Country); country != "" {
		where = append(where, country)
	}
	if km := m.distance(best.DistanceKm); km != "" && best.Kind == mirror.SourceMirror {
		where = append(where, km)
	}
	v.From = fmt.Sprintf(m.From, strings.Join(where, ", "))
	if why := m.Why[best.Realm()]; why != "" {
		v.Chosen = fmt.Sprintf(m.Chosen, name, why)
	}
	sharing := 0
	for i := range f.Sources {
		if f.Sources[i].Share > 0 {
			sharing++
		}
	}
	if sharing > 1 {
		v.Shared = fmt.Sprintf(m.Shared, sharing)
	}
}

// client says in a sentence who the client is seen to be.
func (m *Messages) client(c *mirror.Client) string {
	var known []string
	if c.Addr.IsValid() {
		known = append(known, fmt.Sprintf(m.ClientAt, c.Addr))
	}
	where := m.Continents[c.Continent]
	if c.Country != "" {
		_, where = m.country(c.Country)
	}
	if where != "" {
		known = append(known, fmt.Sprintf(m.ClientIn, where))
	} else {
		known = append(known, m.ClientUnknown)
	}
	if c.Prefix.IsValid() {
		known = append(known, fmt.Sprintf(m.ClientPrefix, c.Prefix))
	}
	if c.ASN != 0 {
		known = append(known, fmt.Sprintf(m.ClientAS, c.ASN))
	}
	return fmt.Sprintf(m.Client, strings.Join(known, ", "))
}

// country gives a country's code as people write it, and its name; both empty
// when it is not known.
func (m *Messages) country(code string) (letters, name string) {
	if code == "" {
		return "", ""
	}
	return readable(strings.ToUpper(code)), readable(m.Country(code))
}

// distance writes kilometres; "" when they are not known.
func (m *Messages) distance(km float64) string {
	if !known(km) {
		return ""
	}
	return m.number(kilometres(km)) + " km"
}

// known reports whether a distance is one; NaN and the infinite are not.
func known(km float64) bool { return km >= 0 && km < 1e6 }

// kilometres rounds a distance.
func kilometres(km float64) int64 { return int64(math.Round(km)) }

// folderOf gives the URL of the folder that a file is in, and its path as
// people read it.
func folderOf(s *mirror.Subject) (u, path string) {
	u = s.URL[:strings.LastIndexByte(s.URL, '/')+1]
	parsed, err := url.Parse(u)
	if err != nil {
		return u, readable(u)
	}
	return u, readable(parsed.Path)
}

// readable makes text of bytes that may be none: control characters become
// their pictures (U+2400 and on), and U+FFFD stands for what is not UTF-8, or
// would make the text read otherwise than it is (UTR 36 section 2.3).
func readable(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] < 0x7f
	}
	if plain {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ':
			return 0x2400 + r
		case r == 0x7f:
			return 0x2421
		case r > 0x7f && r < 0xa0, // C1
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, // direction
			r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef: // no characters
			return utf8.RuneError
		}
		return r
	}, s)
}
