package mirrortest

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"goftp.io/server/v2"
	"goftp.io/server/v2/driver/file"
)

// Vsftpd serves dir to anonymous users. It knows LIST, not MLSD.
func Vsftpd(t testing.TB, dir string, opts ...Options) *Server {
	t.Helper()
	bin := Program(t, "vsftpd")
	o := one(opts).withDefaults(t)
	work := workDir(t)
	Readable(t, dir)
	empty := work + "/empty"
	if err := os.Mkdir(empty, 0o555); err != nil {
		t.Fatalf("starting vsftpd: %v", err)
	}
	if os.Getuid() != 0 {
		o.Config += "\nrun_as_launching_user=YES\n"
	}
	if o.Cert != "" {
		o.Config += fmt.Sprintf("\nssl_enable=YES\nallow_anon_ssl=YES\nrsa_cert_file=%s\nrsa_private_key_file=%s\n",
			o.Cert, o.Key)
	}
	// vsftpd refuses blanks around "=" and folders that the user may write to.
	conf := writeConfig(t, work, "vsftpd.conf", fmt.Sprintf(`
listen=YES
listen_address=%s
listen_port=%d
background=NO
anonymous_enable=YES
no_anon_password=YES
local_enable=NO
write_enable=NO
anon_root=%s
secure_chroot_dir=%s
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
pasv_enable=YES
vsftpd_log_file=%s/vsftpd.log
use_localtime=NO
%s
`, o.Host, o.Port, dir, empty, work, o.Config))
	s := start(t, o, work, bin, conf)
	s.URL = "ftp://" + o.addr() + "/"
	return s
}

// PyFTPD serves dir to everybody by pyftpdlib (of the system's Python), which
// knows MLSD with modes, takes names for UTF-8, and names an address in PASV that
// is not its own.
func PyFTPD(t testing.TB, dir string, opts ...Options) *Server {
	t.Helper()
	const python = "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), python, "-c", "import pyftpdlib").Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("pyftpdlib (python3-pyftpdlib) is not installed: %v", err)
		}
		t.Skip("pyftpdlib (python3-pyftpdlib) is not installed")
	}
	o := one(opts).withDefaults(t)
	work := workDir(t)
	s := start(t, o, work, python, "-m", "pyftpdlib", "-i", o.Host, "-p", strconv.Itoa(o.Port), "-d", dir, "-n", "192.0.2.1")
	s.URL = "ftp://" + o.addr() + "/"
	return s
}

// GoFTP serves dir by an FTP server inside the test process, which knows MLSD.
// It takes Options.User and Password, or else anybody.
func GoFTP(t testing.TB, dir string, opts ...Options) *Server {
	t.Helper()
	o := one(opts).withDefaults(t)
	driver, err := file.NewDriver(dir)
	if err != nil {
		t.Fatalf("starting the FTP server: %v", err)
	}
	srv, err := server.NewServer(&server.Options{
		Driver:       utcDriver{driver},
		Auth:         login{o.User, o.Password},
		Perm:         server.NewSimplePerm("ftp", "ftp"),
		Hostname:     o.Host,
		Port:         o.Port,
		PublicIP:     "192.0.2.1", // wrong, as behind many a NAT
		TLS:          o.Cert != "",
		ExplicitFTPS: true,
		CertFile:     o.Cert,
		KeyFile:      o.Key,
		Logger:       new(server.DiscardLogger),
	})
	if err != nil {
		t.Fatalf("starting the FTP server: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = srv.ListenAndServe() // an error shows as "it ended at once"
	}()
	s := &Server{Host: o.Host, Port: o.Port, URL: "ftp://" + o.addr() + "/"}
	s.stop = func() {
		_ = srv.Shutdown()
		<-ended
	}
	if err := waitListening(o.addr(), ended); err != nil {
		t.Fatalf("starting the FTP server on port %s: %v", strconv.Itoa(o.Port), err)
	}
	t.Cleanup(s.Stop)
	return s
}

// login accepts one user, or everybody when there is none.
type login struct{ user, password string }

func (l login) CheckPasswd(_ *server.Context, user, password string) (bool, error) {
	if l.user == "" {
		return true, nil
	}
	return user == l.user && subtle.ConstantTimeCompare([]byte(password), []byte(l.password)) == 1, nil
}

// utcDriver gives times in UTC, as RFC 3659 wants them in MLSD; the server
// prints whatever zone they are in. It lists unreadable folders as errors.
type utcDriver struct{ server.Driver }

func (d utcDriver) Stat(ctx *server.Context, path string) (os.FileInfo, error) {
	info, err := d.Driver.Stat(ctx, path)
	if err != nil {
		return nil, err
	}
	return utcInfo{info}, nil
}

func (d utcDriver) ListDir(ctx *server.Context, path string, yield func(os.FileInfo) error) error {
	if ctx == nil {
		return errors.New("no session")
	}
	return d.Driver.ListDir(ctx, path, func(info os.FileInfo) error { return yield(utcInfo{info}) })
}

type utcInfo struct{ os.FileInfo }

func (i utcInfo) ModTime() time.Time { return i.FileInfo.ModTime().UTC() }
