package browsertest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	code := m.Run()
	Close()
	os.Exit(code)
}

// site serves the given pages, by path; the header fields of a page are in its
// first lines, until an empty one.
func site(t *testing.T, pages map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		head, body, _ := strings.Cut(page, "\n\n")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		for line := range strings.Lines(head) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			w.Header().Set(name, value)
		}
		for _, name := range []string{"Accept-Language", "X-Forwarded-For"} {
			body = strings.ReplaceAll(body, "{"+name+"}", r.Header.Get(name))
		}
		_, _ = io.WriteString(w, body) // a browser that is gone shows in the test
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const (
	good = `X-Robots-Tag: none

<!DOCTYPE html>
<html lang="en">
<head>
<title>A good page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<style>
@media (prefers-color-scheme: dark) { body { background: #000 } .light { display: none } }
@media (prefers-color-scheme: light) { .dark { display: none } }
summary { padding: 1rem }
</style>
</head>
<body>
<main>
<h1>A good page</h1>
<p class="light">It is light.</p>
<p class="dark">It is dark.</p>
<p>{Accept-Language} {X-Forwarded-For}</p>
<noscript>There is no script.</noscript>
<p><a href="/other">Another page</a> <a href="#here">here</a> <a href="https://example.org/">elsewhere</a></p>
<details><summary>More</summary><p id="here">Opened.</p></details>
<form action="/other"><label>Name <input name="name"></label></form>
<button onclick="navigator.clipboard.writeText('copied')">Copy</button>
</main>
</body>
</html>
`
	other = "X-Robots-Tag: none\n\n<!DOCTYPE html><html lang=en><title>Other</title><link rel=icon href='data:,'><main><h1>Another page</h1></main></html>"

	// bad has one fault of each kind.
	bad = `Content-Security-Policy: default-src 'none'; script-src 'self'

<!DOCTYPE html>
<html>
<head><title>A bad page</title><style>body { color: #ccc; background: #ddd }</style></head>
<body>
<h1>Bad</h1>
<p style="width: 2000px">wide</p>
<p style="color: #aaa; background: #bbb">grey on grey</p>
<img src="/missing.png">
<img src="http://localhost:1/foreign.png" alt="">
<script src="/throws.js"></script>
<a href="/missing">nowhere</a> <a href="#missing">nowhere</a> <a href="javascript:alert(1)">script</a>
<div id="twice"><p id="twice">unclosed
</body>
</html>
`
)
