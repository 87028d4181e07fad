package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The programs of coreutils check files by what the redirector says, whatever
// they are called, and notice other bytes.
func TestSums(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "", func(root string) {
		for i, name := range oddNames {
			keep(t, root, "odd/"+name, noise(byte(i), 5000))
		}
	})
	d.publish()
	d.mirror("good")
	d.start()
	for _, sum := range []string{"md5", "sha1", "sha256", "sha512"} {
		dir := d.folder(sum)
		var lines strings.Builder
		for _, name := range oddNames {
			a := d.get("odd/"+name+"."+sum, "")
			if a.status != 200 {
				t.Fatalf("%q: status %d", name, a.status)
			}
			lines.Write(a.body)
		}
		list := filepath.Join(dir, "list")
		d.write(list, lines.String())
		files := filepath.Join(d.root, "odd")
		d.succeeds(files, sum+"sum", "--check", "--strict", "--quiet", list)

		// One by one, as people do it; and with one bit wrong.
		for _, name := range []string{"plain.iso", "new\nline.iso"} {
			one, copied := filepath.Join(dir, "one"), filepath.Join(dir, name)
			check(t, os.WriteFile(one, d.get("odd/"+name+"."+sum, "").body, 0o644))
			data, err := os.ReadFile(filepath.Join(files, name))
			check(t, err)
			check(t, os.WriteFile(copied, data, 0o644))
			d.succeeds(dir, sum+"sum", "--check", "--strict", one)
			data[77] ^= 1
			check(t, os.WriteFile(copied, data, 0o644))
			if r := d.run(dir, sum+"sum", "--check", "--strict", one); r.code != 1 {
				t.Errorf("%ssum takes wrong bytes: exit %d", sum, r.code)
			}
		}
	}
}

// Metalinks of odd names are well-formed, and those of version 4 valid.
func TestXML(t *testing.T) {
	t.Parallel()
	names := append([]string{`a&b<c>"d"'e'.iso`, "]]>.iso", "--><!--"}, oddNames...)
	d := newDepot(t, "", func(root string) {
		for i, name := range names {
			keep(t, root, "odd/"+name, noise(byte(i), 300<<10))
		}
	})
	d.publish()
	d.mirror("good")
	d.start()
	schema, err := filepath.Abs("../../metalink/testdata/rfc5854.rng")
	check(t, err)
	for kind, options := range map[string][]string{"meta4": {"--relaxng", schema}, "metalink": nil} {
		dir := d.folder(kind)
		argv := append([]string{"xmllint", "--noout"}, options...)
		for i, name := range names {
			a := d.get("odd/"+name+"."+kind, "")
			if a.status != 200 {
				t.Fatalf("%q: status %d", name, a.status)
			}
			file := filepath.Join(dir, string(rune('A'+i)))
			check(t, os.WriteFile(file, a.body, 0o644))
			argv = append(argv, file)
		}
		d.succeeds(dir, argv...)
		check(t, os.WriteFile(filepath.Join(dir, "wrong"), []byte("<metalink>"), 0o644))
		if r := d.run(dir, append(argv, "wrong")...); r.code == 0 {
			t.Error("xmllint finds nothing wrong in anything")
		}
	}
}
