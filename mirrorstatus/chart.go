package mirrorstatus

import (
	"fmt"
	"html"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// chart is a small picture with what it says in words.
type chart struct {
	Title, Text string
	Wide        bool // as wide as the page
	SVG         template.HTML
}

// drawing is the inside of an SVG image. Only numbers, names of classes and
// escaped text go into it.
type drawing struct{ strings.Builder }

func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(&d.Builder, format, args...) }

// text writes text at a place; anchor is start, middle or end.
func (d *drawing) text(x, y float64, anchor, s string) {
	d.printf(`<text x="%s" y="%s" text-anchor="%s">%s</text>`, num(x), num(y), anchor, html.EscapeString(s))
}

// frame draws the ticks of the time, and lines with their names for some values.
func (d *drawing) frame(a axis, lines []line, y func(float64) float64) {
	for _, l := range lines {
		at := y(l.value)
		d.printf(`<path class="mirrorbrain-grid" d="M%d %sH%d"/>`, plotLeft, num(at), plotRight)
		d.text(plotLeft-5, at+4, "end", l.name)
	}
	for _, t := range a.ticks() {
		x := a.x(t.at)
		d.printf(`<path class="mirrorbrain-grid" d="M%s %dv4"/>`, num(x), plotBottom)
		d.text(min(x, plotRight-14), plotBottom+16, "middle", t.name)
	}
}

// line is a value with its name.
type line struct {
	value float64
	name  string
}

// image closes a drawing. Its name and description are the chart's.
func (d *drawing) image(c *chart, height int) {
	// The words are beside it, too, so they are not repeated but as its name.
	svg := fmt.Sprintf(`<svg class="mirrorbrain-plot" viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWidth, height,
		html.EscapeString(c.Title+": "+c.Text)) + d.String() + "</svg>"
	c.SVG = template.HTML(svg) //nolint:gosec // see drawing
}

func (w words) empty(title string) chart { return chart{Title: title, Text: w.Status.NoData} }

// scale spreads values from low to high over the plot.
func scale(low, high float64) func(float64) float64 {
	return func(v float64) float64 {
		part := (v - low) / (high - low)
		return plotBottom - min(1, max(0, part))*(plotBottom-plotTop)
	}
}

// coverageChart is how much of the tree was held.
func (w words) coverageChart(runs []mirror.Run, a axis) chart {
	c := w.empty(w.Status.CoverTitle)
	type point struct {
		at    time.Time
		share float64
	}
	var points []point
	low, high := 1.0, 0.0
	for i := range runs {
		r := &runs[i]
		if !r.OK || r.Files == 0 || !a.has(r.At) {
			continue
		}
		points = append(points, point{r.At, min(1, r.Coverage())})
		low, high = min(low, r.Coverage()), max(high, r.Coverage())
	}
	if len(points) == 0 {
		return c
	}
	c.Text = fmt.Sprintf(w.Status.CoverSay, w.percent(low), w.percent(high), w.percent(points[len(points)-1].share))
	bottom := 0.0
	switch {
	case low >= 0.9:
		bottom = 0.9
	case low >= 0.5:
		bottom = 0.5
	}
	y := scale(bottom, 1)
	var d drawing
	d.frame(a, []line{{bottom, w.percent(bottom)}, {(bottom + 1) / 2, w.percent((bottom + 1) / 2)}, {1, w.percent(1)}}, y)
	var path strings.Builder
	for i, p := range points {
		if i == 0 {
			fmt.Fprintf(&path, "M%s %s", num(a.x(p.at)), num(y(p.share)))
			continue
		}
		fmt.Fprintf(&path, "H%sV%s", num(a.x(p.at)), num(y(p.share)))
	}
	fmt.Fprintf(&path, "H%d", plotRight)
	d.printf(`<path class="mirrorbrain-area" d="%sV%dH%sz"/>`, path.String(), plotBottom, num(a.x(points[0].at)))
	d.printf(`<path class="mirrorbrain-curve" d="%s"/>`, path.String())
	d.image(&c, chartHeight)
	return c
}

// responseChart is how long the web server took.
func (w words) responseChart(runs []mirror.Run, a axis) chart {
	c := w.empty(w.Status.TimeTitle)
	var at []time.Time
	var took []time.Duration
	for i := range runs {
		if r := &runs[i]; r.Response > 0 && a.has(r.At) {
			at, took = append(at, r.At), append(took, r.Response)
		}
	}
	if len(took) == 0 {
		return c
	}
	sorted := slices.Sorted(slices.Values(took))
	slowest := sorted[len(sorted)-1]
	c.Text = fmt.Sprintf(w.Status.TimeSay, w.millis(sorted[len(sorted)/2]), w.millis(slowest))
	top := nice(slowest)
	y := scale(0, float64(top))
	var d drawing
	d.frame(a, []line{{0, "0"}, {float64(top / 2), w.millis(top / 2)}, {float64(top), w.millis(top)}}, y)
	var path, dots strings.Builder
	for i := range took {
		x, v := num(a.x(at[i])), num(y(float64(took[i])))
		path.WriteString([]string{"M", "L"}[min(i, 1)] + x + " " + v)
		if len(took) <= 150 {
			dots.WriteString("M" + x + " " + v + "h0")
		}
	}
	d.printf(`<path class="mirrorbrain-curve mirrorbrain-thin" d="%s"/>`, path.String())
	if dots.Len() > 0 {
		d.printf(`<path class="mirrorbrain-dots" d="%s"/>`, dots.String())
	}
	d.image(&c, chartHeight)
	return c
}

// nice is the least of 1, 2 and 5 times a power of ten milliseconds that is not
// less, and at least 10 ms.
func nice(v time.Duration) time.Duration {
	for p := 10 * time.Millisecond; p < 1000*time.Hour; p *= 10 {
		for _, k := range [...]int{1, 2, 5} {
			if step := time.Duration(k) * p; v <= step {
				return step
			}
		}
	}
	return v
}

// scanChart is how many scans were good, and how many failed, by day or week.
func (w words) scanChart(runs []mirror.Run, a axis) chart {
	c := w.empty(w.Status.ScansTitle)
	good, bad := make([]int, a.buckets()), make([]int, a.buckets())
	goods, bads, most := 0, 0, 0
	for i := range runs {
		r := &runs[i]
		if !a.has(r.At) {
			continue
		}
		b := a.bucket(r.At)
		if r.OK {
			good[b]++
			goods++
		} else {
			bad[b]++
			bads++
		}
		most = max(most, good[b]+bad[b])
	}
	if most == 0 {
		return c
	}
	c.Text = fmt.Sprintf(w.Status.ScansSay, w.Number(int64(goods)), w.Number(int64(bads)))
	y := scale(0, float64(most))
	var d drawing
	d.frame(a, []line{{0, "0"}, {float64(most), w.Number(int64(most))}}, y)
	width := float64(plotRight-plotLeft) / float64(a.buckets())
	for i := range good {
		x := plotLeft + width*float64(i) + 0.5
		top := y(float64(good[i]))
		if good[i] > 0 {
			d.printf(`<rect class="mirrorbrain-good" x="%s" y="%s" width="%s" height="%s"/>`, num(x), num(top), num(width-1), num(plotBottom-top))
		}
		if bad[i] > 0 {
			end := y(float64(good[i] + bad[i]))
			d.printf(`<rect class="mirrorbrain-bad" x="%s" y="%s" width="%s" height="%s"/>`, num(x+0.5), num(end+0.5), num(width-2), num(max(1, top-end-1.5)))
		}
	}
	d.image(&c, chartHeight)
	return c
}
