package mirrorlist

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/page"
)

func why() *Why {
	return &Why{
		Summary:  []string{"Sent to one of 3 mirrors in the client's country, de.", "<b>&\x1b\u202e"},
		Settings: []Setting{{"policy", "tiers", "The client's network comes first."}, {"spill", "0", "<script>"}},
	}
}

// Why the list is what it is stands in a section, whose table takes the place of
// the list of mirrors that are out.
func TestWhy(t *testing.T) {
	t.Parallel()
	f := sample()
	f.Why = why()
	s := look(t, render(t, newPage(t, page.Theme{}), f))
	for _, want := range []string{
		"Why this one?", "Sent to one of 3 mirrors", "The client's network comes first.", "Because", "only for clients in its prefixes", "<b>&", "<script>",
	} {
		if !strings.Contains(strings.ReplaceAll(s.text, "&#39;", "'"), want) && !strings.Contains(htmlText(s.text), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if !slices.Contains(s.ids, "mirrorbrain-why") || slices.Contains(s.ids, "mirrorbrain-excluded") {
		t.Errorf("the page has %v", s.ids)
	}
	if strings.ContainsAny(s.text, "\x1b\u202e") {
		t.Error("what could steer a reader is not taken out")
	}
	f.Excluded, f.Why.Settings = nil, nil
	if got := render(t, newPage(t, page.Theme{}), f); strings.Contains(got, "<table") {
		t.Error("empty tables are shown")
	}
}

// htmlText undoes the escapes of text.
func htmlText(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "&#39;", "'").Replace(s)
}
