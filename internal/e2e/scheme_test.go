package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/internal/mirrortest"
)

// TestSchemesAndFamilies: a client on https is never sent to http, and nobody
// to an address that they cannot reach.
func TestSchemesAndFamilies(t *testing.T) {
	t.Parallel()
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 on loopback")
	} else {
		l.Close()
	}
	s := newSite(t, settings{global: "local_certs"})
	files := small(t, s.root, 20)
	s.must("index", s.root)
	dir := s.copyOf("all")
	cert, key := certificate(t, s.dir, germany)
	s.extraEnv = []string{"SSL_CERT_FILE=" + cert}
	rsync := rsyncd(t, germany, dir).URL("pub")
	plain := mirrortest.Nginx(t, dir, mirrortest.Options{Host: germany}).URL
	secure := mirrortest.Nginx(t, dir, mirrortest.Options{Host: germany, Cert: cert, Key: key}).URL
	six := mirrortest.Nginx(t, dir, mirrortest.Options{Host: "::1"}).URL
	s.must("new", "plain", "-H", plain, "-R", rsync)
	s.must("new", "both", "-H", plain, "-H", secure, "-R", rsync)
	s.must("new", "secure", "-H", secure, "-R", rsync)
	s.must("new", "six", "-H", six, "-R", rsync, "-c", "de")
	s.must("scan", "--all", "--enable")
	s.address = "https://" + net.JoinHostPort(s.host, strconv.Itoa(freePort(t, s.host))) + ", " + strings.TrimSuffix(s.base, "/")
	s.start()
	s.follows()
	overTLS := *s
	overTLS.base, _, _ = strings.Cut(s.address, ",")
	overTLS.base += "/"
	trusting := client.Transport.(*http.Transport).Clone()
	trusting.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}

	eventually(t, 30*time.Second, func() string { // the certificate is made first
		resp, err := (&http.Client{Transport: trusting}).Get(overTLS.base + "health-of-the-redirector")
		if err != nil {
			return err.Error()
		}
		resp.Body.Close()
		return ""
	})

	sent := map[string]map[string]int{}
	count := func(who string, a answer) {
		t.Helper()
		if a.status != http.StatusFound {
			t.Fatalf("%s: status %d", who, a.status)
		}
		if sent[who] == nil {
			sent[who] = map[string]int{}
		}
		scheme, _, _ := strings.Cut(a.location, ":")
		sent[who][a.mirror+" "+scheme]++
		for _, link := range a.header.Values("Link") {
			if strings.Contains(who, "https") && strings.Contains(link, "rel=duplicate") && strings.Contains(link, "<http:") {
				t.Errorf("%s: told of %s", who, link)
			}
		}
	}
	for i := range 300 {
		path := files[i%len(files)]
		count("http", s.get(path, inGermany))
		count("http IPv6", s.get(path, over6))
		for _, ip := range []string{inGermany, inJapan} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, overTLS.base+path, nil)
			check(t, err)
			req.Header.Set("X-Forwarded-For", ip)
			resp, err := trusting.RoundTrip(req)
			check(t, err)
			resp.Body.Close()
			count("https", answer{status: resp.StatusCode, location: resp.Header.Get("Location"), header: resp.Header, mirror: resp.Header.Get("X-MirrorBrain-Mirror")})
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+path, nil)
		check(t, err)
		req.Header.Set("X-Forwarded-For", inGermany)
		req.Header.Set("X-Forwarded-Proto", "https")
		resp, err := client.Do(req)
		check(t, err)
		resp.Body.Close()
		count("https before a proxy", answer{status: resp.StatusCode, location: resp.Header.Get("Location"), header: resp.Header, mirror: resp.Header.Get("X-MirrorBrain-Mirror")})
	}
	t.Log(sent)
	for who, want := range map[string][]string{
		"http":                 {"plain http", "both http", "secure https"},
		"http IPv6":            {"six http"},
		"https":                {"both https", "secure https"},
		"https before a proxy": {"both https", "secure https"},
	} {
		for _, w := range want {
			if sent[who][w] == 0 {
				t.Errorf("%s: nobody is sent to %s", who, w)
			}
			delete(sent[who], w)
		}
		if len(sent[who]) > 0 {
			t.Errorf("%s: sent to %v", who, sent[who])
		}
	}
	s.handler = "https_upgrade never"
	s.reload()
	for range 50 {
		if a := s.get(files[0], inGermany); a.mirror == "secure" {
			t.Fatal("https_upgrade never: sent to https")
		}
	}
}

