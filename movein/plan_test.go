package movein

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/pgtest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/store"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, db *store.Store)) {
	t.Helper()
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return "sqlite://" + filepath.Join(t.TempDir(), "test.db") },
		"postgres": func() string { return pgtest.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := store.Open(url(), store.Options{})
			must(t, err)
			t.Cleanup(func() { _ = db.Close() })
			must(t, db.Prepare(t.Context()))
			test(t, db)
		})
	}
}

// one runs a test on SQLite alone: what it tests is not the database.
func one(t *testing.T, test func(t *testing.T, db *store.Store)) {
	t.Helper()
	db, err := store.Open("sqlite://"+filepath.Join(t.TempDir(), "test.db"), store.Options{})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	must(t, db.Prepare(t.Context()))
	test(t, db)
}

// proportional is a law that is the same as ours for mirrors of one country.
type proportional struct{}

func (proportional) About() string { return "as here" }

func (proportional) Client(_ []Record, r *Record) mirror.Client {
	return mirror.Client{Place: r.Mirror.Place}
}

func (proportional) Shares(all []Record, _ *mirror.Client) []float64 {
	shares, total := make([]float64, len(all)), 0.0
	for i := range all {
		total += float64(all[i].Score)
	}
	for i := range all {
		shares[i] = float64(all[i].Score) / total
	}
	return shares
}

// there is another system with two mirrors.
func there() *Inventory {
	record := func(name string, score int) Record {
		return Record{Name: name, Enabled: true, Score: score, Mirror: mirror.Mirror{
			Name: name, HTTP: []string{"http://" + name + ".example.org/"}, Rsync: "rsync://u:s3cret@" + name + ".example.org/x/",
			Place: mirror.Place{Country: "de", Continent: "eu"}, Score: score,
		}}
	}
	return &Inventory{System: "other", Title: "Other 1.0", Law: proportional{}, Records: []Record{record("one", 100), record("two", 300)}}
}

// run takes everything over, and gives what became of each as "name what".
func run(t *testing.T, db *store.Store, inv *Inventory, only ...string) (p *Plan, what []string) {
	t.Helper()
	p, err := MakePlan(t.Context(), db, nil, inv, only)
	must(t, err)
	for i := range p.Steps {
		what = append(what, p.Steps[i].Name+" "+string(p.Steps[i].What))
	}
	must(t, p.Apply(t.Context(), db, nil, "tester", false))
	return p, what
}

func expect(t *testing.T, what []string, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, what); d != "" {
		t.Error(d)
	}
}

func get(t *testing.T, db *store.Store, name string) mirror.Mirror {
	t.Helper()
	m, err := db.Mirror(t.Context(), name)
	must(t, err)
	return m
}

func change(t *testing.T, db *store.Store, name string, fn func(m *mirror.Mirror)) {
	t.Helper()
	_, err := db.UpdateMirror(t.Context(), get(t, db, name).ID, "tester", "edit", func(m *mirror.Mirror) error { fn(m); return nil })
	must(t, err)
}

func TestAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.Store) {
		ctx := t.Context()
		p, what := run(t, db, there())
		expect(t, what, "one new", "two new")
		if m := get(t, db, "one"); m.Enabled || !m.EnableAfterScan || m.Rsync != "rsync://u:s3cret@one.example.org/x/" {
			t.Errorf("%+v", m)
		}
		if s := p.Shares(redirector.DefaultPolicy(), time.Now()); s[1].Country != (Share{.75, .75}) || s[0].World != (Share{.25, .25}) {
			t.Errorf("shares %+v", s)
		}
		raw, err := db.Setting(ctx, "import/other")
		must(t, err)
		if raw == "" || strings.Contains(raw, "s3cret") {
			t.Errorf("remembered %q", raw)
		}

		// A second time there is nothing to do, not even a new revision.
		head, err := db.Head(ctx)
		must(t, err)
		_, what = run(t, db, there())
		expect(t, what, "one same", "two same")
		if now, err := db.Head(ctx); err != nil || now != head {
			t.Errorf("head %v became %v, %v", head, now, err)
		}

		// Changed here: stays. Changed there: comes. Both: stays, and is told
		// each time.
		change(t, db, "one", func(m *mirror.Mirror) { m.Score, m.Comment, m.Country = 20, "ours", "at" })
		inv := there()
		inv.Records[0].Mirror.Rsync = "rsync://u:new@one.example.org/x/"
		inv.Records[0].Mirror.Country = "ch"
		inv.Records[1].Enabled = false
		for _, first := range []bool{true, false} {
			p, what = run(t, db, inv)
			expect(t, what, "one conflict", "two same")
			s := p.Steps[0]
			if first != (len(s.Changes) == 1) || first && s.Changes[0] != (Change{"rsync", `"rsync://u:xxxxx@one.example.org/x/"`, `"rsync://u:xxxxx@one.example.org/x/"`}) {
				t.Errorf("changes %+v", s.Changes)
			}
			if d := cmp.Diff([]Change{{"country", `"at"`, `"ch"`}}, s.Conflicts); d != "" {
				t.Error(d)
			}
			expect(t, s.Kept, "score", "comment")
			if first != p.Steps[1].Switched || s.Score != 20 {
				t.Errorf("%+v", p.Steps)
			}
		}
		m := get(t, db, "one")
		if m.Score != 20 || m.Comment != "ours" || m.Country != "at" || m.Rsync != "rsync://u:new@one.example.org/x/" {
			t.Errorf("%+v", m)
		}

		// Renamed here it is the same one still; deleted here it stays so, unless
		// it is asked for.
		change(t, db, "one", func(m *mirror.Mirror) { m.Name, m.Country = "uno", "ch" })
		must(t, db.DeleteMirror(ctx, get(t, db, "two").ID, "tester"))
		_, what = run(t, db, inv)
		expect(t, what, "uno same", "two deleted")
		_, what = run(t, db, inv, "two")
		expect(t, what, "two new")
		if m := get(t, db, "two"); m.Enabled || m.EnableAfterScan {
			t.Errorf("disabled there: %+v", m)
		}

		// Gone there.
		inv.Records = inv.Records[:1]
		_, what = run(t, db, inv)
		expect(t, what, "uno same", "two gone")
		get(t, db, "two")
	})
}

