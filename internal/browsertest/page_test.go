package browsertest

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestGood(t *testing.T) {
	t.Parallel()
	base := site(t, map[string]string{"/": good, "/other": other})
	p := Open(t, base+"/", View{Width: 360, Language: "de", Header: map[string]string{"X-Forwarded-For": "192.0.2.7"}})
	p.Quiet()
	p.Fits()
	p.Accessible()
	if wrong := p.Follow(); len(wrong) > 0 {
		t.Error(wrong)
	}
	if text := p.Text(); !strings.Contains(text, "It is light. de 192.0.2.7") || strings.Contains(text, "Opened") {
		t.Errorf("the page says %q", text)
	}
	p.Set(View{Dark: true})
	p.Accessible()
	if text := p.Text(); !strings.Contains(text, "It is dark. ") || strings.Contains(text, "no script") {
		t.Errorf("in the dark the page says %q", text)
	}
	p.Click("summary", false)
	if text := p.Text(); !strings.Contains(text, "Opened") {
		t.Errorf("after a click on the summary the page says %q", text)
	}
	p.AllowClipboard()
	p.Click("button", false)
	if got := Value[string](p, "navigator.clipboard.readText()"); got != "copied" {
		t.Errorf("the clipboard has %q", got)
	}
	p.Click("a", true)
	p.Go(base + "/")
	p.Type("input", "some text\n")
	p.Set(View{NoScript: true})
	p.Go(base + "/")
	p.Click("summary", false)
	if text := p.Text(); !strings.Contains(text, "There is no script.") || !strings.Contains(text, "Opened") {
		t.Errorf("without JavaScript the page says %q", text)
	}
	p.Quiet()
	if r := p.Requests(); !slices.Contains(r, base+"/other?name=some+text") {
		t.Errorf("the form was not sent: %q", r)
	}
}

// Each judge finds what is wrong with a page.
func TestBad(t *testing.T) {
	t.Parallel()
	base := site(t, map[string]string{"/": bad, "/throws.js": "Content-Type: text/javascript\n\nconsole.error('an error of ours'); throw new Error('thrown')"})
	p := Open(t, base+"/", View{Width: 360})
	faults := strings.Join(p.Faults(), "\n")
	for _, want := range []string{"Content Security Policy", "an error of ours", "thrown"} {
		if !strings.Contains(faults, want) {
			t.Errorf("the browser did not complain of %q, but of\n%s", want, faults)
		}
	}
	var rules []string
	for _, v := range p.Axe() {
		rules = append(rules, v.ID)
	}
	for _, want := range []string{"html-has-lang", "image-alt"} {
		if !slices.Contains(rules, want) {
			t.Errorf("axe-core has not found %s, but %v", want, rules)
		}
	}
	if wrong := strings.Join(p.Follow(), "\n"); strings.Count(wrong, "\n") != 2 || !strings.Contains(wrong, "404") || !strings.Contains(wrong, "no element") || !strings.Contains(wrong, "javascript") {
		t.Errorf("following links found\n%s", wrong)
	}
}

// What the Content-Security-Policy of the page before has kept from view: colours,
// width, a request to another host.
func TestBadWithoutPolicy(t *testing.T) {
	t.Parallel()
	_, body, _ := strings.Cut(bad, "\n\n")
	base := site(t, map[string]string{"/": "X-Robots-Tag: none\n\n" + body})
	p := Open(t, base+"/", View{Width: 360})
	if !slices.ContainsFunc(p.Axe(), func(v Violation) bool { return v.ID == "color-contrast" }) {
		t.Error("axe-core does not mind grey on grey")
	}
	if got := p.Foreign(); !slices.Equal(got, []string{"http://localhost:1/foreign.png"}) {
		t.Errorf("requests to other hosts: %q", got)
	}
	if wide := Value[[]string](p, tooWide); !slices.Equal(wide, []string{"p"}) {
		t.Errorf("too wide is %v", wide)
	}
	if width := p.width(); width < 2000 {
		t.Errorf("the page is %d pixels wide", width)
	}
}

func TestScreenshot(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(screenshotsVar, dir)
	base := site(t, map[string]string{"/": strings.Replace(good, "<h1>", `<div style="height: 3000px"></div><h1>`, 1)})
	p := Open(t, base+"/", View{Width: 768, Dark: true})
	p.Screenshot("good")
	file, err := os.ReadFile(filepath.Join(dir, "good-768-dark.png"))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil || picture.Width != 768 || picture.Height < 3000 {
		t.Errorf("the screenshot is %d by %d: %v", picture.Width, picture.Height, err)
	}
}

func TestNu(t *testing.T) {
	t.Parallel()
	_, page, _ := strings.Cut(good, "\n\n")
	_, wrong, _ := strings.Cut(bad, "\n\n")
	found := Nu(t, map[string][]byte{
		"good.html":     []byte(page),
		"bad.html":      []byte(wrong),
		"in/inner.html": []byte(strings.Replace(page, "</main>", `<svg viewBox="0 0 1 1"><rectangle/></svg></main>`, 1)),
		"good.svg":      []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>`),
		"bad.svg":       []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rectangle/></svg>`),
		"good.css":      []byte("a { color: red }"),
		"bad.css":       []byte("a { colour: red }"),
	})
	for name, complains := range map[string]bool{"good.html": false, "bad.html": true, "in/inner.html": true, "good.svg": false, "bad.svg": true, "good.css": false, "bad.css": true} {
		if (len(found[name]) > 0) != complains {
			t.Errorf("%s: %v", name, found[name])
		}
	}
	if len(found["bad.html"]) < 4 {
		t.Errorf("a page with many faults: %v", found["bad.html"])
	}
}
