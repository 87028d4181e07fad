package mirrorstatus

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// badge is a small image with two parts, to be put into other pages.
type badge struct {
	label, text string
	class       string
}

// colors of the right part: white text on them has a contrast of 4.5 or more.
var colors = map[string]string{classUp: "#0b7a45", classLate: "#9a5400", classOut: "#57616e", classDown: "#c62828"}

// badge is the one about all mirrors.
func (s *Site) badge(w words) badge {
	b := badge{w.Status.Badge, fmt.Sprintf("%s/%s", w.Number(int64(s.Up())), w.Number(int64(len(s.Mirrors)))), classUp}
	if s.Files > 0 {
		b.text = w.percent(s.Coverage()) + " · " + b.text
	}
	if s.Up() == 0 {
		b.class = classDown
	}
	return b
}

// badge is the one about a mirror.
func (m *Mirror) badge(w words) badge {
	b := badge{m.Name, w.state(m.State), classOf(m.State)}
	if b.class == classUp && m.Copy.Files > 0 {
		b.text += " · " + w.percent(m.Copy.Coverage())
	}
	return b
}

// badgeDocument draws a badge. Its text is stretched to the width that is kept for
// it, whatever font there is.
func badgeDocument(b badge, worded bool) *Document {
	left, right := textWidth(b.label), textWidth(b.text)
	total := left + right + 4*badgeGap
	name := html.EscapeString(b.label + ": " + b.text)
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="20" viewBox="0 0 %d 20" role="img" aria-label="%s"><title>%s</title>`, total, total, name, name)
	fmt.Fprintf(&out, `<clipPath id="r"><rect width="%d" height="20" rx="4"/></clipPath><g clip-path="url(#r)"><rect width="%d" height="20" fill="#3a424d"/><rect x="%d" width="%d" height="20" fill="%s"/></g>`,
		total, left+2*badgeGap, left+2*badgeGap, right+2*badgeGap, colors[b.class])
	out.WriteString(`<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">`)
	for _, t := range []struct {
		x, width int
		text     string
	}{{badgeGap, left, b.label}, {left + 3*badgeGap, right, b.text}} {
		fmt.Fprintf(&out, `<text x="%d" y="14" textLength="%d">%s</text>`, t.x, t.width, html.EscapeString(t.text))
	}
	out.WriteString("</g></svg>\n")
	return &Document{Kind: kindSVG, Body: out.Bytes(), Policy: nothingPolicy, Worded: worded}
}

// badgeGap is what is left free beside text.
const badgeGap = 7

// textWidth guesses how wide a text is in letters of eleven pixels.
func textWidth(s string) int {
	narrow := 0
	for _, r := range s {
		if strings.ContainsRune("iljt.,:;!|'1I/ ", r) {
			narrow++
		}
	}
	return utf8.RuneCountInString(s)*7 - narrow*2
}
