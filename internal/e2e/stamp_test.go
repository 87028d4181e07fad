package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// What stands in the recipes of docs/signed-redirects.md and is replaced.
const (
	docKey     = "0123456789abcdef0123456789abcdef"
	docScanner = "192.0.2.10"
	docMaxAge  = 6 * time.Hour
)

const (
	keyInUse   = "a-key-that-the-redirector-signs-with"
	keyBefore  = "a-key-that-it-signed-with-until-now!"
	keyUnknown = "a-key-that-this-mirror-does-not-have"

	scannerAddr = "127.60.9.9" // needs no stamp
	clientAddr  = "127.60.9.1"
)

// recipes are the texts of docs/signed-redirects.md by the language of their
// code block.
func recipes(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/signed-redirects.md")
	check(t, err)
	texts := map[string][]string{}
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		texts[m[1]] = append(texts[m[1]], m[2])
	}
	return texts
}

// recipe is the n-th text in a language, with replacements, each of which must
// have something to replace.
func recipe(t *testing.T, language string, n int, oldnew ...string) string {
	t.Helper()
	all := recipes(t)[language]
	if n >= len(all) {
		t.Fatalf("the page has %d recipes in %s", len(all), language)
	}
	text := all[n]
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(text, oldnew[i]) {
			t.Fatalf("the recipe %s %d lacks %q", language, n, oldnew[i])
		}
		text = strings.ReplaceAll(text, oldnew[i], oldnew[i+1])
	}
	return text
}

// stampNames are names that careless code signs or verifies wrongly.
var stampNames = append([]string{"libstdc++6_1.0~rc1.deb", "line\nbreak", "%41%2b%2F", "a&time=1&stamp=00", "a?time=1&stamp=00", "\x01\x7f\x80\xff"},
	mirrortest.OddNames...)

// Every recipe of docs/signed-redirects.md, on the server that it is for.
func TestSignedRedirects(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T, dir, algorithm string) string{
		"nginx": stampedNginx, "apache": stampedApache, "caddy": stampedCaddy,
	} {
		for _, algorithm := range []string{redirector.StampHMAC, redirector.StampMD5} {
			t.Run(name+"/"+algorithm, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				for _, n := range stampNames {
					check(t, os.MkdirAll(filepath.Join(dir, "pub", "odd folder+%41"), 0o755))
					for _, folder := range []string{"pub", "pub/odd folder+%41"} {
						check(t, os.WriteFile(filepath.Join(dir, folder, n), []byte("the bytes of "+n), 0o644))
					}
				}
				mirrortest.Readable(t, dir)
				s := stamped{t: t, algorithm: algorithm, addr: start(t, dir, algorithm)}
				s.names()
				s.refusals()
				s.exceptions()
			})
		}
	}
}

// stamped is a mirror that verifies stamps.
type stamped struct {
	t         *testing.T
	algorithm string
	addr      string
}

// url is where the mirror has a file of its folder pub.
func (s stamped) url(name string) string {
	return "http://mirror.example.org/pub/" + mirror.EscapePath(name)
}

// sign gives the request target for a URL, signed some time ago.
func (s stamped) sign(url, key string, ago time.Duration) string {
	s.t.Helper()
	stamp, err := redirector.NewStamp(s.algorithm, key)
	check(s.t, err)
	return strings.TrimPrefix(stamp.Sign(url, time.Now().Add(-ago).Unix()), "http://mirror.example.org")
}