// TestNoLocalRoot: the redirector has no files; the index comes from an
// upstream, and what no mirror has is fetched there.
func TestNoLocalRoot(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"rsync", "ftp", "http"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, settings{noRoot: true})
			files := small(t, s.root, 60)
			for i, name := range plainNames() {
				put(t, s.root, "odd/"+name, 3000+i, aTime.Add(time.Duration(i)*time.Minute))
				files = append(files, "odd/"+name)
			}
			put(t, s.root, "large.iso", 3<<20+1, aTime)
			files = append(files, "large.iso")
			if protocol == "rsync" {
				check(t, os.Symlink("large.iso", filepath.Join(s.root, "latest.iso")))
			}
			web := mirrortest.Nginx(t, s.root, mirrortest.Options{Host: usa})
			upstream := map[string]func() string{
				"rsync": func() string { return rsyncd(t, usa, s.root).URL("pub") },
				"ftp":   func() string { return mirrortest.Vsftpd(t, s.root, mirrortest.Options{Host: usa}).URL },
				"http":  func() string { return web.URL },
			}[protocol]()
			t.Log(s.must("index", upstream, "--http", web.URL))
			dir := s.copyOf("berlin")
			check(t, os.Remove(filepath.Join(dir, files[0])))
			s.mirrorOf("berlin", germany, dir)
			s.start()
			s.follows()
			d := &delivery{s: s, sent: map[string]map[string]int{}}
			var jobs []job
			for _, f := range files {
				jobs = append(jobs, job{f, f, inGermany})
			}
			d.all(jobs)
			if got := d.sent[inGermany]["berlin"]; got != len(files)-1 {
				t.Errorf("of %d files that the mirror has, %d are sent to it: %v", len(files)-1, got, d.sent)
			}
			a := s.get(files[0], inGermany)
			if a.location != web.URL+files[0] || a.realm != "fallback" {
				t.Errorf("what no mirror has is sent to %q (%s)", a.location, a.realm)
			}
			if protocol == "rsync" {
				if a := s.get("latest.iso", inGermany); a.location == "" || !strings.HasSuffix(a.location, "/large.iso") {
					t.Errorf("a link of the upstream: %d, %q", a.status, a.location)
				}
			}
			// The upstream changes.
			put(t, s.root, "new.bin", 5000, aTime)
			check(t, os.Remove(filepath.Join(s.root, files[1])))
			s.must("index")
			s.follows()
			if a := s.get("new.bin", inGermany); a.location != web.URL+"new.bin" {
				t.Errorf("a new file: %d, sent to %q", a.status, a.location)
			}
			if a := s.get(files[1], inGermany); a.location != "" {
				t.Errorf("a removed file is sent to %q", a.location)
			}
		})
	}
}

// TestExampleCaddyfile: the example runs as it is, but for ports and paths.
func TestExampleCaddyfile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "Caddyfile"))
	check(t, err)
	s := newSite(t, settings{})
	files := small(t, s.root, 20)
	s.must("index", s.root)
	dir := s.addMirror("berlin", germany)
	cert, key := certificate(t, s.dir, germany)
	s.extraEnv = []string{"MIRRORBRAIN_DATABASE=" + s.database, "SSL_CERT_FILE=" + cert}
	s.must("edit", "berlin", "-H", mirrortest.Nginx(t, dir, mirrortest.Options{Host: germany}).URL, "-H",
		mirrortest.Nginx(t, dir, mirrortest.Options{Host: germany, Cert: cert, Key: key}).URL)
	s.must("scan", "berlin")

	_, port, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(s.base, "http://"), "/"))
	check(t, err)
	tlsPort := freePort(t, s.host)
	config := strings.Replace(string(text), "{\n", fmt.Sprintf("{\n\tadmin %s\n\thttp_port %s\n\thttps_port %d\n\tdefault_bind %s\n\tlocal_certs\n\tskip_install_trust\n",
		s.admin, port, tlsPort, s.host), 1)
	for _, r := range []struct{ old, new string }{
		{`/srv/pub`, s.root},
		// What is commented out is to work as well.
		{`(?m)^(\s*)# (geoip\s+)\S+$`, "${1}${2}" + filepath.Join(s.dir, "places.mmdb")},
		{`(?ms)^\t# servers \{.*?^\t# \}$`, "\tservers {\n\t\ttrusted_proxies static private_ranges\n\t}"},
	} {
		re := regexp.MustCompile(r.old)
		if !re.MatchString(config) {
			t.Errorf("the example has no %s any more", r.old)
		}
		config = re.ReplaceAllString(config, r.new)
	}
	file := filepath.Join(s.dir, "Caddyfile")
	s.write(file, config)
	s.caddy = startProcess(t, s.env(), filepath.Join(s.dir, "caddy.log"), filepath.Join(bin, "caddy"), "run", "--adapter", "caddyfile", "--config", file)

	const host = "dl.example.org"
	dial := &net.Dialer{}
	visitor := &http.Client{
		Timeout: 10 * time.Second, CheckRedirect: client.CheckRedirect,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				_, asked, _ := net.SplitHostPort(addr) // addr is a host and port
				return dial.DialContext(ctx, network, net.JoinHostPort(s.host, asked))
			},
		},
	}
	ask := func(base, path string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		check(t, err)
		req.Header.Set("X-Forwarded-For", inGermany)
		resp, err := visitor.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		return resp, err
	}
	for scheme, port := range map[string]string{"http": port, "https": strconv.Itoa(tlsPort)} {
		base := fmt.Sprintf("%s://%s:%s/", scheme, host, port)
		eventually(t, 30*time.Second, func() string {
			resp, err := ask(base, "healthz")
			if err != nil {
				return err.Error()
			}
			if resp.StatusCode != http.StatusOK {
				return resp.Status
			}
			return ""
		})
		resp, err := ask(base, files[3])
		check(t, err)
		if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusFound || !strings.HasPrefix(to, scheme+"://"+germany) {
			t.Errorf("%s: status %d, sent to %q", scheme, resp.StatusCode, to)
		}
		if resp, err = ask(base, "f/"); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: a folder: %v, %v", scheme, resp, err)
		}
	}
}
