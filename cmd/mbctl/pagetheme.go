package main

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// pageTheme is the table `pages` of an instance; its keys are those of `pages` in
// a Caddyfile.
type pageTheme struct {
	Name      string   `toml:"name"`
	Home      string   `toml:"home"`
	Logo      string   `toml:"logo"`
	Style     string   `toml:"style"`
	Templates string   `toml:"templates"`
	Languages []string `toml:"languages"` // the first is taken: a file has one language
	Map       *bool    `toml:"map"`
}

// under is the look with the flags that were given over the table's settings.
func (p *pageTheme) under(flags *pflag.FlagSet, t page.Theme, noMap bool) page.Theme {
	for _, o := range [...]struct {
		flag    string
		to, own *string
	}{
		{"project", &t.Name, &p.Name},
		{"home", &t.Home, &p.Home},
		{"logo", &t.Logo, &p.Logo},
		{"style", &t.Style, &p.Style},
		{"templates", &t.Templates, &p.Templates},
	} {
		if !flags.Changed(o.flag) {
			*o.to = *o.own
		}
	}
	if !flags.Changed("language") {
		t.Languages = slices.Clone(p.Languages)
	}
	if len(t.Languages) == 0 {
		t.Languages = []string{"en"}
	}
	if t.Map = p.Map; flags.Changed("no-map") {
		shown := !noMap
		t.Map = &shown
	}
	return t
}
