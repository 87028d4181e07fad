package worldmap

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestMap(t *testing.T) {
	t.Parallel()
	m := &Map{
		Title: `Mirrors & "you"`, Route: true,
		Points: []Point{
			{Lat: 48.1, Lng: 11.6, Class: ClassClient, Label: "You"},
			{Lat: 35.7, Lng: 139.7, Class: ClassBest, Label: "tokyo", URL: "https://tokyo.example/x?a=1&b=2"},
			{Lat: 52.5, Lng: 13.4, Class: ClassMirror, Label: "<b>berlin</b> & co"},
			{Lat: -33.9, Lng: 151.2, Class: ClassDown, Label: "sydney"},
			{Lat: 40.7, Lng: -74, Class: ClassOut, Label: "new york"},
			{Lat: 59.3, Lng: 18.1, Class: ClassOrigin, Label: "origin"},
			{Lat: 1.3, Lng: 103.8, Class: "<wonder>", Label: "singapore"},
			{Lat: -23.5, Lng: -46.6, Class: ClassLate},
			{Lat: 90, Lng: 0, Label: "the Pole"},
			{Lat: math.NaN(), Lng: math.NaN(), Label: "nowhere"},
		},
	}
	svg := read(t, string(m.SVG()))
	if svg.name != "svg" || svg.attr["role"] != "group" || svg.attr["aria-label"] != m.Title || svg.attr["viewBox"] != "0 0 2000 870" {
		t.Errorf("the map is a %s with %v", svg.name, svg.attr)
	}
	var drawn []string
	for _, g := range svg.all("g") {
		drawn = append(drawn, g.attr["class"])
	}
	want := []string{"out", "down", "late", "mirror", "mirror", "origin", "best", "client"}
	slices.Sort(drawn[:5])
	slices.Sort(want[:5])
	for i := range want {
		want[i] = "mirrorbrain-map-" + want[i]
	}
	if !slices.Equal(drawn, want) {
		t.Errorf("drawn are %v, want %v", drawn, want)
	}
	titles := svg.titles()
	if len(titles) != 7 || !slices.Contains(titles, "<b>berlin</b> & co") || slices.Contains(titles, "nowhere") {
		t.Errorf("the labels are %q", titles)
	}
	if links := svg.all("a"); len(links) != 1 || links[0].attr["href"] != "https://tokyo.example/x?a=1&b=2" || links[0].attr["tabindex"] != "-1" {
		t.Errorf("the links are %+v", links)
	}
	if m.Missing() != 2 {
		t.Errorf("%d are missing", m.Missing())
	}
}

// Without links it is an image to those who do not see it.
func TestImage(t *testing.T) {
	t.Parallel()
	m := &Map{Title: "Mirrors", Points: []Point{{Label: "null island", URL: "javascript:alert(1)"}}}
	svg := read(t, string(m.SVG()))
	if svg.attr["role"] != "img" || len(svg.all("a")) != 0 || len(svg.all("path")) != 1 {
		t.Errorf("got %v with %d links", svg.attr, len(svg.all("a")))
	}
	if empty := read(t, string(new(Map).SVG())); len(empty.children) != 1 {
		t.Errorf("the empty map has %d parts", len(empty.children))
	}
}

// However many there are, each is somewhere, and the map stays small.
func TestMany(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 20, 500, 5000} {
		m := sample(n)
		markup := string(m.SVG())
		if len(markup) > len(outline)+40_000 {
			t.Errorf("%d mirrors make %d bytes", n, len(markup))
		}
		svg := read(t, markup)
		groups, drawn := svg.all("g"), 0
		for _, g := range groups {
			count := 1
			if text := g.all("text"); len(text) > 0 {
				count, _ = strconv.Atoi(text[0].text)
			}
			drawn += count
		}
		if drawn != n+2 || len(groups) > 100 {
			t.Errorf("of %d points %d are drawn in %d spots", n+2, drawn, len(groups))
		}
	}
}

