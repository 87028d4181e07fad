package mirrorstatus

import (
	"bytes"
	_ "embed" // for the description
	"encoding/json"
	"math"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// openAPI describes the documents (OpenAPI 3.1).
//
//go:embed openapi.json
var openAPI []byte

// allDoc is mirrors.json. Keys are only added.
type allDoc struct {
	AsOf     time.Time   `json:"as_of"`
	Partial  bool        `json:"partial"`
	Files    uint64      `json:"files"`
	Coverage float64     `json:"coverage"`
	Up       int         `json:"up"`
	Total    int         `json:"total"`
	Count    int         `json:"countries"`
	Mirrors  []mirrorDoc `json:"mirrors"`
}

// mirrorDoc is a mirror.
type mirrorDoc struct {
	Name        string     `json:"name"`
	State       string     `json:"state"`
	Reason      string     `json:"reason"`
	Since       *time.Time `json:"since"`
	Operator    string     `json:"operator_name"`
	OperatorURL string     `json:"operator_url"`
	Notes       string     `json:"public_notes"`
	Continent   string     `json:"continent"`
	Country     string     `json:"country"`
	Latitude    *float64   `json:"lat"`
	Longitude   *float64   `json:"lng"`
	URLs        []urlDoc   `json:"urls"`
	Families    []string   `json:"address_families"`
	Subtree     string     `json:"subtree"`
	Scanned     *time.Time `json:"scanned"`
	Attempted   *time.Time `json:"scan_attempted"`
	Failing     bool       `json:"scan_failing"`
	Coverage    *shareDoc  `json:"coverage"`
	BehindSince *time.Time `json:"behind_since"`
	Markers     []shareDoc `json:"markers"`
	Folders     []shareDoc `json:"folders"`
	Traffic     *float64   `json:"traffic_share"`
}

type urlDoc struct {
	Protocol string `json:"protocol"`
	URL      string `json:"url"`
}

// shareDoc is how much of something a mirror has.
type shareDoc struct {
	Name  string  `json:"name"`
	Held  uint64  `json:"held"`
	Files uint64  `json:"files"`
	Share float64 `json:"share"`
	Has   bool    `json:"has"`
}

// oneDoc is NAME.json.
type oneDoc struct {
	AsOf    time.Time  `json:"as_of"`
	Partial bool       `json:"partial"`
	Mirror  mirrorDoc  `json:"mirror"`
	States  []stateDoc `json:"states"`
	Scans   []scanDoc  `json:"scans"`
}

type stateDoc struct {
	At     time.Time `json:"at"`
	Since  time.Time `json:"since"`
	State  string    `json:"state"`
	Reason string    `json:"reason"`
}

type scanDoc struct {
	At       time.Time `json:"at"`
	Seconds  float64   `json:"seconds"`
	OK       bool      `json:"ok"`
	Problem  string    `json:"problem"`
	Protocol string    `json:"protocol"`
	Held     uint64    `json:"held"`
	Files    uint64    `json:"files"`
	Response *float64  `json:"response_seconds"`
}

func allOf(s *Site) *allDoc {
	d := &allDoc{
		AsOf: s.AsOf.UTC(), Partial: s.Partial, Files: s.Files, Coverage: rounded(s.Coverage()),
		Up: s.Up(), Total: len(s.Mirrors), Count: s.Countries(), Mirrors: []mirrorDoc{},
	}
	for i := range s.Mirrors {
		d.Mirrors = append(d.Mirrors, docOf(s, &s.Mirrors[i]))
	}
	return d
}

func oneOf(s *Site, m *Mirror, h *History) *oneDoc {
	d := &oneDoc{AsOf: s.AsOf.UTC(), Partial: s.Partial || h == nil, Mirror: docOf(s, m), States: []stateDoc{}, Scans: []scanDoc{}}
	if h == nil {
		return d
	}
	for _, c := range h.Changes {
		d.States = append(d.States, stateDoc{c.At.UTC(), c.Since.UTC(), string(c.State), c.Reason})
	}
	for _, r := range h.Runs {
		one := scanDoc{At: r.At.UTC(), Seconds: seconds(r.Took), OK: r.OK, Protocol: r.Protocol, Held: r.Held, Files: r.Files}
		if !r.OK {
			one.Problem = Problem(r.Error)
			if one.Problem == "" {
				one.Problem = otherProblem
			}
		}
		if r.Response > 0 {
			v := seconds(r.Response)
			one.Response = &v
		}
		d.Scans = append(d.Scans, one)
	}
	return d
}

func docOf(s *Site, m *Mirror) mirrorDoc {
	d := mirrorDoc{
		Name: m.Name, State: string(m.State), Reason: m.Reason, Since: timeOrNil(m.Since),
		Operator: m.Operator, OperatorURL: m.OperatorURL, Notes: m.Notes, Continent: m.Continent, Country: m.Country,
		URLs: []urlDoc{}, Families: []string{}, Subtree: m.Subtree,
		Scanned: timeOrNil(m.Scanned), Attempted: timeOrNil(m.Attempted), Failing: m.Failing,
		BehindSince: timeOrNil(m.Copy.BehindSince), Markers: []shareDoc{}, Folders: []shareDoc{},
	}
	if m.HasCoords {
		d.Latitude, d.Longitude = &m.Lat, &m.Lng
	}
	for _, u := range m.URLs {
		d.URLs = append(d.URLs, urlDoc(u))
	}
	if m.Families&mirror.IPv4 != 0 {
		d.Families = append(d.Families, "IPv4")
	}
	if m.Families&mirror.IPv6 != 0 {
		d.Families = append(d.Families, "IPv6")
	}
	if c := &m.Copy; c.Files > 0 {
		d.Coverage = &shareDoc{"/" + m.Subtree, c.Held, c.Files, rounded(c.Coverage()), c.Held > 0}
	}
	for i, name := range s.Markers {
		if i < len(m.Copy.Markers) {
			d.Markers = append(d.Markers, shareOf(name, &m.Copy.Markers[i]))
		}
	}
	for i, path := range s.Folders {
		if i < len(m.Folders) {
			d.Folders = append(d.Folders, shareOf("/"+path, &m.Folders[i]))
		}
	}
	if m.Shared {
		v := rounded(m.Share.OfBytes)
		d.Traffic = &v
	}
	return d
}

func shareOf(name string, c *mirror.MarkerCopy) shareDoc {
	return shareDoc{name, c.Held, c.Files, rounded(c.Coverage()), c.Has}
}

// rounded gives a share with four digits, never rounded up to the whole.
func rounded(share float64) float64 { return math.Floor(share*1e4) / 1e4 }

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// jsonDocument writes JSON. Text that is not UTF-8 becomes U+FFFD in it.
func jsonDocument(v any) (*Document, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return &Document{Kind: kindJSON, Body: b.Bytes(), Policy: nothingPolicy}, nil
}
