package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// namedInSentence is how many mirrors a sentence names.
const namedInSentence = 5

// summary is the answer in sentences.
func (e *explainer) summary(r *Report) (out []string) {
	o := &r.Outcome
	switch {
	case e.sent:
		out = append(out, e.chosen(o))
		if o.Reason != ReasonMirror {
			out = append(out, redirectReasons[o.Reason])
		}
	case o.Result == ResultRedirect:
		out = append(out, e.elsewhereText(o))
	case o.Result == ResultError:
		out = append(out, fmt.Sprintf("Answered with %d: %s.", o.Status, reasonText(o.Reason)))
	default:
		out = append(out, "Served from here: "+reasonText(o.Reason)+".")
	}
	if e.Version == nil || e.Local != "" || e.Exempt != "" || e.Refused != "" {
		return out // it is not for mirrors
	}
	if e.Query.Client.Country == "" && e.Query.Client.Continent == "" {
		out = append(out, "It is not known where the client is.")
	}
	return append(out, e.nearButOut(r)...)
}

// redirectReasons say what is particular about a redirect to a mirror.
var redirectReasons = map[string]string{
	ReasonOutdated: "What is there is a former version of the file; allow_outdated allows for that.",
	ReasonRemoved:  "The file is not in the index any more; mirrors still have it, and keep_removed allows for that.",
}

// chosen says which mirror it is, or which ones share the requests, and why.
func (e *explainer) chosen(o *Outcome) string {
	cs, where := e.closest, e.where()
	if len(o.To) > 1 {
		return fmt.Sprintf("Sent to one of %d mirrors %s: %s.", len(o.To), where, shares(o.To))
	}
	name, km := o.To[0].Name, ""
	if d := cs[0].DistanceKm; d >= 0 && e.Set.Mirror(cs[0].Mirror).Name == name {
		km = fmt.Sprintf(", %.0f km away", d)
	}
	alike := 0
	for _, c := range cs {
		if c.Standing == cs[0].Standing {
			alike++
		}
	}
	switch what := e.stays(); {
	case len(cs) == 1:
		return fmt.Sprintf("Sent to %s%s: of the mirrors %s, only this one can serve it.", name, km, where)
	case alike > 1 && what != "":
		return fmt.Sprintf("Sent to %s%s, every time: one of %d mirrors %s, with which %s.", name, km, alike, where, what)
	case cs[0].DistanceKm >= 0:
		return fmt.Sprintf("Sent to %s%s: the nearest of %d mirrors %s.", name, km, len(cs), where)
	}
	return fmt.Sprintf("Sent to %s: it comes first of %d mirrors %s.", name, len(cs), where)
}

// stays says what it is that keeps a request with one of several mirrors; ""
// nothing does.
func (e *explainer) stays() string {
	switch {
	case e.Settings.Sticky > 0 && e.Settings.Affinity != nil:
		return "the client (sticky) and the file (affinity) stay"
	case e.Settings.Sticky > 0:
		return "the client stays (sticky)"
	case e.Settings.Affinity != nil:
		return "the file stays (affinity)"
	}
	return ""
}

