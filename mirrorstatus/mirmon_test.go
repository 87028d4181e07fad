package mirrorstatus

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

func TestMirmonLines(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	s := &Site{AsOf: now, Mirrors: []Mirror{
		{
			Name: "a", URLs: []URL{{"https", "https://a.example/"}}, Scanned: now.Add(-time.Hour), Attempted: now.Add(-time.Hour), Copy: mirror.Copy{BehindSince: now.Add(-3 * day)},
			Recent: []mirror.Run{{At: now.Add(-2 * day)}, {At: now.Add(-day), OK: true}, {At: now.Add(-time.Hour), OK: true}},
		},
		{Name: "b", URLs: []URL{{"http", "http://b.example/"}, {"rsync", "rsync://[::1]/b/"}}, Attempted: now, Failing: true},
		{Name: "never", URLs: []URL{{"http", "http://n.example/"}}},
		{Name: "part", URLs: []URL{{"http", "http://p.example/"}}, Attempted: now, Subtree: "a"},
	}}
	want := "http://b.example/ undef no_time undef f 1795177800-z 1795177800\n" +
		"https://a.example/ 1794918600 ok 1795174200 fss 1795174200-zsb 1795174200\n"
	if got := string(s.AppendMirmon(nil)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestMirmon lets mirmon itself read the state, and make its page of it.
func TestMirmon(t *testing.T) {
	t.Parallel()
	mirrortest.Program(t, "mirmon")
	dir := t.TempDir()
	s := sample(14)
	var list strings.Builder
	for i := range s.Mirrors {
		for _, u := range s.Mirrors[i].URLs {
			list.WriteString(s.Mirrors[i].Country + " " + u.URL + "\n")
		}
	}
	state := s.AppendMirmon(nil)
	for name, text := range map[string]string{
		"list": list.String(), "state": string(state), "countries": "de - germany\n",
		"conf": "project_name test\nproject_url http://localhost/\nmirror_list list\nstate state\ncountries countries\nweb_page page.html\nicons /icons\nprobe /bin/false\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "mirmon", "-c", "conf")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) > 0 { // it would say what it adds or cannot read
		t.Fatalf("%v: %s", err, out)
	}
	page, err := os.ReadFile(filepath.Join(dir, "page.html"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(state)) {
		host := strings.Split(line, "/")[2]
		if !strings.Contains(string(page), host) {
			t.Errorf("mirmon does not show %s", host)
		}
	}
}