// ask sends a request line as it stands, and gives status and body.
func (s stamped) ask(from, line string) (int, string) {
	s.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	c, err := d.DialContext(s.t.Context(), "tcp", s.addr)
	check(s.t, err)
	defer c.Close()
	check(s.t, c.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", line, s.addr)
	check(s.t, err)
	method, _, _ := strings.Cut(line, " ")
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		s.t.Fatalf("%q: %v", line, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	check(s.t, err)
	return resp.StatusCode, string(body)
}

func (s stamped) wants(status int, what, target string) string {
	s.t.Helper()
	got, body := s.ask(clientAddr, "GET "+target)
	if got != status {
		s.t.Errorf("%s: got %d, want %d for %q", what, got, status, target)
	}
	return body
}

// names asks for files of all kinds of names, encoded in all kinds of ways.
func (s stamped) names() {
	s.t.Helper()
	for _, name := range stampNames {
		for _, path := range []string{name, "odd folder+%41/" + name} {
			signed := s.sign(s.url(path), keyInUse, 0)
			if got := s.wants(200, "signed", signed); got != "the bytes of "+name {
				s.t.Errorf("%q: got %q", name, got)
			}
			s.wants(200, "all bytes encoded", encodeAll(signed))
			s.wants(403, "unsigned", "/pub/"+mirror.EscapePath(path))
		}
	}
}

// encodeAll percent-encodes every byte of a target's path but the slashes, in
// lower case.
func encodeAll(target string) string {
	path, query, _ := strings.Cut(target, "?")
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		switch c := path[i]; c {
		case '/':
			b.WriteByte(c)
		case '%':
			b.WriteString(strings.ToLower(path[i : i+3]))
			i += 2
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String() + "?" + query
}

// refusals asks for what must not be answered.
func (s stamped) refusals() {
	s.t.Helper()
	url := s.url("plain.iso")
	signed := s.sign(url, keyInUse, 0)
	path, query, _ := strings.Cut(signed, "?")
	upTo, stamp, _ := strings.Cut(query, "stamp=")
	other := 403
	if s.algorithm == redirector.StampMD5 {
		other = 200
	}
	for _, tc := range []struct {
		what   string
		status int
		target string
	}{
		{"nearly too old", 200, s.sign(url, keyInUse, docMaxAge-5*time.Second)},
		{"too old", 403, s.sign(url, keyInUse, docMaxAge+time.Second)},
		{"a little early", 200, s.sign(url, keyInUse, -50*time.Second)},
		{"early", 403, s.sign(url, keyInUse, -90*time.Second)},
		{"the key before", 200, s.sign(url, keyBefore, 0)},
		{"another key", 403, s.sign(url, keyUnknown, 0)},
		{"another key and too old", 403, s.sign(url, keyUnknown, docMaxAge+time.Hour)},
		{"stamp for another path", other, "/pub/colon:first?" + query},
		{"another way to the path", other, "/pub/x/../plain.iso?" + query},
		{"slash too many", other, "//pub/plain.iso?" + query},
		{"folder without a stamp", 403, "/pub/"},
		{"root without a stamp", 403, "/"},
		{"nothing there, without a stamp", 403, "/pub/no-such-file"},
		{"nothing there, with a stamp", 404, s.sign(s.url("no-such-file"), keyInUse, 0)},
		{"another time", 403, path + "?time=" + fmt.Sprint(time.Now().Unix()+7) + "&stamp=" + stamp},
		{"no stamp", 403, path + "?" + strings.TrimSuffix(upTo, "&")},
		{"no time", 403, path + "?stamp=" + stamp},
		{"empty stamp", 403, path + "?" + upTo + "stamp="},
		{"short stamp", 403, signed[:len(signed)-1]},
		{"long stamp", 403, signed + "0"},
		{"upper case", 403, path + "?" + upTo + "stamp=" + strings.ToUpper(stamp)},
		{"huge time", 403, path + "?time=99999999999999999999&stamp=" + stamp},
		{"part of a name", 403, path + "?x" + query},
		{"further arguments", 200, path + "?a=b&time=1&" + query + "&c=d"},
		{"stamp in the fragment's place", 403, path + "%3F" + query},
		{"whole URL without a stamp", 403, "http://" + s.addr + path},
	} {
		s.wants(tc.status, tc.what, tc.target)
	}
	// Bytes that no client may send get anything but the file or a crash.
	for _, target := range []string{"/pub/\xff?" + query, "/pub/plain.iso?\xfe&" + query[:20], "/pub/%zz?" + query, "/pub/%00?" + query, "/pub/ü?" + query} {
		if got, body := s.ask(clientAddr, "GET "+target); got < 400 || got >= 500 || strings.HasPrefix(body, "the bytes") {
			s.t.Errorf("%q: got %d %q", target, got, body)
		}
	}
	s.wants(200, "after all that", signed)
}

// exceptions asks for what is answered all the same.
func (s stamped) exceptions() {
	s.t.Helper()
	if got, _ := s.ask(clientAddr, "HEAD "+s.sign(s.url("plain.iso"), keyInUse, 0)); got != 200 {
		s.t.Errorf("HEAD: got %d", got)
	}
	for _, line := range []string{"GET /pub/plain.iso", "HEAD /pub/plain.iso", "GET /pub/", "HEAD /pub/plain.iso?time=1&stamp=00"} {
		if got, _ := s.ask(scannerAddr, line); got != 200 {
			s.t.Errorf("the scanner's %s: got %d", line, got)
		}
	}
}

// stampedAddr is a free port of a loopback address that nobody else uses.
func stampedAddr(t *testing.T) string {
	t.Helper()
	n := int(hosts.Add(1))
	host := fmt.Sprintf("127.%d.%d.%d", 100+os.Getpid()%100, n/200, 1+n%200) // as newSite's
	return net.JoinHostPort(host, strconv.Itoa(freePort(t, host)))
}

// stampedNginx runs nginx with its recipe.
func stampedNginx(t *testing.T, dir, algorithm string) string {
	nginx := mirrortest.Program(t, "nginx")
	module := moduleFile(t, "libnginx-mod-http-js", "/usr/lib/nginx/modules/ngx_http_js_module.so", "/usr/lib64/nginx/modules/ngx_http_js_module.so")
	work, addr := t.TempDir(), stampedAddr(t)
	js := filepath.Join(work, "stamp.js")
	write(t, js, recipe(t, "js", 0, "form = '"+redirector.StampHMAC+"'", "form = '"+algorithm+"'", "'"+docKey+"'", "'"+keyInUse+"', '"+keyBefore+"'"))
	asUser := ""
	if os.Getuid() == 0 {
		asUser = "user root;"
	}
	conf := filepath.Join(work, "nginx.conf")
	write(t, conf, fmt.Sprintf(`load_module %s;
daemon off;
%s
worker_processes 1;
pid %[3]s/pid;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path %[3]s/body;
	proxy_temp_path %[3]s/proxy;
	fastcgi_temp_path %[3]s/fastcgi;
	uwsgi_temp_path %[3]s/uwsgi;
	scgi_temp_path %[3]s/scgi;
	%[4]s
	server {
		listen %[5]s;
		root "%[6]s";
		autoindex on;
		%[7]s
	}
}
`, module, asUser, work, recipe(t, "nginx", 0, "/etc/nginx/stamp.js", js, docScanner, scannerAddr), addr, dir, recipe(t, "nginx", 1)))
	return listening(t, addr, startProcess(t, nil, filepath.Join(work, "log"), nginx, "-p", work, "-e", "stderr", "-c", conf))
}

// stampedApache runs Apache with its recipe.
func stampedApache(t *testing.T, dir, algorithm string) string {
	apache := mirrortest.Program(t, "apache2")
	mirrortest.Program(t, "perl")
	modules := filepath.Dir(moduleFile(t, "apache2-bin", "/usr/lib/apache2/modules/mod_rewrite.so", "/usr/lib64/httpd/modules/mod_rewrite.so"))
	work, addr := t.TempDir(), stampedAddr(t)
	mirrortest.Readable(t, work)
	program := filepath.Join(work, "mirror-stamp")
	write(t, program, recipe(t, "perl", 0, "= '"+redirector.StampHMAC+"'", "= '"+algorithm+"'", "'"+docKey+"'", "'"+keyInUse+"', '"+keyBefore+"'"))
	check(t, os.Chmod(program, 0o755))
	asUser, mapUser := "User nobody\nGroup nogroup", "nobody:nogroup"
	if os.Getuid() != 0 { // it can be nobody else
		asUser, mapUser = "", ""
	}
	if _, err := user.LookupGroup("nogroup"); err != nil {
		asUser, mapUser = strings.ReplaceAll(asUser, "nogroup", "nobody"), strings.ReplaceAll(mapUser, "nogroup", "nobody")
	}
	var b strings.Builder
	for _, m := range []string{"mpm_event", "authz_core", "dir", "autoindex", "rewrite"} {
		fmt.Fprintf(&b, "LoadModule %s_module %s/mod_%[1]s.so\n", m, modules)
	}
	fmt.Fprintf(&b, `%s
ServerName mirror.example.org
Listen %s
PidFile %s/pid
DefaultRuntimeDir %[3]s
Mutex file:%[3]s default
ErrorLog %[3]s/error.log
LogLevel rewrite:trace5
ServerLimit 1
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 8
MinSpareThreads 1
MaxSpareThreads 8
DocumentRoot "%[4]s"
<VirtualHost *>
	<Directory "%[4]s">
		Options +Indexes
		Require all granted
	</Directory>
	%[5]s
</VirtualHost>
`, asUser, addr, work, dir, recipe(t, "apache", 0, "/usr/local/sbin/mirror-stamp", program, " www-data:www-data", " "+mapUser, docScanner, scannerAddr))
	conf := filepath.Join(work, "apache.conf")
	write(t, conf, b.String())
	return listening(t, addr, startProcess(t, nil, filepath.Join(work, "log"), apache, "-d", work, "-f", conf, "-DFOREGROUND"))
}

// stampedCaddy runs the built Caddy with its recipe.
func stampedCaddy(t *testing.T, dir, algorithm string) string {
	work, addr := t.TempDir(), stampedAddr(t)
	host, _, err := net.SplitHostPort(addr)
	check(t, err)
	conf := filepath.Join(work, "Caddyfile")
	key := "key {env.STAMP_KEY}"
	if algorithm != redirector.StampHMAC {
		key = "algorithm " + algorithm + "\n" + key
	}
	write(t, conf, "{\n\tadmin off\n\tpersist_config off\n\tdefault_bind "+host+"\n}\n"+recipe(t, "caddyfile", 0,
		"mirror.example.org", "http://"+addr, "/srv/pub", dir, docScanner, scannerAddr, "key {env.STAMP_KEY}", key+" {env.STAMP_KEY_BEFORE}"))
	env := []string{"HOME=" + work, "XDG_DATA_HOME=" + work, "XDG_CONFIG_HOME=" + work, "STAMP_KEY=" + keyInUse, "STAMP_KEY_BEFORE=" + keyBefore}
	return listening(t, addr, startProcess(t, env, filepath.Join(work, "log"), filepath.Join(bin, "caddy"), "run", "--config", conf))
}

// listening waits until a server accepts connections.
func listening(t *testing.T, addr string, p *process) string {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			out := p.Output()
			t.Logf("the server: %s", out[max(0, len(out)-4000):])
		}
	})
	eventually(t, 30*time.Second, func() string {
		if !p.Alive() {
			t.Fatalf("%s ended: %v\n%s", p.Path, p.Err, p.Output())
		}
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return err.Error()
		}
		c.Close()
		return ""
	})
	return addr
}

// moduleFile finds a file of a package, or skips the test as Program does.
func moduleFile(t *testing.T, pkg string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", pkg)
	}
	t.Skipf("%s is not installed", pkg)
	return ""
}

func write(t *testing.T, name, text string) {
	t.Helper()
	check(t, os.WriteFile(name, []byte(text), 0o644))
}
