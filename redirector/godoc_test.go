package redirector_test

import (
	"fmt"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/redirector"
)

// everything is a Holder: all mirrors have all files.
type everything struct{}

func (everything) Holds(int, mirror.FileID) bool { return true }

func ExampleSet_Choose() {
	now := time.Now()
	mirrors := []*mirror.Mirror{
		{
			Name: "berlin", HTTP: []string{"https://berlin.example/pub/"}, Score: 100, Enabled: true,
			Place: mirror.Place{Country: "de", Continent: "eu"}, Scan: mirror.ScanState{Succeeded: now},
		},
		{
			Name: "boston", HTTP: []string{"https://boston.example/"}, Score: 100, Enabled: true,
			Place: mirror.Place{Country: "us", Continent: "na"}, Scan: mirror.ScanState{Succeeded: now},
		},
	}
	set := redirector.Compile(mirrors, redirector.DefaultPolicy())

	var d redirector.Decision
	set.Choose(&redirector.Query{
		Client: mirror.Client{Place: mirror.Place{Country: "fr", Continent: "eu"}},
		File:   1, Size: 1 << 20, TLS: true, Now: now.UnixNano(),
	}, everything{}, nil, &d)

	location, link := redirector.Fields("https://dl.example/x.iso", "x.iso", d.Picks, nil, 0, redirector.Meta4)
	fmt.Println(location, d.Tier)
	for _, l := range link {
		fmt.Println(l)
	}
	// Output:
	// https://berlin.example/pub/x.iso region
	// <https://dl.example/x.iso.meta4>; rel=describedby; type="application/metalink4+xml"
	// <https://berlin.example/pub/x.iso>; rel=duplicate; pri=1; geo=de
	// <https://boston.example/x.iso>; rel=duplicate; pri=2; geo=us
}
