package redirector

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Wishes are what the query string of a request may ask for. The zero value asks
// for nothing.
type Wishes struct {
	Country string     // be a client of this country: two lower-case letters
	ASN     uint32     // be a client of this autonomous system
	IP      netip.Addr // be the client with this address

	// HTTPS says by which scheme to be sent on: "1" by https, "0" by http, where
	// mirrors have it; "" by the one asked with.
	HTTPS string

	Avoid          []string // names of mirrors
	AvoidCountries []string // lower case
}

// Simulated reports whether the client says that it is elsewhere.
func (w *Wishes) Simulated() bool { return w.Country != "" || w.ASN != 0 || w.IP.IsValid() }

// maxWishes bounds what is taken from a list in a query string.
const maxWishes = 64

// wishes finds them among the arguments. What is not understood is not a wish.
func wishes(q url.Values) (w Wishes) {
	q = foldNames(q)
	if c := strings.ToLower(q.Get("country")); isCode(c) {
		w.Country = c
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(q.Get("as")), "AS"), 10, 32); err == nil {
		w.ASN = uint32(n)
	}
	if a, err := netip.ParseAddr(q.Get("ip")); err == nil {
		w.IP = a.Unmap().WithZone("")
	}
	if s := q.Get("https"); s == "1" || s == "0" {
		w.HTTPS = s
	}
	w.Avoid = splitWishes(q["avoid"])
	w.AvoidCountries = splitWishes(q["avoid_country"])
	for i, c := range w.AvoidCountries {
		w.AvoidCountries[i] = strings.ToLower(c)
	}
	return w
}

// isCode reports whether c has the form of a country's code. Nothing else may
// get into log fields and placeholders, which sites use in paths.
func isCode(c string) bool {
	return len(c) == 2 && 'a' <= c[0] && c[0] <= 'z' && 'a' <= c[1] && c[1] <= 'z'
}

func splitWishes(values []string) (out []string) {
	for _, v := range values {
		for s := range strings.SplitSeq(v, ",") {
			if s = strings.TrimSpace(s); s != "" && len(out) < maxWishes {
				out = append(out, s)
			}
		}
	}
	return out
}

// foldNames gives the arguments with those whose names have upper-case letters
// under their lower-case names, too: COUNTRY, as other redirectors write it, is
// country. What was written in lower case comes first.
func foldNames(q url.Values) url.Values {
	var odd []string
	for name := range q {
		if strings.ToLower(name) != name {
			odd = append(odd, name)
		}
	}
	if odd == nil {
		return q
	}
	folded := maps.Clone(q)
	slices.Sort(odd)
	for _, name := range odd {
		lower := strings.ToLower(name)
		folded[lower] = append(slices.Clip(folded[lower]), q[name]...)
	}
	return folded
}
