package browsertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// screenshotsVar names the folder for screenshots.
const screenshotsVar = "MIRRORBRAIN_SCREENSHOTS"

// tallest is how much of a page is on a screenshot, in CSS pixels; the browser
// cannot do much more.
const tallest = 16000

// Screenshot puts a picture of the whole page into the folder that
// MIRRORBRAIN_SCREENSHOTS names, default bin/screenshots of the project, as
// NAME-WIDTH-SCHEME.png.
func (p *Page) Screenshot(name string) {
	p.t.Helper()
	dir := os.Getenv(screenshotsVar)
	if dir == "" {
		dir = filepath.Join(projectRoot(p.t), "bin", "screenshots")
	}
	file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, p.view.Width, p.view.Scheme()))
	height := min(Value[float64](p, "Math.ceil(Math.max(document.documentElement.scrollHeight, innerHeight))"), tallest)
	var picture []byte
	p.do("taking a screenshot", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		yes := true
		r, err := cdp.Call(ctx, tab, page.CaptureScreenshot, page.CaptureScreenshotParams{
			CaptureBeyondViewport: &yes, OptimizeForSpeed: &yes,
			Clip: &page.Viewport{Width: float64(p.view.Width), Height: height, Scale: 1},
		})
		picture = r.Data
		return err
	}))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.t.Fatalf("making the folder for screenshots: %v", err)
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// tooWide lists what stands out of the window to the right, outermost first.
const tooWide = `[...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > innerWidth + .5)
	.map(e => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + [...e.classList].map(c => "." + c).join("")).slice(0, 8)`

// Fits expects a page that cannot be scrolled sideways.
func (p *Page) Fits() {
	p.t.Helper()
	if width := p.width(); width > p.view.Width {
		p.t.Errorf("%s is %d pixels wide in a window of %d, because of %v", p.url, width, p.view.Width, Value[[]string](p, tooWide))
	}
}

// width is how far the page reaches, at least over the whole window.
func (p *Page) width() int {
	p.t.Helper()
	return Value[int](p, "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
}

// Text is the text that can be seen, spaces folded.
func (p *Page) Text() string {
	p.t.Helper()
	return Value[string](p, `document.body.innerText.replace(/\s+/g, " ").trim()`)
}
