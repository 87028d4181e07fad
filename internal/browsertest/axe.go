package browsertest

import (
	"fmt"
	"os"
	"strings"
)

// Violation is a rule of axe-core's that a page breaks.
type Violation struct {
	ID     string `json:"id"`     // "color-contrast"
	Impact string `json:"impact"` // "minor" to "critical"
	Help   string `json:"help"`   // the rule, in words
	Nodes  []Node `json:"nodes"`  // where
}

// Node is an element that breaks a rule.
type Node struct {
	HTML    string `json:"html"`
	Summary string `json:"summary"` // what would mend it
}

func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", v.ID, v.Impact, v.Help)
	for i, n := range v.Nodes {
		if i == 5 {
			fmt.Fprintf(&b, "\n  and %d more", len(v.Nodes)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %.300s\n    %s", n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n    "))
	}
	return b.String()
}

// runAxe asks for the rules of WCAG 2.0 to 2.2, A and AA, and what axe-core
// knows as best practice.
const runAxe = `axe.run(document, {
	runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
	resultTypes: ["violations"],
	preload: false, // pages have their style in them
}).then(r => ({rules: r.violations.length + r.passes.length, violations: r.violations.map(v => ({
	id: v.id, impact: v.impact || "", help: v.help,
	nodes: v.nodes.map(n => ({html: n.html, summary: n.failureSummary || ""})),
}))}))`

// Axe gives the accessibility rules that the page breaks as it is looked at now.
func (p *Page) Axe() []Violation {
	p.t.Helper()
	if p.axe == 0 {
		source, err := os.ReadFile(tool(p.t, "axe-core/axe.min.js"))
		if err != nil {
			p.t.Fatal(err)
		}
		p.axe = p.world("axe")
		valueIn[struct{}](p, string(source)+"\n;0", p.axe)
	}
	result := valueIn[struct {
		Rules      int         `json:"rules"`
		Violations []Violation `json:"violations"`
	}](p, runAxe, p.axe)
	if result.Rules < 10 {
		p.t.Errorf("%s: axe-core has looked at %d rules only", p.url, result.Rules)
	}
	return result.Violations
}

// Accessible expects a page that breaks no accessibility rule.
func (p *Page) Accessible() {
	p.t.Helper()
	for _, v := range p.Axe() {
		p.t.Errorf("%s at %d pixels, %s: %s", p.url, p.view.Width, p.view.Scheme(), v)
	}
}