func TestSpot(t *testing.T) {
	t.Parallel()
	m := &Map{}
	for i := range 20 {
		p := Point{Lat: 52.5, Lng: 13.4, Class: ClassMirror, Label: "m" + strconv.Itoa(i), URL: "https://m.example/"}
		if i < 5 {
			p.Class = ClassDown
		}
		m.Points = append(m.Points, p)
	}
	svg := read(t, string(m.SVG()))
	g := svg.all("g")
	if len(g) != 1 || g[0].attr["class"] != "mirrorbrain-map-many mirrorbrain-map-mirror" || g[0].all("text")[0].text != "20" {
		t.Fatalf("got %d spots: %+v", len(g), g[0])
	}
	circles := g[0].all("circle")
	if len(circles) != 2 || circles[1].attr["class"] != "mirrorbrain-map-part mirrorbrain-map-down" || circles[1].attr["stroke-dasharray"] != "25 75" {
		t.Errorf("the part that is down is %v", circles[len(circles)-1].attr)
	}
	lines := strings.Split(svg.titles()[0], "\n")
	if len(lines) != named+1 || lines[0] != "m0" || lines[named] != "and 8 more" {
		t.Errorf("the names are %q", lines)
	}
	m.More, m.Points = "und %d weitere", m.Points[:named+1]
	if got := read(t, string(m.SVG())).titles()[0]; strings.Contains(got, "weitere") {
		t.Errorf("one is left out for a line that says so: %q", got)
	}
}

// All points in the sea around the edge and the corners are drawn, too.
func TestEverywhere(t *testing.T) {
	t.Parallel()
	m := &Map{}
	for lat := -57.; lat <= 84; lat += 3 {
		for lng := -180.; lng <= 180; lng += 3 {
			m.Points = append(m.Points, Point{Lat: lat, Lng: lng})
		}
	}
	together, _ := m.spots()
	n := 0
	for i := range together {
		n += len(together[i].points)
		for j := range together[:i] {
			a, b := &together[i], &together[j]
			if math.Hypot(a.x-b.x, a.y-b.y) < near {
				t.Fatalf("two spots at %.0f, %.0f", a.x, a.y)
			}
		}
	}
	if n != len(m.Points) {
		t.Errorf("%d of %d points are drawn", n, len(m.Points))
	}
}

func TestLegend(t *testing.T) {
	t.Parallel()
	m := sample(30)
	words := map[Class]string{ClassClient: "You", ClassBest: "<First>", ClassMirror: "Mirrors", ClassOrigin: "nowhere on it"}
	list := read(t, string(m.Legend(words)))
	var items []string
	for _, li := range list.all("li") {
		count := ""
		for _, s := range li.all("span") {
			count = s.text
		}
		items = append(items, strings.TrimSpace(li.text)+count)
	}
	if len(items) != 3 || items[0] != "You" || items[1] != "<First>" || !strings.HasPrefix(items[2], "Mirrors2") {
		t.Errorf("got %q", items)
	}
	if got := m.Legend(nil); got != "" {
		t.Errorf("without words: %q", got)
	}
}

// Whatever is drawn has a rule in the style sheet.
func TestStyle(t *testing.T) {
	t.Parallel()
	m := sample(200)
	for _, c := range classes {
		m.Points = append(m.Points, Point{Lat: -50, Lng: float64(10 * layer(c)), Class: c, URL: "/"})
	}
	page := read(t, "<p>"+string(m.SVG())+string(m.Legend(map[Class]string{ClassMirror: "x"}))+"</p>")
	for _, name := range []string{"svg", "g", "path", "circle", "ul"} {
		for _, e := range page.all(name) {
			for class := range strings.FieldsSeq(e.attr["class"]) {
				if !strings.Contains(Style(), "."+class+" ") && !strings.Contains(Style(), "."+class+",") {
					t.Errorf("no rule for %s", class)
				}
			}
			if e.attr["style"] != "" {
				t.Errorf("a style attribute, which no policy allows: %v", e.attr)
			}
		}
	}
	if strings.Contains(Style(), "url(") || strings.Contains(Style(), "@import") || strings.Contains(Style(), "</") {
		t.Error("the style sheet loads something")
	}
}

func BenchmarkMap(b *testing.B) {
	for _, n := range []int{20, 500} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			m := sample(n)
			buf := m.Append(nil)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = m.Append(buf[:0])
			}
		})
	}
}
