package explain

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// How many mirrors a report lists of a kind: nobody is to be able to make a
// small question into a large answer.
const (
	publicList  = 100
	privateList = 2000
)

func (e *explainer) listed() int {
	if e.Private {
		return privateList
	}
	return publicList
}

// NotAvailable stands for reasons that not everybody may know.
const NotAvailable = "not available"

// Hidden reports whether nobody but the operator may learn that a mirror which
// cannot serve a request exists: it is not in use, or it is reserved for
// networks. now is in nanoseconds since the Unix epoch.
func Hidden(m *mirror.Mirror, now int64) bool {
	return !m.Enabled || m.ASOnly || m.PrefixOnly || m.Score <= 0 || m.Scan.Succeeded.IsZero() ||
		m.DisabledUntil.After(time.Unix(0, now))
}

// PublicReason gives a reason as everybody may know it.
func PublicReason(r redirector.Reason) string {
	if !r.Public() {
		return NotAvailable
	}
	return r.String()
}

// mirrors lists those that could serve the request and those that could not, as
// far as they may be shown. more: there are others.
func (e *explainer) mirrors() (in []Mirror, out []Out, more bool) {
	in, out = []Mirror{}, []Out{}
	for i := range e.decision.Candidates {
		in = append(in, e.candidate(&e.decision.Candidates[i]))
	}
	near := map[string]int{}
	for _, r := range e.decision.Rejected {
		m := e.Set.Mirror(r.Mirror)
		if !e.Private && Hidden(m, e.Query.Now) {
			continue
		}
		near[m.Name] = e.farness(m)
		out = append(out, e.rejection(m, r))
	}
	slices.SortFunc(out, func(a, b Out) int {
		return cmp.Or(cmp.Compare(near[a.Name], near[b.Name]), cmp.Compare(a.Name, b.Name))
	})
	limit := e.listed()
	more = len(in) > limit || len(out) > limit
	return in[:min(len(in), limit)], out[:min(len(out), limit)], more
}

// farness orders mirrors that are out: those in the client's country first, for
// which people ask.
func (e *explainer) farness(m *mirror.Mirror) int {
	c := &e.Query.Client
	switch {
	case m.Country != "" && m.Country == c.Country:
		return 0
	case m.Continent != "" && m.Continent == c.Continent:
		return 1
	}
	return 2
}

func (e *explainer) candidate(c *redirector.Candidate) Mirror {
	m := e.Set.Mirror(c.Mirror)
	out := Mirror{
		Name: m.Name, Country: m.Country, Continent: m.Continent,
		Tier: c.Tier.String(), Score: c.Score, Group: c.Group, Standing: c.Standing.String(),
	}
	if km := c.DistanceKm; km >= 0 && km < 1e6 {
		whole := int64(math.Round(km))
		out.DistanceKm = &whole
	}
	if e.Private {
		out.Weight = c.Weight
	}
	if e.sent {
		out.Probability, out.URL = rounded(c.Share), e.url(c.Mirror)
		if e.Private {
			out.Detail = e.former(c.Mirror)
		}
	}
	return out
}

func (e *explainer) rejection(m *mirror.Mirror, r redirector.Rejection) Out {
	if !e.Private {
		return Out{Name: m.Name, Country: m.Country, Reason: PublicReason(r.Reason)}
	}
	return Out{Name: m.Name, Country: m.Country, Reason: r.Reason.String(), Detail: e.detail(m, r)}
}

// detail says more about a reason than everybody may know. Of what a probe came
// across only that is repeated which cannot name a URL for scans.
func (e *explainer) detail(m *mirror.Mirror, r redirector.Rejection) string {
	now := time.Unix(0, e.Query.Now)
	switch r.Reason {
	case redirector.ReasonDisabled:
		_, why := m.State(now, 0)
		return why
	case redirector.ReasonDown:
		return since(m.Probe.Since, m.Probe.Error)
	case redirector.ReasonWayDown:
		var ways []string
		for w, s := range m.Probe.Ways {
			if s.Down {
				ways = append(ways, mirror.HTTPWay(w).String()+" "+since(s.Since, s.Error))
			}
		}
		return strings.Join(ways, "; ")
	case redirector.ReasonScanTooOld:
		return "last good scan " + minute(m.Scan.Succeeded)
	case redirector.ReasonMaxSize:
		return fmt.Sprintf("takes files of up to %d bytes", m.MaxSize)
	case redirector.ReasonSubtree:
		return "stands for /" + m.Subtree
	case redirector.ReasonNotHeld:
		return e.former(r.Mirror)
	default:
		return ""
	}
}

// former says which former version a mirror has.
func (e *explainer) former(i int) string {
	if e.Former == nil {
		return ""
	}
	v, ok := e.Former(i)
	switch {
	case !ok:
		return ""
	case v.Precision <= 0:
		return "has a former version, which is stale"
	}
	return "has the version of " + time.Unix(0, v.MTime).UTC().Format(time.DateTime) + ", which is stale"
}

// longestError is how many bytes of what a server said are repeated.
const longestError = 200

func since(t time.Time, why string) string {
	text := "since " + minute(t)
	for _, scheme := range []string{"rsync:", "ftp:", "s3:"} {
		if strings.Contains(why, scheme) {
			return text
		}
	}
	if why == "" {
		return text
	}
	return text + ": " + strings.ToValidUTF8(why[:min(len(why), longestError)], "")
}

func minute(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}
