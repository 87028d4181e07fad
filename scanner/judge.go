package scanner

import (
	"net/http"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/listing"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/origin/zone"
)

// Judge applies the rules of a scan to a single copy, when nothing more can be
// asked about it. The versions are those known of its path; an id may be among
// them several times, with each mtime it is known by. The version is set with
// Held. What is not told decides nothing: a copy without a size is Doubtful.
func Judge(e listing.Entry, versions []mirror.Version) (Verdict, mirror.Version) {
	q := question{e: &e, times: []int64{e.MTime}, asked: true}
	if e.ZoneUnknown {
		q.slack = zone.Zone{}.Slack()
	}
	m := decide(q, versions)
	switch m.verdict {
	case Ask, AskSize: // there is nobody left to ask
		return Doubtful, mirror.Version{}
	case Unknown, Held, Stale, Doubtful:
	}
	return m.verdict, m.version
}

// NewClient makes a client that asks m's web server as scans do: redirects lead
// as far as m's settings allow, and not from https to http. timeout bounds a
// whole request. Its CloseIdleConnections frees what it holds. The error is
// about m's source address or proxy.
func NewClient(m *mirror.Mirror, timeout time.Duration) (*http.Client, error) {
	w, err := openWeb(m, timeout)
	if err != nil {
		return nil, err
	}
	return w.client, nil
}

// ListingOptions gives what the listing of a URL of m takes from its settings.
func ListingOptions(m *mirror.Mirror, url string) listing.Options {
	protocol, _, _ := strings.Cut(url, ":")
	protocol, _, _ = strings.Cut(protocol, "+") // s3+https
	return listing.Options{
		PasswordFile: passwordFile(m, protocol),
		Source:       m.Rules.Source, Proxy: m.Rules.Proxy, Redirects: m.Redirects,
	}
}
