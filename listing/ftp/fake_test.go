package ftp

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
)

// fake is a server that misbehaves in ways that real ones do.
type fake struct {
	greeting string
	replies  map[string]string // by command, with or without its argument; "drop" closes the connection
	folders  map[string]string // listings by folder
	once     map[string]bool   // replies that are given once only
	stream   func(w io.Writer) // instead of the folders' text
	raw      bool              // the reply to PASV is as told
	done     string            // the reply at the end of a listing

	mu       sync.Mutex
	commands []string
	from     []string // where connections came from
}

func (f *fake) came(c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String()) // of TCP
	f.from = append(f.from, host)
}

func (f *fake) start(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer c.Close()
				f.serve(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		conns.Wait()
	})
	return "ftp://" + l.Addr().String() + "/"
}

func (f *fake) reply(line string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commands = append(f.commands, line)
	cmd, _, _ := strings.Cut(line, " ")
	for _, key := range []string{line, cmd} {
		if r, ok := f.replies[key]; ok {
			if f.once[key] {
				delete(f.replies, key)
			}
			return r
		}
	}
	switch cmd {
	case "USER":
		return "331 password"
	case "PASS":
		return "230-hello\r\n230 welcome"
	case "PWD":
		return `257 "/home" is it`
	case "CWD":
		return "250 ok"
	case "TYPE", "OPTS":
		return "200 ok"
	case "QUIT":
		return "221 bye"
	}
	return "500 what?"
}

func (f *fake) serve(c net.Conn) {
	f.came(c)
	fmt.Fprintf(c, "%s\r\n", cmp.Or(f.greeting, "220 ready"))
	var data net.Listener
	defer func() {
		if data != nil {
			data.Close()
		}
	}()
	folder := ""
	for s := bufio.NewScanner(c); s.Scan(); {
		line := s.Text()
		r := f.reply(line)
		switch {
		case r == "drop":
			return
		case strings.HasPrefix(line, "CWD ") && strings.HasPrefix(r, "250"):
			folder = line[4:]
		case line == "PASV" && !f.raw:
			data, _ = net.Listen("tcp", "127.0.0.1:0") // fails only without loopback
			p := data.Addr().(*net.TCPAddr).Port
			r = fmt.Sprintf("227 Passive (10,1,2,3,%d,%d)", p>>8, p&255)
		case strings.HasPrefix(line, "LIST") || line == "MLSD":
			text, ok := f.folders[folder]
			if strings.HasPrefix(r, "500") && ok {
				r = cmp.Or(f.done, "226 done")
				fmt.Fprint(c, "150 here it comes\r\n")
				d, err := data.Accept()
				if err != nil {
					return
				}
				f.came(d)
				if f.stream != nil {
					f.stream(d)
				}
				fmt.Fprint(d, text)
				d.Close()
				if r == "drop" {
					return
				}
			}
			if data != nil {
				data.Close()
			}
		}
		fmt.Fprintf(c, "%s\r\n", r)
	}
}

const (
	fileLine = "-rw-r--r-- 1 ftp ftp 5 Feb 03 2024 "
	dirLine  = "drwxr-xr-x 1 ftp ftp 5 Feb 03 2024 "
)

const mlsdFeats = "211-Features\r\n MLST type*;size*;modify*;\r\n UTF8\r\n211 End"

// The fakes change the pause between tries for all of the package.
func init() { retryPause = 20 * time.Millisecond }

