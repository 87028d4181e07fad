package store

import (
	"net/url"
	"regexp"
	"strings"
)

const hidden = "xxxxx"

// keywordPassword finds the passwords, sslpassword's too, in keyword/value
// strings. Values may be quoted, and hold escaped blanks.
var keywordPassword = regexp.MustCompile(`(?is)(password\s*=\s*)(?:'(?:[^'\\]|\\.)*(?:'|$)|(?:\\.|[^\s\\])*)`)

// redact hides the passwords in a database URL that may hold several hosts,
// which net/url does not always take, and in what was given in its place. It
// rather hides too much.
func redact(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || strings.ContainsAny(scheme, " =") {
		return keywordPassword.ReplaceAllString(raw, "${1}"+hidden)
	}
	rest = redactQuery(rest)
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if name, _, has := strings.Cut(rest[:at], ":"); has {
			rest = name + ":" + hidden + rest[at:]
		}
	}
	return scheme + "://" + rest
}

// redactQuery hides the passwords in the query of a URL, whose keys may be
// encoded.
func redactQuery(s string) string {
	base, query, ok := strings.Cut(s, "?")
	if !ok {
		return s
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		key, _, has := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(key); has && (err != nil || strings.Contains(strings.ToLower(plain), "password")) {
			pairs[i] = key + "=" + hidden
		}
	}
	return base + "?" + strings.Join(pairs, "&")
}
