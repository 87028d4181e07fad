package e2e

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
)

// small fills a tree with n files f/0000.bin and so on.
func small(t testing.TB, root string, n int) (paths []string) {
	t.Helper()
	for i := range n {
		paths = append(paths, fmt.Sprintf("f/%04d.bin", i))
		put(t, root, paths[i], 5000+i, aTime.Add(time.Duration(i)*time.Minute))
	}
	return paths
}

// decides waits until the answer for path at ip is sent to a mirror ("" is
// none), and says how long that took. How long it should take is for people to
// judge: one second on PostgreSQL, two on SQLite.
func (s *site) decides(what, path, ip, mirror string) {
	s.t.Helper()
	took := eventually(s.t, 10*time.Second, func() string {
		a := s.get(path, ip)
		if a.mirror != mirror {
			return fmt.Sprintf("%s: %s is sent to %q, not to %q", what, path, a.mirror, mirror)
		}
		if mirror == "" && a.location != "" {
			return fmt.Sprintf("%s: %s is sent to %s", what, path, a.location)
		}
		return ""
	})
	s.t.Logf("%-40s decides after %v", what, took.Round(time.Millisecond))
}

// TestChangesDecide: what mbctl changes decides requests within a second or two.
func TestChangesDecide(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database, handler: "check_file off"})
		files := small(t, s.root, 200)
		s.must("index", s.root)
		berlin := s.addMirror("berlin", germany)
		s.addMirror("newyork", usa)
		s.start()
		s.follows()
		if a := s.get(files[0], inGermany); a.mirror != "berlin" || a.realm != "country" {
			t.Fatalf("a client in Germany is sent to %q (%s)", a.mirror, a.realm)
		}
		s.must("disable", "berlin")
		s.decides("mbctl disable", files[0], inGermany, "newyork")
		s.must("enable", "berlin")
		s.decides("mbctl enable", files[0], inGermany, "berlin")
		s.must("score", "berlin", "0")
		s.decides("mbctl score 0", files[0], inGermany, "newyork")
		s.must("score", "berlin", "100")
		s.decides("mbctl score 100", files[0], inGermany, "berlin")
		s.must("edit", "berlin", "--exclude-countries", "de")
		s.decides("mbctl edit", files[0], inGermany, "newyork")
		s.must("edit", "berlin", "--exclude-countries", "")
		s.decides("mbctl edit back", files[0], inGermany, "berlin")

		put(t, s.root, "new.bin", 9000, aTime)
		put(t, berlin, "new.bin", 9000, aTime)
		s.must("index")
		s.must("scan", "berlin")
		s.decides("mbctl index and scan of a new file", "new.bin", inUSA, "berlin")

		putSeed(t, s.root, "new.bin", "another", 9001, aTime.Add(time.Hour))
		s.must("index")
		s.decides("mbctl index of a changed file", "new.bin", inUSA, "")
		check(t, os.Remove(filepath.Join(s.root, files[0])))
		s.must("index")
		s.decides("mbctl index of a removed file", files[0], inGermany, "")
		if a := s.get(files[0], inGermany); a.status != http.StatusNotFound {
			t.Errorf("a removed file: status %d", a.status)
		}
		s.must("rename", "newyork", "boston")
		s.decides("mbctl rename", files[1], inUSA, "boston")
		s.must("disable", "boston")
		s.must("delete", "boston")
		s.decides("mbctl delete", files[1], inUSA, "berlin")
	})
}

// TestDistribution: over 10,000 requests each mirror gets its score's share.
func TestDistribution(t *testing.T) {
	t.Parallel()
	s := newSite(t, settings{handler: "check_file off"})
	files := small(t, s.root, 20)
	s.must("index", s.root)
	dir := s.copyOf("all")
	web, daemon := mirrortest.Nginx(t, dir, mirrortest.Options{Host: germany}), rsyncd(t, germany, dir)
	scores := map[string]float64{"a": 100, "b": 50, "c": 250, "d": 1, "off": 0, "lacks": 300}
	for name, score := range scores {
		rsync := daemon.URL("pub")
		if name == "lacks" { // has the first file only
			part := filepath.Join(s.dir, "part")
			put(t, part, files[0], 5000, aTime)
			rsync = rsyncd(t, germany, part).URL("pub")
		}
		s.must("new", name, "-H", web.URL, "-R", rsync, "-s", fmt.Sprint(score))
	}
	s.must("scan", "--all", "--enable")
	s.start()
	s.follows()
	for _, c := range []struct {
		path  string
		lacks bool
	}{{files[0], false}, {files[1], true}} {
		const n = 10_000
		got, pairs := map[string]int{}, 0
		for range n {
			a := s.get(c.path, inGermany)
			got[a.mirror]++
			pairs += len(a.header.Values("Link"))
		}
		total, df, chi := 0.0, -1, 0.0
		for name, score := range scores {
			if !c.lacks || name != "lacks" {
				total += score
			}
		}
		for name, score := range scores {
			if score == 0 || c.lacks && name == "lacks" {
				if got[name] > 0 {
					t.Errorf("%s: %s got %d requests", c.path, name, got[name])
				}
				continue
			}
			want := n * score / total
			chi += math.Pow(float64(got[name])-want, 2) / want
			df++
		}
		// The quantile of 1 - 10^-6 for 3 and 4 degrees of freedom.
		limit := map[int]float64{3: 30.7, 4: 33.4}[df]
		t.Logf("%s: %v, chi-square %.1f with %d degrees of freedom", c.path, got, chi, df)
		if chi > limit {
			t.Errorf("%s: chi-square %.1f, at most %.1f is plausible: %v", c.path, chi, limit, got)
		}
		if pairs < 3*n {
			t.Errorf("%s: %d Link fields in %d answers", c.path, pairs, n)
		}
	}
}

// TestManyChanges: each of many changes, by a process of its own, reaches the
// node, which reads beside them all the time.
func TestManyChanges(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, database string) {
		s := newSite(t, settings{database: database})
		small(t, s.root, 5)
		s.must("index", s.root)
		s.must("new", "berlin", "-H", "http://127.0.0.1/", "-c", "de")
		s.start()
		var longest time.Duration
		for i := range 60 {
			s.must("score", "berlin", fmt.Sprint(i))
			if i%3 == 0 {
				longest = max(longest, s.follows())
			}
		}
		longest = max(longest, s.follows())
		t.Logf("the longest that the node was behind: %v", longest)
	})
}
