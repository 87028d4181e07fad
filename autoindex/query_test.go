package autoindex

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAsk(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", MaxPattern+1)
	for _, tt := range []struct {
		query string
		want  Ask
	}{
		{"", Ask{}},
		{"C=N", Ask{Grammar: ApacheGrammar, Column: ByName}},
		{"C=M;O=D&F=2;V=0", Ask{Grammar: ApacheGrammar, Column: ByModified, Descending: On, Format: Table, Version: Off}},
		{"C=S;C=D;O=D;O=A;F=0;F=1;V=1", Ask{Grammar: ApacheGrammar, Column: ByDescription, Descending: Off, Format: Fancy, Version: On}},
		{"C=M;X=1;O=D", Ask{Grammar: ApacheGrammar, Column: ByModified}},
		{"C=M;;O=D", Ask{Grammar: ApacheGrammar, Column: ByModified}},
		{"C=M;sort=size&order=desc", Ask{Grammar: ApacheGrammar, Column: ByModified}},
		{"sort=size&order=desc&C=M", Ask{Grammar: CaddyGrammar, Column: BySize, Descending: On}},
		{"c=M", Ask{}},
		{"C=m", Ask{}},
		{"C=MM", Ask{}},
		{"C", Ask{}},
		{"=", Ask{}},
		{";C=M", Ask{}},
		{"F=3", Ask{}},
		{"P=*.iso", Ask{Grammar: ApacheGrammar, Pattern: "*.iso"}},
		{"P=a%20b%5Bx%5d;O=D", Ask{Grammar: ApacheGrammar, Pattern: "a b[x]", Descending: On}},
		{"P=a+b", Ask{Grammar: ApacheGrammar, Pattern: "a+b"}},
		{"P=a/b", Ask{Grammar: ApacheGrammar, Pattern: "a/b"}},
		{"P=x;P=", Ask{Grammar: ApacheGrammar}},
		{"P=%zz;O=D", Ask{Grammar: ApacheGrammar, Descending: On}},
		{"P=a%2fb", Ask{Grammar: ApacheGrammar}},
		{"P=a%00b", Ask{Grammar: ApacheGrammar}},
		{"P=" + long, Ask{Grammar: ApacheGrammar}},
		{"P=%fc*", Ask{Grammar: ApacheGrammar, Pattern: "\xfc*"}},
		{"sort=name", Ask{Grammar: CaddyGrammar, Column: ByName, FoldersFirst: Off}},
		{"sort=namedirfirst", Ask{Grammar: CaddyGrammar, Column: ByName, FoldersFirst: On}},
		{"sort=time&sort=size", Ask{Grammar: CaddyGrammar, Column: ByModified}},
		{"sort=mirrors&order=asc", Ask{Grammar: CaddyGrammar, Column: ByMirrors, Descending: Off}},
		{"sort=colour&order=up&limit=-1&offset=x", Ask{}},
		{"limit=10&offset=20", Ask{Grammar: CaddyGrammar, Limit: 10, Offset: 20}},
		{"limit=0", Ask{}},
		{"limit=99999999999999999999", Ask{}},
		{"layout=grid", Ask{}},
		{"q=two+words%21", Ask{Search: "two words!"}},
		{"q=%20a%20&q=b", Ask{Search: "a"}},
		{"q=%zz", Ask{}},
		{"q=%00", Ask{}},
		{"q=" + long, Ask{}},
		{"C=M;O=D;q=x", Ask{Grammar: ApacheGrammar, Column: ByModified, Descending: On, Search: "x"}},
		{"sort=size&q=x", Ask{Grammar: CaddyGrammar, Column: BySize, Search: "x"}},
		{"latest=foo-*.iso", Ask{Latest: "foo-*.iso"}},
		{"latest=gtk+-*&by=time", Ask{Latest: "gtk+-*", LatestBy: LatestByTime}},
		{"by=time&latest=x&by=version", Ask{Latest: "x", LatestBy: LatestByTime}},
		{"latest=x&by=size", Ask{Latest: "x"}},
		{"by=time", Ask{}},
	} {
		if diff := cmp.Diff(tt.want, ParseAsk(tt.query)); diff != "" {
			t.Errorf("%.60s: %s", tt.query, diff)
		}
	}
}

