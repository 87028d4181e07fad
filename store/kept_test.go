package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// paths gives the sorted paths that a stream of a snapshot has.
func paths(t *testing.T, s *Store, read func(n *Snapshot, fn func(FileRow) error) error) []string {
	t.Helper()
	var all []string
	ok(t, s.Read(t.Context(), func(n *Snapshot) error {
		return read(n, func(r FileRow) error {
			all = append(all, string(r.Path))
			return nil
		})
	}))
	slices.Sort(all)
	return all
}

func TestKept(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		add(t, s, l, "a", "dir/b", "dir/\xff", "stays")
		files := live(t, s)
		h1 := must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{Remove: []mirror.FileID{files["a"].ID}}))
		first := must[[]FileRow](t)(s.VersionsOf(t.Context(), "a"))[0].Gone
		time.Sleep(5 * time.Millisecond) // SQLite's clock has milliseconds
		must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{
			Remove: []mirror.FileID{files["dir/b"].ID, files["dir/\xff"].ID},
			Add:    []NewFile{{Path: "dir/b", Size: 9}},
			Touch:  []Touch{{ID: files["stays"].ID, MTime: 5}},
		}))
		for _, test := range []struct {
			since, after int64
			want         []string
		}{
			{0, 0, []string{"a", "dir/b", "dir/\xff"}},
			{0, -1, []string{"a", "dir/b", "dir/\xff"}},
			{0, first, []string{"dir/b", "dir/\xff"}},
			{0, first - 1, []string{"a", "dir/b", "dir/\xff"}},
			{0, 1 << 62, nil},
			{h1.Revision, 0, []string{"dir/b", "dir/\xff"}},
			{h1.Revision - 1, first, []string{"dir/b", "dir/\xff"}},
			{h1.Revision + 1, 0, nil},
		} {
			got := paths(t, s, func(n *Snapshot, fn func(FileRow) error) error {
				return n.Kept(test.since, test.after, func(r FileRow) error {
					if r.Gone <= test.after || r.Revision <= test.since || r.ID != files[string(r.Path)].ID {
						t.Errorf("got %+v", r)
					}
					return fn(r)
				})
			})
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("since %d, after %d: %s", test.since, test.after, d)
			}
		}
	})
}

// A version that is gone never becomes current again: what is touched then is
// passed over, and what comes back gets a new id.
func TestKeptStaysGone(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		add(t, s, l, "a")
		a := live(t, s)["a"]
		must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{Remove: []mirror.FileID{a.ID}}))
		must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{Touch: []Touch{{ID: a.ID, MTime: 5}}}))
		add(t, s, l, "a")
		vs := must[[]FileRow](t)(s.VersionsOf(t.Context(), "a"))
		if len(vs) != 2 || vs[0].ID == a.ID || vs[1].ID != a.ID || vs[1].Gone == 0 || vs[1].MTime != a.MTime {
			t.Errorf("versions: %+v", vs)
		}
	})
}

func TestLiveIn(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		add(t, s, l, "Release", "d/Release", "d/x", "d/e/core.db.tar.gz", "d/e/x.DB", "d/e/f/\xff.db", "dd/Release", "d/old")
		must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{Remove: []mirror.FileID{live(t, s)["d/old"].ID}}))
		for _, test := range []struct {
			folder string
			below  bool
			want   []string
		}{
			{"", false, []string{"Release"}},
			{"", true, slices.Sorted(maps.Keys(live(t, s)))},
			{"d", false, []string{"d/Release", "d/x"}},
			{"d", true, []string{"d/Release", "d/e/core.db.tar.gz", "d/e/f/\xff.db", "d/e/x.DB", "d/x"}},
			{"d/e", false, []string{"d/e/core.db.tar.gz", "d/e/x.DB"}},
			{"d/none", true, nil},
			{"d/x", false, nil},
		} {
			got := paths(t, s, func(n *Snapshot, fn func(FileRow) error) error { return n.LiveIn(test.folder, test.below, fn) })
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("in %q, below %v: %s", test.folder, test.below, d)
			}
		}
		for _, test := range []struct {
			folder       string
			names, parts []string
			want         []string
		}{
			{"", []string{"Release"}, nil, []string{"Release", "d/Release", "dd/Release"}},
			{"d", []string{"Release", "x"}, nil, []string{"d/Release", "d/x"}},
			{"d", []string{"Release"}, []string{".db"}, []string{"d/Release", "d/e/core.db.tar.gz", "d/e/f/\xff.db"}},
			{"d/e", nil, []string{"\xff.", ".D"}, []string{"d/e/f/\xff.db", "d/e/x.DB"}},
			{"d", nil, nil, nil},
			{"none", []string{"Release"}, nil, nil},
		} {
			got := paths(t, s, func(n *Snapshot, fn func(FileRow) error) error {
				return n.LiveNamed(test.folder, test.names, test.parts, fn)
			})
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("%q, %q in %q: %s", test.names, test.parts, test.folder, d)
			}
		}
	})
}

// Where there are many folders all files are gone through, but only those
// below are given.
func TestLiveNamedManyFolders(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		names := []string{"elsewhere/Release", "many/0/Release", "many/Release", "manyx/Release"}
		for i := range fewFolders {
			names = append(names, fmt.Sprintf("many/%d/x", i))
		}
		add(t, s, l, names...)
		got := paths(t, s, func(n *Snapshot, fn func(FileRow) error) error {
			return n.LiveNamed("many", []string{"Release"}, nil, fn)
		})
		if d := cmp.Diff([]string{"many/0/Release", "many/Release"}, got); d != "" {
			t.Error(d)
		}
	})
}

// TestKeptPlans holds that what runs once a second reads only what is new, on
// a database nobody has analysed too.
func TestKeptPlans(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *Store) {
		l := lease(t, s, "index")
		var names []string
		for i := range 5000 {
			names = append(names, fmt.Sprintf("f%d/%d", i%100, i))
		}
		add(t, s, l, names...)
		var ids []mirror.FileID
		for _, r := range live(t, s) {
			if r.ID%2 == 0 {
				ids = append(ids, r.ID)
			}
		}
		h := must[Head](t)(s.ApplyIndex(t.Context(), l, IndexBatch{Remove: ids}))
		if s.d == &postgres {
			_, err := s.db.ExecContext(t.Context(), "ANALYZE")
			ok(t, err)
		}
		for _, test := range []struct {
			where, index string
			args         []any
		}{
			{"revision > $1 AND gone > $2", "file_revision", []any{h.Revision, int64(1)}},
			{"gone <> 0 AND gone > $1", "file_gone", []any{int64(1) << 62}},
			{"gone = 0 AND folder = $1", "file_live", []any{int64(3)}},
		} {
			if p := plan(t, s, "SELECT "+fileColumns+" FROM file WHERE "+test.where, test.args...); !strings.Contains(p, test.index) {
				t.Errorf("%s: no %s in the plan\n%s", test.where, test.index, p)
			}
		}
	})
}

func plan(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	explain := "EXPLAIN "
	if s.d == &sqliteDialect {
		explain = "EXPLAIN QUERY PLAN "
	}
	rows, err := s.db.QueryContext(t.Context(), explain+query, args...)
	ok(t, err)
	defer rows.Close()
	columns := must[[]string](t)(rows.Columns())
	var all strings.Builder
	for rows.Next() {
		line := make([]any, len(columns))
		for i := range line {
			line[i] = new(any)
		}
		ok(t, rows.Scan(line...))
		fmt.Fprintln(&all, *line[len(line)-1].(*any))
	}
	ok(t, rows.Err())
	return all.String()
}
