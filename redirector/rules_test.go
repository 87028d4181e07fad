package redirector

import (
	"net/netip"
	"strings"
	"testing"
)

func TestGlob(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a/b", true},
		{"a*c", "abbc", true},
		{"a*c", "abbcd", false},
		{"a**c", "ac", true},
		{"*a*b*", "xxaxxbxx", true},
		{"*a*b*", "xxbxxaxx", false},
		{"*.iso", "x.iso.iso", true},
		{"?", "", false},
		{"??", "ab", true},
		{"[a-c]x", "bx", true},
		{"[!a-c]x", "bx", false},
		{"[^a-c]x", "dx", true},
		{"[]]", "]", true},
		{"[a-]", "-", true},
		{`[\]-\]]`, "]", true},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{"\xff?", "\xff\xfe", true},
		{"TEXT/[H-I]TML", "text/html", true},
		{"text/*", "Text/HTML", true},
	} {
		g, err := compileGlob(tc.pattern, true)
		if err != nil {
			t.Errorf("%q: %v", tc.pattern, err)
		} else if got := g.match(tc.s, true); got != tc.want {
			t.Errorf("%q matches %q: %v", tc.pattern, tc.s, got)
		}
	}
	for _, bad := range []string{"[", "[a", "[!", "[a-", `\`, `[\`, "[b-a]", `a[x\`} {
		if _, err := compileGlob(bad, false); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestPathGlob(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, path string
		want          bool
	}{
		{"*.iso", "a/b/x.iso", true},
		{"*.iso", "a.iso/b", false},
		{"*.ISO", "x.iso", false},
		{"/*.iso", "x.iso", true},
		{"/*.iso", "a/x.iso", false},
		{"a/*", "a/x", true},
		{"a/*", "a/b/x", false},
		{"a/**", "a/b/x", true},
		{"a/", "a/b/x", true},
		{"a/", "a", false},
		{"a/", "b/a/x", false},
		{"**/a/", "b/a/x", true},
		{"**/repodata/*.xml", "repodata/x.xml", true},
		{"**/repodata/*.xml", "a/b/repodata/x.xml", true},
		{"**/repodata/*.xml", "a/repodata/b/x.xml", false},
		{"a/**/b", "a/b", true},
		{"a/**/b", "a/x/y/b", true},
		{"a/**/b", "a/x/y/bb", false},
		{"a/**/b/**/c", "a/b/x/b/y/c", true},
		{"**/**/x", "x", true},
		{"a**b/c", "axb/c", true},
		{"a**b/c", "a/b/c", false},
		{"/x", "x", true},
		{"/x", "a/x", false},
	} {
		p, err := compilePathGlob(tc.pattern)
		if err != nil {
			t.Errorf("%q: %v", tc.pattern, err)
			continue
		}
		if got := p.match(tc.path, tc.path[strings.LastIndexByte(tc.path, '/')+1:]); got != tc.want {
			t.Errorf("%q matches %q: %v", tc.pattern, tc.path, got)
		}
	}
	for _, bad := range []string{"", "/", "a//b", "[", "a/[x", "//"} {
		if _, err := compilePathGlob(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// slowGlob is the obvious recursive matcher, of literals, '?' and '*' only.
func slowGlob(p, s string) bool {
	switch {
	case p == "":
		return s == ""
	case p[0] == '*':
		return slowGlob(p[1:], s) || s != "" && slowGlob(p, s[1:])
	case s == "":
		return false
	}
	return (p[0] == '?' || p[0] == s[0]) && slowGlob(p[1:], s[1:])
}

// slowPathGlob is the same for segments.
func slowPathGlob(p, s []string) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == "**":
		return slowPathGlob(p[1:], s) || len(s) > 0 && slowPathGlob(p, s[1:])
	case len(s) == 0:
		return false
	}
	return slowGlob(p[0], s[0]) && slowPathGlob(p[1:], s[1:])
}

func FuzzGlob(f *testing.F) {
	f.Add("*a*b?", "aaabbb")
	f.Add("a/**/b*", "a/x/bb")
	f.Add("[a-z", "x")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		g, err := compileGlob(pattern, false)
		p, perr := compilePathGlob(pattern)
		if err == nil {
			g.match(s, false)
		}
		if perr == nil {
			p.match(s, s[strings.LastIndexByte(s, '/')+1:])
		}
		if len(pattern) > 16 || len(s) > 24 || strings.ContainsAny(pattern, `[\`) {
			return
		}
		if got, want := g.match(s, false), slowGlob(pattern, s); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, s, got, want)
		}
		if perr != nil || !strings.Contains(pattern, "/") || strings.HasSuffix(pattern, "/") || s == "" {
			return
		}
		want := slowPathGlob(strings.Split(strings.TrimPrefix(pattern, "/"), "/"), strings.Split(s, "/"))
		if got := p.match(s, s[strings.LastIndexByte(s, '/')+1:]); got != want {
			t.Errorf("path %q matches %q: %v, want %v", pattern, s, got, want)
		}
	})
}

// TestGlobIsBounded: a pattern made to be slow. With backtracking of all stars
// this would not end.
func TestGlobIsBounded(t *testing.T) {
	t.Parallel()
	g, err := compileGlob(strings.Repeat("*a", 30)+"b", false)
	if err != nil || g.match(strings.Repeat("a", 5000), false) {
		t.Errorf("matches, or %v", err)
	}
	p, err := compilePathGlob(strings.Repeat("**/a/", 30) + "b")
	path := strings.Repeat("a/", 2000) + "c"
	if err != nil || p.match(path, "c") {
		t.Errorf("matches, or %v", err)
	}
}

func TestTrustAnchors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ want, paths string }{
		{ExemptSignature, "x.iso.asc a/x.sig x.sign Release.gpg repomd.xml.asc x.SIG core.db.sig gpg-pubkey-1234.key RPM-GPG-KEY-fedora x.minisig"},
		{ExemptChecksums, "MD5SUMS a/SHA256SUMS SHA1SUMS SHA512SUMS.txt md5sum.txt x.iso.sha256 x.iso.sha512 x.md5 X.MD5 sha256sum.txt " +
			"CHECKSUM Fedora-40-x86_64-CHECKSUM CHECKSUM.SHA256-FreeBSD-14.1-RELEASE-amd64 SHA256 x.sha256sum x.tar.gz.sha512sums ubuntu-SHA256SUMS checksums.txt x.b2"},
		{ExemptRepository, "repodata/repomd.xml a/repodata/repomd.xml.key repodata/primary.xml.gz dists/sid/Release dists/sid/InRelease Release.key " +
			"main/Packages Packages.gz Packages.xz Packages.zst Sources Sources.bz2 Packages.diff/Index core.db core.db.tar.gz extra.files extra.files.tar.zst " +
			"x86_64/APKINDEX.tar.gz media.1/media media.1/products content x86_64-repodata repodata.json.zst packagesite.pkg meta.conf PACKAGES.rds maven-metadata.xml"},
		{"", "x.iso a.rpm b.deb repodata/0123abcd-primary.xml.gz by-hash/SHA256/0123456789abcdef Packages.tar.gz.iso myPackages Packages.iso " +
			"release Index a/Index media/x content.iso primary.xml x.tar.gz x.tar checksum-tool.tar.gz perl-Digest-MD5 libmd5 sha256-1.0.tar.gz " +
			"db files x.dbx meta setup.exe keyring.deb PackagesFoo x.signature SHA256/x"},
	} {
		r, err := CompileRules(RuleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for path := range strings.FieldsSeq(tc.paths) {
			if got := r.Exempt(path, 1, nil, "", unknownAddr); got != tc.want {
				t.Errorf("%s: %q, want %q", path, got, tc.want)
			}
		}
	}
}

var unknownAddr netip.Addr

func TestExempt(t *testing.T) {
	t.Parallel()
	r, err := CompileRules(RuleOptions{
		MinSize:  4096,
		MIME:     []string{"text/*", "application/PGP-*"},
		Agents:   []string{"*bot*", "curl/7.[0-3]*"},
		Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.77/24"), netip.MustParsePrefix("2001:db8::/32")},
		Paths:    []string{"*.torrent", "private/**"},
	})
	if err != nil {
		t.Fatal(err)
	}
	far := "203.0.113.1"
	for _, tc := range []struct {
		want, path string
		size       int64
		mime       string
		agent      string
		addr       string
	}{
		{"", "x.iso", 4096, "application/octet-stream", "curl/8", far},
		{ExemptMinSize, "x.iso", 4095, "", "", far},
		{ExemptMIME, "x.iso", 4096, "text/plain; charset=utf-8", "", far},
		{ExemptMIME, "x.iso", 4096, "Application/pgp-keys", "", far},
		{ExemptAgent, "x.iso", 4096, "", "GoogleBot/2.1", far},
		{ExemptAgent, "x.iso", 4096, "", "curl/7.38", far},
		{"", "x.iso", 4096, "", "curl/7.50", far},
		{"", "x.iso", 4096, "", strings.Repeat("x", agentLimit) + "bot", far},
		{ExemptNetwork, "x.iso", 4096, "", "", "192.0.2.1"},
		{ExemptNetwork, "x.iso", 4096, "", "", "::ffff:192.0.2.1"},
		{ExemptNetwork, "x.iso", 4096, "", "", "2001:db8::1"},
		{ExemptPath, "a/x.torrent", 4096, "", "", far},
		{ExemptPath, "private/a/x", 4096, "", "", far},
		{"", "a/private/x", 4096, "", "", far},
		{ExemptSignature, "x.asc", 4096, "", "", far},
	} {
		got := r.Exempt(tc.path, tc.size, func() string { return tc.mime }, tc.agent, netip.MustParseAddr(tc.addr))
		if got != tc.want {
			t.Errorf("%+v: got %q", tc, got)
		}
	}
	var none *Rules
	if got := none.Exempt("x.asc", 0, nil, "", unknownAddr); got != "" {
		t.Errorf("no rules exempt: %q", got)
	}
}

func TestRuleOptions(t *testing.T) {
	t.Parallel()
	r, err := CompileRules(RuleOptions{NoDefaults: true})
	if err != nil || r.Exempt("x.asc", 0, nil, "", unknownAddr) != "" {
		t.Errorf("without the defaults: %v", err)
	}
	for _, bad := range []RuleOptions{
		{MIME: []string{"["}}, {Agents: []string{"["}}, {Paths: []string{""}}, {Networks: make([]netip.Prefix, 1)},
	} {
		if _, err := CompileRules(bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

func TestExemptDoesNotAllocate(t *testing.T) {
	r, err := CompileRules(RuleOptions{
		MinSize: 1, Agents: []string{"*bot*"}, Paths: []string{"**/x/*.torrent", "*.foo"},
		Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	})
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("203.0.113.1")
	path := "distribution/leap/16.0/" + strings.Repeat("long-name-", 12) + "x86_64.iso"
	if n := testing.AllocsPerRun(100, func() { r.Exempt(path, 10, nil, "Mozilla/5.0 (X11; Linux x86_64)", addr) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkExempt(b *testing.B) {
	for _, bc := range []struct {
		name string
		o    RuleOptions
	}{
		{"defaults", RuleOptions{MinSize: 1}},
		{"patterns", RuleOptions{MinSize: 1, Agents: []string{"*bot*"}, Paths: []string{"**/x/*.torrent", "*.foo"}}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			r, err := CompileRules(bc.o)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				r.Exempt("distribution/leap/16.0/iso/openSUSE-Leap-16.0-DVD-x86_64.iso", 10, nil, "Mozilla/5.0 (X11; Linux x86_64)", unknownAddr)
			}
		})
	}
}
