package mirrorbrain

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/movein"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin"
)

// Config is MirrorBrain's configuration file, usually /etc/mirrorbrain.conf.
type Config struct {
	Instances []string // the first is the default
	path      string
	sections  []*section
}

// ReadConfig reads a configuration file.
func ReadConfig(path string) (*Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration of MirrorBrain: %w", err)
	}
	c, err := parseConfig(string(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.path = path
	return c, nil
}

func parseConfig(text string) (*Config, error) {
	sections, err := parseINI(text)
	if err != nil {
		return nil, err
	}
	c := &Config{sections: sections}
	separators := func(r rune) bool { return strings.ContainsRune(", \t\n", r) }
	for _, name := range strings.FieldsFunc(find(sections, "general").get("instances"), separators) {
		if find(sections, name) != nil {
			c.Instances = append(c.Instances, name)
		}
	}
	if len(c.Instances) == 0 {
		return nil, fmt.Errorf("section [general] names no instance that has a section")
	}
	return c, nil
}

// Instance gives the settings of an instance; "" is the default one.
func (c *Config) Instance(name string) (*Instance, error) {
	if name == "" {
		name = c.Instances[0]
	}
	if !slices.Contains(c.Instances, name) {
		return nil, fmt.Errorf("%s: has no instance %q, only: %s", c.path, name, strings.Join(c.Instances, ", "))
	}
	return &Instance{Name: name, s: find(c.sections, name), others: c.otherSections(name)}, nil
}

func (c *Config) otherSections(name string) (out []string) {
	for _, s := range c.sections {
		if s.name != name && s.name != "general" && !slices.Contains(c.Instances, s.name) {
			out = append(out, s.name)
		}
	}
	return out
}

// Instance is one instance of the configuration file.
type Instance struct {
	Name   string
	s      *section
	others []string // sections for other programs
}

// DatabaseURL is the URL of the instance's database, with its password.
func (i *Instance) DatabaseURL() (string, error) {
	if driver := i.s.get("dbdriver"); driver != "" && driver != "postgresql" {
		return "", fmt.Errorf("instance %s: its database is of the kind %q; only PostgreSQL can be read", i.Name, movein.Text(driver))
	}
	if i.s.get("dbname") == "" {
		return "", fmt.Errorf("instance %s: has no dbname", i.Name)
	}
	u := url.URL{Scheme: "postgres", Host: i.s.get("dbhost"), Path: "/" + i.s.get("dbname")}
	query := url.Values{}
	if strings.HasPrefix(u.Host, "/") { // the folder of a Unix socket
		query.Set("host", u.Host)
		u.Host = ""
	}
	if port := i.s.get("dbport"); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return "", fmt.Errorf("instance %s: dbport %q is no port", i.Name, movein.Text(port))
		}
		if u.Host == "" {
			query.Set("port", port)
		} else {
			u.Host = net.JoinHostPort(u.Host, port)
		}
	}
	if user := i.s.get("dbuser"); user != "" {
		u.User = url.UserPassword(user, i.s.get("dbpass"))
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// Settings turns the instance's settings into ours: lines for its table in
// mbctl.toml, and what has no counterpart.
func (i *Instance) Settings() (lines, left []string) {
	t := &translation{}
	for _, key := range i.s.keys {
		if value := i.s.values[key]; value != "" {
			t.setting(key, value)
		}
	}
	for _, name := range i.others {
		t.left = append(t.left, fmt.Sprintf("section [%s]: see docs/migrating.md", movein.Text(name)))
	}
	t.list("scan_exclude", t.exclude)
	t.list("scan_top", t.top)
	return t.lines, t.left
}

// list adds a setting that is a list, unless it is empty.
func (t *translation) list(name string, values []string) {
	if len(values) == 0 {
		return
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = tomlText(v)
	}
	t.lines = append(t.lines, name+" = ["+strings.Join(quoted, ", ")+"]")
}

// tops takes the names among the expressions for top folders.
func (t *translation) tops(key, value string) {
	for one := range strings.FieldsSeq(value) {
		name, err := mirror.CleanSubtree(strings.TrimSuffix(strings.TrimPrefix(one, "^"), "$"))
		if err != nil || name == "" || strings.ContainsAny(name, `/.*+?()[]{}|\^$`) {
			t.leave(key, one, "is not the name of a top folder; see scan_top in docs/scanning.md")
			continue
		}
		t.top = append(t.top, name)
	}
}

// translation collects settings of ours.
type translation struct {
	lines, left, exclude, top []string
}

// The least and the largest piece that we make, see checksum.
const minPiece, maxPiece = 16 << 10, 16 << 20

func (t *translation) setting(key, value string) {
	switch key {
	case "dbuser", "dbpass", "dbdriver", "dbhost", "dbport", "dbname":
	case "apache_documentroot":
		t.lines = append(t.lines, "root = "+tomlText(value))
	case "zsync_hashes":
		t.lines = append(t.lines, "zsync = "+strconv.FormatBool(truth(value)))
	case "chunk_size":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < minPiece || n > maxPiece || n&(n-1) != 0 {
			t.leave(key, value, "pieces have a power of two from 16KiB to 16MiB")
			return
		}
		t.lines = append(t.lines, fmt.Sprintf("piece_size = \"%dKiB\"", n>>10))
	case "chunked_hashes":
		if !truth(value) {
			t.leave(key, value, "digests of pieces are always computed")
		}
	case "scan_exclude":
		t.excludes(key, value, globOfRegexp)
	case "scan_exclude_rsync":
		t.excludes(key, value, globOfRsync)
	case "scan_top_include":
		t.tops(key, value)
	default:
		t.leave(key, value, "has no counterpart")
	}
}

func (t *translation) leave(key, value, why string) {
	t.left = append(t.left, fmt.Sprintf("%s = %s: %s", key, movein.Text(value), why))
}

func (t *translation) excludes(key, value string, convert func(string) (string, bool)) {
	for one := range strings.FieldsSeq(value) {
		glob, ok := convert(one)
		if glob != "" {
			_, err := origin.NewGlobs([]string{glob})
			ok = ok && err == nil
		}
		switch {
		case !ok:
			t.leave(key, one, "cannot be written as a glob; see scan_exclude in docs/migrating.md")
		case glob == "":
			// left out by the index anyway
		case !slices.Contains(t.exclude, glob):
			t.exclude = append(t.exclude, glob)
		}
	}
}

// truth reads a boolean as ConfigParser does.
func truth(s string) bool {
	switch strings.ToLower(s) {
	case "1", "yes", "true", "on":
		return true
	}
	return false
}

// tomlText writes a basic string of TOML 1.0.
func tomlText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, "\\u%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