func shares(to []Target) string {
	var parts []string
	for i := range to[:min(len(to), namedInSentence)] {
		parts = append(parts, to[i].Name+" "+percent(to[i].Probability))
	}
	if more := len(to) - namedInSentence; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// percent writes a probability with as many digits as tell it from others.
func percent(p float64) string {
	switch {
	case p > 0 && p < 0.001:
		return "< 0.1 %"
	case p < 0.0995:
		return strconv.FormatFloat(p*100, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(p*100, 'f', 0, 64) + " %"
}

// where says what the closest mirrors have in common with the client.
func (e *explainer) where() string {
	t := e.closest[len(e.closest)-1].Tier
	if t > mirror.TierAS && t != mirror.TierLastResort && e.byDistance() {
		return "near the client, whatever the borders"
	}
	if e.beyond {
		return e.beyondText()
	}
	return tierText(t, &e.Query.Client)
}

// beyondText names the continents that edges or neighbours have put before the
// rest of the world.
func (e *explainer) beyondText() string {
	var codes []string
	for _, c := range e.closest {
		if code := e.Set.Mirror(c.Mirror).Continent; c.Tier == mirror.TierWorld && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	if len(codes) > 1 {
		return "on the continents that come next by edges or neighbours, " + strings.Join(codes, ", ")
	}
	return "on the continent that comes next by edges or neighbours, " + strings.Join(codes, ", ")
}

func tierText(t mirror.Tier, c *mirror.Client) string {
	switch t {
	case mirror.TierPrefix:
		return "that the client's network belongs to"
	case mirror.TierAS:
		return fmt.Sprintf("in the client's network, AS%d", c.ASN)
	case mirror.TierCountry:
		return "in the client's country, " + c.Country
	case mirror.TierOtherCountry:
		return "that serve the client's country, " + c.Country + ", too"
	case mirror.TierRegion:
		return "on the client's continent, " + c.Continent
	case mirror.TierWorld:
		return "anywhere"
	case mirror.TierLastResort:
		return "of last resort"
	default:
		return "of tier " + t.String()
	}
}

func (e *explainer) elsewhereText(o *Outcome) string {
	if o.Reason == kindFallback {
		names := o.To[0].Name
		if len(o.To) > 1 {
			names = fmt.Sprintf("one of %d servers that have everything, best first: ", len(o.To)) + namesOf(o.To)
		}
		return "No mirror can serve it, so it is sent to " + names + " (fallback)."
	}
	return fmt.Sprintf("Sent to %s, where the tree comes from, because there is no copy here: %s.", o.To[0].Name, reasonText(o.Reason))
}

func namesOf(to []Target) string {
	var names []string
	for i := range to[:min(len(to), namedInSentence)] {
		names = append(names, to[i].Name)
	}
	return strings.Join(names, ", ")
}

// nearButOut names mirrors that one would expect to be chosen and that are out:
// those in the client's country, where what is chosen is not closer than that.
func (e *explainer) nearButOut(r *Report) []string {
	country := e.Query.Client.Country
	if country == "" || e.sent && e.decision.Candidates[0].Tier < mirror.TierCountry {
		return nil
	}
	var names []string
	n := 0
	for i := range r.Out {
		if o := &r.Out[i]; o.Country == country {
			if n++; n <= namedInSentence {
				names = append(names, o.Name+" ("+o.Reason+")")
			}
		}
	}
	if n == 0 {
		return nil
	}
	if n > namedInSentence {
		names = append(names, fmt.Sprintf("and %d more", n-namedInSentence))
	}
	return []string{"Out in the client's country, " + country + ": " + strings.Join(names, ", ") + "."}
}

// reasonTexts say what the reasons of outcomes mean.
var reasonTexts = map[string]string{
	ReasonNotIndexed:            "the index does not know this path; if there is such a file here, it is new",
	ReasonAmbiguous:             "two paths of the tree have one hash, so it is not known which file this is",
	ReasonChanged:               "the file on disk is another than the one in the index, which is behind",
	ReasonClosed:                "there is such a file here, but others may not read it",
	ReasonNoMirror:              "no mirror can serve it to this client",
	ReasonOriginMirror:          "this server is one of the mirrors (origin_mirror), and comes first",
	ReasonLocalMaxSize:          "no mirror can serve it to this client, and it is too large to come from here (local_max_size)",
	redirector.ExemptMinSize:    "the file is smaller than min_size",
	redirector.ExemptNetwork:    "the client is in a network of exclude_network",
	redirector.ExemptAgent:      "the client's User-Agent is one of exclude_agent",
	redirector.ExemptPath:       "the path is one of exclude_path",
	redirector.ExemptMIME:       "the file's MIME type is one of exclude_mime",
	redirector.ExemptSignature:  "it is a signature or key, against which the rest is checked",
	redirector.ExemptChecksums:  "it is a list of checksums, against which the rest is checked",
	redirector.ExemptRepository: "it is the index of a package repository, against which the rest is checked",
	"head":                      "HEAD requests are not redirected (head local)",
}

func reasonText(reason string) string {
	if text, ok := reasonTexts[reason]; ok {
		return text
	}
	return reason
}