// FuzzParseAsk: what was asked for can be asked for again by the links, whatever
// it was, and they cannot leave their attribute.
func FuzzParseAsk(f *testing.F) {
	for _, s := range []string{"C=N;O=D;F=1;V=1;P=*.iso", "sort=size&order=desc&limit=3", "q=a+b&latest=x*&by=time", "P=%26%3b%22%ff", "P=a&q=%22%3b%26"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		a := ParseAsk(query)
		if len(a.Pattern) > MaxPattern || len(a.Latest) > MaxPattern || len(a.Search) > MaxSearch || a.Limit < 0 || a.Offset < 0 {
			t.Fatalf("%+v", a)
		}
		echo := string(appendEcho(nil, a))
		if strings.ContainsAny(echo, "\"<>& \n") {
			t.Fatalf("%q leaves the attribute", echo)
		}
		b := ParseAsk("C=N;O=A" + echo)
		if a.Format != b.Format || a.Version != b.Version || a.Pattern != b.Pattern || a.Search != b.Search {
			t.Errorf("%q became %q, which is %+v and not %+v", query, echo, b, a)
		}
	})
}

func TestResolve(t *testing.T) {
	t.Parallel()
	o := &Options{Order: Order{FoldersFirst: true, Column: BySize, Descending: true}}
	for _, tt := range []struct {
		name, query, accept string
		set                 Format
		format              Format
		order               Order
	}{
		{"set", "", "", Fancy, Fancy, o.Order},
		{"set wins over Accept", "", "application/json", Fancy, Fancy, o.Order},
		{"query wins", "F=2;C=N", "application/json", Fancy, Table, Order{FoldersFirst: true, Column: ByName, Descending: true}},
		{"Accept", "sort=name&order=asc", "application/json", Auto, JSON, Order{Column: ByName}},
		{"a browser", "V=1", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Auto, HTML, Order{FoldersFirst: true, Column: BySize, Descending: true, Version: true}},
		{"the list has names alone", "F=0;C=M", "", Auto, Plain, Order{Column: ByName, Descending: true}},
	} {
		o := *o
		o.Format = tt.set
		f, order := o.Resolve(o.Ask(tt.query), tt.accept)
		if f != tt.format || order != tt.order {
			t.Errorf("%s: %v %+v", tt.name, f, order)
		}
	}
	o.IgnoreClient = true
	if a := o.Ask("C=N;O=D;P=x;q=y;latest=z;by=time"); a != (Ask{Search: "y", Latest: "z", LatestBy: LatestByTime}) {
		t.Errorf("ignoring the client: %+v", a)
	}
}

func TestNegotiate(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]Format{
		"": HTML, "*/*": HTML, "text/*": HTML, "image/png": HTML,
		"application/json":                    JSON,
		"Application/JSON; q=0.5":             JSON,
		"application/json;q=0":                HTML,
		"application/json;q=x":                HTML,
		"application/json, text/plain, */*":   JSON,
		"text/plain":                          Text,
		"text/plain;q=0.5, text/html":         HTML,
		"text/html;q=0.5, text/plain;q=0.6":   Text,
		"text/html, application/json":         HTML,
		"text/plain;format=flowed;q=0.4,*/*;": Text,
		"application/jsonp, text/plainer":     HTML,
	} {
		if got := Negotiate(accept); got != want {
			t.Errorf("%q: %v, want %v", accept, got, want)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for f := range formats {
		got, err := ParseFormat(f.String())
		if err != nil || got != f {
			t.Errorf("%v: %v, %v", f, got, err)
		}
		if _, err := Append(nil, f, &Listing{Path: "/"}, &Options{}); (err != nil) != (f == Auto || f == HTML) {
			t.Errorf("%v is written: %v", f, err)
		}
		if (f.Type() == "") != (f == Auto) {
			t.Errorf("%v has type %q", f, f.Type())
		}
	}
	if _, err := ParseFormat("grid"); err == nil {
		t.Error("grid is a format")
	}
	if s := Format(99).String(); s != "format(99)" {
		t.Error(s)
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	var all Documents
	for _, word := range documentWords {
		d, err := DocumentNamed(word)
		if err != nil || all.Has(d) {
			t.Errorf("%s: %v", word, err)
		}
		all |= d
	}
	if _, err := DocumentNamed("redirect"); err == nil {
		t.Error("redirect is a document")
	}
	var words []string
	for w := range (SHA256 | MirrorList | Torrent | 1<<15).Words() {
		words = append(words, w)
	}
	if s := strings.Join(words, " "); s != "mirrorlist torrent sha256" || !all.Has(Digests|Signature) {
		t.Error(s)
	}
	for range all.Words() {
		break
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{}, {NameWidth: Widest, DescriptionWidth: Widest}, {NameWidth: 5, DescriptionWidth: 12, Format: JSON}} {
		if err := o.Validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []Options{{NameWidth: 4}, {DescriptionWidth: 11}, {NameWidth: -2}, {Format: 99}} {
		if o.Validate() == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
