package push

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

var discard = slog.New(slog.DiscardHandler)

func TestParseSSH(t *testing.T) {
	t.Parallel()
	for push, want := range map[string]string{
		"ssh://mirror@push.example.org/":       "-l mirror -- push.example.org",
		"ssh://push.example.org":               "-- push.example.org",
		"ssh://mirror@push.example.org:2222/":  "-p 2222 -l mirror -- push.example.org",
		"ssh://mirror@[2001:db8::1]:22/":       "-p 22 -l mirror -- 2001:db8::1",
		"ssh://-oProxyCommand=x/":              "error: host",
		"ssh://-oProxyCommand%3Dtouch%20x/":    "error",
		"ssh://mirror@-host/":                  "error: host",
		"ssh://-lroot@host/":                   "error: user",
		"ssh://a%20b@host/":                    "error: user",
		"ssh://a%0ab@host/":                    "error: user",
		"ssh://$(id)@host/":                    "error: user",
		"ssh://@host/":                         "error: user",
		"ssh://host;id/":                       "error",
		"ssh://%24%28id%29/":                   "error",
		"ssh://mirror:secret@host/":            "error: passwords",
		"ssh://host/path":                      "error: path",
		"ssh://host/?x":                        "error: path",
		"ssh://host:22x/":                      "error",
		"ssh:host":                             "error",
		"ssh:///":                              "error: host",
		"ssh://mirror@push.example.org\n.evil": "error",
	} {
		p, err := parse(push)
		var got string
		if err != nil {
			got = "error: " + err.Error()
		} else {
			all := strings.Join(p.(bySSH).args(&Options{}), " ")
			_, got, _ = strings.Cut(all, "PermitLocalCommand=no ")
			got = strings.TrimSuffix(got, " mirrorbrain-sync ''")
		}
		kind, about, _ := strings.Cut(want, ": ")
		ok := got == want
		if kind == "error" {
			ok = err != nil && strings.Contains(got, about)
		}
		if !ok {
			t.Errorf("%s: %s, want %s", push, got, want)
		}
		if strings.Contains(got, "secret") {
			t.Errorf("%s: shows a password: %s", push, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("ssh://mirror@host:22/")
	f.Add("ssh://-oProxyCommand=x/")
	f.Add("https://host/x?y#z")
	f.Add("exec:true")
	f.Fuzz(func(t *testing.T, push string) {
		p, err := parse(push)
		if err != nil {
			return
		}
		if s, ok := p.(bySSH); ok && (strings.HasPrefix(s.host, "-") || strings.HasPrefix(s.user, "-") || strings.ContainsAny(s.host+s.user+s.port, " \n\t'\"$`\\%;&|<>(){}[]*?!~#@/=\x00")) {
			t.Errorf("%q: %+v", push, s)
		}
	})
}

// sshd is a real one on loopback, whose only user is the one that runs the test.
type sshd struct {
	url, config, dir string
}

// newSSHD starts one that runs a forced command for its key.
func newSSHD(t *testing.T, forced string) sshd {
	t.Helper()
	server := mirrortest.Program(t, "sshd")
	keygen := mirrortest.Program(t, "ssh-keygen")
	mirrortest.Program(t, "ssh")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	d := sshd{dir: t.TempDir()}
	file := func(name string) string { return filepath.Join(d.dir, name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"host", "push"} {
		if out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-f", file(key)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	read := func(name string) string {
		b, err := os.ReadFile(file(name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	options := "restrict "
	if forced != "" {
		options = fmt.Sprintf("restrict,command=%q ", forced)
	}
	write("authorized_keys", options+read("push.pub")+"\n")
	port := mirrortest.FreePort(t, "127.0.0.1")
	write("sshd_config", fmt.Sprintf(`Port %d
ListenAddress 127.0.0.1
HostKey %s
AuthorizedKeysFile %s
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
`, port, file("host"), file("authorized_keys")))
	write("known_hosts", fmt.Sprintf("[127.0.0.1]:%d %s\n", port, read("host.pub")))
	d.config = file("ssh_config")
	write("ssh_config", fmt.Sprintf("IdentityFile %s\nIdentitiesOnly yes\nUserKnownHostsFile %s\nGlobalKnownHostsFile /dev/null\n", file("push"), file("known_hosts")))
	if me.Uid == "0" {
		// Where sshd goes to without rights; a service would have made it.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Create(file("log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(server, "-D", "-e", "-f", file("sshd_config"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		log.Close()
		if t.Failed() {
			t.Log(read("log"))
		}
	})
	for end := time.Now().Add(10 * time.Second); !strings.Contains(read("log"), "Server listening"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("sshd does not start")
		}
	}
	d.url = fmt.Sprintf("ssh://%s@127.0.0.1:%d/", me.Username, port)
	return d
}

func (d sshd) push(t *testing.T, url, subtree string, limit time.Duration) Result {
	t.Helper()
	m := mirror.Mirror{Name: "m", Sync: mirror.Sync{Push: url}}
	return one(t.Context(), &m, &Options{Subtree: subtree, SSHConfig: d.config, Timeout: limit, Log: discard})
}

func TestSSH(t *testing.T) {
	d := newSSHD(t, `echo got: "$SSH_ORIGINAL_COMMAND"; case "$SSH_ORIGINAL_COMMAND" in *bad*) echo it is broken >&2; exit 7;; *slow*) sleep 60;; esac`)
	r := d.push(t, d.url, "rel/it's $(id)", time.Minute)
	if r.Err != nil || r.Output != `got: mirrorbrain-sync 'rel/it'\''s $(id)'`+"\n" || r.How != "ssh" {
		t.Errorf("%v %q", r.Err, r.Output)
	}
	t.Run("failures", func(t *testing.T) { failures(t, d) })
	// An unknown host is not trusted, and nobody is asked.
	if err := os.WriteFile(filepath.Join(d.dir, "known_hosts"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := d.push(t, d.url, "", time.Minute); r.Err == nil || !strings.Contains(r.Err.Error(), "Host key verification failed") {
		t.Errorf("an unknown host: %v", r.Err)
	}
}

func failures(t *testing.T, d sshd) {
	t.Helper()
	for name, tt := range map[string]struct {
		url, subtree string
		limit        time.Duration
		want         string
	}{
		"fails":        {d.url, "bad", time.Minute, "exit status 7: it is broken"},
		"hangs":        {d.url, "slow", 2 * time.Second, "timed out after 2s"},
		"another user": {strings.Replace(d.url, "ssh://", "ssh://no-such-", 1), "", time.Minute, "ssh: "},
		"nobody there": {"ssh://127.0.0.1:1/", "", time.Minute, "ssh: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := d.push(t, tt.url, tt.subtree, tt.limit); r.Err == nil || !strings.Contains(r.Err.Error(), tt.want) {
				t.Errorf("%v, want %s", r.Err, tt.want)
			}
		})
	}
}

// Where there is no forced command a shell gets what is asked for, as one word.
func TestSSHWithoutForcedCommand(t *testing.T) {
	t.Parallel()
	d := newSSHD(t, "")
	mark := filepath.Join(d.dir, "mark")
	r := d.push(t, d.url, "'; touch "+mark+"; '", time.Minute)
	if r.Err == nil || !strings.Contains(r.Err.Error(), "set a forced command") {
		t.Errorf("%v %q", r.Err, r.Output)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the name of a folder was run")
	}
}
