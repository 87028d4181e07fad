package rsync

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// Exit codes of the program (errcode.h).
const (
	exitPartial  = 23 // some files could not be read
	exitVanished = 24 // some files vanished
)

// maxOutputLine bounds a line of the program's output: a path and a target,
// each byte of which may be escaped to five.
const maxOutputLine = 1 << 20

// listProgram lists with the configured rsync program.
func (l *Lister) listProgram(ctx context.Context, sub string, s *sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd, err := l.command(ctx, sub)
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var stderr complaints
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", l.options.RsyncProgram, err)
	}
	root, readErr := readProgram(stdout, sub, s)
	if readErr != nil {
		cancel() // kills the program, whose output nobody reads any more
	}
	err = cmd.Wait()
	if readErr != nil {
		return readErr
	}
	return l.judge(err, stderr.lines(), root, s)
}

// command is the program's call. The URL cannot be taken for an option, and
// the password is in the environment, which only its owner can see.
func (l *Lister) command(ctx context.Context, sub string) (*exec.Cmd, error) {
	t := l.target
	url := "rsync://"
	if t.user != "" {
		url += t.user + "@"
	}
	url += t.address() + "/" + t.argument(sub)
	seconds := max(1, int(l.options.Timeout/time.Second))
	contact := max(1, int(l.options.ContactTimeout/time.Second))
	args := []string{
		"--list-only", "-rl", "--no-h", "-8", "--no-motd", "--exclude=" + listing.TemporaryFolder + "/",
		fmt.Sprintf("--timeout=%d", seconds), fmt.Sprintf("--contimeout=%d", contact),
	}
	if source := l.dialer.Source(); source.Is4() {
		args = append(args, "-4", "--address="+source.String())
	} else if source.IsValid() {
		args = append(args, "-6", "--address="+source.String())
	}
	cmd := exec.CommandContext(ctx, l.options.RsyncProgram, append(args, "--", url)...)
	_, password, _, err := t.credentials(l.options.PasswordFile)
	if err != nil {
		return nil, err
	}
	// The password is set even when empty: without it the program would ask on
	// the terminal.
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C", "RSYNC_PASSWORD="+password, "RSYNC_PROXY="+l.programProxy())
	cmd.WaitDelay = 5 * time.Second
	killWholeGroup(cmd)
	return cmd, nil
}

// suitsProgram reports whether the program can do what the options ask for.
func (l *Lister) suitsProgram() bool {
	p := l.dialer.Proxy()
	return !l.target.secure && (p == nil || p.Scheme == "http")
}

// programProxy is the proxy as the program wants it, "" for none (socket.c,
// establish_proxy_connection).
func (l *Lister) programProxy() string {
	p := l.dialer.Proxy()
	if p == nil {
		return ""
	}
	if p.User == nil {
		return p.Host
	}
	password, _ := p.User.Password()
	return p.User.Username() + ":" + password + "@" + p.Host
}

// judge turns the program's end into an error or reasons for incompleteness.
func (l *Lister) judge(err error, complaints []string, root bool, s *sink) error {
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		return err
	}
	for _, line := range complaints {
		if strings.HasPrefix(line, "@ERROR") {
			return refusal(line)
		}
		if !strings.HasPrefix(line, "rsync error: ") { // the last line, which repeats the exit code
			s.complaint(line)
		}
	}
	switch {
	case code == 0 && root:
		return nil
	case (code == 0 || code == exitPartial || code == exitVanished) && !root:
		return s.nothing()
	case code == exitPartial && s.messages == 0:
		s.complaint("some files could not be listed")
	case code == exitVanished && s.messages == 0:
		s.complaint("files vanished while the server listed them")
	case code != exitPartial && code != exitVanished:
		if s.first != "" {
			return fmt.Errorf("%s: %w: %s", l.options.RsyncProgram, err, s.first)
		}
		return fmt.Errorf("%s: %w", l.options.RsyncProgram, err)
	}
	return nil
}

// readProgram yields the entries that the program prints. root tells whether
// the listed folder itself was among them.
func readProgram(r io.Reader, sub string, s *sink) (root bool, err error) {
	in := bufio.NewReaderSize(r, bufferSize)
	var long []byte
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) || len(long) > 0 {
			if len(long)+len(line) > maxOutputLine {
				return root, fmt.Errorf("the program printed a line of more than %d bytes", maxOutputLine)
			}
			long = append(long, line...)
			if err != nil && !errors.Is(err, io.EOF) {
				continue
			}
			line = long
		}
		if len(line) > 0 {
			e, ok := parseLine(strings.TrimSuffix(string(line), "\n"))
			switch {
			case !ok:
				s.complaint("not understood: " + cleanText(line[:min(len(line), maxText)]))
			case e.Path == ".":
				root = true
			default:
				if sub != "" {
					e.Path = sub + "/" + e.Path
				}
				if err := s.entry(e); err != nil {
					return root, err
				}
			}
		}
		long = long[:0]
		if errors.Is(err, io.EOF) {
			return root, nil
		}
		if err != nil {
			return root, fmt.Errorf("reading the program's output: %w", err)
		}
	}
}

// complaints keeps the first lines of what the program writes to its standard
// error.
type complaints struct{ text []byte }

func (c *complaints) Write(p []byte) (int, error) {
	const limit = 16 << 10
	c.text = append(c.text, p[:min(len(p), limit-len(c.text))]...)
	return len(p), nil
}

func (c *complaints) lines() []string {
	var lines []string
	for line := range strings.Lines(string(c.text)) {
		if line = cleanText([]byte(line)); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
