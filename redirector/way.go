package redirector

import "github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"

// way is where a mirror keeps a folder that it has renamed, as if that were a
// mirror of its own that stands for the folder.
type way struct {
	base [modes]string // see details.base
	trim int           // see Pick.Trim
}

// waysOf gives a way for each of the mirror's renames, in their order.
func waysOf(m *mirror.Mirror, base [modes]string) []way {
	ways := make([]way, len(m.Renames))
	for i, r := range m.Renames {
		w := way{base: base, trim: len(mirror.EscapePath(r.Tree)) + 1}
		for mode, b := range base {
			if b != "" && r.There != "" {
				w.base[mode] = b + mirror.EscapePath(r.There) + "/"
			}
		}
		ways[i] = w
	}
	return ways
}

// way gives the base URLs for a path of the tree, and what they stand for.
func (d *details) way(path string) (base *[modes]string, trim int) {
	if len(d.renamed) > 0 {
		if r := d.m.RenameOf(path); r != nil {
			for i := range d.m.Renames {
				if &d.m.Renames[i] == r {
					return &d.renamed[i].base, d.renamed[i].trim
				}
			}
		}
	}
	return &d.base, d.trim
}
