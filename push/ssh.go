package push

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// RemoteCommand is what is asked for by ssh, with the folder of the tree as its
// one argument. A forced command in the mirror's authorized_keys runs in its
// place, and finds both in SSH_ORIGINAL_COMMAND (sshd(8), AUTHORIZED_KEYS).
const RemoteCommand = "mirrorbrain-sync"

// bySSH pushes with the system's ssh program: it knows the operator's keys,
// agents, jump hosts and known hosts.
type bySSH struct{ user, host, port string }

func (bySSH) how() string { return "ssh" }

func parseSSH(push string) (pusher, error) {
	u, err := url.Parse(push)
	bad := func(why string) (pusher, error) {
		return nil, fmt.Errorf("push %q: %s; write ssh://user@host:port/", mirror.Redact(push), why)
	}
	if err != nil || u.Opaque != "" {
		return bad("is not a URL")
	}
	s := bySSH{u.User.Username(), u.Hostname(), u.Port()}
	_, password := u.User.Password()
	switch {
	case s.host == "" || !plain(s.host):
		return bad("the host's name is none")
	case u.User != nil && (s.user == "" || !plain(s.user)):
		return bad("the user's name is none")
	case password:
		return bad("passwords are not used, only keys")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return bad("a path means nothing here")
	}
	return s, nil
}

// plain reports whether a name of a host or user can be nothing else: no option
// (which begins with a hyphen), nothing for a shell, nothing that ssh expands.
func plain(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.', c == ':':
		case c == '-' && i > 0:
		default:
			return false
		}
	}
	return name != ""
}

// args is ssh's command line. Whether an unknown host is accepted is left to
// ssh's own configuration; by default it is not, for nobody can be asked.
func (s bySSH) args(o *Options) []string {
	args := []string{
		"-T", "-x", "-a",
		"-o", "BatchMode=yes",
		"-o", "ConnectTimeout=30",
		"-o", "ServerAliveInterval=30", "-o", "ServerAliveCountMax=4",
		"-o", "ClearAllForwardings=yes",
		"-o", "PermitLocalCommand=no",
	}
	if o.SSHConfig != "" {
		args = append([]string{"-F", o.SSHConfig}, args...)
	}
	if s.port != "" {
		args = append(args, "-p", s.port)
	}
	if s.user != "" {
		args = append(args, "-l", s.user)
	}
	return append(args, "--", s.host, RemoteCommand+" "+quote(o.Subtree))
}

func (s bySSH) push(ctx context.Context, _ *mirror.Mirror, o *Options) (string, error) {
	program, err := exec.LookPath("ssh")
	if err != nil {
		return "", fmt.Errorf("the program ssh is needed: %w", err)
	}
	out, err := run(ctx, exec.CommandContext(ctx, program, s.args(o)...))
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		switch e.ExitCode() {
		case 255:
			return out, fmt.Errorf("ssh: %s", lastLine(out))
		case 127:
			return out, fmt.Errorf("the mirror has no command %s: set a forced command for the key", RemoteCommand)
		}
	}
	return out, told(out, err)
}

// quote makes one word of s for a POSIX shell, which is what runs on the other
// side where there is no forced command.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
