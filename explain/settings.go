package explain

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// settings are those that decide among mirrors, each with how it bears on this
// request.
func (e *explainer) settings() []Setting {
	s := &e.Settings
	list := []Setting{
		{"policy", s.Policy, e.orderEffect()},
		{"distance_factor", number(s.DistanceFactor), e.distanceEffect()},
		{"distance_slack", number(*s.DistanceSlackKm) + "km", "See distance_factor: the larger of both counts."},
		{"spill", strconv.Itoa(s.Spill), e.spillEffect()},
		{"affinity", "off", "Files do not stay with mirrors: each request is drawn."},
		{"sticky", "off", "Clients do not stay with mirrors: each request is drawn."},
		{"share_by", s.ShareBy, "Mirrors that share requests get numbers of requests in proportion to their scores."},
		{"retry", "off", "A client that asks again gets what it would get the first time."},
	}
	if s.Affinity != nil {
		list[4].Value = "copies " + strconv.Itoa(s.Affinity.Copies)
		list[4].Effect = e.affinityEffect(s.Affinity)
	}
	if s.Sticky > 0 {
		list[5].Value = time.Duration(s.Sticky).String()
		list[5].Effect = "A client stays with the same mirror for " + list[5].Value + ", among those that share its requests."
	}
	if s.ShareBy == redirector.ShareByBytes {
		list[6].Effect = "Mirrors that share requests get bytes in proportion to their scores: those that got much lately get less now."
	}
	if s.Retry > 0 {
		list[7].Value = time.Duration(s.Retry).String()
		list[7].Effect = "A client that asks for the same file again within " + list[7].Value + " gets another mirror, if there is one."
	}
	return list
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (e *explainer) orderEffect() string {
	cs := e.decision.Candidates
	if e.byDistance() {
		return "Mirrors in the client's network come first, then the nearest ones, whatever the borders."
	}
	text := "The client's network, country and continent come first, in this order"
	if len(cs) == 0 {
		return text + "; no mirror can serve the request."
	}
	return text + ". The closest mirrors that can serve it are those " + e.where() + "."
}

func (e *explainer) distanceEffect() string {
	nearest, placed := math.Inf(1), 0
	for _, c := range e.closest {
		if c.DistanceKm >= 0 {
			nearest = min(nearest, c.DistanceKm)
			placed++
		}
	}
	if placed == 0 {
		return "No distance is known, so it does not count."
	}
	reach := max(nearest*e.Settings.DistanceFactor, nearest+*e.Settings.DistanceSlackKm)
	return fmt.Sprintf("The nearest mirror is %.0f km away, so those at up to %.0f km share the requests.", nearest, reach)
}

func (e *explainer) spillEffect() string {
	cs := e.closest
	switch {
	case e.byDistance():
		return "Counts with policy tiers alone."
	case e.Settings.Spill == 0:
		return "The country or continent serves its clients alone, however few its mirrors are."
	case len(cs) == 0:
		return "There is nothing to be joined."
	case cs[0].Tier <= mirror.TierAS:
		return "Mirrors in the client's network are never joined by others."
	case len(cs) >= e.Settings.Spill:
		return fmt.Sprintf("%d mirrors are enough not to be joined by the next tier.", len(cs))
	}
	return fmt.Sprintf("Fewer than %d mirrors are joined by the next tier.", e.Settings.Spill)
}

func (e *explainer) affinityEffect(a *redirector.AffinitySettings) string {
	size := e.Query.Size
	switch {
	case e.Version == nil:
		return "There is no file to stay with mirrors."
	case size < a.MinSize:
		return fmt.Sprintf("The file is smaller than %d bytes, so each request is drawn.", a.MinSize)
	case size < a.FolderBelow:
		return fmt.Sprintf("The small files of a folder stay together, with %d of the mirrors that share the requests.", a.Copies)
	}
	return fmt.Sprintf("The file stays with %d of the mirrors that share the requests.", a.Copies)
}
