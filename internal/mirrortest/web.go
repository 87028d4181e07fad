package mirrortest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Nginx serves dir with index pages (autoindex on).
func Nginx(t testing.TB, dir string, opts ...Options) *Server {
	t.Helper()
	bin := Program(t, "nginx")
	o := one(opts).withDefaults(t)
	work := workDir(t)
	Readable(t, dir)
	user, scheme, tls := "", "http", ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	if o.Cert != "" {
		scheme, tls = "https", " ssl"
		o.Config += fmt.Sprintf("\nssl_certificate %s;\nssl_certificate_key %s;\n", o.Cert, o.Key)
	}
	conf := writeConfig(t, work, "nginx.conf", fmt.Sprintf(`
daemon off;
%s
worker_processes 1;
pid %[2]s/pid;
error_log stderr warn;
events { worker_connections 256; }
http {
	default_type application/octet-stream;
	types { text/html html; application/json json; }
	access_log off;
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	server {
		listen %[3]s%[4]s;
		root "%[5]s";
		autoindex on;
		%[6]s
	}
}
`, user, work, o.addr(), tls, dir, o.Config))
	s := start(t, o, work, bin, "-p", work, "-e", "stderr", "-c", conf)
	s.URL = scheme + "://" + o.addr() + "/"
	return s
}

// Apache serves dir with index pages in its own default form, the plain list;
// Options.Config may hold IndexOptions for the others.
func Apache(t testing.TB, dir string, opts ...Options) *Server {
	t.Helper()
	bin := Program(t, "apache2")
	o := one(opts).withDefaults(t)
	work := workDir(t)
	Readable(t, dir)
	var b strings.Builder
	for _, m := range []string{
		"mpm_event", "authz_core", "authn_core", "authn_file", "authz_user", "auth_basic",
		"dir", "autoindex", "mime", "headers", "alias", "rewrite", "deflate", "filter",
	} {
		fmt.Fprintf(&b, "LoadModule %s_module %s/mod_%[1]s.so\n", m, apacheModules())
	}
	if os.Getuid() == 0 { // it refuses to serve as root
		b.WriteString("User nobody\nGroup nogroup\n")
	}
	fmt.Fprintf(&b, `
ServerName %s
Listen %s
PidFile %s/pid
DefaultRuntimeDir %[3]s
Mutex file:%[3]s default
ErrorLog %[3]s/log
ServerLimit 1
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 8
MinSpareThreads 1
MaxSpareThreads 8
TypesConfig /dev/null
AddType text/html .html
DocumentRoot "%s"
<Directory "%[4]s">
	Options +Indexes +FollowSymLinks
	DirectoryIndex disabled
	Require all granted
	%s
</Directory>
`, o.Host, o.addr(), work, dir, o.Config)
	conf := writeConfig(t, work, "apache.conf", b.String())
	s := start(t, o, work, bin, "-d", work, "-f", conf, "-DFOREGROUND")
	s.URL = "http://" + o.addr() + "/"
	return s
}

// apacheModules is the folder that holds Apache's modules.
func apacheModules() string {
	for _, dir := range []string{"/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/libexec/apache2"} {
		if _, err := os.Stat(filepath.Join(dir, "mod_autoindex.so")); err == nil {
			return dir
		}
	}
	return "/usr/lib/apache2/modules"
}

// Lighttpd serves dir with index pages (HTML, JSON to who asks for it).
func Lighttpd(t testing.TB, dir string, opts ...Options) *Server {
	t.Helper()
	bin := Program(t, "lighttpd")
	o := one(opts).withDefaults(t)
	work := workDir(t)
	Readable(t, dir)
	conf := writeConfig(t, work, "lighttpd.conf", fmt.Sprintf(`
server.modules = ("mod_dirlisting")
server.document-root = "%s"
server.bind = "%s"
server.port = %d
server.errorlog = "%s/log"
server.follow-symlink = "enable"
dir-listing.activate = "enable"
dir-listing.hide-dotfiles = "disable"
mimetype.assign = (".html" => "text/html", "" => "application/octet-stream")
%s
`, dir, o.Host, o.Port, work, o.Config))
	s := start(t, o, work, bin, "-D", "-f", conf)
	s.URL = "http://" + o.addr() + "/"
	return s
}
