package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/geoip"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

// simulateChanges are how the changed world differs.
type simulateChanges struct {
	set, add_, without, setting []string
	policy, sticky              string
	spill, affinity             int
	flags                       *pflag.FlagSet
}

func (c *simulateChanges) add(fs *pflag.FlagSet) {
	c.flags = fs
	fs.StringArrayVar(&c.set, "set", nil, "`NAME.KEY=VALUE`: as if this setting of a mirror were another ("+strings.Join(simulatedKeys, ", ")+"; several allowed)")
	fs.StringArrayVar(&c.add_, "add", nil, "`NAME[,KEY=VALUE...]`: as if there were one mirror more; like=OTHER: with the settings and files of that one, else it has everything (several allowed)")
	fs.StringArrayVar(&c.without, "without", nil, "as if this `MIRROR` took no requests (several allowed)")
	fs.StringArrayVar(&c.setting, "setting", nil, "`KEY=VALUE`: as if this setting of the site were another, by its name in JSON, for example distance_factor=2 or affinity.copies=3 (several allowed)")
	fs.StringVar(&c.policy, "policy", "", "`POLICY` of the site: tiers, distance")
	fs.IntVar(&c.spill, "spill", 0, "countries and continents with fewer than `N` mirrors are joined by the next tier")
	fs.IntVar(&c.affinity, "affinity", 0, "among how many mirrors, `N`, the requests for one file are shared")
	fs.StringVar(&c.sticky, "sticky", "", "for how long, `TIME`, a client stays with a mirror")
}

// simulatedKeys are the settings of mirrors that bear on who is sent there.
var simulatedKeys = []string{
	"score", "enabled", "continent", "country", "lat", "lng", "asn", "prefix", "ipv4", "ipv6", "http",
	"region_only", "country_only", "as_only", "prefix_only", "other_countries", "exclude_countries",
	"max_size", "max_share", "quota", "last_resort", "no_traffic", "subtree",
}

// any reports whether anything is to change.
func (c *simulateChanges) any() bool {
	return len(c.set)+len(c.add_)+len(c.without)+len(c.siteSettings()) > 0
}

// siteSettings are the changes of the site, the flags for them included.
func (c *simulateChanges) siteSettings() []string {
	out := slices.Clone(c.setting)
	for flag, key := range map[string]string{"policy": "policy", "spill": "spill", "affinity": "affinity.copies", "sticky": "sticky"} {
		if f := c.flags.Lookup(flag); f.Changed {
			out = append(out, key+"="+f.Value.String())
		}
	}
	return out
}

// applySite gives settings with the changes of the site.
func (c *simulateChanges) applySite(s redirector.Settings) (redirector.Settings, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	doc := map[string]any{}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return s, err
	}
	for _, text := range c.siteSettings() {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return s, usagef("--setting %q: write KEY=VALUE", text)
		}
		if err := setPath(doc, strings.Split(key, "."), value); err != nil {
			return s, usagef("--setting %s: %w", key, err)
		}
	}
	if raw, err = json.Marshal(doc); err != nil {
		return s, err
	}
	var out redirector.Settings
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		return s, usagef("--setting: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	out.SetDefaults()
	if err := out.Validate(); err != nil {
		return s, usagef("--setting: %w", err)
	}
	return out, nil
}

// setPath puts a value into nested objects. What reads as a number, a word of JSON, a
// list or an object is one, and anything else a text.
func setPath(doc map[string]any, path []string, value string) error {
	for ; len(path) > 1; path = path[1:] {
		switch next := doc[path[0]].(type) {
		case map[string]any:
			doc = next
		case nil:
			inner := map[string]any{}
			doc[path[0]], doc = inner, inner
		default:
			return errors.New("it has no parts")
		}
	}
	var v any
	if json.Unmarshal([]byte(value), &v) != nil {
		v = value
	}
	doc[path[0]] = v
	return nil
}

// mirrorChange is one setting of one mirror.
type mirrorChange struct{ mirror, key, value string }

// parseSet reads "NAME.KEY=VALUE"; names may have dots.
func parseSet(text string) (c mirrorChange, err error) {
	left, value, ok := strings.Cut(text, "=")
	dot := strings.LastIndexByte(left, '.')
	if !ok || dot < 1 {
		return c, usagef("--set %q: write NAME.KEY=VALUE", text)
	}
	return mirrorChange{left[:dot], left[dot+1:], value}, nil
}

// addition is one mirror more.
type addition struct {
	name, like string
	changes    []mirrorChange
}

// parseAdd reads "NAME,KEY=VALUE,...".
func parseAdd(text string) (n addition, err error) {
	parts := strings.Split(text, ",")
	n.name = parts[0]
	if err := mirror.ValidName(n.name); err != nil {
		return n, usagef("--add: %w", err)
	}
	for _, p := range parts[1:] {
		key, value, ok := strings.Cut(p, "=")
		switch {
		case !ok:
			return n, usagef("--add %s: %q is not KEY=VALUE; give lists with --set %s.KEY=VALUE,VALUE", n.name, p, n.name)
		case key == "like":
			n.like = value
		default:
			n.changes = append(n.changes, mirrorChange{n.name, key, value})
		}
	}
	return n, nil
}

// applyMirror changes one mirror.
func applyMirror(m *mirror.Mirror, changes []mirrorChange) error {
	s := settingsOf(m)
	keys := map[string]bool{}
	for _, c := range changes {
		keys[c.key] = true
		if c.key == "enabled" {
			on, err := strconv.ParseBool(c.value)
			if err != nil {
				return usagef("%s.enabled: %q is neither true nor false", m.Name, c.value)
			}
			m.Enabled, m.DisabledUntil = on, time.Time{}
			continue
		}
		if !slices.Contains(simulatedKeys, c.key) {
			return usagef("%s.%s: there is no such setting that bears on the choice; there are %s", m.Name, c.key, strings.Join(simulatedKeys, ", "))
		}
		if err := s.set(c.key, c.value); err != nil {
			return usagef("%s.%s: %w", m.Name, c.key, err)
		}
	}
	if keys["country"] && !keys["continent"] {
		s.Continent = geoip.Continent(strings.ToLower(s.Country))
	}
	if err := s.apply(m); err != nil {
		return usagef("%s: %w", m.Name, err)
	}
	return nil
}

// nameOf gives the index of the mirror that is meant: of that name, or the only one
// whose name contains it.
func mirrorOf(ms []*mirror.Mirror, name string) (int, error) {
	var found []int
	var names []string
	for i, m := range ms {
		if m.Name == name {
			return i, nil
		}
		if strings.Contains(m.Name, name) {
			found, names = append(found, i), append(names, m.Name)
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("no mirror %q: 'mbctl list --all' lists them: %w", name, store.ErrNotFound)
	case 1:
		return found[0], nil
	}
	return 0, usagef("%q is part of several names: %s", name, strings.Join(names, ", "))
}

// setting reads what the database says, for a duration; 0 where it says nothing.
func (a *app) settingDuration(ctx context.Context, name string) (time.Duration, error) {
	db, err := a.store(ctx)
	if err != nil {
		return 0, err
	}
	text, err := db.Setting(ctx, name)
	if err != nil || text == "" {
		return 0, err
	}
	d, err := redirector.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("setting %s: %w", name, err)
	}
	return time.Duration(d), nil
}
