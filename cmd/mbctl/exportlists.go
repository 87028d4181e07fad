package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// publicDoc is what everybody may know of a mirror.
type publicDoc struct {
	Name           string     `json:"name"`
	State          string     `json:"state"`
	HTTP           []string   `json:"http"`
	Rsync          string     `json:"rsync"`
	FTP            string     `json:"ftp"`
	Subtree        string     `json:"subtree"`
	Continent      string     `json:"continent"`
	Country        string     `json:"country"`
	Latitude       *float64   `json:"lat"`
	Longitude      *float64   `json:"lng"`
	ASN            []uint32   `json:"asn"`
	Prefix         []string   `json:"prefix"`
	Score          int        `json:"score"`
	RegionOnly     bool       `json:"region_only"`
	CountryOnly    bool       `json:"country_only"`
	ASOnly         bool       `json:"as_only"`
	PrefixOnly     bool       `json:"prefix_only"`
	OtherCountries []string   `json:"other_countries"`
	OperatorName   string     `json:"operator_name"`
	OperatorURL    string     `json:"operator_url"`
	PublicNotes    string     `json:"public_notes"`
	Held           uint64     `json:"held"`
	Scanned        *time.Time `json:"scanned"`
	Admin          string     `json:"admin,omitempty"`       // only when contacts are wanted
	AdminEmail     string     `json:"admin_email,omitempty"` // likewise
}

func (a *app) publicOf(m *mirror.Mirror, contacts bool) publicDoc {
	s := settingsOf(m)
	state, _ := m.State(time.Now(), a.maxScanAge())
	d := publicDoc{
		Name: m.Name, State: string(state), HTTP: s.HTTP, Rsync: withoutUser(m.Rsync), FTP: withoutUser(m.FTP), Subtree: m.Subtree,
		Continent: m.Continent, Country: m.Country, Latitude: s.Latitude, Longitude: s.Longitude, ASN: s.ASN, Prefix: s.Prefix,
		Score: m.Score, RegionOnly: m.RegionOnly, CountryOnly: m.CountryOnly, ASOnly: m.ASOnly, PrefixOnly: m.PrefixOnly,
		OtherCountries: s.OtherCountries, OperatorName: m.OperatorName, OperatorURL: withoutUser(m.OperatorURL), PublicNotes: m.PublicNotes,
		Held: m.Scan.Held, Scanned: timeOrNil(m.Scan.Succeeded),
	}
	for i, u := range s.HTTP {
		d.HTTP[i] = withoutUser(u)
	}
	if contacts {
		d.Admin, d.AdminEmail = m.Admin, m.AdminEmail
	}
	return d
}

// exportCSV has a line of names and one for each mirror (RFC 4180, but for the
// ends of lines). Lists are joined by blanks.
func (a *app) exportCSV(mirrors []mirror.Mirror, contacts bool) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	head := []string{
		"name", "state", "http", "rsync", "ftp", "subtree", "continent", "country", "lat", "lng", "asn", "score",
		"operator_name", "operator_url", "public_notes", "held", "scanned",
	}
	if contacts {
		head = append(head, "admin", "admin_email")
	}
	rows := [][]string{head}
	for i := range mirrors {
		d := a.publicOf(&mirrors[i], contacts)
		row := []string{
			d.Name, d.State, strings.Join(d.HTTP, " "), d.Rsync, d.FTP, d.Subtree, d.Continent, d.Country,
			coordinate(d.Latitude), coordinate(d.Longitude), strings.Trim(fmt.Sprint(d.ASN), "[]"), strconv.Itoa(d.Score),
			d.OperatorName, d.OperatorURL, d.PublicNotes, strconv.FormatUint(d.Held, 10), "",
		}
		if d.Scanned != nil {
			row[len(row)-1] = d.Scanned.Format(time.RFC3339)
		}
		if contacts {
			row = append(row, d.Admin, d.AdminEmail)
		}
		rows = append(rows, row)
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

func coordinate(deg *float64) string {
	if deg == nil {
		return ""
	}
	return strconv.FormatFloat(*deg, 'f', -1, 64)
}

// exportMirmon writes the list of mirrors as mirmon reads it (mirmon(1),
// mirror_list): fields separated by white space.
func (a *app) exportMirmon(mirrors []mirror.Mirror, o exportOptions) []byte {
	var b bytes.Buffer
	var left []string
	for i := range mirrors {
		m := &mirrors[i]
		if m.Subtree != "" {
			left = append(left, m.Name)
			continue
		}
		country := m.Country
		if country == "" {
			country = "zz" // ISO 3166-1 leaves it to users; mirmon needs a word
		}
		for _, u := range append(append([]string{}, m.HTTP...), m.FTP, m.Rsync) {
			if u = withoutUser(u); u == "" {
				continue
			}
			fields := []string{country, u}
			if o.format == "mirmon-apache" {
				fields = append([]string{apacheType(u)}, fields...)
			}
			if o.emails && m.AdminEmail != "" && !strings.ContainsAny(m.AdminEmail, " \t\r\n") {
				fields = append(fields, m.AdminEmail)
			}
			b.WriteString(strings.Join(fields, "\t") + "\n")
		}
	}
	if len(left) > 0 && !a.quiet {
		fmt.Fprintf(a.err, "left out, as mirmon looks for its file at the top of the tree: %s\n", strings.Join(left, ", "))
	}
	return b.Bytes()
}

// apacheType is the protocol in the words that mirmon knows: with TLS too it is
// http or ftp.
func apacheType(u string) string {
	scheme, _, _ := strings.Cut(u, ":")
	return strings.TrimSuffix(scheme, "s")
}