func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]*struct {
		fake       fake
		entries    int
		incomplete string
		err        error
	}{
		"wrong address in PASV, no EPSV": {
			fake:    fake{folders: map[string]string{"/home": fileLine + "f\r\n" + dirLine + "d\r\n", "/home/d": fileLine + "g\n"}},
			entries: 3,
		},
		"a line that is not understood": {
			fake:       fake{folders: map[string]string{"/home": fileLine + "f\r\nsomething else\r\n"}},
			entries:    1,
			incomplete: `1 lines not understood, the first: "something else"`,
		},
		"names no file can have": {
			fake:    fake{folders: map[string]string{"/home": fileLine + "a/b\r\n" + dirLine + "../x\r\n" + fileLine + strings.Repeat("x", 300) + "\r\n"}},
			entries: 0,
		},
		"a line without end": {
			fake:    fake{folders: map[string]string{"/home": fileLine + strings.Repeat("x", 300<<10) + "\r\n" + fileLine + "f"}},
			entries: 1,
		},
		"a folder that cannot be entered": {
			fake: fake{
				folders: map[string]string{"/home": dirLine + "d\r\n" + dirLine + "e\r\n", "/home/e": fileLine + "f\r\n"},
				replies: map[string]string{"CWD /home/d": "550 no"},
			},
			entries:    3,
			incomplete: `folder "d"`,
		},
		"the connection drops in the middle": {
			fake: fake{
				folders: map[string]string{"/home": dirLine + "d\r\n", "/home/d": fileLine + "f\r\n"},
				replies: map[string]string{"CWD /home/d": "drop"}, once: map[string]bool{"CWD /home/d": true},
			},
			entries: 2,
		},
		"421 in the middle": {
			fake: fake{
				folders: map[string]string{"/home": dirLine + "d\r\n", "/home/d": fileLine + "f\r\n"},
				replies: map[string]string{"CWD /home/d": "421 timeout"}, once: map[string]bool{"CWD /home/d": true},
			},
			entries: 2,
		},
		"the connection drops again and again": {
			fake: fake{
				folders: map[string]string{"/home": dirLine + "d\r\n"},
				replies: map[string]string{"CWD /home/d": "drop"},
			},
			entries: 1,
			err:     errAny,
		},
		"MLSD is announced but not there": {
			fake: fake{
				folders: map[string]string{"/home": fileLine + "f\r\n"},
				replies: map[string]string{"FEAT": "211-Features\r\n MLST type*;\r\n UTF8\r\n211 End", "MLSD": "502 no"},
			},
			entries: 1,
		},
		"MLSD": {
			fake: fake{
				folders: map[string]string{"/home": "type=cdir; .\r\ntype=file;size=3; f\r\n"},
				replies: map[string]string{"FEAT": "211-Features\r\n MLST type*;\r\n211 End"},
			},
			entries: 1,
		},
		"MLSD is announced, but answers like LIST": {
			fake: fake{
				folders: map[string]string{"/home": fileLine + "f\r\n" + fileLine + "g\r\n"},
				replies: map[string]string{"FEAT": mlsdFeats},
			},
			entries: 2,
		},
		"LIST where MLSD is not announced, though it is there": {
			fake: fake{
				folders: map[string]string{"/home": fileLine + "f\r\n"},
				replies: map[string]string{"FEAT": "211-Features\r\n MDTM\r\n211 End"},
			},
			entries: 1,
		},
		"a line of MLSD that is not understood": {
			fake: fake{
				folders: map[string]string{"/home": "type=file;size=3; f\r\nwhat; g\r\n"},
				replies: map[string]string{"FEAT": mlsdFeats},
			},
			entries: 1, incomplete: "1 lines not understood",
		},
		// As pure-ftpd answers, cut to its default of 10000 names.
		"a folder cut by pure-ftpd": {
			fake: fake{
				folders: map[string]string{"/home": "type=cdir;sizd=4096;modify=20261124143419;UNIX.mode=0755;unique=fe00gca0ab; .\r\ntype=file;size=3;modify=20261124143346;UNIX.mode=0644;unique=fe00gcada2; file\r\n"},
				replies: map[string]string{"FEAT": mlsdFeats}, done: "226 Output truncated to 10000 matches",
			},
			entries: 1, incomplete: `the server says "Output truncated to 10000 matches"`,
		},
		"a folder cut by pure-ftpd, LIST": {
			fake: fake{
				folders: map[string]string{"/home": fileLine + "f\r\n"}, done: "226-Options: -a -l \r\n226 Output truncated to 10000 matches",
			},
			entries: 1, incomplete: "truncated",
		},
		// It lists itself elsewhere, so that nothing at all is a failure.
		"a closed folder that looks empty, MLSD": {
			fake: fake{
				folders: map[string]string{"/home": "type=cdir; .\r\ntype=dir; d\r\n", "/home/d": ""},
				replies: map[string]string{"FEAT": mlsdFeats},
			},
			entries: 1, incomplete: `folder "d": the server could not read`,
		},
		"a closed folder that looks empty, proftpd's LIST -a": {
			fake: fake{
				folders: map[string]string{"/home": dirLine + ".\r\n" + dirLine + "d\r\n", "/home/d": ""}, done: "226 Transfer complete",
			},
			entries: 1, incomplete: `folder "d": the server could not read`,
		},
		"a closed folder, pure-ftpd's LIST -a": {
			fake: fake{
				folders: map[string]string{"/home": ""}, done: "226-Sorry, we were unable to read [.]\r\n226-Options: -a -l \r\n226 0 matches total",
			},
			err: errUnreadable,
		},
		"EPSV leads nowhere": {
			fake:    fake{folders: map[string]string{"/home": fileLine + "f\r\n"}, replies: map[string]string{"EPSV": "229 Extended (|||1|)"}},
			entries: 1,
		},
		"EPSV is not understood": {
			fake:    fake{folders: map[string]string{"/home": fileLine + "f\r\n"}, replies: map[string]string{"EPSV": "522 network protocol not supported"}},
			entries: 1,
		},
		"an answer to EPSV that makes no sense": {
			fake:    fake{folders: map[string]string{"/home": fileLine + "f\r\n"}, replies: map[string]string{"EPSV": "229 here you are"}},
			entries: 1,
		},
		"temporary folders of rsync": {
			fake: fake{
				folders: map[string]string{"/home": fileLine + "f\r\n" + dirLine + ".~tmp~\r\n" + dirLine + "x.~tmp~\r\n", "/home/x.~tmp~": fileLine + ".~tmp~\r\n"},
				replies: map[string]string{"CWD /home/.~tmp~": "550 no"},
			},
			entries: 3,
		},
		"too many users": {fake: fake{greeting: "421 too many"}, err: listing.ErrBusy},
		"too many users, said otherwise": {
			fake: fake{replies: map[string]string{"PASS": "530 the maximum number of clients is reached"}}, err: listing.ErrBusy,
		},
		"no anonymous": {fake: fake{replies: map[string]string{"USER": "530 no"}}, err: listing.ErrAuth},
		"ready in a minute": {
			fake:    fake{greeting: "120 wait\r\n120 wait\r\n220 ready", folders: map[string]string{"/home": fileLine + "f\r\n"}},
			entries: 1,
		},
		"ready in a minute, for ever": {fake: fake{greeting: strings.Repeat("120 wait\r\n", 100) + "220 ready"}, err: errAny},
		"not FTP":                     {fake: fake{greeting: "SSH-2.0-OpenSSH"}, err: errAny},
		"no folder":                   {fake: fake{replies: map[string]string{"CWD": "550 no"}}, err: listing.ErrNoFolder},
		"a folder above it again": {
			fake: fake{folders: map[string]string{
				"/home": dirLine + "l\r\n", "/home/l": dirLine + "l\r\n", "/home/l/l": dirLine + "l\r\n", "/home/l/l/l": dirLine + "l\r\n",
			}},
			entries: 3,
		},
		"an error that looks like success": {
			fake: fake{
				folders: map[string]string{"/home": dirLine + "d\r\n"},
				replies: map[string]string{"LIST": "226 Transfer done (but failed to open directory)."}, once: map[string]bool{},
			},
			err: errUnreadable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, sum, err := list(t, open(t, tt.fake.start(t)), "")
			if !errors.Is(err, tt.err) && (err == nil || !errors.Is(tt.err, errAny)) {
				t.Errorf("error: got %v, want %v", err, tt.err)
			}
			if len(got) != tt.entries || sum.Entries != tt.entries {
				t.Errorf("got %d entries (%d counted), want %d: %v", len(got), sum.Entries, tt.entries, got)
			}
			if all := strings.Join(sum.Incomplete, "; "); !strings.Contains(all, tt.incomplete) || (all == "") != (tt.incomplete == "") {
				t.Errorf("incomplete: got %q, want %q", all, tt.incomplete)
			}
		})
	}
}

// errAny stands for any error.
var errAny = errors.New("any error")

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://h/", "ftp://", "ftp://h/a?b", "ftp://h/a/../b/", "ftp://u%0d%0aDELE:p@h/"} {
		if _, err := New(url, listing.Options{}); err == nil {
			t.Errorf("%q: no error", url)
		}
	}
	l, err := New("ftps://u:p@h:990/%2Fabs/x/", listing.Options{})
	if err != nil || l.security != implicitTLS || !l.absolute || l.folder("/home", "y") != "/abs/x/y" {
		t.Errorf("got %+v, %v", l, err)
	}
}
