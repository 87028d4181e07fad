package mirrorstatus

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

// protocols in the order in which they are listed.
var protocols = [...]string{"https", "http", "ftp", "rsync"}

// Public makes of a mirror what everybody may know of it; maxScanAge is as of
// mirror.Mirror.State. ok is false for mirrors that nobody is to know of: those
// that are switched off or never chosen, and those that are reserved for
// networks.
func Public(m *mirror.Mirror, now time.Time, maxScanAge time.Duration) (p Mirror, ok bool) {
	if !m.Enabled || m.ASOnly || m.PrefixOnly || m.Score <= 0 || mirror.ValidName(m.Name) != nil {
		return Mirror{}, false
	}
	p = Mirror{
		ID: m.ID, Name: m.Name, Operator: m.OperatorName, OperatorURL: withoutUser(m.OperatorURL), Notes: m.PublicNotes,
		Place: m.Place, URLs: publicURLs(m), Families: m.Families & (mirror.IPv4 | mirror.IPv6), Subtree: m.Subtree,
		Scanned: m.Scan.Succeeded, Attempted: m.Scan.Attempted, Failing: m.Scan.Failures > 0,
	}
	p.State, p.Reason = m.PublicState(now, maxScanAge)
	return p, true
}

// publicURLs lists where everybody can get at the mirror's tree.
func publicURLs(m *mirror.Mirror) []URL {
	list := []URL{}
	for _, raw := range append(slices.Clone(m.HTTP), m.FTP, m.Rsync) {
		if u, ok := publicURL(raw); ok {
			list = append(list, u)
		}
	}
	slices.SortStableFunc(list, func(a, b URL) int {
		return cmp.Compare(slices.Index(protocols[:], a.Protocol), slices.Index(protocols[:], b.Protocol))
	})
	return list
}

// publicURL gives a URL for everybody. One with a password is for those alone
// who know it; a user without one is left out.
func publicURL(raw string) (URL, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return URL{}, false
	}
	if _, has := u.User.Password(); has {
		return URL{}, false
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	p := strings.ToLower(u.Scheme)
	return URL{p, u.String()}, slices.Contains(protocols[:], p)
}

// withoutUser gives the URL of a page, if it may be a link; "" if not.
func withoutUser(raw string) string {
	u, err := url.Parse(raw)
	if raw == "" || err != nil {
		return ""
	}
	u.User = nil
	if u.Scheme == "" { // a path would lead to a page of ours
		return ""
	}
	return page.SafeURL(u.String())
}
