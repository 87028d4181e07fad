package geoip

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gaissmai/bart"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// The extent of rules. Nodes read them within a fraction of a second.
const (
	MaxRulesSize  = 1 << 20 // bytes
	MaxRulesLines = 100_000
)

// maxComplaints is how many lines with errors are named.
const maxComplaints = 10

// RulesSetting is the name of the setting of the database that holds the rules.
const RulesSetting = "geo_rules"

// ParseRules reads rules, one a line:
//
//	override 10.0.0.0/8 country=de lat=52.5 lng=13.4 asn=64512
//	override 192.0.2.0/24 unknown
//	continent tr @eu
//	edge at de ch
//	edge tr @eu @as
//	edge @oc @as @na
//	avoid ua ru by
//	neighbours @sa @na @eu
//	neighbours off
//
// Countries are written as they are, continents with an @, because as, na, sa
// and others are both. A # begins a comment. Nothing is overlooked: a line that
// says nothing valid, or what an earlier one said of the same thing, is an
// error that names it.
func ParseRules(text string) (*Rules, error) {
	if len(text) > MaxRulesSize {
		return nil, fmt.Errorf("%d bytes of rules: at most %d are accepted", len(text), MaxRulesSize)
	}
	p := ruleParser{lines: map[string]int{}, neighbours: maps.Clone(noRules.edges.Neighbours)}
	var complaints []error
	for line := range strings.Lines(text) {
		p.line++
		if p.line > MaxRulesLines {
			complaints = append(complaints, fmt.Errorf("more than %d lines", MaxRulesLines))
			break
		}
		if err := p.read(line); err != nil {
			complaints = append(complaints, fmt.Errorf("line %d: %w", p.line, err))
		}
		if len(complaints) >= maxComplaints {
			break
		}
	}
	if len(complaints) > 0 {
		return nil, errors.Join(complaints...)
	}
	return p.rules(), nil
}

type ruleParser struct {
	line  int
	lines map[string]int // where something was said first

	overrides  bart.Table[*override]
	continents map[string]string
	countries  map[string][]string
	ways       map[string][]string // to continents
	avoid      map[string][]string
	neighbours map[string][]string
	off        bool // no neighbours
}

func (p *ruleParser) rules() *Rules {
	if p.off {
		p.neighbours = nil
	}
	r := &Rules{edges: &mirror.Edges{
		Countries: p.countries, Continents: p.ways, Neighbours: p.neighbours, Avoid: p.avoid,
	}}
	if p.overrides.Size() > 0 {
		r.overrides = &p.overrides
	}
	if len(p.continents) > 0 {
		r.continents = new([26 * 26]string)
		for country, continent := range p.continents {
			r.continents[codeIndex(country)] = continent
		}
	}
	return r
}

// read takes in one line.
func (p *ruleParser) read(line string) error {
	if err := legible(line); err != nil {
		return err
	}
	line, _, _ = strings.Cut(line, "#")
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil
	}
	switch words[0] {
	case "override":
		return p.override(words[1:])
	case "continent":
		return p.continent(words[1:])
	case "edge":
		return p.edge(words[1:])
	case "avoid":
		return p.avoids(words[1:])
	case "neighbours":
		return p.neighbour(words[1:])
	}
	return fmt.Errorf("%.40q is not one of override, continent, edge, avoid, neighbours", words[0])
}

// legible refuses what would do something to a terminal, or hide in an editor.
func legible(line string) error {
	if !utf8.ValidString(line) {
		return errors.New("is not UTF-8")
	}
	for _, c := range strings.TrimRight(line, "\r\n") {
		if unicode.IsControl(c) && c != '\t' {
			return fmt.Errorf("holds the control character %U", c)
		}
		if unicode.Is(unicode.Bidi_Control, c) {
			return fmt.Errorf("holds %U, which changes the order of what is shown", c)
		}
	}
	return nil
}

// once refuses to hear of the same thing a second time.
func (p *ruleParser) once(what string) error {
	if before, ok := p.lines[what]; ok {
		return fmt.Errorf("%s is in line %d already", what, before)
	}
	p.lines[what] = p.line
	return nil
}

