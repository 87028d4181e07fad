package redirector

import (
	"strconv"
	"strings"
)

// maxAccept is how many bytes of Accept fields are read, and maxRanges how
// many media ranges.
const (
	maxAccept = 4 << 10
	maxRanges = 64
)

// Negotiate chooses what a client gets that asks for a file with these Accept
// fields (RFC 9110 section 12.5.1). own is the media type of the file, without
// parameters; offered are the documents there may be.
//
// A client gets a Metalink if it names its type and wants nothing else more:
// "*/*" beside it, as aria2 sends it, is no obstacle. Of two versions that it
// likes as much it gets the one it names first: libzypp names both, but reads the
// pieces of version 3 alone. JSON it gets only if it
// prefers it to everything else, because libraries send "application/json,
// */*" with requests for anything. Without a type of ours it gets the file.
func Negotiate(accept []string, own string, offered Representations) Representation {
	var a acceptable
	for _, field := range accept {
		for r := range strings.SplitSeq(field[:min(len(field), maxAccept)], ",") {
			if a.ranges++; a.ranges > maxRanges {
				break
			}
			a.take(r, own)
		}
	}
	best, q := AsFile, a.others
	for _, r := range a.metalinks() {
		if w := a.weights[r]; offered.Has(r) && w > 0 && (w > q || w == q && best == AsFile) {
			best, q = r, w
		}
	}
	if w := a.weights[AsJSON]; offered.Has(AsJSON) && w > q {
		best = AsJSON
	}
	return best
}

// Negotiates is a cheap first look: only if some client's fields name a type of
// ours Negotiate can come to anything but the file.
func Negotiates(accept []string) bool {
	for _, f := range accept {
		f = strings.ToLower(f[:min(len(f), maxAccept)]) // types have no case; RFC 9110 section 8.3.1
		if strings.Contains(f, "metalink") || strings.Contains(f, "application/json") {
			return true
		}
	}
	return false
}

// acceptable is what a client accepts, by weight in thousandths.
type acceptable struct {
	weights [representations]int
	others  int // the most that it gives anything that is not one of ours
	ranges  int
	four    bool // version 4 of Metalink is named
	three   bool // version 3 is named before it
}

// metalinks are the versions, the one that is named first before the other.
func (a *acceptable) metalinks() [2]Representation {
	if a.three {
		return [...]Representation{AsMetalink, AsMeta4}
	}
	return [...]Representation{AsMeta4, AsMetalink}
}

// take adds one media range.
func (a *acceptable) take(r, own string) {
	kind, params, _ := strings.Cut(r, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	q := weight(params)
	if kind == own && own != "" { // names one of our types, and that is the file's
		a.others = max(a.others, q)
		return
	}
	switch kind {
	case "":
	case TypeMeta4:
		a.weights[AsMeta4] = q
		a.four = true
	case TypeMetalink:
		a.weights[AsMetalink] = q
		a.three = a.three || !a.four
	case TypeJSON:
		a.weights[AsJSON] = q
	default:
		a.others = max(a.others, q)
	}
}

// weight reads the q parameter (RFC 9110 section 12.4.2); 1000 where there is
// none, 0 where it makes no sense.
func weight(params string) int {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return int(q*1000 + 0.5)
	}
	return 1000
}
