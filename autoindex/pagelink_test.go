package autoindex

import "testing"

func TestPageLinks(t *testing.T) {
	t.Parallel()
	long := make([]Entry, 10)
	for _, test := range []struct {
		name                                         string
		l                                            Listing
		byName, bySize, byMirrors, prev, next, asked string
	}{
		{
			name:   "nothing asked",
			byName: "?sort=name&order=desc", bySize: "?sort=size&order=desc", byMirrors: "?sort=mirrors&order=desc", asked: "?f=j",
		},
		{
			name:   "folders first",
			l:      Listing{Order: Order{FoldersFirst: true, Column: BySize, Descending: true}, Ask: Ask{Grammar: CaddyGrammar, Column: BySize, Descending: On}},
			byName: "?sort=namedirfirst&order=asc", bySize: "?sort=size&order=asc", byMirrors: "?sort=mirrors&order=desc", asked: "?sort=size&order=desc&f=j",
		},
		{
			name:   "Apache's",
			l:      Listing{Order: Order{Column: BySize, Version: true}, Ask: Ask{Grammar: ApacheGrammar, Version: On, Pattern: "a+b:&;*", Search: "x y"}},
			byName: "?C=N;O=A;V=1;P=a%2Bb%3A%26%3B%2A;q=x%20y", bySize: "?C=S;O=D;V=1;P=a%2Bb%3A%26%3B%2A;q=x%20y",
			asked: "?C=S;O=A;V=1;P=a%2Bb%3A%26%3B%2A;q=x%20y;f=j",
		},
		{
			name:   "Apache's by what it has no word for",
			l:      Listing{Order: Order{Column: ByMirrors}, Ask: Ask{Grammar: ApacheGrammar, Version: Off}},
			byName: "?C=N;O=A;V=0", bySize: "?C=S;O=D;V=0", asked: "?f=j",
		},
		{
			name:   "a part in the middle",
			l:      Listing{Entries: long, Total: 100, Ask: Ask{Grammar: CaddyGrammar, Limit: 10, Offset: 15, Search: "a&b"}},
			byName: "?sort=name&order=desc&limit=10&q=a%26b", bySize: "?sort=size&order=desc&limit=10&q=a%26b", byMirrors: "?sort=mirrors&order=desc&limit=10&q=a%26b",
			prev: "?sort=name&order=asc&limit=10&offset=5&q=a%26b", next: "?sort=name&order=asc&limit=10&offset=25&q=a%26b",
			asked: "?sort=name&order=asc&limit=10&offset=15&q=a%26b&f=j",
		},
		{
			name:   "cut",
			l:      Listing{Entries: long, Total: 100, Cut: true},
			byName: "?sort=name&order=desc", bySize: "?sort=size&order=desc", byMirrors: "?sort=mirrors&order=desc", next: "?sort=name&order=asc&offset=10", asked: "?f=j",
		},
		{
			name:   "behind the end",
			l:      Listing{Total: 100, Ask: Ask{Grammar: CaddyGrammar, Limit: 30, Offset: 1000}},
			byName: "?sort=name&order=desc&limit=30", bySize: "?sort=size&order=desc&limit=30", byMirrors: "?sort=mirrors&order=desc&limit=30",
			prev: "?sort=name&order=asc&limit=30&offset=70", asked: "?sort=name&order=asc&limit=30&offset=1000&f=j",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := pageLinks{&test.l}
			prev, next := l.parts()
			for _, c := range [...][3]string{
				{"by name", l.order(ByName), test.byName},
				{"by size", l.order(BySize), test.bySize},
				{"by mirrors", l.order(ByMirrors), test.byMirrors},
				{"previous", prev, test.prev},
				{"next", next, test.next},
				{"other format", l.format("f=j"), test.asked},
			} {
				if c[1] != c[2] {
					t.Errorf("%s: got %s, want %s", c[0], c[1], c[2])
				}
			}
		})
	}
}