func (p *ruleParser) override(words []string) error {
	o, err := parseOverride(words)
	if err != nil {
		return err
	}
	c, err := o.compile()
	if err != nil {
		return err
	}
	if err := p.once("override " + c.network.String()); err != nil {
		return err
	}
	p.overrides.Insert(c.network, c)
	return nil
}

func (p *ruleParser) continent(words []string) error {
	if len(words) != 2 {
		return errors.New("write for example: continent tr @eu")
	}
	country, err := countryCode(words[0])
	if err != nil {
		return err
	}
	to, err := continentCode(words[1])
	if err != nil {
		return err
	}
	if err := p.once("continent " + country); err != nil {
		return err
	}
	put(&p.continents, country, to)
	return nil
}

// edge reads where clients of a country, or of a continent, may go, too. Ways to
// countries lead from countries alone.
func (p *ruleParser) edge(words []string) error {
	if len(words) < 2 {
		return errors.New("write for example: edge at de ch, edge tr @eu, or edge @oc @as @na")
	}
	from, isContinent, err := codeOrContinent(words[0])
	if err != nil {
		return err
	}
	countries, continents, err := ends(from, isContinent, words[1:])
	if err != nil {
		return err
	}
	if err := p.once("edge " + strings.ToLower(words[0])); err != nil {
		return err
	}
	if len(countries) > 0 {
		put(&p.countries, from, countries)
	}
	if len(continents) > 0 {
		put(&p.ways, wayKey(from, isContinent), continents)
	}
	return nil
}

// ends reads where edges from a country or continent lead.
func ends(from string, isContinent bool, words []string) (countries, continents []string, err error) {
	for _, word := range words {
		to, toContinent, err := codeOrContinent(word)
		if err != nil {
			return nil, nil, err
		}
		list := &countries
		if toContinent {
			list = &continents
		}
		switch {
		case isContinent && !toContinent:
			return nil, nil, fmt.Errorf("from a continent only continents can be reached, not %s", to)
		case to == from && isContinent == toContinent, slices.Contains(*list, to):
			return nil, nil, fmt.Errorf("%s is there already", word)
		}
		*list = append(*list, to)
	}
	return countries, continents, nil
}

// wayKey names where a way begins as [mirror.Edges] does.
func wayKey(from string, isContinent bool) string {
	if !isContinent && IsContinent(from) {
		return mirror.EdgeCountry + from
	}
	return from
}

func (p *ruleParser) avoids(words []string) error {
	if len(words) < 2 {
		return errors.New("write for example: avoid ua ru by")
	}
	var list []string
	for _, word := range words {
		c, err := countryCode(word)
		if err != nil {
			return err
		}
		if slices.Contains(list, c) {
			return fmt.Errorf("%s is there already", word)
		}
		list = append(list, c)
	}
	if err := p.once("avoid " + list[0]); err != nil {
		return err
	}
	put(&p.avoid, list[0], list[1:])
	return nil
}

func (p *ruleParser) neighbour(words []string) error {
	if len(words) == 1 && words[0] == "off" {
		p.off = true
		return p.once("neighbours off")
	}
	if len(words) < 2 {
		return errors.New("write for example: neighbours @sa @na @eu, or neighbours off")
	}
	var list []string
	for _, word := range words {
		c, err := continentCode(word)
		if err != nil {
			return err
		}
		if slices.Contains(list, c) {
			return fmt.Errorf("%s is there already", word)
		}
		list = append(list, c)
	}
	if err := p.once("neighbours @" + list[0]); err != nil {
		return err
	}
	p.neighbours[list[0]] = list[1:]
	return nil
}

// codeOrContinent reads a country, or a continent with its @.
func codeOrContinent(word string) (c string, isContinent bool, err error) {
	if strings.HasPrefix(word, "@") {
		c, err = continentCode(word)
		return c, true, err
	}
	c, err = countryCode(word)
	return c, false, err
}

func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}
