package asn

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// asNames is a list of names, as RIPE NCC publishes it in asn.txt and others as
// asnames.txt: number, name, country.
var asNames = lineFormat{
	name:    "AS names",
	example: "AS64500 EXAMPLE-AS Example Ltd, DE",
	parse:   parseASName,
}

func parseASName(line []byte, c *collector) error {
	word, rest := nextWord(line)
	asn, err := number32(word)
	if err != nil {
		return badLine("%q is no AS number", clip(word))
	}
	name := bytes.TrimSpace(rest)
	country := ""
	if i := bytes.LastIndexByte(name, ','); i >= 0 && len(bytes.TrimSpace(name[i+1:])) == 2 {
		country = string(name[i+1:])
		name = name[:i]
	}
	// A number with some text could be anything.
	if country == "" && word[0]|0x20 != 'a' {
		return badLine("has no country")
	}
	c.names.add(asn, string(name), country)
	return nil
}

// asOrg is CAIDA's AS organizations (as-org2info): lines with organizations
// (org_id|changed|name|country|source), then lines with the AS numbers of each
// (aut|changed|aut_name|org_id|opaque_id|source).
var asOrg = format{name: "CAIDA AS organizations", sniff: sniffASOrg, read: readASOrg}

const (
	orgLines     = "# format:org_id|changed|org_name|country|source"
	asOrgExample = "64500|20260101|EXAMPLE|EX-1|opaque|RIPE"
)

func sniffASOrg(_ string, head []byte) bool {
	return bytes.Contains(bytes.ReplaceAll(head, []byte("format: "), []byte("format:")), []byte(orgLines))
}

type organization struct{ name, country string }

// maxOrg bounds an organization's identifier, in bytes. Those of the registries
// have up to some thirty.
const maxOrg = 128

// newOrganization keeps nothing of the line's memory.
func newOrganization(name, country []byte) organization {
	return organization{strings.Clone(cleanName(string(name))), strings.Clone(cleanCountry(string(country)))}
}

func readASOrg(r io.Reader, c *collector) error {
	orgs := map[string]organization{}
	return eachLine(r, asOrgExample, func(n int, line []byte) error {
		if line = bytes.TrimSpace(line); skip(line) {
			return nil
		}
		c.stats.Lines++
		f := bytes.Split(line, []byte("|"))
		switch len(f) {
		case 5:
			if len(orgs) < maxNames && len(f[0]) <= maxOrg {
				orgs[string(f[0])] = newOrganization(f[2], f[3])
			}
			return nil
		case 6:
			if asn, err := number32(f[0]); err == nil {
				org := orgs[string(f[3])]
				c.names.add(asn, string(f[2])+" "+org.name, org.country)
				return nil
			}
		}
		c.reject(fmt.Errorf("line %d, %q: is neither an organization nor an AS; expected is a line like %q", n, clip(line), asOrgExample))
		return nil
	})
}
