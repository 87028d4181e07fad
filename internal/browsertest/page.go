package browsertest

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// View is how a page is looked at. The zero value is a wide window, light, in
// English, with JavaScript.
type View struct {
	Width, Height int // of the window, in CSS pixels; 0: 1400 and 900
	Dark          bool
	Language      string            // Accept-Language; "": en
	NoScript      bool              // JavaScript is off
	Header        map[string]string // of requests, besides
}

// Scheme is the name of the view's colours.
func (v View) Scheme() string {
	if v.Dark {
		return "dark"
	}
	return "light"
}

// Page is an open page.
type Page struct {
	*tab

	t    testing.TB
	view View
	url  string
	axe  runtime.ExecutionContextID // the world with axe-core; 0: there is none yet
}

// Open opens a page. A test opens one page and goes on from there: it waits while
// others have two open.
func Open(t testing.TB, target string, v View) *Page {
	t.Helper()
	p := &Page{t: t, tab: take(t)}
	p.Set(v)
	p.Go(target)
	return p
}

// do runs steps in the page. The test fails if one cannot be done.
func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %s: %v", p.url, what, err)
	}
}

// Set changes how the page is looked at. Colours and width change at once, the
// rest with the next page.
func (p *Page) Set(v View) {
	p.t.Helper()
	if v.Width == 0 {
		v.Width = 1400
	}
	if v.Height == 0 {
		v.Height = 900
	}
	if v.Language == "" {
		v.Language = "en"
	}
	p.view = v
	header := network.Headers{"Accept-Language": v.Language}
	for name, value := range v.Header {
		header[name] = value
	}
	p.do("setting the view", chromedp.EmulateViewport(int64(v.Width), int64(v.Height)), chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		for method, params := range map[string]any{
			emulation.SetEmulatedMedia.Method: emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: v.Scheme()},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // a screenshot is of what comes to rest
			}},
			emulation.SetScriptExecutionDisabled.Method: emulation.SetScriptExecutionDisabledParams{Value: v.NoScript},
			network.SetExtraHTTPHeaders.Method:          network.SetExtraHTTPHeadersParams{Headers: header},
		} {
			if err := tab.Call(ctx, method, params, nil); err != nil {
				return fmt.Errorf("%s: %w", method, err)
			}
		}
		return nil
	}))
}

// Go opens another page in the tab and waits until it has loaded.
func (p *Page) Go(target string) {
	p.t.Helper()
	p.url, p.axe = target, 0
	p.do("opening it", chromedp.Navigate(target))
}

// Click clicks on the first element that a CSS selector finds, once it can be
// seen. Navigates: it is waited until the page that this leads to has loaded.
func (p *Page) Click(selector string, navigates bool) {
	p.t.Helper()
	click := chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)
	if !navigates {
		p.do("clicking on "+selector, click)
		return
	}
	p.axe = 0
	p.do("following "+selector, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.RunResponse(ctx, click)
		return err
	}))
	p.url = Value[string](p, "location.href")
}

// Type puts text into the first element that a CSS selector finds. A "\n" is the
// Enter key.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	p.do("typing into "+selector, chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
}

// Press presses a key, wherever the focus is: "\t" is Tab, "\r" Enter.
func (p *Page) Press(key string) {
	p.t.Helper()
	p.do("pressing a key", chromedp.KeyEvent(key))
}

// AllowClipboard lets the page read and write the clipboard, as if its visitor
// had said so.
func (p *Page) AllowClipboard() {
	p.t.Helper()
	u, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.CallBrowser(p.ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted,
			Origin: u.Scheme + "://" + u.Host,
		})
		if err != nil {
			p.t.Fatalf("allowing the clipboard: %v", err)
		}
	}
}

// Value is what a JavaScript expression comes to in the page, a promise awaited.
// It works with JavaScript off, too.
func Value[T any](p *Page, expression string) T {
	p.t.Helper()
	return valueIn[T](p, expression, 0)
}
