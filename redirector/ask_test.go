package redirector

import (
	"strings"
	"testing"
)

func parse(t testing.TB, raw string) Ask {
	t.Helper()
	a, err := ParseAsk(raw)
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return a
}

func TestParseAsk(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Ask{
		"":                                     {},
		"meta4":                                {As: AsMeta4},
		"meta4=":                               {As: AsMeta4},
		"x=1&sha256&only_hash":                 {As: AsSHA256, OnlyHash: true},
		"mirrorlist&format=APT&all":            {As: AsMirrorList, Format: "apt", All: true},
		"json&pretty":                          {As: AsJSON, Pretty: true},
		"explain":                              {As: AsExplain, Explain: true},
		"mirrorlist&explain":                   {As: AsMirrorList, Explain: true},
		"META4":                                {},
		"redirect":                             {},
		"%6deta4":                              {As: AsMeta4},
		strings.Repeat("a=b&", 2000) + "meta4": {},
	} {
		got := parse(t, raw)
		got.Query = nil
		if got.As != want.As || got.OnlyHash != want.OnlyHash || got.All != want.All || got.Format != want.Format || got.Pretty != want.Pretty || got.Explain != want.Explain {
			t.Errorf("%.40q: %+v", raw, got)
		}
	}
	for _, raw := range []string{"meta4&metalink", "md5&sha1", "mirrorlist&json&torrent"} {
		if a, err := ParseAsk(raw); err == nil || a.As != AsFile {
			t.Errorf("%q: %+v", raw, a)
		}
	}
}

func TestCutSuffix(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]struct {
		file string
		as   Representation
	}{
		"a/x.iso.meta4":       {"a/x.iso", AsMeta4},
		"x.iso.meta4.torrent": {"x.iso.meta4", AsTorrent},
		"a/x.iso.sha512":      {"a/x.iso", AsSHA512},
		"dir.mirrorlist":      {"dir", AsMirrorList},
		"a/.meta4":            {"a/.meta4", AsFile},
		".meta4":              {".meta4", AsFile},
		"a.meta4/x":           {"a.meta4/x", AsFile},
		"x.yumlist":           {"x.yumlist", AsFile},
		"x.redirect":          {"x.redirect", AsFile},
		"x.META4":             {"x.META4", AsFile},
		"x.":                  {"x.", AsFile},
		"":                    {"", AsFile},
		"\xff\n.md5":          {"\xff\n", AsMD5},
	} {
		file, as, ok := CutSuffix(path)
		if file != want.file || as != want.as || ok != (want.as != AsFile) {
			t.Errorf("%q: %q %v %v", path, file, as, ok)
		}
	}
}

func TestNegotiate(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]Representation{
		"":    AsFile,
		"*/*": AsFile,
		"*/*,application/metalink4+xml,application/metalink+xml":                         AsMeta4, // aria2
		"application/metalink+xml, */*":                                                  AsMetalink,
		"*/*, application/x-zsync, application/metalink+xml, application/metalink4+xml":  AsMetalink, // libzypp
		"application/metalink+xml, application/metalink4+xml, application/metalink+xml":  AsMetalink,
		"application/metalink+xml;q=0.5, application/metalink4+xml":                      AsMeta4,
		"application/metalink4+xml, application/metalink+xml, application/metalink4+xml": AsMeta4,
		"application/metalink4+xml;q=0":                                                  AsFile,
		"application/metalink4+xml;q=0.5, */*":                                           AsFile,
		"application/metalink4+xml;q=0.5, application/metalink+xml;q=0.9":                AsMetalink,
		"application/metalink4+xml;q=0.5, */*;q=0.1":                                     AsMeta4,
		"application/metalink4+xml;q=nonsense, application/metalink+xml; q = 2":          AsFile,
		"Application/metalink4+XML ; charset=utf-8; Q=1.0":                               AsMeta4,
		"application/json":                  AsJSON,
		"application/json, text/plain, */*": AsFile, // axios
		"application/json, */*;q=0.5":       AsJSON,
		"application/json;q=0.2":            AsJSON,
		"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8": AsFile,
		"text/x-metalink, application/metalink":                                      AsFile,
		strings.Repeat("text/x,", 100) + "application/metalink4+xml":                 AsFile,
		"application/metalink4+xml" + strings.Repeat(" ", 5000):                      AsMeta4,
	} {
		if got := Negotiate([]string{accept}, "application/octet-stream", AllRepresentations); got != want {
			t.Errorf("%.80q: %v, want %v", accept, got, want)
		}
	}
	if got := Negotiate([]string{"text/html", "application/metalink4+xml"}, "", AllRepresentations); got != AsMeta4 {
		t.Errorf("two fields: %v", got)
	}
	if got := Negotiate([]string{"application/json"}, "application/json", AllRepresentations); got != AsFile {
		t.Errorf("of a JSON file: %v", got)
	}
	if got := Negotiate([]string{"application/metalink4+xml,application/metalink+xml"}, "", AllRepresentations.Without(AsMeta4)); got != AsMetalink {
		t.Errorf("version 4 switched off: %v", got)
	}
}

func FuzzAsk(f *testing.F) {
	f.Add("country=de&as=64500&ip=192.0.2.1&avoid=a,b&avoid_country=us", "a/x.iso.meta4", "application/metalink4+xml;q=0.3,*/*")
	f.Add("meta4&md5&format=apt", "..meta4", "application/json;q=.")
	f.Fuzz(func(t *testing.T, raw, path, accept string) {
		a, err := ParseAsk(raw)
		if len(a.Avoid) > maxWishes || len(a.AvoidCountries) > maxWishes || a.Country != "" && !isCode(a.Country) || err != nil && a.As != AsFile {
			t.Errorf("%q: %+v", raw, a)
		}
		if file, as, ok := CutSuffix(path); ok && (file+"."+as.String() != path || file == "") {
			t.Errorf("%q: %q %v", path, file, as)
		}
		if as := Negotiate([]string{accept}, "", AllRepresentations); as != AsFile && as != AsJSON && as != AsMeta4 && as != AsMetalink {
			t.Errorf("%q: %v", accept, as)
		}
	})
}