// TestNotOurs: a mirror that somebody added here is not changed, now or later.
func TestNotOurs(t *testing.T) {
	t.Parallel()
	one(t, func(t *testing.T, db *store.Store) {
		mine := mirror.Mirror{Name: "one", HTTP: []string{"https://elsewhere.example.org/"}, Score: 100}
		must(t, db.CreateMirror(t.Context(), &mine, "tester"))
		inv := there()
		for range 2 {
			_, what := run(t, db, inv)
			if what[0] != "one conflict" {
				t.Error(what)
			}
			if d := cmp.Diff(mine, get(t, db, "one")); d != "" {
				t.Error(d)
			}
			inv.Records[0].Mirror.Score = 70
		}
	})
}

// TestBrokenOff: what a run stored before it broke off is known as its own.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	one(t, func(t *testing.T, db *store.Store) {
		run(t, db, there())
		must(t, db.SetSetting(t.Context(), "import/other", ""))
		_, what := run(t, db, there())
		expect(t, what, "one same", "two same")
		inv := there()
		inv.Records[0].Mirror.PublicNotes = "new"
		_, what = run(t, db, inv)
		expect(t, what, "one changed", "two same")
		if m := get(t, db, "one"); m.PublicNotes != "new" {
			t.Errorf("%+v", m)
		}
	})
}

func TestUnusable(t *testing.T) {
	t.Parallel()
	one(t, func(t *testing.T, db *store.Store) {
		inv := there()
		inv.Records[0].Unusable = "no URL"
		p, what := run(t, db, inv)
		expect(t, what, "one left", "two new")
		if s := p.Shares(redirector.DefaultPolicy(), time.Now()); s[0].Country.After != 0 || s[1].Country.After != 1 {
			t.Errorf("shares %+v", s)
		}
	})
}

func TestMemoryBroken(t *testing.T) {
	t.Parallel()
	one(t, func(t *testing.T, db *store.Store) {
		must(t, db.SetSetting(t.Context(), "import/other", "{"))
		if _, err := MakePlan(t.Context(), db, nil, there(), nil); err == nil || !strings.Contains(err.Error(), "import/other") {
			t.Error(err)
		}
	})
}

// markers is a MarkerStore.
type markers struct {
	all []Marker
	set int
}

func (m *markers) Markers(context.Context) ([]Marker, error) { return m.all, nil }

func (m *markers) SetMarkers(_ context.Context, all []Marker, _ string) error {
	m.all, m.set = all, m.set+1
	return nil
}

func TestMarkers(t *testing.T) {
	t.Parallel()
	one(t, func(t *testing.T, db *store.Store) {
		to := &markers{all: []Marker{{"mine", []string{"m"}}}}
		inv := there()
		inv.Markers = []Marker{{"a", []string{"a/"}}, {"b", []string{"b/"}}, {"mine", []string{"other"}}}
		run := func(want ...string) {
			t.Helper()
			p, err := MakePlan(t.Context(), db, to, inv, nil)
			must(t, err)
			must(t, p.Apply(t.Context(), db, to, "tester", false))
			var what []string
			for _, c := range p.Markers {
				what = append(what, c.Marker.Name+" "+string(c.What))
			}
			expect(t, what, want...)
		}
		run("a new", "b new", "mine conflict")
		run("a same", "b same", "mine conflict")
		if to.set != 1 || len(to.all) != 3 || to.all[0].Paths[0] != "m" {
			t.Errorf("%+v", to)
		}
		inv.Markers[0].Paths = []string{"a/", "aa/"}
		inv.Markers[1].Paths = []string{"bb/"}
		to.all[2].Paths = []string{"ours"}
		run("a changed", "b conflict", "mine conflict")
		if d := cmp.Diff([]Marker{{"mine", []string{"m"}}, {"a", []string{"a/", "aa/"}}, {"b", []string{"ours"}}}, to.all); d != "" {
			t.Error(d)
		}
		to.all = to.all[:1]
		run("a deleted", "b deleted", "mine conflict")
	})
}
