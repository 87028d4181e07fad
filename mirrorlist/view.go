package mirrorlist

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/worldmap"
)

// view is a page as the template sees it: everything in words.
type view struct {
	page.Frame

	words words

	Name                  string
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

	ExplainURL, AllURL string

	chart *worldmap.Map // nil: none
}

// link is a document on the page.
type link struct {
	rank        int
	URL         template.URL
	Label, Hint string
}

// digestLine is a digest on the page.
type digestLine struct{ Label, URL, Hex string }

func newView(look *page.Look, w *page.Words, f *File) *view {
	m, s := words{w}, f.Subject
	name := page.Readable(s.Name)
	v := &view{Frame: look.Frame(w, fmt.Sprintf(w.List.Title, name)), words: m, Name: name, URL: s.URL}
	v.Programs = f.document(KindJSON)
	v.At(s.Published)
	v.FolderURL, v.FolderPath = folderOf(s)
	v.Size, v.Bytes = m.Size(s.Size), fmt.Sprintf(m.List.Size, m.Number(s.Size))
	v.Modified, v.ModifiedAttr = page.When(s.MTime)
	v.mirrors(f)
	v.documents(f)
	v.choice(f)
	v.ExplainURL, v.AllURL = page.SafeURL(f.ExplainURL), page.SafeURL(f.AllURL)
	if look.Map() {
		v.chart = chart(m, f)
	}
	return v
}

// documents sorts the documents into links and digests.
func (v *view) documents(f *File) {
	for _, d := range digests(f.Subject.Digests) {
		v.Digests = append(v.Digests, digestLine{v.words.List.Documents[string(d.kind)], f.document(d.kind), fmt.Sprintf("%x", d.sum)})
	}
	for i := range f.Documents {
		d := &f.Documents[i]
		hint := string(d.Kind)
		if d.Kind == KindTorrent && v.Count == 0 {
			hint = "torrent_none" // there are no mirrors that could be seeds
		}
		l := link{rank(d.Kind), linkURL(d.URL), v.label(f, d), v.words.List.Hints[hint]}
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
	m := v.words
	switch sums := f.Subject.Digests; {
	case d.Label != "":
		return page.Readable(d.Label)
	case d.Kind == KindSignature && sums != nil && sums.Signature != nil:
		return fmt.Sprintf(m.List.Signature, page.Readable(sums.Signature.Suffix))
	case m.List.Documents[string(d.Kind)] != "":
		return m.List.Documents[string(d.Kind)]
	}
	return page.Readable(string(d.Kind))
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
	m := v.words
	v.Groups = groups(m, f)
	for i := range f.Sources {
		if f.Sources[i].Kind == mirror.SourceMirror {
			v.Count++
		}
	}
	v.Client = m.List.ForAll
	if f.Client != nil {
		v.Client = m.client(f.Client)
	}
	for i := range f.Excluded {
		e := &f.Excluded[i]
		out := row{URL: e.URL, Name: page.Readable(e.Name), Reason: page.Readable(e.Reason)}
		out.Code, out.Country = m.Country(e.Country)
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
		out.Summary = append(out.Summary, page.Readable(s))
	}
	for _, s := range w.Settings {
		out.Settings = append(out.Settings, Setting{page.Readable(s.Name), page.Readable(s.Value), page.Readable(s.Effect)})
	}
	return out
}

// choice says where the button leads, and why there.
func (v *view) choice(f *File) {
	m := v.words
	v.BestURL = f.Subject.URL
	if f.Client == nil {
		v.From = m.List.FromAny
		return
	}
	if len(f.Sources) == 0 {
		return
	}
	best := &f.Sources[0]
	name := page.Readable(best.Name)
	v.BestURL = best.URL
	where := []string{name}
	if _, country := m.Country(best.Country); country != "" {
		where = append(where, country)
	}
	if km := m.Distance(best.DistanceKm); km != "" && best.Kind == mirror.SourceMirror {
		where = append(where, km)
	}
	v.From = fmt.Sprintf(m.List.From, strings.Join(where, ", "))
	if why := m.List.Why[best.Realm()]; why != "" {
		v.Chosen = fmt.Sprintf(m.List.Chosen, name, why)
	}
	sharing := 0
	for i := range f.Sources {
		if f.Sources[i].Share > 0 {
			sharing++
		}
	}
	if sharing > 1 {
		v.Shared = fmt.Sprintf(m.List.Shared, sharing)
	}
}

// client says in a sentence who the client is seen to be.
func (m words) client(c *mirror.Client) string {
	var known []string
	if c.Addr.IsValid() {
		known = append(known, fmt.Sprintf(m.List.ClientAt, c.Addr))
	}
	where := m.Continents[c.Continent]
	if c.Country != "" {
		_, where = m.Country(c.Country)
	}
	if where != "" {
		known = append(known, fmt.Sprintf(m.List.ClientIn, where))
	} else {
		known = append(known, m.List.ClientUnknown)
	}
	if c.Prefix.IsValid() {
		known = append(known, fmt.Sprintf(m.List.ClientPrefix, c.Prefix))
	}
	if c.ASN != 0 {
		known = append(known, fmt.Sprintf(m.List.ClientAS, c.ASN))
	}
	return fmt.Sprintf(m.List.Client, strings.Join(known, ", "))
}

// folderOf gives the URL of the folder that a file is in, and its path as
// people read it.
func folderOf(s *mirror.Subject) (u, path string) {
	u = s.URL[:strings.LastIndexByte(s.URL, '/')+1]
	parsed, err := url.Parse(u)
	if err != nil {
		return u, page.Readable(u)
	}
	return u, page.Readable(parsed.Path)
}
