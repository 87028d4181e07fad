package browsertest

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Link is an anchor of a page.
type Link struct {
	URL  string `json:"url"`  // as the browser would follow it
	Text string `json:"text"` // its name for people
}

const allLinks = `[...document.querySelectorAll("a[href], area[href], link[href], form[action]")].map(e => ({
	url: e.href && e.href.baseVal !== undefined ? new URL(e.href.baseVal, document.baseURI).href : e.href || e.action,
	text: (e.innerText || e.getAttribute("aria-label") || e.textContent || "").replace(/\s+/g, " ").trim() }))`

// Links are where the page leads, each URL once.
func (p *Page) Links() []Link {
	p.t.Helper()
	seen := map[string]bool{}
	return slices.DeleteFunc(Value[[]Link](p, allLinks), func(l Link) bool {
		again := seen[l.URL]
		seen[l.URL] = true
		return again
	})
}

// mostLinks is how many links of a page are followed.
const mostLinks = 150

// plain follows no redirects.
var plain = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 8, DisableCompression: true},
}

// Follow follows the page's links that lead to this machine, up to 150, and says
// what is wrong with any: an answer that is neither a success nor a redirect to
// this machine, a fragment that the page does not have. Links elsewhere are not
// followed; their schemes must be ones that people can follow.
func (p *Page) Follow() (wrong []string) {
	p.t.Helper()
	followed := 0
	for _, l := range p.Links() {
		u, err := url.Parse(l.URL)
		if err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
			if !isLoopback(u) {
				continue
			}
			if followed++; followed > mostLinks {
				break
			}
			err = p.follow(u)
		} else if err == nil && !slices.Contains([]string{"ftp", "ftps", "rsync", "magnet", "mailto", "data"}, u.Scheme) {
			err = fmt.Errorf("nobody can follow %q", u.Scheme)
		}
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s (%q): %v", l.URL, l.Text, err))
		}
	}
	return wrong
}

// follow asks for a link as the page's visitor would.
func (p *Page) follow(u *url.URL) error {
	if here, _, _ := strings.Cut(p.url, "#"); u.Fragment != "" && strings.HasPrefix(u.String(), here+"#") {
		if !Value[bool](p, fmt.Sprintf("document.getElementById(%q) !== null", u.Fragment)) {
			return fmt.Errorf("the page has no element of this id")
		}
		return nil
	}
	req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	for name, value := range p.view.Header {
		req.Header.Set(name, value)
	}
	resp, err := plain.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode / 100 {
	case 2:
		return nil
	case 3:
		to, err := resp.Location()
		if err != nil || !isLoopback(to) {
			return fmt.Errorf("a redirect to %v: %w", to, err)
		}
		return nil
	}
	return fmt.Errorf("the answer is %s", resp.Status)
}

func isLoopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}
