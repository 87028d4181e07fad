package store

import "testing"

func TestResolve(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		add(t, s, l, "a/b/file", "real")
		must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{AddAliases: []Alias{
			{Path: "link", Target: "real"},
			{Path: "current", Target: "a/b", Folder: true},
			{Path: "a/here", Target: "", Folder: true},
			{Path: "twice", Target: "a/here/link"},
			{Path: "x", Target: "y"},
			{Path: "y", Target: "x"},
		}}))
		for from, to := range map[string]string{
			"real": "real", "link": "real", "current/file": "a/b/file", "current": "a/b", "a/here/real": "real", "twice": "real",
			"none/of/it": "none/of/it", "a/b/file": "a/b/file", "": "",
		} {
			if got := must[string](t)(s.Resolve(t.Context(), from)); got != to {
				t.Errorf("%q leads to %q, want %q", from, got, to)
			}
		}
		must[string](t)(s.Resolve(t.Context(), "x")) // a circle ends
	})
}
