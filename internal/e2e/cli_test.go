package e2e

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
)

// TestExitCodes: what scripts rely on.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	s := newSite(t, settings{})
	small(t, s.root, 30)
	s.expect(2, []string{"no origin"}, "index")
	s.expect(0, []string{"mbctl new"}, "scan", "--all", "-b", "test")
	s.must("new", "early", "-H", "http://127.0.0.1:1/", "-c", "de")
	s.expect(0, []string{"mbctl scan NAME --enable"}, "scan", "--all")
	s.expect(1, []string{"index is empty", "mbctl index"}, "scan", "early")
	s.must("delete", "early")
	s.must("index", s.root)
	for _, args := range [][]string{
		{"nonsense"},
		{"list", "--nonsense"},
		{"new"},
		{"new", "x"},
		{"new", "x", "-H", "gopher://x/"},
		{"new", "a/b", "-H", "http://x/"},
		{"score"},
		{"score", "berlin", "many"},
		{"scan"},
		{"scan", "x", "--all"},
		{"scan", "--all", "--protocol", "gopher"},
		{"index", "a", "b"},
		{"asn", "lookup", "nowhere"},
		{"scan", "--all", "--timeout", "soon"},
		{"disable"},
		{"disable", "x", "--until", "never"},
		{"index", "--same", "--force"},
		{"log", "x", "-n", "0"},
		{"new", "x", "-H", "http://127.0.0.1/", "--lat", "5"},
		{"new", "x", "-H", "http://127.0.0.1/", "--prefix", "192.0.2.0"},
		{"new", "x", "-H", "http://127.0.0.1/", "-c", "germany"},
	} {
		if r := s.mbctl(args...); r.code != 2 || !strings.HasPrefix(r.stderr, "mbctl: ") || r.stdout != "" {
			t.Errorf("mbctl %q: exit %d, want 2\n%s%s", args, r.code, r.stdout, r.stderr)
		}
	}
	s.addMirror("berlin", germany)
	dead := mirrortest.Nginx(t, s.copyOf("dead"), mirrortest.Options{Host: germany})
	s.must("new", "dead", "-H", dead.URL)
	s.must("scan", "dead", "--enable")
	dead.Stop()
	r := s.expect(3, []string{"1 of 2 mirrors failed", "dead"}, "scan", "--all")
	if !strings.Contains(r.stdout, "berlin: rsync: listed 30, held 30 (+0 -0)") {
		t.Errorf("the other mirror is not done: %s", r.stdout)
	}
	s.expect(0, []string{"dead"}, "scan", "--all", "--fail-after", "24h")
	s.expect(3, nil, "scan", "dead", "--quiet")
	s.expect(1, []string{"no mirror"}, "show", "nobody")
	s.expect(1, []string{"exactly"}, "delete", "berli", "--force")
	s.expect(5, []string{"berlin is enabled", "--force"}, "delete", "berlin")
	s.expect(1, []string{"exists"}, "new", "berlin", "-H", "http://127.0.0.1/")
	s.expect(0, []string{"berlin"}, "show", "berli")

	// Refused: an origin that is empty, gone, or mostly gone.
	empty := filepath.Join(s.dir, "empty")
	check(t, os.Mkdir(empty, 0o755))
	s.expect(5, []string{"--force"}, "index", empty)
	s.expect(5, nil, "index", filepath.Join(s.dir, "nothing"))
	for i := range 20 {
		check(t, os.Remove(filepath.Join(s.root, smallName(i))))
	}
	s.expect(5, []string{"20 of 30 files would be removed", "--force"}, "index", s.root)
	s.expect(0, []string{"removed 20"}, "index", s.root, "--force")
	s.expect(0, []string{"nothing has changed"}, "index", s.root)
	s.expect(1, nil, "--config", filepath.Join(s.dir, "no.toml"), "list")
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	check(t, err)
	defer l.Close()
	for _, url := range []string{"postgres://x@127.0.0.1:1/x", "postgres://x@" + l.Addr().String() + "/x?connect_timeout=2", "postgres://x@no-such-host.invalid/x"} {
		if r := s.mbctl("--database", url, "list"); r.code != 4 {
			t.Errorf("%s: exit %d, want 4\n%s", url, r.code, r.stderr)
		} else if r.took.Seconds() > 20 {
			t.Errorf("%s: took %v to say that nobody is there", url, r.took)
		}
	}
}

