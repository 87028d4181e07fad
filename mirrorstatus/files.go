package mirrorstatus

import (
	"fmt"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// Files makes all documents as files of one folder, for a plain web server or to
// be opened from a disk: links name files, the list has a file for each order,
// pages of mirrors have all ranges, and there is no form. yield gets each; its
// error ends it. history gives the past of a mirror; nil: not known.
func (p *Pages) Files(s *Site, w *page.Words, history func(*Mirror) (*History, error), yield func(name string, body []byte) error) error {
	l := layout{files: true}
	for _, c := range columns {
		q := Query{Sort: c.name}
		d, err := p.html(p.list, p.newList(s, w, q, l))
		if err != nil {
			return err
		}
		if err := yield(l.sorted(q), d.Body); err != nil {
			return err
		}
	}
	for i := range s.Mirrors {
		if err := p.filesOf(s, &s.Mirrors[i], w, history, yield); err != nil {
			return err
		}
	}
	all, err := jsonDocument(allOf(s))
	if err != nil {
		return err
	}
	script, _, _, _ := page.Asset(page.AssetQuery(page.Script))
	for _, f := range []struct {
		name string
		body []byte
	}{
		{allJSON, all.Body},
		{mirmonName, s.AppendMirmon(nil)},
		{allBadge, badgeDocument(s.badge(words{w}), false).Body},
		{page.Script, script},
	} {
		if err := yield(f.name, f.body); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pages) filesOf(s *Site, m *Mirror, w *page.Words, history func(*Mirror) (*History, error), yield func(string, []byte) error) error {
	h, err := history(m)
	if err != nil {
		return fmt.Errorf("the past of mirror %s: %w", m.Name, err)
	}
	l := layout{files: true}
	d, err := p.html(p.mirror, p.newMirror(s, m, h, w, RangeMonth, l))
	if err != nil {
		return err
	}
	if err := yield(l.page(m), d.Body); err != nil {
		return err
	}
	if d, err = jsonDocument(oneOf(s, m, h)); err != nil {
		return err
	}
	if err := yield(slug(m.Name)+".json", d.Body); err != nil {
		return err
	}
	return yield(slug(m.Name)+".svg", badgeDocument(m.badge(words{w}), false).Body)
}

// FileNames are the names of what Files makes.
func FileNames(s *Site) []string {
	list := []string{allJSON, mirmonName, allBadge, page.Script}
	for _, c := range columns {
		list = append(list, layout{files: true}.sorted(Query{Sort: c.name}))
	}
	for i := range s.Mirrors {
		name := slug(s.Mirrors[i].Name)
		list = append(list, name+".html", name+".json", name+".svg")
	}
	return list
}
