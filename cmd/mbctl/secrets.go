package main

import (
	"net/url"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// withoutPassword gives a URL as it may be kept in a file that others read. The
// user stays: a server may want one without a password. had: there was one.
func withoutPassword(raw string) (clean string, had bool) {
	if !strings.Contains(raw, "://") || strings.HasPrefix(raw, "exec:") {
		return raw, false
	}
	u, err := url.Parse(raw)
	if err != nil {
		return mirror.Redact(raw), strings.Contains(raw, "@")
	}
	if u.User == nil {
		return raw, false
	}
	if _, had = u.User.Password(); !had {
		return raw, false
	}
	u.User = url.User(u.User.Username())
	if u.User.Username() == "" {
		u.User = nil
	}
	return u.String(), true
}

// withoutUser gives a URL as everybody may see it; "" when it cannot be told.
func withoutUser(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}

// secretField is a setting whose URL may carry a password.
type secretField struct {
	key  string
	at   func(*settings) *string
	mend string // where the password belongs
}

var secretFields = []secretField{
	{"rsync", func(s *settings) *string { return &s.Rsync }, "put it into a file on the scanning host and name that in rsync_password_file"},
	{"ftp", func(s *settings) *string { return &s.FTP }, "put it into a file on the scanning host and name that in rsync_password_file"},
	{"s3", func(s *settings) *string { return &s.S3 }, "put the keys into a file on the scanning host and name that in s3_credentials_file"},
	{"proxy", func(s *settings) *string { return &s.Proxy }, "set it with 'mbctl edit NAME --proxy URL'"},
	{"push", func(s *settings) *string { return &s.Push }, "set it with 'mbctl edit NAME --push URL'"},
}

// takeSecrets takes the passwords out of s and gives the settings that had one.
func (s *settings) takeSecrets() (had []secretField) {
	for _, f := range secretFields {
		p := f.at(s)
		clean, found := withoutPassword(*p)
		if *p = clean; found {
			had = append(had, f)
		}
	}
	return had
}

// keepSecrets gives s the passwords of URLs that are otherwise those of now.
func (s *settings) keepSecrets(now *settings) {
	for _, f := range secretFields {
		stored := *f.at(now)
		if clean, had := withoutPassword(stored); had && clean == *f.at(s) {
			*f.at(s) = stored
		}
	}
}