func smallName(i int) string {
	return filepath.Join("f", "00"+string(rune('0'+i/10))+string(rune('0'+i%10))+".bin")
}

// TestOutput: JSON is JSON, and piped output is plain, one line a row, with tabs.
func TestOutput(t *testing.T) {
	t.Parallel()
	s := newSite(t, settings{})
	small(t, s.root, 30)
	put(t, s.root, "bell\x07\x1b[31m.bin", 5000, aTime)
	web := mirrortest.Nginx(t, s.copyOf("berlin"), mirrortest.Options{Host: germany})
	rsync := rsyncd(t, germany, filepath.Join(s.dir, "mirror-berlin")).URL("pub")
	table := filepath.Join(s.dir, "table")
	s.write(table, pfx2as)
	for _, args := range [][]string{
		{"index", s.root},
		{"index", "--dry-run"},
		{"asn", "import", table},
		{"asn", "lookup", inAS},
		{"new", "berlin", "-H", web.URL, "-R", rsync, "-C", "a\x1b[31m comment\nof two lines"},
		{"scan", "berlin", "--dry-run"},
		{"scan", "berlin", "--enable"},
		{"list"},
		{"list", "--all"},
		{"show", "berlin"},
		{"status"},
		{"log", "berlin"},
		{"score", "berlin"},
		{"score", "berlin", "50"},
		{"edit", "berlin", "--country-only"},
		{"disable", "berlin"},
		{"enable", "berlin"},
		{"db", "migrate"},
		{"db", "migrate", "--dry-run"},
		{"version"},
		{"rename", "berlin", "bonn"},
	} {
		r := s.mbctl(append(args, "--json")...)
		if r.code != 0 {
			t.Errorf("mbctl %q --json: exit %d\n%s%s", args, r.code, r.stdout, r.stderr)
			continue
		}
		var v any
		if len(strings.TrimSpace(r.stdout)) == 0 && args[0] != "rename" {
			t.Errorf("mbctl %q --json prints nothing", args)
		} else if err := json.Unmarshal([]byte(r.stdout), &v); err != nil && len(r.stdout) > 0 {
			t.Errorf("mbctl %q --json: %v\n%s", args, err, r.stdout)
		}
	}
	for _, args := range [][]string{{"list"}, {"show", "bonn"}, {"status"}, {"log", "bonn"}, {"scan", "bonn"}, {"index"}, {"asn", "lookup", inAS}, {"version"}} {
		out := s.must(args...)
		if out == "" {
			t.Errorf("mbctl %q prints nothing", args)
		}
		for _, c := range out {
			if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
				t.Errorf("mbctl %q prints the control character %q:\n%q", args, c, out)
				break
			}
		}
	}
	row := strings.Split(strings.TrimSuffix(s.must("list"), "\n"), "\t")
	if len(row) != 9 || row[0] != "bonn" || row[1] != "up" || row[3] != "eu" || row[4] != "de" || row[5] != "50" || row[6] != "31" || row[8] != web.URL {
		t.Errorf("list: %q", row)
	}
	if out := s.must("log", "bonn"); !strings.Contains(out, "\toperator\t") {
		t.Errorf("log does not say who: %s", out)
	}
	r := s.mbctl("show", "nobody", "--json")
	var e struct {
		Error    string
		ExitCode int `json:"exit_code"`
	}
	if err := json.Unmarshal([]byte(r.stderr), &e); err != nil || e.Error == "" || e.ExitCode != 1 {
		t.Errorf("an error as JSON: %v, %+v\n%s", err, e, r.stderr)
	}
	if out := s.must("scan", "bonn", "--quiet") + s.must("index", "--quiet") + s.must("score", "bonn", "60", "-q"); out != "" {
		t.Errorf("--quiet prints %q", out)
	}
	for _, args := range [][]string{{"help"}, {"scan", "--help"}, {"completion", "bash"}} {
		if out := s.must(args...); len(out) < 200 {
			t.Errorf("mbctl %q: %s", args, out)
		}
	}
}
